//! The second process of `play --demo`: plays a phrase to a running daemon, as any OSC client would.
//!
//! It knows nothing of the daemon but its address. Notes go out as bundles with time tags a moment ahead, so they sound on their
//! sample however busy the machine is; a control is swept with plain messages.

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::control::value::values;
use crate::control::{Message, Value};
use crate::osc::convert::answer;
use crate::osc::text::spell;
use crate::wire::packet::Bundle;
use crate::wire::{self, Packet};

/// What is played, and on what.
#[derive(Clone, Debug)]
pub struct Phrase {
    /// Where the daemon listens.
    pub to: SocketAddr,
    /// The slot to play.
    pub slot: String,
    /// Whether it takes notes.
    pub notes: bool,
    /// A control to sweep, where there is one.
    pub sweep: Option<String>,
}

/// Nobody played along.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The network refused.
    #[error("cannot send to {0}: {1}")]
    Network(SocketAddr, std::io::Error),
    /// No answer to `/ping`.
    #[error("nobody answers at {0}")]
    Nobody(SocketAddr),
}

/// A sixteenth note at 112 beats a minute [ms].
const SIXTEENTH: u64 = 134;
/// How far ahead of their time notes are sent.
const AHEAD: Duration = Duration::from_millis(150);

/// The phrase: when [sixteenths], which key, how hard, how long [sixteenths].
const NOTES: [(u64, i32, f32, f32); 31] = [
    (0, 45, 0.9, 3.0),
    (0, 57, 0.6, 2.0),
    (3, 60, 0.6, 1.0),
    (4, 64, 0.7, 2.0),
    (6, 69, 0.6, 3.0),
    (10, 67, 0.5, 1.0),
    (11, 64, 0.5, 1.0),
    (12, 45, 0.7, 2.0),
    (14, 52, 0.6, 2.0),
    (16, 41, 0.9, 3.0),
    (16, 60, 0.6, 2.0),
    (19, 65, 0.6, 1.0),
    (20, 69, 0.7, 2.0),
    (22, 72, 0.7, 3.0),
    (26, 69, 0.5, 1.0),
    (27, 65, 0.5, 1.0),
    (28, 41, 0.7, 2.0),
    (30, 48, 0.6, 2.0),
    (32, 43, 0.9, 3.0),
    (32, 62, 0.6, 2.0),
    (35, 67, 0.6, 1.0),
    (36, 71, 0.7, 2.0),
    (38, 74, 0.7, 2.0),
    (40, 71, 0.6, 1.0),
    (42, 67, 0.5, 1.0),
    (44, 43, 0.7, 2.0),
    (48, 45, 0.9, 12.0),
    (48, 57, 0.6, 12.0),
    (49, 60, 0.5, 11.0),
    (50, 64, 0.6, 10.0),
    (51, 69, 0.7, 9.0),
];
/// Length of the phrase, and of the sweep [sixteenths].
const END: u64 = 60;

/// Plays the phrase, and says each message that it sends. `[control]`
///
/// # Errors
/// [`Trouble`], where nobody listens.
pub fn perform(phrase: &Phrase, mut say: impl FnMut(&str)) -> Result<(), Trouble> {
    let network = |error| Trouble::Network(phrase.to, error);
    let own: SocketAddr = if phrase.to.is_ipv6() { ([0u16; 8], 0).into() } else { ([0u8; 4], 0).into() };
    let socket = UdpSocket::bind(own).and_then(|socket| socket.connect(phrase.to).map(|()| socket)).map_err(network)?;
    greet(&socket, phrase.to)?;
    let middle = phrase.sweep.as_ref().map(|control| position(&socket, &format!("/n/{}/{control}", phrase.slot)));

    let start = Instant::now() + AHEAD;
    let wall = SystemTime::now() + AHEAD;
    let mut notes = NOTES.iter().filter(|_| phrase.notes).peekable();
    for at in 0..END * 4 {
        // Four steps to a sixteenth: the sweep moves with every one.
        let moment = Duration::from_millis(at * SIXTEENTH / 4);
        std::thread::sleep((start + moment).saturating_duration_since(Instant::now() + AHEAD));
        let mut chord = Vec::new();
        while let Some(&(_, key, velocity, length)) = notes.next_if(|note| note.0 * 4 == at) {
            let seconds = f64::from(length) * SIXTEENTH as f64 / 1000.0;
            chord.push(Message::new(
                format!("/{}/note", phrase.slot),
                vec![Value::Integer(key.into()), Value::Number(velocity.into()), Value::Number((seconds * 1000.0).round() / 1000.0)],
            ));
        }
        if !chord.is_empty() {
            chord.iter().for_each(|message| say(&spell(message)));
            let since_1970 = (wall + moment).duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
            let time = wire::time::from_unix_nanos(i64::try_from(since_1970).unwrap_or(i64::MAX));
            let bundle = Bundle { time, elements: chord.iter().map(|message| Packet::Message(answer(message))).collect() };
            socket.send(&wire::encode(&Packet::Bundle(bundle))).map_err(network)?;
        }
        if let (Some(control), Some(middle)) = (&phrase.sweep, middle) {
            // Up, down and back to where it was.
            let turn = at as f64 / (END * 4 - 1) as f64;
            let place = (middle + 0.3 * libm::sin(turn * std::f64::consts::TAU)).clamp(0.0, 1.0);
            let message = Message::new(format!("/n/{}/{control}", phrase.slot), vec![Value::Number((place * 1000.0).round() / 1000.0)]);
            if at % 16 == 0 {
                say(&spell(&message));
            }
            socket.send(&wire::encode::encode_message(&answer(&message))).map_err(network)?;
        }
    }
    // What sounds may die away.
    std::thread::sleep(AHEAD + Duration::from_millis(1200));
    Ok(())
}

/// Where a control stands, 0 to 1; in the middle where nobody says.
fn position(socket: &UdpSocket, address: &str) -> f64 {
    let mut bytes = [0; 512];
    let asked = socket.send(&wire::encode::encode_message(&wire::Message::new(address, vec![]))).and_then(|_| socket.recv(&mut bytes));
    match asked.map(|size| wire::decode(&bytes[..size])) {
        Ok(Ok(Packet::Message(reply))) if reply.address == address => values(reply.args, 0).first().and_then(Value::number).unwrap_or(0.5),
        _ => 0.5,
    }
}

/// Waits until the daemon answers.
fn greet(socket: &UdpSocket, to: SocketAddr) -> Result<(), Trouble> {
    let network = |error| Trouble::Network(to, error);
    socket.set_read_timeout(Some(Duration::from_millis(100))).map_err(network)?;
    let ping = wire::encode::encode_message(&wire::Message::new("/ping", vec![]));
    let mut bytes = [0; 512];
    for _ in 0..50 {
        // Refused while nobody listens yet: that is what is being waited for.
        if socket.send(&ping).is_err() {
            std::thread::sleep(Duration::from_millis(100));
        } else if let Ok(size) = socket.recv(&mut bytes)
            && matches!(wire::decode(&bytes[..size]), Ok(Packet::Message(reply)) if reply.address == "/pong")
        {
            return Ok(());
        }
    }
    Err(Trouble::Nobody(to))
}
