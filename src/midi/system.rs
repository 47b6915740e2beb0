//! The system's own MIDI, through midir: ALSA, CoreMIDI, WinMM.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use std::sync::atomic::Ordering::Relaxed;

use midir::{Ignore, MidiInput, MidiOutput, MidiOutputConnection};

use super::out::{Out, Sink};
use super::parser::{Heard, Parser};
use super::ports::{At, PortId};
use super::registry::{Desk, unix_nanos};
use super::watch::{Found, Source};
use crate::rt::quiet::quiet;

/// The system's MIDI under a name of ours.
pub(super) struct System {
    client: String,
    /// Lists ports; kept, since each is a client of the system's.
    lister: Option<MidiInput>,
    out: Out,
}

/// What is said where there is none.
const NONE: &str = "this system has no MIDI (ALSA: no /dev/snd/seq)";

impl System {
    /// Nothing is asked of the system yet. `[control]`
    pub fn new(client: &str, out: Out) -> Self {
        Self { client: client.to_owned(), lister: None, out }
    }

    fn input(&self) -> Result<MidiInput, String> {
        let _quiet = quiet();
        let mut input = MidiInput::new(&self.client).map_err(|_| NONE.to_owned())?;
        // Signs of life and the clock are wanted, and so is system exclusive.
        input.ignore(Ignore::None);
        Ok(input)
    }
}

/// What the driver's thread calls.
fn receiver(port: PortId, desk: &Desk, out: &Out) -> impl FnMut(u64, &[u8], &mut Parser) + Send + 'static {
    let (desk, out) = (desk.clone(), out.clone());
    // The driver's stamps count from a start of its own: the time is taken here.
    move |_, bytes, parser| {
        let at = At::Wall(unix_nanos());
        parser.take(bytes, |heard| {
            pass_on(&out, heard);
            desk.heard(port, heard, at);
        });
        out.sends.lost.fetch_add(parser.take_skipped(), Relaxed);
    }
}

/// What came in goes out, where that is wanted.
fn pass_on(out: &Out, heard: Heard<'_>) {
    match heard {
        Heard::Message(message) if out.sends.passes_message(message) => {
            let (bytes, length) = message.bytes();
            out.send(&bytes[..length]);
        }
        Heard::Exclusive(bytes) if out.sends.passes(0xf0) => out.send(&[&[0xf0], bytes, &[0xf7]].concat()),
        _ => {}
    }
}

/// The driver panics where the kernel has no queue left, instead of giving an error.
fn caught<T>(connect: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(connect)).unwrap_or_else(|_| Err("the system's MIDI failed in itself (no queues left?)".into()))
}

/// Ports that are not our own. One that goes while it is asked for its name is no more.
fn others<E>(ports: impl Iterator<Item = (String, Result<String, E>)>, client: &str) -> Vec<Found> {
    let named = ports.filter_map(|(id, name)| Some(Found { id, name: stripped(&name.ok()?).to_owned() }));
    named.filter(|found| !is_own(&found.name, client)).collect()
}

impl Source for System {
    fn list(&mut self) -> Result<Vec<Found>, String> {
        if self.lister.is_none() {
            self.lister = Some(self.input()?);
        }
        let Some(lister) = &self.lister else { return Ok(Vec::new()) };
        Ok(others(lister.ports().iter().map(|port| (port.id(), lister.port_name(port))), &self.client))
    }

    fn open(&mut self, id: &str, port: PortId, desk: &Desk) -> Result<Box<dyn Any + Send>, String> {
        let input = self.input()?;
        let found = input.find_port_by_id(id).ok_or("it is gone")?;
        caught(|| {
            let connection = input.connect(&found, "in", receiver(port, desk, &self.out), Parser::with_exclusive());
            connection.map(|connection| Box::new(connection) as Box<dyn Any + Send>).map_err(|why| why.to_string())
        })
    }

    #[cfg(unix)]
    fn open_own(&mut self, port: PortId, desk: &Desk) -> Option<Result<Box<dyn Any + Send>, String>> {
        use midir::os::unix::VirtualInput;
        let open = || {
            let connection = self.input()?.create_virtual(&self.client, receiver(port, desk, &self.out), Parser::with_exclusive());
            connection.map(|connection| Box::new(connection) as Box<dyn Any + Send>).map_err(|why| why.to_string())
        };
        Some(caught(open))
    }

    #[cfg(not(unix))]
    fn open_own(&mut self, _: PortId, _: &Desk) -> Option<Result<Box<dyn Any + Send>, String>> {
        None
    }

    fn own_name(&self) -> String {
        self.client.clone()
    }
}

/// The same, the other way.
pub(super) struct SystemOut {
    client: String,
    lister: Option<MidiOutput>,
    out: Out,
}

impl SystemOut {
    /// Nothing is asked of the system yet. `[control]`
    pub fn new(client: &str, out: Out) -> Self {
        Self { client: client.to_owned(), lister: None, out }
    }

    fn output(&self) -> Result<MidiOutput, String> {
        let _quiet = quiet();
        MidiOutput::new(&self.client).map_err(|_| NONE.to_owned())
    }

    fn add(&self, connection: MidiOutputConnection) -> Box<dyn Any + Send> {
        Box::new(Added { mark: self.out.add(Box::new(connection)), out: self.out.clone() })
    }
}

impl Sink for MidiOutputConnection {
    fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        Self::send(self, bytes).map_err(|why| why.to_string())
    }
}

/// Takes the output away when it is dropped.
struct Added {
    mark: u64,
    out: Out,
}

impl Drop for Added {
    fn drop(&mut self) {
        self.out.remove(self.mark);
    }
}

impl Source for SystemOut {
    fn list(&mut self) -> Result<Vec<Found>, String> {
        if self.lister.is_none() {
            self.lister = Some(self.output()?);
        }
        let Some(lister) = &self.lister else { return Ok(Vec::new()) };
        Ok(others(lister.ports().iter().map(|port| (port.id(), lister.port_name(port))), &self.client))
    }

    fn open(&mut self, id: &str, _: PortId, _: &Desk) -> Result<Box<dyn Any + Send>, String> {
        let output = self.output()?;
        let found = output.find_port_by_id(id).ok_or("it is gone")?;
        caught(|| output.connect(&found, "out").map(|connection| self.add(connection)).map_err(|why| why.to_string()))
    }

    #[cfg(unix)]
    fn open_own(&mut self, _: PortId, _: &Desk) -> Option<Result<Box<dyn Any + Send>, String>> {
        use midir::os::unix::VirtualOutput;
        let open = || self.output()?.create_virtual(&self.client).map(|connection| self.add(connection)).map_err(|why| why.to_string());
        Some(caught(open))
    }

    #[cfg(not(unix))]
    fn open_own(&mut self, _: PortId, _: &Desk) -> Option<Result<Box<dyn Any + Send>, String>> {
        None
    }

    fn own_name(&self) -> String {
        self.client.clone()
    }
}

/// Whether a port is one of ours: what we send there would come back.
fn is_own(name: &str, client: &str) -> bool {
    name.strip_prefix(client).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
}

/// A port's name without the `client:port` numbers that ALSA puts behind it, which change with each plugging.
fn stripped(name: &str) -> &str {
    match name.rsplit_once(' ') {
        Some((front, numbers)) if !front.is_empty() => match numbers.split_once(':') {
            Some((client, port)) if is_number(client) && is_number(port) => front,
            _ => name,
        },
        _ => name,
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_change_are_no_part_of_a_name() {
        for (name, rest) in [
            ("Midi Through:Midi Through Port-0 14:0", "Midi Through:Midi Through Port-0"),
            ("Keystation 61:Keystation 61 MIDI 1 128:12", "Keystation 61:Keystation 61 MIDI 1"),
            ("IAC Driver Bus 1", "IAC Driver Bus 1"),
            ("Pads a:0", "Pads a:0"),
            ("14:0", "14:0"),
        ] {
            assert_eq!(stripped(name), rest);
        }
    }

    #[test]
    fn our_own_ports_are_known() {
        assert!(is_own("rackd:rackd", "rackd") && is_own("rackd", "rackd"));
        assert!(!is_own("rackd2:in", "rackd") && !is_own("Keystation:rackd", "rackd"));
    }

    #[test]
    fn a_system_without_midi_says_so_and_one_with_it_lists() {
        // Which of the two depends on the machine; neither may panic.
        match System::new("rackd-test", Out::new(Default::default())).list() {
            Ok(found) => assert!(found.iter().all(|found| !found.id.is_empty())),
            Err(why) => assert!(why.contains("no MIDI"), "{why}"),
        }
    }
}
