//! A module that fails must not take the others with it.

use rackd::dsp::lanes::{LaneMask, Lanes};
use rackd::engine::Report;
use rackd::module::def::Category;
use rackd::module::{Catalogue, Input, Io, Kernel, Make, ModuleDef, Output, Prepare, Seed};
use rackd::modules::CATALOGUE;
use rackd::per_voice;

use crate::rig::{Rig, Way, parsed_with, peak};

const IN: Input = Input::audio(0, "in", "Passed on.");
const OUT: Output = Output::audio(0, "out", "What came in.");

/// Panics at its 1000th frame.
struct Bomb(usize);

impl Make for Bomb {
    fn make(_: &Prepare<'_>) -> Self {
        Self(0)
    }
}

impl<L: Lanes> Kernel<L> for Bomb {
    fn reset(&mut self, _: LaneMask, _: Seed) {}
    fn process(&mut self, io: &mut Io<'_, L>) {
        self.0 += io.frames();
        assert!(self.0 < 1_000, "the bomb went off");
        let signal = io.input(IN);
        let [out] = io.outputs();
        out.iter_mut().enumerate().for_each(|(at, out)| *out = signal.at(at));
    }
}

type AnyBomb<L> = Held<L, Bomb>;

/// Keeps what comes in for ever: once NaN, always NaN, until it starts afresh.
struct Memory<L>(L);

impl<L: Lanes> Make for Memory<L> {
    fn make(_: &Prepare<'_>) -> Self {
        Self(L::default())
    }
}

impl<L: Lanes> Kernel<L> for Memory<L> {
    fn reset(&mut self, lanes: LaneMask, _: Seed) {
        self.0 = L::default().pick(lanes, self.0);
    }
    fn process(&mut self, io: &mut Io<'_, L>) {
        let signal = io.input(IN);
        let [out] = io.outputs();
        for (at, out) in out.iter_mut().enumerate() {
            // 0 / 0 for a lane that is given exactly 0.25.
            let x = signal.at(at).map(|x| if x == 0.25 { f32::NAN } else { x });
            self.0 = x + self.0 * L::splat(0.5);
            *out = self.0;
        }
    }
}

/// A kernel of one kind at every width.
struct Held<L, K>(K, std::marker::PhantomData<L>);

impl<L: Lanes, K: Make> Make for Held<L, K> {
    fn make(prepare: &Prepare<'_>) -> Self {
        Self(K::make(prepare), std::marker::PhantomData)
    }
}

impl<L: Lanes, K: Kernel<L>> Kernel<L> for Held<L, K> {
    fn reset(&mut self, lanes: LaneMask, seed: Seed) {
        self.0.reset(lanes, seed);
    }
    fn process(&mut self, io: &mut Io<'_, L>) {
        self.0.process(io);
    }
}

static BOMB: ModuleDef = ModuleDef::new("bomb", Category::Effect, "Panics.", per_voice!(AnyBomb)).inputs(&[IN]).outputs(&[OUT]);
static MEMORY: ModuleDef = ModuleDef::new("memory", Category::Effect, "Remembers.", per_voice!(Memory)).inputs(&[IN]).outputs(&[OUT]);

fn toys() -> Catalogue {
    let adsr = CATALOGUE.find("adsr").unwrap();
    Catalogue(Box::leak(Box::new([&BOMB, &MEMORY, adsr])))
}

#[test]
fn a_panic_ends_its_slot_alone_and_a_new_patch_revives_it() {
    let bad = "format = 1\n[in]\n[global.bomb]\ntype = \"bomb\"\nin = \"in.left\"\n[out]\nin = \"bomb\"\n";
    let mut rig = Rig::of(parsed_with(bad, &toys()), Way::default());
    rig.input = Box::new(|_| [0.5; 2]);
    let heard = rig.left(4_800);
    assert!(heard[..900].iter().all(|x| *x == 0.5));
    let after = heard.iter().rposition(|x| *x == 0.5).unwrap();
    assert!((900..1_024).contains(&after), "{after}");
    // The last value fades within 10 ms instead of stopping dead.
    assert!(heard[after + 1] > 0.49 && heard[after + 500] == 0.0, "{} {}", heard[after + 1], heard[after + 500]);
    assert!(rig.reports().contains(&Report::Died { slot: 0 }));
    assert_eq!(rig.door.failure().as_deref(), Some("the bomb went off"));
    let good = "format = 1\n[in]\n[out]\nin = \"in.left\"\n";
    rig.reload_as(parsed_with(good, &toys()));
    assert_eq!(peak(&rig.left(4_800)[1_000..]), 0.5);
}

#[test]
fn a_panic_on_other_threads_ends_its_slot_alone() {
    let bad = "format = 1\n[note]\nvoices = 40\n[voice.env]\ntype = \"adsr\"\nattack = 0\nsustain = 1\n\
               [voice.bomb]\ntype = \"bomb\"\nin = \"note.velocity * 1\"\n[out]\nin = \"bomb * env * 0.01\"\n";
    let mut rig = Rig::of(parsed_with(bad, &toys()), Way { width: Some(8), shares: 5, ..Way::default() });
    rig.engine.employ(2);
    rig.engine.share_always(true);
    (0..40).for_each(|n| {
        rig.note(0, 40.0 + n as f32, 1.0, 0);
    });
    let heard = rig.left(4_800);
    assert!(heard[..900].iter().any(|x| *x > 0.3) && heard[4_000..].iter().all(|x| *x == 0.0));
    let died = rig.reports().iter().filter(|report| **report == Report::Died { slot: 0 }).count();
    assert_eq!((died, rig.door.failure().as_deref()), (1, Some("the bomb went off")));
    assert_eq!(rig.door.failure(), None, "one reason is told");
    rig.reload_as(parsed_with("format = 1\n[out]\nin = 0.5\n", &toys()));
    assert_eq!(peak(&rig.left(4_800)[1_000..]), 0.5);
}

#[test]
fn what_is_no_number_is_silenced_in_its_own_voice_blamed_and_healed() {
    // Two notes; one of them gives the memory exactly 0.25 for a moment.
    let text = "format = 1\n[note]\n[voice.env]\ntype = \"adsr\"\nattack = 0\nsustain = 1\n\
                [voice.memory]\ntype = \"memory\"\nin = \"note.velocity * 1\"\n[out]\nin = \"memory * env * 0.1\"\n";
    for (width, buffer) in crate::rig::WIDTHS.into_iter().zip([64, 1, 33]) {
        let mut rig = Rig::of(parsed_with(text, &toys()), Way { width: Some(width), buffer, ..Way::default() });
        rig.note(0, 60.0, 0.5, 0);
        rig.run(4_800);
        let alone = rig.left(4_800)[4_799];
        assert!((alone - 0.1).abs() < 1e-4, "{alone}");
        rig.note(9_600, 64.0, 0.25, 9_600);
        let heard = rig.left(4_800);
        assert!(heard.iter().all(|x| x.is_finite()));
        // The first voice is untouched all the while: the bad one adds nothing.
        assert!(heard.iter().all(|x| (x - alone).abs() < 1e-4), "width {width}");
        let blamed = rig.reports().into_iter().filter(|report| matches!(report, Report::NotFinite { module: 1, voice: 1, .. })).count();
        assert!(blamed > 0, "width {width}");
        let healed = rig.note(14_400, 67.0, 0.5, 0);
        rig.run(4_800);
        let both = rig.left(4_800)[4_799];
        assert!((both - 0.2).abs() < 1e-4, "a voice is well again: {both}, {healed:?}");
    }
}

#[test]
fn healing_takes_the_same_time_at_any_buffer_size() {
    let text = "format = 1\n[in]\n[global.memory]\ntype = \"memory\"\nin = \"in.left\"\n[out]\nin = \"memory * 0.5\"\n";
    let heard = |buffer| {
        let mut rig = Rig::of(parsed_with(text, &toys()), Way { buffer, ..Way::default() });
        // Once what makes it fall ill for ever.
        rig.input = Box::new(|at| [if at == 1_000 { 0.25 } else { 0.1 }; 2]);
        rig.left(1_200)
    };
    let whole = heard(64);
    assert!(whole[1_000..1_024].iter().all(|x| *x == 0.0), "nothing is heard of what is no number");
    assert!(whole[1_100] > 0.09, "{}", whole[1_100]);
    for buffer in [1, 7, 33, 512] {
        let differs = heard(buffer).iter().zip(&whole).position(|(a, b)| a.to_bits() != b.to_bits());
        assert_eq!(differs, None, "calls of {buffer} frames");
    }
}
