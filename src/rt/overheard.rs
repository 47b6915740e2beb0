//! What kernels have heard of an inflow, tile by tile, for one who writes it down; and the same again.

use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::sync::atomic::fence;
use std::sync::{Arc, Weak};

use super::inflow::{Heard, Inflow, InflowEnd, KNOWN, ROOM, Shared};
use crate::base::time::BLOCK;

/// What was heard in a tile of 64 frames.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tile {
    /// The tile: its first frame's time, divided by 64.
    pub number: u64,
    /// Its stream begins with it.
    pub begins: bool,
    /// Channels of a frame.
    pub channels: u8,
    /// Frames, interleaved; the rest of the tile is silent.
    pub frames: Vec<f32>,
}

/// One who listens to what kernels hear, without being one of them.
#[derive(Debug)]
pub struct Overheard {
    flow: Weak<Shared>,
    next: u64,
    lost: u64,
}

impl Overheard {
    /// From an inflow's first tile on that is still known. `[control]`
    pub fn new(flow: &Inflow) -> Self {
        Self { flow: Arc::downgrade(&flow.0), next: 0, lost: 0 }
    }

    /// Whether it is of this inflow. `[any]`
    pub fn is_of(&self, flow: &Inflow) -> bool {
        std::ptr::eq(self.flow.as_ptr(), Arc::as_ptr(&flow.0))
    }

    /// Tiles that were gone before they were taken. `[any]`
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Gives the tiles in which anything was heard since. To be called several times a second. `[control]`
    pub fn take(&mut self, mut each: impl FnMut(Tile)) {
        let Some(flow) = self.flow.upgrade().map(Inflow) else { return };
        let end = flow.0.tiles.load(Acquire);
        if self.next + KNOWN < end {
            // Of what nobody asked for there is nothing to lose.
            let gone = end - KNOWN - self.next;
            self.lost += if self.next > 0 { gone } else { 0 };
            self.next = end - KNOWN;
        }
        for number in self.next..end {
            let [word, which] = &flow.0.known[(number & (KNOWN - 1)) as usize];
            let begins = which.load(Acquire);
            let heard = Heard::of_word(word.load(Acquire));
            if begins >> 1 != number || heard.frames == 0 {
                continue;
            }
            let count = heard.frames.min(BLOCK);
            let frames = (0..count).flat_map(|frame| (0..heard.channels).map(move |channel| (frame, channel)));
            let frames = frames.map(|(frame, channel)| flow.sample(&heard, frame, channel)).collect();
            fence(Acquire);
            let written = flow.0.written.load(Relaxed) as u32;
            if which.load(Relaxed) != begins || u64::from(written.wrapping_sub(heard.at)) > ROOM {
                self.lost += 1;
                continue;
            }
            each(Tile { number, begins: begins & 1 == 1, channels: heard.channels as u8, frames });
        }
        self.next = end;
    }
}

/// An inflow of which the same is heard again.
#[derive(Debug)]
pub struct Retold {
    flow: Inflow,
    end: Option<(u8, InflowEnd)>,
}

impl Retold {
    /// Of an inflow that nobody else fills. `[control]`
    pub fn new(flow: Inflow) -> Self {
        Self { flow, end: None }
    }

    /// The next tile, before any of its frames is worked out. `[control]`
    pub fn tell(&mut self, tile: &Tile) {
        let channels = tile.channels.max(1);
        if tile.begins || self.end.as_ref().is_none_or(|(of, _)| *of != channels) {
            self.end = None;
            self.end = self.flow.open(channels.into(), BLOCK).map(|mut end| {
                // All that there is is heard at once.
                end.finish();
                (channels, end)
            });
        }
        if let Some((_, end)) = &mut self.end {
            end.push(&tile.frames);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a kernel hears in some frames of a tile.
    fn hear(flow: &Inflow, tile: u64) -> (bool, Vec<f32>) {
        let heard = flow.heard(tile * BLOCK as u64);
        let frames = (0..heard.frames).flat_map(|frame| (0..heard.channels).map(move |channel| (frame, channel)));
        let frames: Vec<f32> = frames.map(|(frame, channel)| flow.sample(&heard, frame, channel)).collect();
        (!frames.is_empty() && flow.begins(&heard), frames)
    }

    #[test]
    fn what_was_heard_is_heard_again() {
        let (live, again) = (Inflow::new(), Inflow::new());
        let (mut overheard, mut tiles) = (Overheard::new(&live), Vec::new());
        assert!(overheard.is_of(&live) && !overheard.is_of(&again));
        let (mut heard, mut at) = (Vec::new(), 0.0);
        let mut end = None;
        for tile in 1..2000u64 {
            if tile % 300 == 1 {
                // Another stream, of other channels.
                drop(end.take());
                end = live.open(1 + (tile / 300 % 3) as usize, 100);
            }
            if tile % 300 < 250 && tile % 11 != 3 {
                let frames: Vec<f32> = (0..1 + tile as usize * 37 % 130)
                    .map(|_| {
                        at += 1.0;
                        at
                    })
                    .collect();
                end.as_mut().expect("it is open").push(&frames);
            }
            // Nobody listens at times.
            if tile % 70 < 60 {
                heard.push((tile, hear(&live, tile)));
            }
            if tile % 50 == 0 {
                overheard.take(|tile| tiles.push(tile));
            }
        }
        overheard.take(|tile| tiles.push(tile));
        assert_eq!(overheard.lost(), 0);
        assert!(tiles.len() > 500 && tiles.iter().filter(|tile| tile.begins).count() >= 5);
        let (mut retold, mut next) = (Retold::new(again.clone()), tiles.iter().peekable());
        for (tile, want) in heard {
            while let Some(tile) = next.next_if(|told| told.number <= tile) {
                retold.tell(tile);
            }
            assert_eq!(hear(&again, tile), want, "tile {tile}");
        }
    }
}
