//! What stands at the seams of an included patch: modules that pass on what comes in. They are in no catalogue.

use std::marker::PhantomData;

use super::def::{Category, ModuleDef};
use super::{Input, Io, Kernel, Make, Output, Prepare, Seed};
use crate::dsp::lanes::{LaneMask, Lanes};
use crate::per_voice;

const IN: Input = Input::audio(0, "in", "What goes through.");
const OUT: Output = Output::audio(0, "out", "The same.");
const IN_PAIR: Input = Input::audio(0, "in", "What goes through.").stereo();
const LEFT: Input = Input::audio(0, "left", "The left side.");
const RIGHT: Input = Input::audio(1, "right", "The right side.");
const OUT_PAIR: Output = Output::audio(0, "out", "The same.").stereo();

/// One cable, mono or stereo as it is fed.
pub static THROUGH: ModuleDef =
    ModuleDef::new("through", Category::Mixer, "Passes on what comes in.", per_voice!(One)).inputs(&[IN]).outputs(&[OUT]);

/// One cable that has two sides, whatever it is fed.
pub static THROUGH_STEREO: ModuleDef =
    ModuleDef::new("through_stereo", Category::Mixer, "Passes on what comes in.", per_voice!(Pair)).inputs(&[IN_PAIR]).outputs(&[OUT_PAIR]);

/// Two sides that become one cable.
pub static SIDES: ModuleDef =
    ModuleDef::new("sides", Category::Mixer, "Makes one cable of two sides.", per_voice!(Join)).inputs(&[LEFT, RIGHT]).outputs(&[OUT_PAIR]);

macro_rules! through {
    ($name:ident, $count:literal, $io:ident, $($from:expr),+) => {
        struct $name<L>(PhantomData<fn(L)>);

        impl<L: Lanes> Make for $name<L> {
            fn make(_: &Prepare<'_>) -> Self {
                Self(PhantomData)
            }
        }

        impl<L: Lanes> Kernel<L> for $name<L> {
            fn reset(&mut self, _: LaneMask, _: Seed) {}

            #[inline(always)]
            fn process(&mut self, $io: &mut Io<'_, L>) {
                let from = [$($from),+];
                for (to, from) in $io.outputs::<$count>().into_iter().zip(from) {
                    to.iter_mut().enumerate().for_each(|(frame, to)| *to = from.at(frame));
                }
            }
        }
    };
}

through!(One, 1, io, io.input(IN));
through!(Pair, 2, io, io.pair(IN_PAIR).0, io.pair(IN_PAIR).1);
through!(Join, 2, io, io.input(LEFT), io.input(RIGHT));

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::rig::{Cuts, Rig};

    #[test]
    fn every_side_comes_out_as_it_went_in() {
        let mut rig = Rig::new(&THROUGH, 48_000.0);
        assert_eq!(rig.hold(IN, 0.25).run(3, &Cuts::whole()).lane(0, 0), [0.25; 3]);
        let mut rig = Rig::new(&SIDES, 48_000.0);
        let take = rig.hold(LEFT, 0.5).hold(RIGHT, -0.5).run(2, &Cuts::whole());
        assert_eq!((take.lane(0, 0), take.lane(1, 0)), (&[0.5f32; 2][..], &[-0.5f32; 2][..]));
        let mut rig = Rig::new(&THROUGH_STEREO, 48_000.0);
        let take = rig.hold(IN_PAIR, 1.5).run(2, &Cuts::whole());
        assert_eq!((take.lane(0, 0), take.lane(1, 0)), (&[1.5f32; 2][..], &[1.5f32; 2][..]));
    }
}
