//! What is no value at an address, but told of: states that change by themselves, and what happens.

use super::client::Client;
use super::control::Control;
use super::notes::{Named, NoteName};
use super::subscribe::Key;
use super::value::{Message, Value};
use crate::base::midi::MidiMessage;
use crate::base::time::SampleTime;

/// Happenings that wait for one client at most.
const WAITING: usize = 1024;

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Stream {
    /// A slot plays another patch.
    Changed,
    /// Beats a minute.
    Tempo,
    /// Whether the beat clock runs.
    Transport,
    /// A note that the client named is heard no more.
    Ended,
    /// The beat clock has come to a whole beat.
    Beat,
    /// Where the beat clock is.
    Cursor,
    /// A recording has ended, or has trouble.
    Record,
}

impl Stream {
    pub(super) const ALL: [(&'static str, Self); 7] = [
        ("/changed", Self::Changed),
        ("/clock/tempo", Self::Tempo),
        ("/transport", Self::Transport),
        ("/note/ended", Self::Ended),
        ("/beat", Self::Beat),
        ("/cursor", Self::Cursor),
        ("/record", Self::Record),
    ];

    /// Whether it stands somewhere, and is told at once to who subscribes.
    pub(super) const fn stands(self) -> bool {
        matches!(self, Self::Tempo | Self::Transport | Self::Cursor)
    }
}

impl Control {
    /// A note is heard no more: who started it is told by the name that it gave.
    pub(super) fn tell_ended(&mut self, ended: Option<Named>) {
        if let (Some(Named { name: NoteName::Key(_, channel, key), .. }), Some(ends)) = (&ended, &mut self.note_ends)
            && ends.len() < WAITING
        {
            ends.push(MidiMessage::NoteOff { channel: channel.saturating_sub(1), key: *key, velocity: 64 });
        }
        if let Some(Named { client, slot, name }) = ended
            && let Some(slot) = self.slots.get(usize::from(slot))
        {
            let message = Message::new("/note/ended", vec![slot.name.as_str().into(), name.value()]);
            self.happened(Stream::Ended, Some(client), &message);
        }
    }

    /// A beat will be heard: `/beat beat bar tempo time`, both counted from 0.
    pub(super) fn tell_beat(&mut self, at: SampleTime, beat: i64, tempo: f32) {
        let heard = self.clock.unix_nanos_of(at).map_or(Value::Other('t'), Value::Time);
        let (bar, _) = self.transport.bars.bar_of(beat as f64);
        let values = vec![Value::Integer(beat), Value::Integer(bar), f64::from(tempo).into(), heard];
        self.happened(Stream::Beat, None, &Message::new("/beat", values));
    }

    /// Where the music is, and when that is heard: beat, bar, seconds from beat 0 in the present tempo, time.
    pub(super) fn cursor(&self) -> Vec<Value> {
        let here = self.shown.score.here.read().unwrap_or_default();
        let heard = self.clock.unix_nanos_of(here.now).map_or(Value::Other('t'), Value::Time);
        let (bar, _) = self.transport.bars.bar_of(here.beat);
        vec![here.beat.into(), Value::Integer(bar), (here.beat * 60.0 / self.tempo).into(), heard]
    }

    /// What is to be told of a recording: to who began it, and where that is said at its own address to all who subscribed. `[control]`
    pub fn tell_recording(&mut self, whose: Client, message: Message) {
        let watches = self.subscribers.of.get(&whose).is_some_and(|one| one.watches(Key::Stream(Stream::Record)));
        let public = message.address.starts_with("/record/");
        if public {
            self.happened(Stream::Record, None, &message);
        }
        if !(public && watches) {
            self.outbox.push((whose, message));
        }
    }

    /// Something happened: all who subscribed are told, or only one of them.
    fn happened(&mut self, stream: Stream, only: Option<Client>, message: &Message) {
        for (_, one) in self.subscribers.of.iter_mut().filter(|(client, _)| only.is_none_or(|only| only == **client)) {
            if !one.watches(Key::Stream(stream)) {
                continue;
            }
            if one.happened.len() < WAITING {
                one.happened.push_back(message.clone());
            } else {
                self.counts.untold += 1;
            }
        }
    }
}
