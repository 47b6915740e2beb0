//! `/devices`: which sound devices there are, for clients. Sound systems may take seconds to tell, so a thread of its own asks them, and
//! nobody waits but who wants to know.

use std::mem::take;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::control::{Client, Code, Control, Fail, Message, Value};
use crate::host::devices::{HostListing, WayListing, spelled};

/// The verb.
const ADDRESS: &str = "/devices";

/// How the devices are listed.
pub type Lister = fn() -> Vec<HostListing>;

/// Who waits for an answer, and what is on its way to them.
pub struct Devices {
    news: Receiver<(Client, Message)>,
}

/// Who waits; and whether somebody asks the sound systems for them.
#[derive(Default)]
struct Waiting {
    clients: Vec<Client>,
    asking: bool,
}

impl Devices {
    /// Gives Control the verb; [`Self::look`] brings its answers. `[control]`
    pub fn start(control: &mut Control, lister: Lister) -> Self {
        let (to, news) = channel();
        let waiting = Arc::new(Mutex::new(Waiting::default()));
        control.hand_body_over(ADDRESS, move |_, call| {
            if !call.values.is_empty() {
                return Err(Fail::new(call.address, Code::WrongArguments, "nothing is wanted"));
            }
            let mut all = waiting.lock().unwrap_or_else(PoisonError::into_inner);
            all.clients.push(call.client);
            if !all.asking {
                let (waiting, to) = (Arc::clone(&waiting), to.clone());
                let asker = thread::Builder::new().name("device-lister".into()).spawn(move || answer(&waiting, lister, &to));
                if let Err(why) = asker {
                    all.clients.clear();
                    return Err(Fail::new(call.address, Code::Full, format!("the system gives no thread: {why}")));
                }
                all.asking = true;
            }
            Ok(Vec::new())
        });
        Self { news }
    }

    /// Brings what has been found to those who asked. To be called every few milliseconds. `[control]`
    pub fn look(&self, control: &mut Control) {
        for (client, message) in self.news.try_iter() {
            control.answer_later(client, message);
        }
    }
}

/// Asks the sound systems and answers all who wait by then.
fn answer(waiting: &Mutex<Waiting>, lister: Lister, to: &Sender<(Client, Message)>) {
    let found = std::panic::catch_unwind(lister);
    let messages = match &found {
        Ok(hosts) => told(hosts),
        Err(_) => vec![Fail::new(ADDRESS, Code::NotAllowed, "the sound system failed in itself").message()],
    };
    let mut all = waiting.lock().unwrap_or_else(PoisonError::into_inner);
    all.asking = false;
    for client in take(&mut all.clients) {
        for message in &messages {
            let _ = to.send((client, message.clone()));
        }
    }
}

/// All messages of an answer: one for each way of each device, one for each host that tells nothing, and the end with their number.
fn told(hosts: &[HostListing]) -> Vec<Message> {
    let mut rows: Vec<Vec<Value>> = Vec::new();
    for host in hosts {
        if let Some(trouble) = &host.trouble {
            rows.push([vec!["".into()], pair("host", host.host), pair("trouble", trouble.as_str())].concat());
        }
        for device in &host.devices {
            for (way, listing) in [("out", &device.output), ("in", &device.input)] {
                let Some(listing) = listing else { continue };
                let first = [vec![device.id.as_str().into()], pair("host", host.host), pair("name", device.name.as_str())];
                rows.push([first.concat(), pair("way", way), told_way(listing)].concat());
            }
        }
    }
    let count = Value::Integer(rows.len() as i64);
    let mut messages: Vec<Message> = rows.into_iter().map(|row| Message::new(ADDRESS, row)).collect();
    messages.push(Message::new("/done", vec![ADDRESS.into(), count]));
    messages
}

/// What is told of one way of a device.
fn told_way(way: &WayListing) -> Vec<Value> {
    let mut row = pair("default", Value::Integer(way.default.into()));
    if let Some(usual) = &way.usual {
        row.extend(pair("rate", Value::Integer(usual.rate.into())));
        row.extend(pair("channels", Value::Integer(usual.channels.into())));
        row.extend(pair("format", usual.format.as_str()));
    }
    row.extend(pair("rates", spelled(&way.rates)));
    row.extend(pair("counts", spelled(&way.channels)));
    row.extend(pair("formats", way.formats.join(" ")));
    row.extend(pair("buffers", way.buffer.map(|buffer| spelled(&[buffer])).unwrap_or_default()));
    row
}

fn pair(key: &str, value: impl Into<Value>) -> Vec<Value> {
    vec![key.into(), value.into()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::devices::{ConfigListing, DeviceListing};

    #[test]
    fn a_device_is_told_by_names_and_values_and_what_is_silent_is_told_too() {
        let usual = ConfigListing { rate: 48_000, channels: 2, format: "i32".to_owned() };
        let output = WayListing {
            default: true,
            usual: Some(usual),
            rates: vec![(44_100, 44_100), (48_000, 96_000)],
            channels: vec![(2, 2), (4, 8)],
            formats: vec!["i16".to_owned(), "i32".to_owned()],
            buffer: Some((16, 4096)),
        };
        let device = DeviceListing {
            id: "alsa:hw:CARD=USB,DEV=0".to_owned(),
            name: "Scarlett".to_owned(),
            output: Some(output),
            input: Some(WayListing::default()),
        };
        let hosts = [
            HostListing { host: "alsa", trouble: None, devices: vec![device] },
            HostListing { host: "jack", trouble: Some("no server runs".to_owned()), devices: Vec::new() },
        ];
        let lines: Vec<String> = told(&hosts)
            .iter()
            .map(|message| {
                let values: Vec<String> = message.values.iter().map(ToString::to_string).collect();
                format!("{} {}", message.address, values.join("|"))
            })
            .collect();
        assert_eq!(
            lines,
            [
                "/devices alsa:hw:CARD=USB,DEV=0|host|alsa|name|Scarlett|way|out|default|1|rate|48000|channels|2|format|i32|\
                 rates|44100 48000..96000|counts|2 4..8|formats|i16 i32|buffers|16..4096",
                "/devices alsa:hw:CARD=USB,DEV=0|host|alsa|name|Scarlett|way|in|default|0|rates||counts||formats||buffers|",
                "/devices |host|jack|trouble|no server runs",
                "/done /devices|3",
            ]
        );
    }
}
