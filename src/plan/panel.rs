//! What the notes of one group of lanes offer: the sources `note.…`, frame by frame.

use super::ramp::LaneRamp;
use super::sum::Own;
use crate::base::time::BLOCK;
use crate::dsp::lanes::{LaneMask, Lanes};
use crate::module::{NoteSource, Wire};

/// Changes that a group takes in one block at most; the rest act at the block's start.
const CHANGES: usize = 256;

/// What of a note changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Aspect {
    /// The pitch without bend.
    Pitch,
    /// One of the other sources.
    Source(NoteSource),
    /// A value of its own in place of a knob's.
    Own(u32),
}

#[derive(Clone, Copy, Debug)]
struct Change {
    frame: u8,
    lane: u8,
    aspect: Aspect,
    value: f32,
    /// Frames in which it arrives.
    frames: u32,
}

/// A group's note sources.
pub struct Panel<L> {
    pitch: LaneRamp<L>,
    ramps: [LaneRamp<L>; 11],
    changes: Vec<Change>,
}

/// The wires in which the sources of a part stand, by the source's number; `None` where nobody listens.
pub type PanelWires = [Option<u32>; 11];

impl<L: Lanes> Panel<L> {
    /// All silent. `[control]`
    pub fn new() -> Self {
        Self { pitch: LaneRamp::default(), ramps: [LaneRamp::default(); 11], changes: Vec::with_capacity(CHANGES) }
    }

    /// Changes an aspect of a lane's note in a frame of the tile. `[audio]`
    pub fn change(&mut self, frame: usize, lane: usize, aspect: Aspect, value: f32, frames: u32, own: &mut [Own<L>]) {
        let change = Change { frame: frame as u8, lane: lane as u8, aspect, value, frames };
        if self.changes.len() < CHANGES {
            self.changes.push(change);
        } else {
            self.apply(change, own);
        }
    }

    /// The pitch of a lane as it is now, without bend [octaves]. `[audio]`
    pub fn pitch_now(&self, lane: usize) -> f32 {
        self.pitch.now().lane(lane)
    }

    fn apply(&mut self, change: Change, own: &mut [Own<L>]) {
        let lane = change.lane as usize;
        match change.aspect {
            Aspect::Pitch => self.pitch.set(lane, change.value, change.frames),
            Aspect::Source(source) => self.ramps[source as usize].set(lane, change.value, change.frames),
            Aspect::Own(number) => own[number as usize].ramp.set(lane, change.value, change.frames),
        }
    }

    /// Writes the frames `from..to` of every source that somebody listens to, and takes in what changed. `[audio]`
    pub fn render(&mut self, sources: &PanelWires, own: &mut [Own<L>], wires: &mut [Wire<L>], from: usize, to: usize) {
        for source in NoteSource::ALL {
            let number = source as usize;
            let wire = sources[number].map(|wire| &mut wires[wire as usize]);
            match source {
                // A trigger is one frame, whatever follows.
                NoteSource::Trigger => {
                    if let Some(wire) = wire {
                        triggers(&self.changes, wire, from, to);
                    }
                }
                // Pitch is worked out last, from the bend.
                NoteSource::Pitch => {}
                _ => write(&mut self.ramps[number], &self.changes, Aspect::Source(source), wire, from, to),
            }
        }
        if let Some(wire) = sources[NoteSource::Pitch as usize] {
            // The bend wire is made with every pitch wire.
            let bend = sources[NoteSource::Bend as usize].and_then(|bend| {
                let wire = &mut wires[bend as usize];
                wire.tile.take().map(|tile| (bend, tile, wire.held))
            });
            let wire = &mut wires[wire as usize];
            write(&mut self.pitch, &self.changes, Aspect::Pitch, Some(wire), from, to);
            if let Some((bend, bends, held)) = bend {
                if let Some(tile) = &mut wire.tile {
                    match (wire.held, held) {
                        (true, true) => tile[0] += bends[0],
                        (pitch_held, _) => {
                            if pitch_held {
                                let x = tile[0];
                                tile[from..to].fill(x);
                            }
                            for at in from..to {
                                tile[at] += if held { bends[0] } else { bends[at] };
                            }
                            wire.held = false;
                        }
                    }
                }
                wires[bend as usize].tile = Some(bends);
            }
        } else {
            write(&mut self.pitch, &self.changes, Aspect::Pitch, None, from, to);
        }
        for (number, own) in own.iter_mut().enumerate() {
            let wire = &mut wires[own.wire as usize];
            write(&mut own.ramp, &self.changes, Aspect::Own(number as u32), Some(wire), from, to);
        }
        self.changes.clear();
    }
}

impl<L: Lanes> Default for Panel<L> {
    fn default() -> Self {
        Self::new()
    }
}

fn triggers<L: Lanes>(changes: &[Change], wire: &mut Wire<L>, from: usize, to: usize) {
    let mut fired = changes.iter().filter(|change| change.aspect == Aspect::Source(NoteSource::Trigger)).peekable();
    let Some(tile) = &mut wire.tile else { return };
    wire.held = fired.peek().is_none();
    if wire.held {
        tile[0] = L::default();
        return;
    }
    tile[from..to].fill(L::default());
    for change in fired {
        tile[change.frame as usize].set_lane(change.lane as usize, 1.0);
    }
}

fn write<L: Lanes>(ramp: &mut LaneRamp<L>, changes: &[Change], aspect: Aspect, wire: Option<&mut Wire<L>>, from: usize, to: usize) {
    let mut mine = changes.iter().filter(|change| change.aspect == aspect).peekable();
    let still = mine.peek().is_none() && !ramp.moving();
    let Some(wire) = wire else {
        // Nobody listens: it only has to end where it would.
        let mut at = from;
        for change in mine {
            while at < change.frame as usize && ramp.moving() {
                ramp.advance();
                at += 1;
            }
            at = change.frame as usize;
            ramp.set(change.lane as usize, change.value, change.frames);
        }
        while at < to && ramp.moving() {
            ramp.advance();
            at += 1;
        }
        return;
    };
    wire.held = still;
    let Some(tile) = &mut wire.tile else { return };
    if still {
        tile[0] = ramp.now();
        return;
    }
    for (at, frame) in tile[..to.min(BLOCK)].iter_mut().enumerate().skip(from) {
        while let Some(change) = mine.next_if(|change| change.frame as usize <= at) {
            ramp.set(change.lane as usize, change.value, change.frames);
        }
        *frame = ramp.advance();
    }
}

/// The lanes below a width. `[any]`
pub const fn lanes_of_width(width: usize) -> LaneMask {
    LaneMask(if width >= 16 { u16::MAX } else { (1 << width) - 1 })
}
