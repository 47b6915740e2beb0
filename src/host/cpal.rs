//! Sound devices through cpal: which one is meant, and streams on them.

use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{BufferSize, ErrorKind, HostId, SampleFormat, StreamConfig, SupportedBufferSize, SupportedStreamConfigRange};

use super::attempt::{Attempt, Ends, Opened};
use super::event::Running;
use super::inlet::CaptureEnd;
use super::naming::{Named, host_of, meant, one_clock, unknown};
use super::options::{HostName, Options};
use super::pace::length;
use super::pcm::{Pcm, spread};
use super::stream::{Alarm, StreamEnd};
use crate::rt::quiet::quiet;

/// Frames a callback where nothing is asked for; JACK has its own.
const BUFFER: u32 = 512;
/// What is tried after that, in this order, and the device's default last: some take no size but their own.
const FALL_BACKS: [u32; 4] = [512, 1024, 256, 2048];

/// The two ways sound goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Out,
    In,
}

/// Names of the hosts in this build, in small letters. `[control]`
pub(super) fn host_names() -> Vec<&'static str> {
    cpal::ALL_HOSTS.iter().copied().map(host_name).collect()
}

/// A host's name, in small letters. `[any]`
pub(super) fn host_name(id: HostId) -> &'static str {
    const SMALL: [&str; 7] = ["alsa", "jack", "pulseaudio", "pipewire", "coreaudio", "wasapi", "asio"];
    SMALL.into_iter().find(|small| small.eq_ignore_ascii_case(id.name())).unwrap_or(id.name())
}

/// The hosts to try for a name, in order: JACK first, then as cpal prefers.
fn hosts(name: HostName) -> Vec<HostId> {
    // Those that are asked for by name are tried whatever cpal thinks of them: that gives a reason.
    let mut all = cpal::ALL_HOSTS.to_vec();
    match name {
        HostName::Auto => {
            all = cpal::available_hosts();
            all.sort_by_key(|id| host_name(*id) != "jack");
        }
        HostName::Silent => all.clear(),
        HostName::Jack => all.retain(|id| host_name(*id) == "jack"),
        HostName::Other(wanted) => all.retain(|id| host_name(*id) == wanted),
    }
    all
}

/// The rate of the device that would be played on [Hz]. May block. `[control]`
///
/// # Errors
/// Why there is none: a sentence.
pub(super) fn probe(options: &Options) -> Result<u32, String> {
    let _quiet = quiet();
    first(way_out(options.host, options), |id| {
        let device = find(id, options.device.as_deref(), &options.client, Way::Out)?;
        device.default_output_config().map(|config| config.sample_rate()).map_err(|why| plain(id, &why))
    })
}

/// Opens what an attempt asks for. May block. `[control]`
///
/// # Errors
/// Why it cannot be opened: a sentence.
pub(super) fn open(attempt: &Attempt) -> Result<Opened, String> {
    let _quiet = quiet();
    let options = &attempt.options;
    match &attempt.ends {
        Ends::Output(end) => first(way_out(attempt.host, options), |id| open_output(id, options, end, attempt.doublings)),
        Ends::Input(end) => first(way_in(attempt.host, options), |id| open_input(id, attempt, end)),
    }
}

/// The host to play through: that which the device's name begins with, where none was asked for.
fn way_out(asked: HostName, options: &Options) -> HostName {
    let named = options.device.as_deref().and_then(host_of).filter(|_| asked == HostName::Auto);
    named.unwrap_or(asked)
}

/// The host to capture through, where there is one to play through: that which the device's name begins with; any where that has no such
/// names.
fn way_in(out: HostName, options: &Options) -> HostName {
    let named = options.input.as_deref().filter(|name| *name != "default");
    let any = if matches!(out, HostName::Jack | HostName::Silent) { HostName::Auto } else { out };
    named.map_or(out, |name| host_of(name).unwrap_or(any))
}

/// The first success among a name's hosts, or all their troubles.
fn first<T>(name: HostName, mut try_one: impl FnMut(HostId) -> Result<T, String>) -> Result<T, String> {
    let mut troubles = Vec::new();
    for id in hosts(name) {
        match try_one(id) {
            Ok(found) => return Ok(found),
            Err(why) => troubles.push(why),
        }
    }
    Err(if troubles.is_empty() { format!("this build has no host `{name}`") } else { troubles.join("; ") })
}

/// A host's error in plain words.
fn plain(id: HostId, error: &cpal::Error) -> String {
    let host = host_name(id);
    match error.kind() {
        ErrorKind::DeviceBusy => format!("{host}: the device is in use by another program"),
        ErrorKind::PermissionDenied => format!("{host}: no permission (is the user in the group `audio`?)"),
        ErrorKind::HostUnavailable => format!("{host}: no server runs"),
        ErrorKind::DeviceNotAvailable if host == "alsa" => format!("{host}: no sound card"),
        _ => format!("{host}: {error}"),
    }
}

/// The device that is meant.
fn find(id: HostId, name: Option<&str>, client: &str, way: Way) -> Result<cpal::Device, String> {
    #[cfg(feature = "jack")]
    if host_name(id) == "jack" {
        return find_jack(name, client, way);
    }
    let _ = client;
    let host = cpal::host_from_id(id).map_err(|why| plain(id, &why))?;
    let Some(name) = name.filter(|name| *name != "default") else {
        let device = if way == Way::Out { host.default_output_device() } else { host.default_input_device() };
        return device.ok_or_else(|| format!("{}: no device", host_name(id)));
    };
    let devices: Vec<cpal::Device> = host.devices().map_err(|why| plain(id, &why))?.collect();
    let shelf: Vec<Named> = devices.iter().map(named).collect();
    let like = meant(name, &shelf);
    let fits = |at: &usize| if way == Way::Out { devices[*at].supports_output() } else { devices[*at].supports_input() };
    let best = like.iter().copied().find(fits);
    match best.and_then(|at| devices.into_iter().nth(at)) {
        Some(device) => Ok(device),
        None if like.is_empty() => Err(unknown(host_name(id), name, &shelf)),
        None => Err(format!("{}: `{name}` {} nothing", host_name(id), if way == Way::Out { "plays" } else { "captures" })),
    }
}

/// How a device is told apart.
pub(super) fn named(device: &cpal::Device) -> Named {
    let id = device.id().map(|id| id.to_string()).unwrap_or_default();
    let name = device.description().map(|told| told.name().lines().collect::<Vec<_>>().join(", ")).unwrap_or_default();
    Named { id, name }
}

/// JACK has no devices: each stream is a client, under our name. Made anew for each try, since it knows only the server of its making.
#[cfg(feature = "jack")]
fn find_jack(name: Option<&str>, client: &str, way: Way) -> Result<cpal::Device, String> {
    type JackDevice = <cpal::platform::JackHost as HostTrait>::Device;
    let own = if way == Way::Out { "output" } else { "input" };
    if let Some(name) = name.filter(|name| ![own, "default"].contains(&name.strip_prefix("jack:").unwrap_or(name))) {
        return Err(format!(
            "jack: no device `{name}`: a server has one card, chosen where it is started, and jack_connect or qpwgraph join its ports"
        ));
    }
    let device = match way {
        Way::Out => JackDevice::default_output_device(client, true, false),
        Way::In => JackDevice::default_input_device(client, true, false),
    };
    device.map(cpal::Device::from).map_err(|_| "jack: no server runs".to_owned())
}

/// What a device is asked for.
struct Wanted {
    rate: u32,
    channels: u16,
}

/// A device's configuration that is nearest to what is wanted: the rate first, then the channels, then the format.
fn nearest(device: &cpal::Device, wanted: &Wanted, way: Way) -> Result<(u32, u16, SampleFormat, SupportedBufferSize), cpal::Error> {
    let default = if way == Way::Out { device.default_output_config()? } else { device.default_input_config()? };
    let ranges: Vec<SupportedStreamConfigRange> = match way {
        Way::Out => device.supported_output_configs().map(Iterator::collect),
        Way::In => device.supported_input_configs().map(Iterator::collect),
    }
    .unwrap_or_default();
    let rate_of = |range: &SupportedStreamConfigRange| {
        let fits = |rate: u32| (range.min_sample_rate()..=range.max_sample_rate()).contains(&rate);
        if fits(wanted.rate) { Some((2, wanted.rate)) } else { fits(default.sample_rate()).then_some((1, default.sample_rate())) }
    };
    let best = ranges
        .iter()
        .filter_map(|range| {
            let (rate_rank, rate) = rate_of(range)?;
            let format_rank = format_rank(range.sample_format())?;
            let channels = range.channels();
            // More channels than wanted leave some silent, fewer lose something.
            let channel_rank = (channels >= wanted.channels, u16::MAX - channels.abs_diff(wanted.channels));
            Some(((rate_rank, channel_rank, format_rank), (rate, channels, range.sample_format(), *range.buffer_size())))
        })
        .max_by_key(|(rank, _)| *rank);
    Ok(best.map_or((default.sample_rate(), default.channels(), default.sample_format(), *default.buffer_size()), |(_, found)| found))
}

/// How well a format suits; `None`: not at all.
pub(super) fn format_rank(format: SampleFormat) -> Option<u8> {
    Some(match format {
        SampleFormat::F32 => 9,
        SampleFormat::F64 => 8,
        SampleFormat::I32 => 7,
        SampleFormat::I24 => 6,
        SampleFormat::I16 => 5,
        SampleFormat::U32 | SampleFormat::U24 => 4,
        SampleFormat::U16 | SampleFormat::I64 | SampleFormat::U64 => 3,
        SampleFormat::I8 | SampleFormat::U8 => 1,
        _ => return None,
    })
}

/// The buffer sizes to ask for, in order.
fn sizes(host: &str, asked: Option<u32>, doublings: u32, range: &SupportedBufferSize) -> Vec<BufferSize> {
    let mut sizes = Vec::new();
    if host != "jack" {
        let wanted = asked.unwrap_or(BUFFER).saturating_mul(1 << doublings.min(8));
        for size in std::iter::once(wanted).chain(FALL_BACKS.into_iter().filter(|size| doublings == 0 || *size >= wanted)) {
            let fits = match range {
                SupportedBufferSize::Range { min, max } => (*min..=*max).contains(&size),
                SupportedBufferSize::Unknown => true,
            };
            if fits && !sizes.contains(&BufferSize::Fixed(size)) {
                sizes.push(BufferSize::Fixed(size));
            }
        }
    }
    sizes.push(BufferSize::Default);
    sizes
}

/// Tries sizes until one is taken; another size is no answer to a device that is busy or gone.
fn try_sizes(
    sizes: Vec<BufferSize>,
    mut build: impl FnMut(BufferSize) -> Result<cpal::Stream, cpal::Error>,
) -> Result<cpal::Stream, cpal::Error> {
    let mut last = cpal::Error::from(ErrorKind::UnsupportedConfig);
    for size in sizes {
        match build(size).and_then(|stream| stream.play().map(|()| stream)) {
            Ok(stream) => return Ok(stream),
            Err(why) if matches!(why.kind(), ErrorKind::UnsupportedConfig | ErrorKind::InvalidInput | ErrorKind::BackendError) => {
                last = why
            }
            Err(why) => return Err(why),
        }
    }
    Err(last)
}

fn open_output(id: HostId, options: &Options, end: &StreamEnd, doublings: u32) -> Result<Opened, String> {
    let host = host_name(id);
    let device = find(id, options.device.as_deref(), &options.client, Way::Out)?;
    let wanted = Wanted { rate: end.rate(), channels: options.channels };
    let (rate, channels, format, range) = nearest(&device, &wanted, Way::Out).map_err(|why| plain(id, &why))?;
    let shown = host == "jack";
    // Made here once, so that a rate that cannot be reached is told in words.
    end.outlet(rate)?;
    let stream = try_sizes(sizes(host, options.buffer, doublings, &range), |buffer_size| {
        let config = StreamConfig { channels, sample_rate: rate, buffer_size };
        macro_rules! by_format {
            ($($name:ident $type:ty),*) => {
                match format {
                    $(SampleFormat::$name => output::<$type>(&device, config, end, shown),)*
                    _ => Err(ErrorKind::UnsupportedConfig.into()),
                }
            };
        }
        by_format!(F32 f32, F64 f64, I8 i8, I16 i16, I24 cpal::I24, I32 i32, I64 i64, U8 u8, U16 u16, U24 cpal::U24, U32 u32, U64 u64)
    })
    .map_err(|why| plain(id, &why))?;
    let running =
        Running { host, device: device.to_string(), rate, buffer: stream.buffer_size().ok(), channels, resampled: rate != end.rate() };
    Ok(Opened { running, stream: Box::new(stream) })
}

fn output<T: Pcm>(device: &cpal::Device, config: StreamConfig, end: &StreamEnd, shown: bool) -> Result<cpal::Stream, cpal::Error> {
    let (alarm, channels, device_channels) = (end.alarm(), end.channels(), usize::from(config.channels));
    let mut outlet = end.outlet(config.sample_rate).map_err(|why| cpal::Error::with_message(ErrorKind::UnsupportedConfig, why))?;
    let callback = move |out: &mut [T], told: &cpal::OutputCallbackInfo| {
        let frames = out.len() / device_channels;
        let times = told.timestamp();
        if shown {
            outlet.stamp([times.callback, times.playback].map(|time| (time.as_nanos() / 1000) as u64));
        }
        let ahead = times.playback.duration_since(times.callback);
        // Some hosts do not know; then it is about one buffer.
        let ahead = if ahead.is_zero() { length(frames as u64, config.sample_rate) } else { ahead };
        let mut at = 0;
        let given = outlet.fill(frames, ahead, |piece| {
            let count = piece.len() / channels * device_channels;
            spread(piece, channels, &mut out[at..at + count], device_channels);
            at += count;
        });
        if !given {
            out.fill(T::EQUILIBRIUM);
        }
    };
    device.build_output_stream(config, callback, error_callback(alarm), None)
}

fn open_input(id: HostId, attempt: &Attempt, end: &CaptureEnd) -> Result<Opened, String> {
    let (host, options) = (host_name(id), &attempt.options);
    let device = find(id, options.input.as_deref(), &options.client, Way::In)?;
    let wanted = Wanted { rate: end.rate(), channels: options.input_channels };
    let (rate, channels, format, range) = nearest(&device, &wanted, Way::In).map_err(|why| plain(id, &why))?;
    let same = is_clocked_as_output(id, options, &device, attempt.host);
    // Made here once, so that a rate that cannot be reached is told in words.
    end.inlet(rate, same)?;
    let stream = try_sizes(sizes(host, options.buffer, attempt.doublings, &range), |buffer_size| {
        let config = StreamConfig { channels, sample_rate: rate, buffer_size };
        macro_rules! by_format {
            ($($name:ident $type:ty),*) => {
                match format {
                    $(SampleFormat::$name => capture_stream::<$type>(&device, config, end, same),)*
                    _ => Err(ErrorKind::UnsupportedConfig.into()),
                }
            };
        }
        by_format!(F32 f32, F64 f64, I8 i8, I16 i16, I24 cpal::I24, I32 i32, I64 i64, U8 u8, U16 u16, U24 cpal::U24, U32 u32, U64 u64)
    })
    .map_err(|why| plain(id, &why))?;
    let running =
        Running { host, device: device.to_string(), rate, buffer: stream.buffer_size().ok(), channels, resampled: rate != end.rate() };
    Ok(Opened { running, stream: Box::new(stream) })
}

/// Whether a capturing device surely runs by the clock of the one that is played on through `way_out`.
fn is_clocked_as_output(id: HostId, options: &Options, device: &cpal::Device, way_out: HostName) -> bool {
    let host = host_name(id);
    if way_out.name() != host || host == "jack" {
        return way_out.name() == host;
    }
    let output = find(id, options.device.as_deref(), &options.client, Way::Out);
    output.is_ok_and(|output| one_clock(host, &named(&output).id, &named(device).id))
}

fn capture_stream<T: Pcm>(device: &cpal::Device, config: StreamConfig, end: &CaptureEnd, same: bool) -> Result<cpal::Stream, cpal::Error> {
    let device_channels = usize::from(config.channels);
    let mut inlet = end.inlet(config.sample_rate, same).map_err(|why| cpal::Error::with_message(ErrorKind::UnsupportedConfig, why))?;
    let callback = move |heard: &[T], _: &cpal::InputCallbackInfo| {
        inlet.push(heard.len() / device_channels, device_channels, |at| heard[at].to_float());
    };
    device.build_input_stream(config, callback, error_callback(end.alarm()), None)
}

/// On some hosts it runs on the audio thread, and on some tens of thousands of times a second: one atomic operation, one send in a life.
fn error_callback(alarm: Alarm) -> impl FnMut(cpal::Error) + Send + 'static {
    move |error| match error.kind() {
        ErrorKind::Xrun => alarm.xrun(),
        ErrorKind::DeviceChanged | ErrorKind::RealtimeDenied => {}
        _ => alarm.fatal(|| error.to_string()),
    }
}

/// So that a stream may be dropped on another thread than it was made on.
const _: fn() = || {
    fn is_send<T: Send>() {}
    is_send::<cpal::Stream>();
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_powers_of_two_unless_asked_and_within_what_the_device_takes() {
        let any = SupportedBufferSize::Unknown;
        let fixed = |sizes: &[u32]| sizes.iter().map(|size| BufferSize::Fixed(*size)).chain([BufferSize::Default]).collect::<Vec<_>>();
        assert_eq!(sizes("jack", Some(64), 0, &any), [BufferSize::Default], "JACK's size is its server's");
        assert_eq!(sizes("alsa", None, 0, &any), fixed(&[512, 1024, 256, 2048]));
        assert_eq!(sizes("alsa", Some(64), 0, &any), fixed(&[64, 512, 1024, 256, 2048]));
        assert_eq!(sizes("pulseaudio", Some(512), 2, &any), fixed(&[2048]));
        let small = SupportedBufferSize::Range { min: 16, max: 600 };
        assert_eq!(sizes("alsa", Some(4096), 0, &small), fixed(&[512, 256]));
    }

    #[test]
    fn jack_comes_first_where_nothing_is_asked_for() {
        let names: Vec<&str> = hosts(HostName::Auto).into_iter().map(host_name).collect();
        assert_eq!(names.contains(&"jack"), cfg!(all(feature = "jack", target_os = "linux")) || names[0] == "jack");
        if names.contains(&"jack") {
            assert_eq!(names[0], "jack");
        }
        assert!(hosts(HostName::Silent).is_empty());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_name_that_says_its_host_is_looked_for_there() {
        let named = |device: &str| Options { device: Some(device.to_owned()), ..Options::default() };
        assert_eq!(way_out(HostName::Auto, &named("alsa:hw:CARD=USB,DEV=0")), HostName::Other("alsa"));
        assert_eq!(way_out(HostName::Auto, &named("Scarlett")), HostName::Auto);
        assert_eq!(way_out(HostName::Silent, &named("alsa:hw:CARD=USB,DEV=0")), HostName::Silent, "what was asked for stands");
        let heard = |out, device: &str| way_in(out, &Options { input: Some(device.to_owned()), ..Options::default() });
        let alsa = HostName::Other("alsa");
        assert_eq!([HostName::Jack, alsa].map(|out| heard(out, "default")), [HostName::Jack, alsa]);
        assert_eq!([HostName::Jack, HostName::Silent, alsa].map(|out| heard(out, "alsa:hw:1")), [alsa; 3]);
        assert_eq!([HostName::Jack, HostName::Silent, alsa].map(|out| heard(out, "Webcam")), [HostName::Auto, HostName::Auto, alsa]);
    }

    #[test]
    #[cfg(all(feature = "jack", target_os = "linux"))]
    fn a_jack_server_has_no_devices_to_choose_from() {
        let refused = find_jack(Some("Scarlett"), "rackd", Way::Out).err().unwrap_or_default();
        assert!(refused.starts_with("jack: no device `Scarlett`: a server has one card"), "{refused}");
    }
}
