//! Sound that other programs read.

use crate::base::time::BLOCK;
use crate::dsp::lanes::LaneMask;
use crate::global_only;
use crate::module::def::Category;
use crate::module::{Input, Io, Kernel, Make, ModuleDef, Output, Prepare, Seed, Setting};
use crate::rt::outflow::OutflowEnd;

const IN: Input = Input::audio(0, "in", "What is given to who reads the stream.").stereo();
const OUT: Output = Output::audio(0, "out", "The same, so that it can stand in a chain.").stereo();
const STREAM: Setting =
    Setting::name(0, "stream", "out", "The name of the stream, by which others ask for it; `master` is what is heard of everything.");

/// The declaration.
pub static DEF: ModuleDef = ModuleDef::new(
    "stream_out",
    Category::Effect,
    "Sound that another program reads over TCP or a Unix socket.",
    global_only!(StreamOut),
)
.doc(
    "Who connects asks for the stream by its name and gets two channels of plain samples at the engine's rate, in the format it wants \
         (docs/streams.md). Any number may read one stream. Who reads too slowly loses frames, which are counted and stand as silence \
         in their place; the sound here is never touched.\n\n\
         Patch it anywhere: `in = \"filter\"`. What goes in comes out. Of two modules with one stream the first that runs is read. \
         Offline there are no streams, and it only hands its sound on.",
)
.inputs(&[IN])
.outputs(&[OUT])
.settings(&[STREAM]);

struct StreamOut {
    end: Option<OutflowEnd>,
}

impl Make for StreamOut {
    fn make(prepare: &Prepare<'_>) -> Self {
        Self { end: prepare.flows.outflow(prepare.settings.name(STREAM)).map(|flow| flow.end()) }
    }
}

impl Kernel<f32> for StreamOut {
    fn reset(&mut self, _: LaneMask, _: Seed) {}

    #[inline(always)]
    fn process(&mut self, io: &mut Io<'_, f32>) {
        let (in_left, in_right) = io.pair(IN);
        let (tile, frames) = (io.start() / BLOCK as u64, io.frames());
        let [left, right] = io.outputs();
        in_left.frames(0, left);
        in_right.frames(0, right);
        for x in left.iter_mut().chain(right.iter_mut()) {
            *x = if x.is_finite() { *x } else { 0.0 };
        }
        if let Some(end) = &self.end {
            end.put(tile, frames, |frame, channel| if channel == 0 { left[frame] } else { right[frame] });
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

    #[test]
    fn what_goes_in_comes_out_on_both_ways() {
        let flows = Flows::new();
        let settings = Settings(vec![SettingValue::Name("tape".to_owned())]);
        let mut rig = Rig::among(&DEF, 1, Level::detect(), 48_000.0, &settings, &flows);
        let mut reader = flows.find_outflow("tape").unwrap().reader();
        rig.drive_side(IN, 0, |time, _| time as f32).drive_side(IN, 1, |time, _| -(time as f32));
        let take = rig.run(1_000, &Cuts::Random(3));
        let mut read = Vec::new();
        assert_eq!(reader.read(2_000, &mut read), 1_000);
        for (frame, pair) in read.chunks_exact(2).enumerate() {
            assert_eq!(pair, [frame as f32, -(frame as f32)]);
            assert_eq!(pair, [take.lane(0, 0)[frame], take.lane(1, 0)[frame]]);
        }
    }
}
