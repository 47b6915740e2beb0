//! Sound that is sent to rackd.

use crate::base::time::tile_index;
use crate::dsp::lanes::LaneMask;
use crate::global_only;
use crate::module::def::Category;
use crate::module::{Io, Kernel, Make, ModuleDef, Output, Prepare, Seed, Setting};
use crate::rt::inflow::{Heard, Inflow};

const OUT: Output = Output::audio(0, "out", "What is sent; silent where nothing is.").stereo();
const STREAM: Setting = Setting::name(0, "stream", "in", "The name of the stream, as the one who sends it gives it.");
const TAKE: Setting = Setting::choice(
    1,
    "take",
    &["pair", "one", "all"],
    "Which of its channels: a pair from `channel` on, one left and the next right; `channel` alone on both sides; all, odd ones left and even ones right.",
);
const CHANNEL: Setting =
    Setting::integer(2, "channel", 1, 64, 1, "The first channel that is taken, from 1; where the stream has fewer, its last.");

/// Frames in which the sound fades around a gap.
const FADE: u32 = 64;

/// The declaration.
pub static DEF: ModuleDef =
    ModuleDef::new("stream_in", Category::Source, "Sound that another program sends over TCP or a Unix socket.", global_only!(StreamIn))
        .doc(
            "Who sends says a name, a rate, channels and a format in one line and then sends plain samples (docs/streams.md; \
             `rackd stream FILE --name in` does). Any rate is turned into the engine's, and where the sender keeps time by a clock of \
             its own the difference is absorbed by resampling, far below what is heard as pitch.\n\n\
             `take = \"pair\"` gives two channels from `channel` on, left and right; a stream of one channel is on both sides. \
             `take = \"one\"` gives `channel` alone, `\"all\"` the mean of the odd channels left and of the even ones right. Several \
             modules may take from one stream and hear the same frames. Where nothing has come in time there is silence, faded in and out within \
             1.3 ms at 48 kHz and counted (`/stream/list`). Offline there are no streams: it is silent.",
        )
        .outputs(&[OUT])
        .settings(&[STREAM, TAKE, CHANNEL]);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Take {
    Pair,
    One,
    All,
}

struct StreamIn {
    inflow: Option<Inflow>,
    take: Take,
    first: usize,
    /// How far the sound has come back after a gap, of [`FADE`].
    risen: u32,
    /// The last frame before a gap, and what of it is left, of [`FADE`].
    last: [f32; 2],
    left: u32,
}

impl Make for StreamIn {
    fn make(prepare: &Prepare<'_>) -> Self {
        let settings = prepare.settings;
        Self {
            inflow: prepare.flows.inflow(settings.name(STREAM)),
            take: [Take::Pair, Take::One, Take::All][settings.choice(TAKE).min(2)],
            first: settings.integer(CHANNEL).clamp(1, 64) as usize - 1,
            risen: FADE,
            last: [0.0; 2],
            left: 0,
        }
    }
}

impl Kernel<f32> for StreamIn {
    fn reset(&mut self, _: LaneMask, _: Seed) {
        (self.risen, self.last, self.left) = (FADE, [0.0; 2], 0);
    }

    #[inline(always)]
    fn process(&mut self, io: &mut Io<'_, f32>) {
        let (start, from) = (io.start(), tile_index(io.start()));
        let [left, right] = io.outputs();
        let Some(inflow) = &self.inflow else {
            left.fill(0.0);
            right.fill(0.0);
            return;
        };
        let heard = inflow.heard(start);
        if from == 0 && heard.frames > 0 && inflow.begins(&heard) {
            // It begins as it was sent.
            self.risen = FADE;
        }
        for (frame, (left, right)) in left.iter_mut().zip(right).enumerate() {
            if from + frame < heard.frames {
                let pair = pick(inflow, &heard, from + frame, self.take, self.first);
                self.risen = (self.risen + 1).min(FADE);
                let gain = self.risen as f32 * (1.0 / FADE as f32);
                self.last = [pair[0] * gain, pair[1] * gain];
                self.left = FADE;
                [*left, *right] = self.last;
            } else {
                self.risen = if self.left > 0 { 0 } else { self.risen };
                self.left = self.left.saturating_sub(1);
                let gain = self.left as f32 * (1.0 / FADE as f32);
                [*left, *right] = [self.last[0] * gain, self.last[1] * gain];
            }
        }
    }
}

/// Left and right of a frame.
#[inline(always)]
fn pick(inflow: &Inflow, heard: &Heard, frame: usize, take: Take, first: usize) -> [f32; 2] {
    let last = heard.channels - 1;
    let first = first.min(last);
    let sample = |channel: usize| inflow.sample(heard, frame, channel);
    match take {
        Take::One => [sample(first); 2],
        Take::Pair => [sample(first), sample((first + 1).min(last))],
        Take::All if last == 0 => [sample(0); 2],
        Take::All => {
            let mut sums = [0.0; 2];
            for channel in 0..=last {
                sums[channel % 2] += sample(channel);
            }
            [sums[0] / (last / 2 + 1) as f32, sums[1] / last.div_ceil(2) as f32]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::isa::Level;
    use crate::module::rig::{Cuts, Rig};
    use crate::module::{SettingValue, Settings};
    use crate::rt::flows::Flows;

    fn rig(flows: &Flows, take: usize, channel: i64) -> Rig {
        let name = SettingValue::Name("mic".to_owned());
        let settings = Settings(vec![name, SettingValue::Choice(take), SettingValue::Integer(channel)]);
        Rig::among(&DEF, 1, Level::detect(), 48_000.0, &settings, flows)
    }

    #[test]
    fn frames_come_out_as_they_went_in_and_two_modules_hear_the_same() {
        let flows = Flows::new();
        let (mut one, mut other) = (rig(&flows, 0, 1), rig(&flows, 0, 1));
        let mut end = flows.inflow("mic").unwrap().open(2, 128).unwrap();
        let sent: Vec<f32> = (0..2 * 1_000).map(|n| n as f32 * 1e-4 + 0.1).collect();
        assert_eq!(end.push(&sent), 1_000);
        assert!(one.run(64, &Cuts::whole()).lane(0, 0).iter().all(|x| *x == 0.0), "the first tile was decided before");
        other.jump(64);
        // As in an engine: one tile after another, each module once.
        for tile in 0..14 {
            let (a, b) = (one.run(64, &Cuts::Random(tile)), other.run(64, &Cuts::whole()));
            assert_eq!(a, b);
            for (frame, sent) in sent[128 * tile as usize..].chunks_exact(2).take(64).enumerate() {
                assert_eq!([a.lane(0, 0)[frame], a.lane(1, 0)[frame]], [sent[0], sent[1]], "tile {tile}, frame {frame}");
            }
        }
    }

    #[test]
    fn channels_are_picked() {
        for (channels, take, channel, want) in [
            (1, 0, 1, [1.0, 1.0]),
            (2, 0, 1, [1.0, 2.0]),
            (4, 0, 3, [3.0, 4.0]),
            (4, 0, 4, [4.0, 4.0]),
            (3, 1, 2, [2.0, 2.0]),
            (3, 1, 9, [3.0, 3.0]),
            (1, 2, 1, [1.0, 1.0]),
            (5, 2, 1, [3.0, 3.0]),
            (64, 2, 1, [32.0, 33.0]),
            (64, 0, 63, [63.0, 64.0]),
        ] {
            let flows = Flows::new();
            let mut rig = rig(&flows, take, channel);
            rig.jump(64);
            let mut end = flows.inflow("mic").unwrap().open(channels, 64).unwrap();
            let sent: Vec<f32> = (0..channels * 64).map(|at| (at % channels + 1) as f32).collect();
            assert_eq!(end.push(&sent), 64);
            let heard = rig.run(64, &Cuts::whole());
            assert_eq!([heard.lane(0, 0)[5], heard.lane(1, 0)[5]], want, "{channels} channels, {take}, from {channel}");
        }
    }

    #[test]
    fn a_gap_is_counted_and_does_not_click_and_an_end_is_no_gap() {
        let flows = Flows::new();
        let mut rig = rig(&flows, 0, 1);
        rig.jump(64);
        let inflow = flows.inflow("mic").unwrap();
        let mut end = inflow.open(1, 128).unwrap();
        let counts = |what: &std::sync::atomic::AtomicU64| what.load(std::sync::atomic::Ordering::Relaxed);
        end.push(&[1.0; 100]);
        assert!(rig.run(64, &Cuts::whole()).lane(0, 0).iter().all(|x| *x == 0.0), "too little to begin with");
        assert_eq!(counts(&inflow.counts().starved), 0, "what has not begun has no gap");
        end.push(&[1.0; 100]);
        let heard = rig.run(64 * 6, &Cuts::Lengths(vec![17])).lane(0, 0).to_vec();
        assert!(heard[..200].iter().all(|x| *x == 1.0));
        assert!(heard.windows(2).all(|pair| (pair[1] - pair[0]).abs() <= 1.0 / 63.0), "it fades");
        assert!(heard[264..].iter().all(|x| *x == 0.0));
        assert_eq!((counts(&inflow.counts().underruns), counts(&inflow.counts().starved)), (1, 64 * 6 - 200));
        end.push(&[1.0; 150]);
        end.finish();
        let heard = rig.run(64 * 4, &Cuts::whole()).lane(0, 0).to_vec();
        assert!(heard[0] < 0.1 && heard[63..150].iter().all(|x| *x == 1.0) && heard[214..].iter().all(|x| *x == 0.0), "{heard:?}");
        assert_eq!(counts(&inflow.counts().underruns), 1, "an end is no gap");
    }
}
