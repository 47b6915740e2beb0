//! MIDI ports and Control: what comes in goes there, what is to go out is asked for here.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use super::banner;
use super::options::Options;
use super::run::lock;
use super::say::Voice;
use crate::control::{Client, Code, Control, Fail, Message, Value, When};
use crate::midi::{At, PortEvent, PortId, Ports, Sends, Setup};

/// Opens the ports: what comes goes to Control, what happens to them is said. `[control]`
///
/// # Errors
/// The system's, where it gives no threads.
pub(super) fn open(options: &Options, control: &Arc<Mutex<Control>>, voice: &Arc<Voice>) -> std::io::Result<Ports> {
    let sends = Arc::new(Sends::default());
    sends.thru.store(options.midi_thru, Relaxed);
    sends.clock.store(options.clock_out, Relaxed);
    let (clock, beat) = {
        let mut control = lock(control);
        switches(&mut control, &sends);
        control.send_note_ends(options.note_ends);
        if let Some(name) = &options.clock_in {
            control.follow_clock_of(Some(name));
        }
        let lost = Arc::clone(&sends);
        control.lost_at(move || lost.lost.load(Relaxed) + lost.unsent.load(Relaxed));
        (control.clock().clone(), Arc::clone(&control.shown().beat))
    };
    let setup = Setup { client: "rackd".to_owned(), inputs: options.midi.clone(), outputs: options.midi_out.clone(), sends, clock, beat };
    let (control, voice) = (Arc::clone(control), Arc::clone(voice));
    Ports::open(
        setup,
        Box::new(move |event| {
            take(&mut lock(&control), &event);
            banner::port(&voice, &event);
        }),
    )
}

fn from(port: PortId) -> Client {
    Client::port(u64::from(port.0))
}

fn when(at: At) -> When {
    match at {
        At::Wall(nanos) => i64::try_from(nanos).map_or(When::Now, When::Wall),
        At::Sample(sample) => When::At(sample),
    }
}

/// What a port says, as Control knows it.
fn take(control: &mut Control, event: &PortEvent) {
    match event {
        PortEvent::Came { port, name } => control.port_came(from(*port), name),
        PortEvent::Message { port, message, at } => control.midi_message(from(*port), *message, when(*at)),
        PortEvent::Exclusive { port, bytes, at } => control.exclusive(from(*port), bytes, when(*at)),
        PortEvent::Cut { port } => control.gone(from(*port)),
        PortEvent::Gone { port } => {
            control.gone(from(*port));
            control.port_gone(from(*port));
        }
        PortEvent::Output { .. } | PortEvent::Trouble(_) => {}
    }
}

/// The verbs that turn what goes out on and off.
fn switches(control: &mut Control, sends: &Arc<Sends>) {
    let mut switch = |address: &str, does, of: fn(&Sends) -> &AtomicBool| {
        let sends = Arc::clone(sends);
        control.hand_over(address, "[0 | 1]", does, move |call| match call.values {
            [] => Ok(vec![Message::new(call.address, vec![Value::Integer(of(&sends).load(Relaxed).into())])]),
            [value] if value.number().is_some() => {
                of(&sends).store(value.number().is_some_and(|on| on > 0.5), Relaxed);
                Ok(Vec::new())
            }
            _ => Err(Fail::new(call.address, Code::WrongArguments, "0 or 1 is wanted")),
        });
    };
    switch("/midi/thru", "What comes in by MIDI goes out by MIDI, or not; tells it.", |sends| &sends.thru);
    switch("/clock/out", "The beat clock goes out as a MIDI clock, or not; tells it.", |sends| &sends.clock);
}
