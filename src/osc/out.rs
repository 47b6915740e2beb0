//! What waits to be sent to one connection: bounded, so that nobody who reads slowly is ever waited for.

use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tungstenite::protocol::frame::Frame;
use tungstenite::protocol::frame::coding::{Data, OpCode};

use super::convert::answer;
use super::json;
use crate::control::Message;
use crate::wire::encode::encode_message;
use crate::wire::{Framing, frame};

/// How answers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// As packets in a stream.
    Framed(Framing),
    /// As binary frames of a WebSocket.
    Binary,
    /// As text frames of a WebSocket.
    Text,
}

/// Bytes that wait, and how more are written.
pub(super) struct Out {
    most: usize,
    waiting: Mutex<Waiting>,
    wake: Notify,
}

struct Waiting {
    bytes: Vec<u8>,
    /// Bytes taken to be sent, and not yet gone.
    under_way: usize,
    spelling: Option<Spelling>,
}

impl Out {
    /// For so many bytes at most.
    pub fn new(most: usize) -> Self {
        Self { most, waiting: Mutex::new(Waiting { bytes: Vec::new(), under_way: 0, spelling: None }), wake: Notify::new() }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How answers are written from now on.
    pub fn spell(&self, spelling: Spelling) {
        self.waiting().spelling = Some(spelling);
    }

    /// Puts a message behind what waits; false where there is no room for it, or nobody knows yet how to write it.
    pub fn say(&self, message: &Message) -> bool {
        let mut waiting = self.waiting();
        let Some(spelling) = waiting.spelling else { return false };
        let packet = || encode_message(&answer(message));
        let fits = match spelling {
            Spelling::Framed(framing) => waiting.put(self.most, &frame(framing, &packet())),
            Spelling::Binary => waiting.put(self.most, &web_socket(Data::Binary, packet())),
            Spelling::Text => waiting.put(self.most, &web_socket(Data::Text, json::write(message).into_bytes())),
        };
        drop(waiting);
        self.wake.notify_one();
        fits
    }

    /// Puts bytes as they are behind what waits; false where there is no room for them.
    pub fn put(&self, bytes: &[u8]) -> bool {
        let fits = self.waiting().put(self.most, bytes);
        self.wake.notify_one();
        fits
    }

    /// Takes all that waits; empty where nothing does.
    pub fn take(&self) -> Vec<u8> {
        let mut waiting = self.waiting();
        let bytes = mem::take(&mut waiting.bytes);
        waiting.under_way = bytes.len();
        bytes
    }

    /// So many of the bytes taken are gone.
    pub fn gone(&self, bytes: usize) {
        let mut waiting = self.waiting();
        waiting.under_way = waiting.under_way.saturating_sub(bytes);
    }

    /// Until something was put.
    pub async fn woken(&self) {
        self.wake.notified().await;
    }
}

impl Waiting {
    fn put(&mut self, most: usize, bytes: &[u8]) -> bool {
        let fits = self.bytes.len() + self.under_way + bytes.len() <= most;
        if fits {
            self.bytes.extend_from_slice(bytes);
        }
        fits
    }
}

/// A server's frame; it is never masked.
fn web_socket(kind: Data, payload: Vec<u8>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(payload.len() + 10);
    // Writing to memory does not fail.
    let _ = Frame::message(payload, OpCode::Data(kind), true).format(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::Value;

    #[test]
    fn what_waits_is_bounded_and_in_order() {
        let out = Out::new(100);
        let message = Message::new("/x", vec![Value::Integer(7)]);
        assert!(!out.say(&message), "nobody knows how");
        out.spell(Spelling::Framed(Framing::Sized));
        let said = (0..50).filter(|_| out.say(&message)).count();
        assert_eq!(said, 6, "16 bytes each");
        let taken = out.take();
        assert_eq!((taken.len(), &taken[..8]), (96, b"\0\0\0\x0c/x\0\0".as_slice()));
        assert!(!out.say(&message), "they are under way");
        out.gone(96);
        assert!(out.say(&message));
        out.spell(Spelling::Text);
        assert!(out.say(&message));
        assert_eq!(&out.take()[16..], b"\x81\x1b{\"address\":\"/x\",\"args\":[7]}");
    }
}
