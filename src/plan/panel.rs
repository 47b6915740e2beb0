//! What the notes of one group of lanes offer: the sources `note.…`, frame by frame.

use super::ramp::LaneRamp;
use super::sum::Own;
use crate::dsp::lanes::{LaneMask, Lanes};
use crate::module::{NoteSource, Wire};

/// Changes that a group takes in one block at most; of more, the last of each aspect of a lane counts.
const CHANGES: usize = 512;

/// What of a note changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Aspect {
    /// The pitch without bend.
    Pitch,
    /// The pitch moves with a wire from here on, from where that stands: the value.
    Follow,
    /// It moves with the wire no more, and has gone this far.
    Leave,
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
    /// What is on its way already takes at least its time.
    on_its_way: bool,
}

impl Change {
    fn make<L: Lanes>(self, ramp: &mut LaneRamp<L>) {
        let lane = self.lane as usize;
        let left = if self.on_its_way { ramp.target(lane).1 } else { 0 };
        ramp.set(lane, self.value, if left > self.frames { left } else { self.frames });
    }
}

/// A group's note sources.
pub struct Panel<L> {
    pitch: LaneRamp<L>,
    /// Lanes whose pitch moves with a wire, and where that stood when they began to.
    follows: LaneMask,
    origin: L,
    ramps: [LaneRamp<L>; NoteSource::ALL.len()],
    changes: Vec<Change>,
    /// Some source may be on its way.
    restless: bool,
}

/// The wires in which the sources of a part stand, by the source's number; `None` where nobody listens.
pub type PanelWires = [Option<u32>; NoteSource::ALL.len()];

impl<L: Lanes> Panel<L> {
    /// All silent. `[control]`
    pub fn new() -> Self {
        Self {
            pitch: LaneRamp::default(),
            follows: LaneMask::NONE,
            origin: L::default(),
            ramps: [LaneRamp::default(); NoteSource::ALL.len()],
            changes: Vec::with_capacity(CHANGES),
            restless: true,
        }
    }

    /// Changes an aspect of a lane's note in a frame of the tile. `[audio]`
    pub fn change(&mut self, frame: usize, lane: usize, aspect: Aspect, value: f32, frames: u32, own: &mut [Own<L>]) {
        self.take(Change { frame: frame as u8, lane: lane as u8, aspect, value, frames, on_its_way: false }, own);
    }

    /// Moves a lane's note to another pitch; a glide goes there in the time that it still needs, where that is longer. `[audio]`
    pub fn retune(&mut self, frame: usize, lane: usize, pitch: f32, frames: u32, own: &mut [Own<L>]) {
        let aspect = Aspect::Pitch;
        self.take(Change { frame: frame as u8, lane: lane as u8, aspect, value: pitch, frames, on_its_way: true }, own);
    }

    fn take(&mut self, change: Change, own: &mut [Own<L>]) {
        if self.changes.len() < CHANGES {
            self.changes.push(change);
            return;
        }
        // A flood. What was to come before gives way to it: a gate that fell must not be up in the end.
        let same = |other: &&mut Change| other.lane == change.lane && other.aspect == change.aspect;
        match self.changes.iter_mut().rfind(same) {
            Some(last) => *last = Change { frame: last.frame, ..change },
            None => {
                self.restless = true;
                self.apply(change, own);
            }
        }
    }

    /// The pitch of a lane in a frame of the tile, without bend [octaves]; what is rendered ends before frame `from`. `[audio]`
    pub fn pitch_at(&self, lane: usize, from: usize, frame: usize) -> f32 {
        let mut ramp = self.pitch;
        let mut at = from;
        for change in self.changes.iter().filter(|change| change.lane as usize == lane && is_pitch(change)) {
            while at < change.frame as usize && ramp.moving() {
                ramp.advance();
                at += 1;
            }
            at = change.frame as usize;
            match change.aspect {
                Aspect::Pitch => change.make(&mut ramp),
                Aspect::Leave => ramp.shift(lane, change.value),
                _ => {}
            }
        }
        while at < frame && ramp.moving() {
            ramp.advance();
            at += 1;
        }
        ramp.now().lane(lane)
    }

    fn apply(&mut self, change: Change, own: &mut [Own<L>]) {
        match change.aspect {
            Aspect::Pitch | Aspect::Follow | Aspect::Leave => self.apply_pitch(change),
            Aspect::Source(source) => change.make(&mut self.ramps[source as usize]),
            Aspect::Own(number) => change.make(&mut own[number as usize].ramp),
        }
    }

    fn apply_pitch(&mut self, change: Change) {
        let lane = change.lane as usize;
        let one = LaneMask::one(lane);
        match change.aspect {
            Aspect::Follow => {
                self.follows = self.follows.or(one);
                self.origin.set_lane(lane, change.value);
            }
            Aspect::Leave => {
                self.follows = self.follows.without(one);
                self.pitch.shift(lane, change.value);
            }
            _ => change.make(&mut self.pitch),
        }
    }

    /// The pitch, which for some lanes moves with `followed`.
    fn write_pitch(&mut self, followed: Option<&Wire<f32>>, wire: Option<&mut Wire<L>>, from: usize, to: usize) {
        let follow = |change: &Change| matches!(change.aspect, Aspect::Follow | Aspect::Leave);
        if self.follows.is_empty() && !self.changes.iter().any(follow) {
            return write(&mut self.pitch, &self.changes, Aspect::Pitch, wire, from, to);
        }
        let mut tile = wire.and_then(|wire| {
            wire.held = false;
            wire.tile.as_mut()
        });
        let mut next = 0;
        for at in from..to {
            while let Some(change) = self.changes.get(next).copied().filter(|change| change.frame as usize <= at) {
                next += 1;
                if is_pitch(&change) {
                    self.apply_pitch(change);
                }
            }
            let mut pitch = self.pitch.advance();
            let stands = followed.map_or(0.0, |wire| wire.signal(at, at + 1).at(0));
            for lane in self.follows.lanes() {
                pitch.set_lane(lane, pitch.lane(lane) + (stands - self.origin.lane(lane)));
            }
            if let Some(tile) = &mut tile {
                tile[at] = pitch;
            }
        }
    }

    /// Writes the frames `from..to` of every source that somebody listens to, and takes in what changed before `to`; `followed` is the wire
    /// that some pitches move with. Gives whether some source may move. `[audio]`
    pub fn render(
        &mut self,
        sources: &PanelWires,
        followed: Option<&Wire<f32>>,
        own: &mut [Own<L>],
        wires: &mut [Wire<L>],
        (from, to): (usize, usize),
    ) -> bool {
        let own_changes = self.changes.iter().any(|change| matches!(change.aspect, Aspect::Own(_)));
        for (number, own) in own.iter_mut().enumerate() {
            // Of what no voice has, nobody reads; who gets one begins anew.
            if own_changes || !own.lanes.is_empty() {
                let wire = &mut wires[own.wire as usize];
                write(&mut own.ramp, &self.changes, Aspect::Own(number as u32), Some(wire), from, to);
            }
        }
        if !self.restless && self.changes.iter().all(|change| change.frame as usize >= to) {
            self.stand(sources, wires);
            return false;
        }
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
            self.write_pitch(followed, Some(wire), from, to);
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
            self.write_pitch(followed, None, from, to);
        }
        self.changes.retain(|change| change.frame as usize >= to);
        self.restless = self.pitch.moving() || !self.follows.is_empty() || self.ramps.iter().any(LaneRamp::moving);
        true
    }

    /// Every source stands as it did.
    fn stand(&self, sources: &PanelWires, wires: &mut [Wire<L>]) {
        for source in NoteSource::ALL {
            let Some(wire) = sources[source as usize] else { continue };
            let wire = &mut wires[wire as usize];
            wire.held = true;
            if let Some(tile) = &mut wire.tile {
                tile[0] = match source {
                    NoteSource::Trigger => L::default(),
                    NoteSource::Pitch => self.pitch.now() + self.ramps[NoteSource::Bend as usize].now(),
                    _ => self.ramps[source as usize].now(),
                };
            }
        }
    }
}

impl<L: Lanes> Default for Panel<L> {
    fn default() -> Self {
        Self::new()
    }
}

fn is_pitch(change: &Change) -> bool {
    matches!(change.aspect, Aspect::Pitch | Aspect::Follow | Aspect::Leave)
}

fn triggers<L: Lanes>(changes: &[Change], wire: &mut Wire<L>, from: usize, to: usize) {
    let mine = |change: &&Change| change.aspect == Aspect::Source(NoteSource::Trigger) && (change.frame as usize) < to;
    let mut fired = changes.iter().filter(mine).peekable();
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
    let mut mine = changes.iter().filter(|change| change.aspect == aspect && (change.frame as usize) < to).peekable();
    let mut at = from;
    while let Some(change) = mine.next_if(|change| change.frame as usize <= at) {
        change.make(ramp);
    }
    let still = mine.peek().is_none() && !ramp.moving();
    let mut tile = wire.and_then(|wire| {
        wire.held = still;
        wire.tile.as_mut()
    });
    if still {
        if let Some(tile) = &mut tile {
            tile[0] = ramp.now();
        }
        return;
    }
    // From change to change; while nothing is on its way every frame is the same.
    while at < to {
        while let Some(change) = mine.next_if(|change| change.frame as usize <= at) {
            change.make(ramp);
        }
        let end = mine.peek().map_or(to, |change| change.frame as usize);
        while at < end && ramp.moving() {
            let frame = ramp.advance();
            if let Some(tile) = &mut tile {
                tile[at] = frame;
            }
            at += 1;
        }
        if let Some(tile) = &mut tile {
            tile[at..end].fill(ramp.now());
        }
        at = end;
    }
}

/// The lanes below a width. `[any]`
pub const fn lanes_of_width(width: usize) -> LaneMask {
    LaneMask(if width >= 32 { u32::MAX } else { (1 << width) - 1 })
}
