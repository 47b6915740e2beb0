//! Which voices go first when there is no time for all.
//!
//! A group of lanes costs the same for one voice as for all of its own: so voices are shed group by group, those of the group that is
//! missed least first, and within it those that were let go before those that are held, the quietest first.

use std::sync::atomic::Ordering::Relaxed;

use super::allocator::{VOICES, VoiceAllocator};
use super::engine::Engine;
use super::journal::Did;
use super::note::{Gone, Moment};
use crate::plan::bank::Voices;

/// A group of voices, by how little it would be missed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Missed {
    /// Its first voice.
    pub first: usize,
    /// Whether a note in it is held.
    pub held: bool,
    /// How loud its voices are together (an amplitude).
    pub loud: f32,
}

impl Missed {
    /// Whether it goes before another. `[audio]`
    pub fn before(&self, other: &Self) -> bool {
        (!self.held, other.loud) > (!other.held, self.loud)
    }
}

/// The group of a slot that would be missed least. `[audio]`
pub fn least(allocator: &VoiceAllocator, voices: &dyn Voices, moment: Moment) -> Option<Missed> {
    let (count, width) = (voices.count().min(VOICES), voices.width().max(1));
    let mut least: Option<Missed> = None;
    for first in (0..count).step_by(width) {
        let mut group = Missed { first, held: false, loud: 0.0 };
        let mut any = false;
        for voice in first..(first + width).min(count) {
            let Some((_, held)) = allocator.note_of(voice) else { continue };
            any = true;
            group.held |= held;
            group.loud += allocator.heard(voices, voice, moment);
        }
        if any && least.is_none_or(|least| group.before(&least)) {
            least = Some(group);
        }
    }
    least
}

/// Sheds up to so many voices of the group that begins with `first`, which fade; how many. `[audio]`
pub fn shed(
    allocator: &mut VoiceAllocator,
    voices: &mut dyn Voices,
    first: usize,
    most: usize,
    moment: Moment,
    gone: &mut dyn FnMut(Gone),
) -> usize {
    let end = (first + voices.width().max(1)).min(voices.count().min(VOICES));
    for done in 0..most {
        let mut next: Option<(usize, Missed)> = None;
        for voice in first..end {
            let Some((_, held)) = allocator.note_of(voice) else { continue };
            let it = Missed { first, held, loud: allocator.heard(voices, voice, moment) };
            if next.is_none_or(|(_, next)| it.before(&next)) {
                next = Some((voice, it));
            }
        }
        let Some((voice, _)) = next else { return done };
        voices.end(voice, false);
        allocator.free(voice, gone);
    }
    most
}

impl Engine {
    /// Sheds voices where there is no time for them, those first that are missed least.
    pub(super) fn shed(&mut self) {
        let voices = self.strips.iter().map(|strip| strip.voices()).sum();
        let mut most = self.headroom.sheds(voices, self.now);
        let block = self.block(0);
        while most > 0 {
            let mut least: Option<(usize, Missed)> = None;
            for (slot, strip) in self.strips.iter().enumerate().filter(|(_, strip)| strip.voices() > 0) {
                if let Some(it) = strip.least(block)
                    && least.is_none_or(|(_, least)| it.before(&least))
                {
                    least = Some((slot, it));
                }
            }
            let Some((slot, group)) = least else { return };
            let done = self.shed_of(slot, group.first, most);
            if done == 0 {
                return;
            }
            most -= done;
        }
    }

    /// Sheds up to so many voices of a slot's group; how many.
    pub(super) fn shed_of(&mut self, slot: usize, first: usize, most: usize) -> usize {
        let block = self.block(0);
        let out = &mut self.out;
        let Some(strip) = self.strips.get_mut(slot) else { return 0 };
        let done = strip.shed(first, most, block, &mut |report| out.tell(report));
        if done > 0 {
            self.out.shown.shed.fetch_add(done as u64, Relaxed);
            let narrow = |x: usize| x.min(usize::from(u16::MAX)) as u16;
            self.journal.note(self.now(), Did::Shed { slot: slot as u8, first: narrow(first), most: narrow(most) });
        }
        done
    }
}
