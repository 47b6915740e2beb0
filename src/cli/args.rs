//! The command line: what may be typed, and the help that teaches it.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::listening::Listening;
use super::parse;
use crate::control::peer_clock::Reading;
use crate::control::peers::Late;
use crate::daemon::{AtEnd, OSC_ADDRESS, Wish};
use crate::osc::link::Place;
use crate::rt::cores::Cores;

const AFTER: &str = "\
Start here:
  rackd play --demo                 hear the built-in patch, played for you over OSC
  rackd play patches/init.toml      play a patch; save the file while it sounds and hear the change
  rackd send /init/note 60 0.8      play a note on it, from another terminal
  rackd status                      how it fares
  rackd modules                     what a patch can be made of

Exit codes: 0 done, 1 the patch is wrong or the daemon refused, 2 the command line is wrong, 3 the machine refused.";

/// A modular synthesizer daemon: TOML patches in, sound out, played over OSC and MIDI.
#[derive(Debug, Parser)]
#[command(name = "rackd", version, about, after_help = AFTER, max_term_width = 100, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Say more on standard error (-v: what happens, -vv: what happens inside)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Play a patch until told to stop
    #[command(after_help = PLAY)]
    Play(Box<Play>),
    /// Render a patch to a WAV file: the same sound as `play`, exact and as fast as it goes
    #[command(after_help = RENDER)]
    Render(Render),
    /// Tell every mistake of patches
    #[command(after_help = CHECK)]
    Check(Check),
    /// What patches can be made of
    #[command(after_help = MODULES)]
    Modules(Modules),
    /// Send OSC messages and print the replies
    #[command(after_help = SEND)]
    Send(Send),
    /// How a running rackd fares: load, every message counted, lateness
    #[command(after_help = STATUS)]
    Status(Status),
    /// Move a controller, and it turns what you name; list, clear and save what turns what
    #[command(after_help = super::learn::HELP)]
    Learn(super::learn::Learn),
    /// Print the OSC messages that arrive, by any transport
    #[command(after_help = LISTEN)]
    Listen(Listen),
    /// Send a sound file or samples to a running rackd, or read what it gives out
    #[command(after_help = super::stream::HELP)]
    Stream(super::stream::Stream),
    /// The audio and MIDI devices of this machine, as options name them
    #[command(after_help = DEVICES)]
    Devices(Devices),
    /// Write files for other programs that know rackd
    #[command(after_help = SURFACE)]
    Surface(Surface),
    /// Plays a phrase to a running daemon.
    #[command(hide = true)]
    Perform(Perform),
}

const PLAY: &str = "\
Examples:
  rackd play                                the built-in patch
  rackd play --demo                         the same, and a phrase played to it over OSC
  rackd play patches/bass.toml              ALSA, JACK or PulseAudio, whichever is there
  rackd play patches/racks/split.toml       several patches at once, each with its keys
  rackd play patches/bass.toml --host jack --midi Keystation
  rackd play patches/bass.toml --host silent --record take.wav --for 10s
  rackd play patches/bass.toml --log set.oscl    and later: rackd render --log set.oscl -o set.wav
  (echo '/bass/note 48 0.9'; sleep 2) | rackd play patches/bass.toml --stdin
  rackd play patches/bass.toml --stdin=keep --json      for a program; plays on where that ends

While it plays, every input of every module is an OSC address: /bass/filter/cutoff 800.
Saving the file changes the sound without a click; a file with a mistake changes nothing.
Ctrl-C fades out and ends; a second Ctrl-C ends at once.";

/// `play`.
#[derive(Clone, Debug, Args)]
pub struct Play {
    /// The patch or rack; without one, the built-in patch
    pub file: Option<PathBuf>,
    /// How sound leaves this machine: auto, jack, pulseaudio, alsa, …, or silent for none at the right speed
    #[arg(long, default_value = "auto", value_name = "NAME")]
    pub host: String,
    /// Which device plays: its name or a part of it, or what `rackd devices` prints first
    #[arg(long, value_name = "NAME")]
    pub device: Option<String>,
    /// Which device is captured from for the patch's [in], named likewise: also another than plays, with a clock of its own, or one of another host
    #[arg(long, value_name = "NAME")]
    pub input_device: Option<String>,
    /// Frames a second; without it the device's own [Hz]
    #[arg(long, value_name = "HZ", value_parser = parse::rate)]
    pub rate: Option<u32>,
    /// Frames that the device asks for at once; without it the device's own
    #[arg(long, value_name = "FRAMES", value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub buffer: Option<u32>,
    /// Output channels; without it as many as the rack's slots go to, 2 at least
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub channels: Option<u16>,
    /// Threads that work on the sound: a number, or auto, one for each of this computer's cores, 4 at most; changes nothing that can be heard
    #[arg(long, value_name = "COUNT", default_value = "1", value_parser = parse::threads)]
    pub threads: usize,
    /// Let the audio threads go before all other programs: auto (where the system lets them), yes (or do not play), no
    #[arg(long, value_name = "WISH", default_value = "auto", value_parser = parse::wish)]
    pub realtime: Wish,
    /// Keep all of rackd in memory, so that sound never waits for a disk: auto, yes, no
    #[arg(long, value_name = "WISH", default_value = "auto", value_parser = parse::wish)]
    pub lock_memory: Wish,
    /// Work out the sound on these cores alone: 2 or 0,2 or 2-3
    #[arg(long, value_name = "CORES", value_parser = |text: &str| Cores::read(text))]
    pub affinity: Option<Cores>,
    /// Refuse no notes and shed no voices where there is too little time for them: it crackles instead
    #[arg(long)]
    pub keep_all: bool,
    /// Where to listen for OSC.
    #[command(flatten)]
    pub osc: Listening,
    /// What becomes of OSC bundles that come too late, for clients that do not say it themselves: run, drop or truncate
    #[arg(long, value_name = "POLICY", default_value = "run", value_parser = parse::late)]
    pub late: Late,
    /// OSC messages without a time act so long after they arrive and keep their spacing, for clients that do not say it themselves: 20ms, 40ms at most
    #[arg(long, value_name = "DURATION", default_value = "0ms", value_parser = parse::jitter)]
    pub jitter: Duration,
    /// By whose clock OSC time tags are read, for clients that do not say it themselves: own (this computer's), ping, tags or auto
    #[arg(long, value_name = "CLOCK", default_value = "auto", value_parser = parse::clock)]
    pub clock: Reading,
    /// Where to listen for streams of sound: a port, an address or unix:PATH; more than once for more (docs/streams.md)
    #[arg(long = "stream", value_name = "PLACE", value_parser = parse::stream_place)]
    pub streams: Vec<crate::stream::Place>,
    /// A MIDI input port to play from, by a part of its name; more than once for more; without it all, "none" for none
    #[arg(long, value_name = "NAME")]
    pub midi: Vec<String>,
    /// A MIDI output port to send to, by a part of its name; more than once for more. The port `rackd:out` is always there
    #[arg(long, value_name = "NAME")]
    pub midi_out: Vec<String>,
    /// Send on by MIDI what comes in by MIDI
    #[arg(long)]
    pub midi_thru: bool,
    /// Send a note-off by MIDI when the sound of a key has ended: for lights and displays
    #[arg(long)]
    pub note_ends: bool,
    /// Send the beat clock as a MIDI clock, with start, stop and song position
    #[arg(long)]
    pub clock_out: bool,
    /// Follow the MIDI clock of the input port with this in its name
    #[arg(long, value_name = "NAME")]
    pub clock_in: Option<String>,
    /// Share tempo and beat with the programs of this network that know Ableton Link
    #[cfg(feature = "link")]
    #[arg(long, conflicts_with = "clock_in")]
    pub link: bool,
    /// Play this score: .mid, .toml or .osc (docs/score.md)
    #[arg(long, value_name = "FILE")]
    pub score: Option<PathBuf>,
    /// Write what is heard to this file, WAV or FLAC by its ending; an existing file is kept, and -2 put after the name
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Write all that is done to this file, so that `rackd render --log` makes the same sound from it, sample by sample; an existing file is kept
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// The folder into which /record/start may write; without it that of the patch, or the current one
    #[arg(long, value_name = "FOLDER")]
    pub record_folder: Option<PathBuf>,
    /// End after this time: 10s, 1.5min, 800ms
    #[arg(long = "for", value_name = "DURATION", value_parser = parse::duration)]
    pub length: Option<Duration>,
    /// Start with the beat clock halted; /transport/play starts it
    #[arg(long)]
    pub paused: bool,
    /// Read one command a line (/bass/filter/cutoff 800), answer on standard output, end at end of file; with =keep play on then
    #[arg(long, value_name = "AT END", num_args = 0..=1, require_equals = true, default_missing_value = "end", value_parser = parse::at_end)]
    pub stdin: Option<AtEnd>,
    /// Say what happens as one JSON object a line on standard output
    #[arg(long)]
    pub json: bool,
    /// Play a phrase on the patch, from a second process over OSC; ends after it unless there is a terminal
    #[arg(long)]
    pub demo: bool,
}

const RENDER: &str = "\
Examples:
  rackd render patches/bass.toml --score song.mid -o bass.wav
  rackd render patches/racks/sixteen.toml --score song.mid -o song.wav
  rackd render patches/drone.toml --for 30s -o drone.wav --bits 24
  rackd render patches/echo.toml --input guitar.wav -o wet.wav
  rackd render --log set.oscl -o set.wav    a set that was played with --log set.oscl

Without --score a patch that takes notes plays A3 for half of the time, a drum kit each of its keys in turn;
of a rack, each slot in turn. The same patch and score give the same bytes at any --buffer, on any machine of one CPU family.";

/// `render`.
#[derive(Debug, Args)]
pub struct Render {
    /// The patch or rack
    #[arg(required_unless_present = "log")]
    pub file: Option<PathBuf>,
    /// Play a set once more that `rackd play --log` has written down: the same sound, sample by sample
    #[arg(long, value_name = "FILE", conflicts_with_all = ["file", "score", "input", "rate", "channels"])]
    pub log: Option<PathBuf>,
    /// Play this score: .mid, .toml or .osc (docs/score.md)
    #[arg(long, value_name = "FILE")]
    pub score: Option<PathBuf>,
    /// Sound for the patch's [in]: a WAV file at the same rate
    #[arg(long, value_name = "FILE")]
    pub input: Option<PathBuf>,
    /// How long; without it the score's or the input's length and 2 s, else 4 s
    #[arg(long = "for", value_name = "DURATION", value_parser = parse::duration)]
    pub length: Option<Duration>,
    /// The file to write; an existing one is replaced
    #[arg(short, long, value_name = "FILE", default_value = "out.wav")]
    pub output: PathBuf,
    /// Frames a second [Hz]
    #[arg(long, value_name = "HZ", default_value_t = 48_000, value_parser = parse::rate)]
    pub rate: u32,
    /// Frames worked out at once, 0.2 s at most; changes nothing that can be heard
    #[arg(long, value_name = "FRAMES", default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub buffer: u32,
    /// Threads that work on it: a number, or auto, one for each of this computer's cores, 4 at most; changes nothing that can be heard
    #[arg(long, value_name = "COUNT", default_value = "1", value_parser = parse::threads)]
    pub threads: usize,
    /// Output channels; without it as many as the rack's slots go to, 2 at least
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub channels: Option<u16>,
    /// Bits a sample
    #[arg(long, value_name = "BITS", default_value = "32f")]
    pub bits: Bits,
}

/// How a sample is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Bits {
    /// Whole numbers of 16 bits
    #[value(name = "16")]
    Sixteen,
    /// Whole numbers of 24 bits
    #[value(name = "24")]
    TwentyFour,
    /// Floating point of 32 bits: exactly what the engine put out
    #[value(name = "32f", alias = "32")]
    Float,
}

const CHECK: &str = "\
Examples:
  rackd check patches/*.toml
  rackd check --plan patches/bass.toml      what runs, in which order, with which delays

All mistakes of a file are told at once, each with its place and, where there is one, the nearest right name.";

/// `check`.
#[derive(Debug, Args)]
pub struct Check {
    /// The patches
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Print what each compiles to
    #[arg(long)]
    pub plan: bool,
}

const MODULES: &str = "\
Examples:
  rackd modules                 all kinds, by family
  rackd modules ladder          one kind: inputs, outputs, settings, what to patch it to
  rackd modules --markdown      the whole catalogue as one page";

/// `modules`.
#[derive(Debug, Args)]
pub struct Modules {
    /// One kind, in full
    pub name: Option<String>,
    /// Print Markdown
    #[arg(long)]
    pub markdown: bool,
}

const SEND: &str = "\
Examples:
  rackd send /bass/filter/cutoff 800              turn a knob
  rackd send /bass/filter/cutoff '800 Hz'         the same, with its unit
  rackd send /bass/filter/cutoff                  ask where it stands
  rackd send /bass/note 48 0.9 0.5                play C3 for half a second
  rackd send --in 200ms /bass/note 48 1 + /pad/note C4 0.5
                                                  a bundle: both on one sample, 200 ms from now
  rackd send --repeat 8 --every 125ms /drums/note 36 1
  rackd send --to tcp://192.168.1.20:57130 /ping  by TCP; also slip:// ws:// unix:PATH
  rackd send --to 127.0.0.1:9000 --wait 0 /led 3 r:ff8000
  rackd send - < messages.txt                     a message a line

Arguments are taken for what they look like: 48 is an integer, 0.9 a float, true and false are
booleans, all else is text. A letter and a colon before one say its type:
  i:48  h:48        integer of 32 and 64 bits        s:48           text
  f:1   d:1         float of 32 and 64 bits          b:00ff10       bytes in hex
  c:x               a character                      r:ff8000ff     a colour: red green blue alpha
  t:+200ms  t:now   a time (as for --at)             m:90,60,127    MIDI: [port,]status,data,data
  T  F  N  I        true, false, nil, impulse        [ 1 2 [ 3 ] ]  arrays

`+` alone begins the next message of a bundle. Options stand before the address: all behind it
is the message. Of MIDI the status is in hex, the rest in decimal.

Replies are printed as they could be sent. A /fail ends with 1, nobody there with 3.";

/// `send`.
#[derive(Debug, Args)]
pub struct Send {
    /// Such as /bass/filter/cutoff; `-` reads messages from standard input, one a line
    #[arg(value_parser = parse::address_or_lines)]
    pub address: String,
    /// Numbers, words and typed values; `+` begins the next message of a bundle
    #[arg(value_name = "ARG", allow_hyphen_values = true, trailing_var_arg = true)]
    pub arguments: Vec<String>,
    /// Where to send: ADDRESS or udp://ADDRESS, tcp://ADDRESS (size prefix), slip://ADDRESS, ws://ADDRESS/PATH, unix:PATH
    #[arg(long, value_name = "PLACE", default_value = OSC_ADDRESS, value_parser = parse::place)]
    pub to: Place,
    /// Put the messages into a bundle that acts this much later: 200ms, 1.5s
    #[arg(long = "in", value_name = "DURATION", value_parser = parse::duration, conflicts_with = "at")]
    pub ahead: Option<Duration>,
    /// Put the messages into a bundle for this time: now, +200ms, -20ms, seconds since 1970, 2026-01-31T18:00:00.5Z, 0x and 16 hex digits
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = parse::moment)]
    pub at: Option<String>,
    /// Send this often
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub repeat: u64,
    /// Time from one to the next; without it as fast as it goes
    #[arg(long, value_name = "DURATION", value_parser = parse::duration, requires = "repeat")]
    pub every: Option<Duration>,
    /// How long to wait for answers at most; 0 asks for none and waits for none
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = parse::patience)]
    pub wait: Duration,
    /// Print each reply as a JSON object
    #[arg(long)]
    pub json: bool,
}

const LISTEN: &str = "\
Examples:
  rackd listen                     UDP on 127.0.0.1:57140
  rackd listen 0.0.0.0:9000        from the network too: see what a phone sends
  rackd listen 9000 --tcp 9001 --ws 9002 --unix /tmp/osc
  rackd listen 9000 --types --filter '/*/note'
  rackd listen 9000 --rate         messages a second of each address
  rackd listen 9000 --json --count 10 | jq .args

Each line gives seconds since the start, who sent it, the address and the arguments, written as
`rackd send` takes them. A bundle stands above its messages, with its time tag as it stood to its
arrival (+200.000ms: that much ahead); bundles within bundles are indented. A packet that is no
OSC is shown with the reason. Nothing is answered. Ctrl-C ends.";

/// `listen`.
#[derive(Debug, Args)]
pub struct Listen {
    /// UDP ports, as 9000 or 0.0.0.0:9000 [default: 127.0.0.1:57140, unless another transport is named]
    #[arg(value_name = "ADDRESS", value_parser = parse::socket)]
    pub udp: Vec<std::net::SocketAddr>,
    /// TCP ports; size prefix and SLIP are told apart
    #[arg(long, value_name = "ADDRESS", value_parser = parse::socket)]
    pub tcp: Vec<std::net::SocketAddr>,
    /// WebSocket ports
    #[arg(long, value_name = "ADDRESS", value_parser = parse::socket)]
    pub ws: Vec<std::net::SocketAddr>,
    /// Sockets in the file system
    #[arg(long, value_name = "PATH")]
    pub unix: Vec<PathBuf>,
    /// Print each message as a JSON object: time, from, address, types, args, and of a bundle its time and how far ahead it was
    #[arg(long)]
    pub json: bool,
    /// Show the type tags
    #[arg(long)]
    pub types: bool,
    /// Show refused packets in hex too
    #[arg(long)]
    pub raw: bool,
    /// Once a second, print how many messages a second each address had
    #[arg(long)]
    pub rate: bool,
    /// Only addresses that match this OSC pattern, such as '/bass/*/cutoff'
    #[arg(long, value_name = "PATTERN")]
    pub filter: Option<String>,
    /// End after so many messages
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// End after this time: 10s, 1.5min, 800ms
    #[arg(long = "for", value_name = "DURATION", value_parser = parse::duration)]
    pub length: Option<Duration>,
}

const STATUS: &str = "\
Examples:
  rackd status                     of the rackd on this computer
  rackd status --watch             once a second, with what changed; Ctrl-C ends
  rackd status --watch 5s --json   one JSON object each five seconds
  rackd status --to 192.168.1.20:57130

Everything that came in is counted, and what became of it: packets = understood + malformed,
messages = accepted + refused + late-dropped, events = fed + merged + dropped + waiting. Ends
with 3 where none answers.";

/// `status`.
#[derive(Debug, Args)]
pub struct Status {
    /// Where rackd listens, as for `rackd send`
    #[arg(long, value_name = "PLACE", default_value = OSC_ADDRESS, value_parser = parse::place)]
    pub to: Place,
    /// How long to wait for the answer at most
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = parse::duration)]
    pub wait: Duration,
    /// Print a JSON object
    #[arg(long)]
    pub json: bool,
    /// Ask again and again; without a time, once a second
    #[arg(long, value_name = "DURATION", num_args = 0..=1, default_missing_value = "1s", value_parser = parse::duration)]
    pub watch: Option<Duration>,
}

const DEVICES: &str = "\
Examples:
  rackd devices                                    every host, device and MIDI port
  rackd devices --json | jq '.hosts[].devices[].id'
  rackd play --device alsa:hw:CARD=USB,DEV=0       what is printed first names one device, today and tomorrow
  rackd play --device usb --input-device webcam    a part of a name is enough
  rackd play --midi Keystation

\"in use\" stands where another program has a device, so that nothing can be asked of it.";

/// `devices`.
#[derive(Debug, Args)]
pub struct Devices {
    /// Print a JSON object
    #[arg(long)]
    pub json: bool,
}

const SURFACE: &str = "\
Examples:
  rackd surface --for schema > schema/patch.json

With `#:schema ../schema/patch.json` as its first line a patch is completed and checked while it is typed, in every editor
with a TOML language server (Taplo, Tombi).";

/// `surface`.
#[derive(Debug, Args)]
pub struct Surface {
    /// For which program
    #[arg(long = "for", value_name = "PROGRAM")]
    pub program: Program,
}

/// For whom `surface` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Program {
    /// Editors: the JSON Schema of the patch language
    Schema,
    /// Editors: the JSON Schema of rack files
    RackSchema,
    /// Readers: the table of OSC addresses that act, as Markdown
    Osc,
}

/// `perform`: the second process of `play --demo`.
#[derive(Clone, Debug, Args)]
pub struct Perform {
    /// Where the daemon listens.
    #[arg(value_parser = parse::socket)]
    pub to: std::net::SocketAddr,
    /// The slot to play.
    pub slot: String,
    /// A control to sweep.
    #[arg(long)]
    pub sweep: Option<String>,
    /// The patch takes no notes.
    #[arg(long)]
    pub no_notes: bool,
}
