//! The voices of a slot, side by side in groups, and the groups in shares that any thread can run.

use std::any::Any;
use std::ops::Range;
use std::sync::Arc;

use super::crew::{Crew, Share, VoiceGroup};
use super::number::Exchange;
use super::panel::{Aspect, PanelWires};
use super::part::{Group, GroupCarry, Part, PartShape};
use super::ramp::Meet;
use super::send::{AddWork, SumUpWork, rows};
use super::sum::{Depth, Factor};
use crate::base::time::{BLOCK, SampleTime, tile_index};
use crate::dsp::lanes::Lanes;
use crate::module::io::List;
use crate::module::isa::{self, Level};
use crate::module::{NoteSource, Seed, Wire};

/// A cable from the voices to the global part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Send {
    /// The wire that carries it in each voice.
    pub from: u32,
    /// The wire of the global part that carries the sum.
    pub to: u32,
    /// Which voice section works it out.
    pub section: usize,
}

/// How a pitch gets to where a note has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Glide {
    /// Where it comes from [octaves above C4]; `None`: from where the voice is.
    pub from: Option<f32>,
    /// In how many frames.
    pub frames: u32,
}

/// How a voice begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Start {
    /// Octaves above C4.
    pub pitch: f32,
    /// The key's own pitch in equal temperament [octaves above C4].
    pub key: f32,
    /// 0..1.
    pub velocity: f32,
    /// ±1.
    pub pan: f32,
    /// Whether it glides there.
    pub glide: Option<Glide>,
    /// Its pitch moves with the wire that plays the voices, from where that stands.
    pub follow: Option<f32>,
    /// How far its lane has gone with that wire until now.
    pub followed: f32,
    /// Drawn from voice and note count.
    pub seed: Seed,
    /// The envelopes are struck.
    pub trigger: bool,
    /// The lane starts afresh; else it goes on as it is (a mono voice's next note).
    pub afresh: bool,
}

/// What the engine asks of a slot's voices, whatever their width. `[audio]` throughout.
pub trait Voices: std::marker::Send {
    /// How many there are.
    fn count(&self) -> usize;
    /// How many cost no more than one, side by side: those from a multiple of it on.
    fn width(&self) -> usize {
        1
    }
    /// A voice begins in a frame of the tile.
    fn start(&mut self, voice: usize, frame: usize, start: Start);
    /// A voice's gate falls; `velocity` is how fast its key was let go.
    fn release(&mut self, voice: usize, frame: usize, velocity: f32);
    /// A voice's pitch moves no more with the wire that plays the voices, with which it has gone so far.
    fn leave(&mut self, voice: usize, frame: usize, followed: f32);
    /// A voice's source moves to a value in so many frames.
    fn set(&mut self, voice: usize, frame: usize, source: NoteSource, value: f32, frames: u32);
    /// A voice moves to another pitch in so many frames, or in the time that its glide still needs where that is longer.
    fn retune(&mut self, voice: usize, frame: usize, pitch: f32, frames: u32);
    /// A voice gets a value of its own in place of a knob's, from where the knob stands.
    fn set_own(&mut self, voice: usize, frame: usize, knob_wire: u32, from: f32, value: f32, frames: u32);
    /// A voice ends with the block before: within the fade, or at once.
    fn end(&mut self, voice: usize, at_once: bool);
    /// A voice ends in a frame of the tile, within the fade.
    fn end_at(&mut self, voice: usize, frame: usize);
    /// The pitch of a voice in a frame of the tile, without bend; the block begins in frame `from`.
    fn pitch_at(&self, voice: usize, from: usize, frame: usize) -> f32;
    /// How loud a voice was of late, as of the last multiple of 64 frames.
    fn loudness(&self, voice: usize) -> f32;
    /// Runs a section for all groups, and puts the sums of their sends into the global part's wires.
    fn run(&mut self, section: usize, global: &mut [Wire<f32>], block: &BlockCall<'_>, faults: &mut dyn FnMut(u16, usize));
    /// How many shares its voices are cut into, that can be worked out at the same time.
    fn shares(&self) -> usize {
        1
    }
    /// Gives every share what it needs to run a section away from here; gives whether any has something to do. Then each of them is
    /// to be lent, run, taken back, and all of them gathered: that is the same as [`Self::run`], bit by bit. Only with several shares.
    fn prepare(&mut self, _section: usize, _global: &[Wire<f32>], _block: &BlockCall<'_>) -> bool {
        false
    }
    /// Lends a share to another thread; nothing else may be asked of the bank until all are back. `None` where it is away, or has nothing
    /// to do.
    fn lend(&mut self, _share: usize) -> Option<Box<dyn Share>> {
        None
    }
    /// Takes a share back, in its own place.
    fn take_back(&mut self, _share: usize, _back: Box<dyn Share>) {}
    /// Adds up what all groups sent, in their order, into the global part's wires, when all shares are back.
    fn gather(&mut self, _section: usize, _global: &mut [Wire<f32>], _block: &BlockCall<'_>, _faults: &mut dyn FnMut(u16, usize)) {}
    /// After the last section of a block; at a multiple of 64 frames gives the voices that are over to `over`.
    fn finish(&mut self, end: SampleTime, over: &mut dyn FnMut(usize));
    /// Takes over from a bank of the same width.
    fn carry(&mut self, old: &mut dyn Voices, carry: &BankCarry);
    /// For [`Self::carry`].
    fn as_any(&mut self) -> &mut dyn Any;
    /// For [`Self::carry`]: hands every voice's outgoing level to a successor of another shape: all end.
    fn sounding(&self, voice: usize) -> bool;
}

/// One block's bounds and surroundings.
#[derive(Clone, Copy)]
pub struct BlockCall<'a> {
    /// Time of the first frame.
    pub start: SampleTime,
    /// How many frames; they never cross a multiple of 64.
    pub frames: usize,
    /// The slot's live lists.
    pub lists: &'a [List],
    /// Frames in which a jump fades.
    pub fade: u32,
    /// Some knob is turned, or was in the block before.
    pub turned: bool,
}

/// What goes over from an old bank to a new one.
#[derive(Clone, Debug, Default)]
pub struct BankCarry {
    /// Kernels, sums and feedback cables of each group.
    pub group: GroupCarry,
    /// Own values.
    pub own: Exchange,
    /// Sends: old number, new number, and how the new one goes on from the old one's last frame.
    pub sends: Vec<(u32, u32, Meet)>,
}

/// How a bank is built.
pub struct BankShape {
    /// Voices.
    pub voices: usize,
    /// The wire of the global part that the pitch of the patch's own notes moves with.
    pub follow: Option<u32>,
    /// The same among [`Self::reads`].
    pub follow_copy: Option<u32>,
    /// The wires of the global part that the voices read.
    pub reads: Vec<u32>,
    /// The live lists that they read.
    pub lists: Vec<u32>,
    /// The wires of the note sources.
    pub sources: PanelWires,
    /// The spans of each voice section.
    pub sections: Vec<Range<usize>>,
    /// The cables to the global part.
    pub sends: Vec<Send>,
    /// Wires that a later voice section reads.
    pub kept: Vec<u32>,
    /// Knob wire and part wire of each knob that a note may have a value of its own for.
    pub own: Vec<(u32, u32)>,
    /// Some module decides when a voice is over.
    pub envelopes: bool,
    /// Multiples of 64 frames that a voice without envelopes must be silent.
    pub quiet_blocks: u16,
}

/// The voices of a slot at one width.
pub struct Bank<L: Lanes> {
    shape: Arc<BankShape>,
    /// `None` while it is lent. Group g stands in share g mod their number.
    crews: Vec<Option<Box<Crew<L>>>>,
    /// The partial sums of each send: voice v stands in row v / width mod their number, lane v mod width; of those that no voice has there
    /// are none.
    partials: Vec<Vec<[L; BLOCK]>>,
    level: Level,
    fade: u32,
}

/// The wires of the global part that the voices' sums read, and the one that their pitch moves with, ascending. `[control]`
pub fn global_reads(part: &PartShape, follow: Option<u32>) -> Vec<u32> {
    let mut found: Vec<u32> = follow.into_iter().collect();
    let mut factor = |factor: &Factor| match *factor {
        Factor::Global(wire) | Factor::Own { wire, .. } => found.push(wire),
        Factor::Wire(_) => {}
    };
    for sum in &part.sums {
        for depth in sum.products.iter().map(|product| &product.depth).chain(std::iter::once(&sum.base)) {
            if let Depth::Knob(knob) = depth {
                factor(knob);
            }
        }
        sum.products.iter().flat_map(|product| &product.factors).for_each(&mut factor);
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// The same part, reading copies of the global wires `reads` in their order. `[control]`
fn reading_copies(mut part: PartShape, reads: &[u32]) -> PartShape {
    let copy = |factor: &mut Factor| match factor {
        Factor::Global(wire) | Factor::Own { wire, .. } => {
            *wire = reads.binary_search(wire).expect("every wire that a sum reads is among those read") as u32;
        }
        Factor::Wire(_) => {}
    };
    for sum in &mut part.sums {
        for depth in sum.products.iter_mut().map(|product| &mut product.depth).chain(std::iter::once(&mut sum.base)) {
            if let Depth::Knob(knob) = depth {
                copy(knob);
            }
        }
        sum.products.iter_mut().flat_map(|product| &mut product.factors).for_each(copy);
    }
    part
}

impl<L: Lanes> Bank<L> {
    /// Of ready groups, in so many shares: `wires` places a part, `fade` in frames, `lists` as they stand. `[control]`
    pub fn new(
        shape: BankShape,
        (part, wires): (PartShape, usize),
        groups: Vec<Group<L>>,
        shares: usize,
        level: Level,
        fade: u32,
        lists: &[List],
    ) -> Self {
        let shape = Arc::new(shape);
        let shares = shares.clamp(1, groups.len().max(1));
        let part = if shares > 1 { reading_copies(part, &shape.reads) } else { part };
        let mut dealt: Vec<Vec<Group<L>>> = (0..shares).map(|_| Vec::new()).collect();
        groups.into_iter().enumerate().for_each(|(number, group)| dealt[number % shares].push(group));
        let copies = (shares > 1).then_some((shape.reads.len(), lists));
        let crews = dealt
            .into_iter()
            .enumerate()
            .map(|(share, groups)| {
                let part = Part::new(part.clone(), wires, level);
                Some(Box::new(Crew::new(&shape, part, groups, (share, shares), copies)))
            })
            .collect();
        let rows = rows(L::WIDTH).min(shape.voices.div_ceil(L::WIDTH)).max(1);
        let partials = vec![vec![[L::default(); BLOCK]; rows]; shape.sends.len()];
        Self { shape, crews, partials, level, fade }
    }

    /// The share, the place in it and the lane of a voice.
    fn place(&self, voice: usize) -> (usize, usize, usize) {
        let group = voice / L::WIDTH;
        (group % self.crews.len(), group / self.crews.len(), voice % L::WIDTH)
    }

    /// The group and the lane of a voice; `None` while it is lent, when nothing may be asked.
    fn group(&mut self, voice: usize) -> Option<(&mut VoiceGroup<L>, usize)> {
        let (share, at, lane) = self.place(voice);
        self.crews[share].as_mut().map(|crew| (crew.group(at), lane))
    }

    fn seen(&self, voice: usize) -> Option<(&VoiceGroup<L>, usize)> {
        let (share, at, lane) = self.place(voice);
        self.crews[share].as_ref().map(|crew| (crew.seen(at), lane))
    }

    /// Groups in their order: share and place in it.
    fn order(&self) -> impl Iterator<Item = (usize, usize)> + use<L> {
        let shares = self.crews.len();
        (0..self.shape.voices.div_ceil(L::WIDTH)).map(move |group| (group % shares, group / shares))
    }

    fn clear_partials(&mut self, section: usize, from: usize, to: usize) {
        for (send, partials) in self.shape.sends.iter().zip(&mut self.partials) {
            if send.section == section {
                partials.iter_mut().for_each(|row| row[from..to].fill(L::default()));
            }
        }
    }

    /// The partial sums go into the global part's wires.
    fn add_up(&mut self, section: usize, global: &mut [Wire<f32>], from: usize, to: usize) {
        for (send, partials) in self.shape.sends.iter().zip(&self.partials) {
            if send.section == section {
                let wire = &mut global[send.to as usize];
                wire.held = false;
                if let Some(tile) = &mut wire.tile {
                    isa::run(self.level, SumUpWork { rows: partials, from, out: &mut tile[from..to] });
                }
            }
        }
    }
}

impl<L: Lanes> Voices for Bank<L> {
    fn count(&self) -> usize {
        self.shape.voices
    }

    fn width(&self) -> usize {
        L::WIDTH
    }

    fn start(&mut self, voice: usize, frame: usize, start: Start) {
        let (fade, follows) = (self.fade, self.shape.follow.is_some());
        if let Some((group, lane)) = self.group(voice) {
            group.start(lane, frame, start, fade, follows);
        }
    }

    fn release(&mut self, voice: usize, frame: usize, velocity: f32) {
        if let Some((group, lane)) = self.group(voice) {
            group.release(lane, frame, velocity);
        }
    }

    fn leave(&mut self, voice: usize, frame: usize, followed: f32) {
        if let Some((group, lane)) = self.group(voice) {
            group.change(lane, frame, Aspect::Leave, followed, 0);
        }
    }

    fn set(&mut self, voice: usize, frame: usize, source: NoteSource, value: f32, frames: u32) {
        if let Some((group, lane)) = self.group(voice) {
            group.change(lane, frame, Aspect::Source(source), value, frames);
        }
    }

    fn retune(&mut self, voice: usize, frame: usize, pitch: f32, frames: u32) {
        if let Some((group, lane)) = self.group(voice) {
            group.retune(lane, frame, pitch, frames);
        }
    }

    fn set_own(&mut self, voice: usize, frame: usize, knob_wire: u32, from: f32, value: f32, frames: u32) {
        let Some(number) = self.shape.own.iter().position(|(knob, _)| *knob == knob_wire) else { return };
        if let Some((group, lane)) = self.group(voice) {
            group.set_own(lane, frame, number, from, value, frames);
        }
    }

    fn end(&mut self, voice: usize, at_once: bool) {
        let fade = self.fade;
        if let Some((group, lane)) = self.group(voice) {
            group.end(lane, at_once, fade);
        }
    }

    fn end_at(&mut self, voice: usize, frame: usize) {
        let fade = self.fade;
        if let Some((group, lane)) = self.group(voice) {
            group.end_at(lane, frame, fade);
        }
    }

    fn pitch_at(&self, voice: usize, from: usize, frame: usize) -> f32 {
        self.seen(voice).map_or(0.0, |(group, lane)| group.pitch_at(lane, from, frame))
    }

    fn loudness(&self, voice: usize) -> f32 {
        self.seen(voice).map_or(0.0, |(group, lane)| group.loudness(lane))
    }

    fn sounding(&self, voice: usize) -> bool {
        self.seen(voice).is_some_and(|(group, lane)| group.sounds(lane))
    }

    fn run(&mut self, section: usize, global: &mut [Wire<f32>], block: &BlockCall<'_>, faults: &mut dyn FnMut(u16, usize)) {
        if self.crews.len() > 1 {
            self.prepare(section, global, block);
            self.crews.iter_mut().flatten().for_each(|crew| crew.run());
            return self.gather(section, global, block, faults);
        }
        let from = tile_index(block.start);
        let to = from + block.frames;
        self.clear_partials(section, from, to);
        if let Some(Some(crew)) = self.crews.first_mut() {
            crew.run_here(section, global, block, &mut self.partials);
            crew.tell(faults);
        }
        self.add_up(section, global, from, to);
    }

    fn shares(&self) -> usize {
        self.crews.len()
    }

    fn prepare(&mut self, section: usize, global: &[Wire<f32>], block: &BlockCall<'_>) -> bool {
        let mut any = false;
        for crew in self.crews.iter_mut().flatten() {
            crew.prepare(section, global, block);
            any |= !crew.is_idle();
        }
        any
    }

    fn lend(&mut self, share: usize) -> Option<Box<dyn Share>> {
        let crew = self.crews.get_mut(share)?;
        if crew.as_ref().is_none_or(|crew| crew.is_idle()) {
            return None;
        }
        crew.take().map(|crew| crew as Box<dyn Share>)
    }

    fn take_back(&mut self, share: usize, back: Box<dyn Share>) {
        // What comes back is what was lent: of this width.
        if let (Some(place), Ok(crew)) = (self.crews.get_mut(share), back.into_any().downcast::<Crew<L>>()) {
            *place = Some(crew);
        }
    }

    fn gather(&mut self, section: usize, global: &mut [Wire<f32>], block: &BlockCall<'_>, faults: &mut dyn FnMut(u16, usize)) {
        let from = tile_index(block.start);
        let to = from + block.frames;
        self.clear_partials(section, from, to);
        for (group, (share, at)) in self.order().enumerate() {
            let Some(Some(crew)) = self.crews.get(share) else { continue };
            for (number, _) in self.shape.sends.iter().enumerate().filter(|(_, send)| send.section == section) {
                if let Some(sent) = crew.sent(at, number) {
                    let rows = &mut self.partials[number];
                    let row = group % rows.len();
                    isa::run(self.level, AddWork { sent: &sent[from..to], sums: &mut rows[row][from..to] });
                }
            }
        }
        self.crews.iter_mut().flatten().for_each(|crew| crew.tell(faults));
        self.add_up(section, global, from, to);
    }

    fn finish(&mut self, end: SampleTime, over: &mut dyn FnMut(usize)) {
        for (share, at) in self.order() {
            if let Some(Some(crew)) = self.crews.get_mut(share) {
                crew.finish(at, end, over);
            }
        }
    }

    fn carry(&mut self, old: &mut dyn Voices, carry: &BankCarry) {
        let Some(old) = old.as_any().downcast_mut::<Self>() else { return };
        let fade = self.fade;
        for voice in (0..self.shape.voices).step_by(L::WIDTH) {
            if let (Some((mine, _)), Some((old, _))) = (self.group(voice), old.group(voice)) {
                mine.carry(old, carry, fade);
            }
        }
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}
