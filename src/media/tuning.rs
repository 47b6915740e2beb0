//! Which pitch each key has.
//!
//! A [`Recipe`] is what was said of a tuning; a [`Tuning`] is what it comes to: 128 pitches, in f64 until they are sent to the
//! engine, whose f32 octaves are 0.0006 cents apart at the ends of the keyboard.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::key_map::KeyMap;
use super::scale::Scale;
use crate::base::names::octaves_from_note;
use crate::base::units::octaves_from_hertz;

/// Keys of a keyboard.
pub const KEYS: usize = 128;

/// A4: the key that a frequency alone is meant for.
pub const CONCERT: u8 = 69;

/// The key on which a scale begins where nothing else is said: C4.
pub const MIDDLE: u8 = 60;

/// A pitch for each key, or none.
#[derive(Clone, Debug, PartialEq)]
pub struct Tuning {
    /// [octaves above C4]
    keys: [Option<f64>; KEYS],
}

impl Default for Tuning {
    /// Equal temperament, A4 at 440 Hz.
    fn default() -> Self {
        Self { keys: std::array::from_fn(|key| Some(octaves_from_note(key as f64))) }
    }
}

impl Tuning {
    /// The pitch of a key [octaves above C4]; `None`: it plays nothing. `[any]`
    pub fn key(&self, key: u8) -> Option<f64> {
        self.keys.get(usize::from(key)).copied().flatten()
    }

    /// The pitch of a note number, which may have a fraction: it lies as far between the two keys. Beyond the keyboard, notes are
    /// semitones apart. `None`: one of the keys plays nothing. `[any]`
    pub fn pitch(&self, number: f64) -> Option<f64> {
        let last = (KEYS - 1) as f64;
        let within = number.clamp(0.0, last);
        let below = libm::floor(within);
        let part = within - below;
        let low = self.key(below as u8)?;
        let pitch = if part > 0.0 { low + part * (self.key(below as u8 + 1)? - low) } else { low };
        Some(pitch + (number - within) / 12.0)
    }

    /// How many keys play something. `[any]`
    pub fn mapped(&self) -> usize {
        self.keys.iter().flatten().count()
    }
}

/// What the keys play.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Steps {
    /// Equal temperament.
    #[default]
    Equal,
    /// Equal temperament, each of the twelve notes from C on so much higher [octaves].
    Octave([f64; 12]),
    /// A scale.
    Scale(Arc<Scale>),
}

/// What was said of a tuning.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recipe {
    /// What the keys play.
    pub steps: Steps,
    /// Which key plays which degree; for scales only.
    pub map: Option<Arc<KeyMap>>,
    /// The key on which the scale begins; `None`: the map's, or C4.
    pub root: Option<u8>,
    /// The key whose frequency is meant; `None`: the map's; without one A4 where a frequency is given, else the root.
    pub reference: Option<u8>,
    /// Its frequency [Hz]; `None`: the map's; without one, or where another key is the reference, as in equal temperament.
    pub frequency: Option<f64>,
    /// Keys with a pitch of their own [octaves above C4].
    pub keys: BTreeMap<u8, f64>,
}

impl Recipe {
    /// The key whose frequency is meant, and its pitch [octaves above C4]. `[any]`
    pub fn reference(&self) -> (u8, f64) {
        let map = self.map.as_ref().filter(|_| matches!(self.steps, Steps::Scale(_)));
        let usual = match (map, self.frequency, &self.steps) {
            (Some(map), ..) => map.reference,
            (None, None, Steps::Scale(_)) => self.root.unwrap_or(MIDDLE),
            (None, ..) => CONCERT,
        };
        let key = self.reference.unwrap_or(usual);
        let hertz = self.frequency.or(map.filter(|map| map.reference == key).map(|map| map.frequency));
        (key, hertz.map_or_else(|| octaves_from_note(f64::from(key)), octaves_from_hertz))
    }

    /// The tuning that it comes to.
    ///
    /// # Errors
    /// One sentence, where the key whose frequency is given plays nothing. `[control]`
    pub fn tuning(&self) -> Result<Tuning, String> {
        let (reference, pitch) = self.reference();
        let mut tuning = Tuning::default();
        let equal = |key: u8| octaves_from_note(f64::from(key));
        match &self.steps {
            Steps::Equal | Steps::Octave(_) => {
                let offset = |key: usize| if let Steps::Octave(offsets) = &self.steps { offsets[key % 12] } else { 0.0 };
                let shift = pitch - equal(reference);
                for (key, slot) in tuning.keys.iter_mut().enumerate() {
                    *slot = Some(equal(key as u8) + shift + offset(key));
                }
            }
            Steps::Scale(scale) => {
                let root = self.root.or(self.map.as_ref().map(|map| map.middle)).unwrap_or(MIDDLE);
                let straight = |key: u8| Some(scale.pitch(i64::from(key) - i64::from(root)));
                let moved = self.map.as_ref().map(|map| KeyMap { middle: root, ..KeyMap::clone(map) });
                let above = |key: u8| moved.as_ref().map_or_else(|| straight(key), |map| map.pitch(key, scale));
                let Some(from) = above(reference) else {
                    return Err(format!("the reference key {reference} plays nothing by the key map"));
                };
                let tuned = moved.as_ref().map_or((0, 127), |map| map.keys);
                for key in tuned.0..=tuned.1 {
                    tuning.keys[usize::from(key)] = above(key).map(|above| pitch + above - from);
                }
            }
        }
        for (key, pitch) in &self.keys {
            if let Some(slot) = tuning.keys.get_mut(usize::from(*key)) {
                *slot = Some(*pitch);
            }
        }
        Ok(tuning)
    }

    /// What it is called. `[any]`
    pub fn name(&self) -> &str {
        match &self.steps {
            Steps::Equal => "equal temperament",
            Steps::Octave(_) => "offsets from equal temperament",
            Steps::Scale(scale) => scale.description(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::units::hertz_from_octaves;

    fn hertz(tuning: &Tuning, key: u8) -> f64 {
        hertz_from_octaves(tuning.key(key).unwrap())
    }

    fn near(a: f64, b: f64) {
        assert!((libm::log2(a / b) * 1200.0).abs() < 1e-6, "{a} {b}");
    }

    #[test]
    fn equal_temperament_is_what_is_played_where_nothing_is_said() {
        let tuning = Recipe::default().tuning().unwrap();
        assert_eq!(tuning, Tuning::default());
        near(hertz(&tuning, 69), 440.0);
        assert_eq!(tuning.key(60), Some(0.0));
        near(hertz(&Recipe { frequency: Some(442.0), ..Recipe::default() }.tuning().unwrap(), 57), 221.0);
        let deep = Recipe { frequency: Some(256.0), reference: Some(60), ..Recipe::default() }.tuning().unwrap();
        near(hertz(&deep, 72), 512.0);
    }

    #[test]
    fn a_scale_keeps_its_root_unless_another_key_is_named() {
        let just = Arc::new(Scale::of_steps("", [9.0 / 8.0, 5.0 / 4.0, 1.5, 5.0 / 3.0, 2.0].map(f64::log2).to_vec()).unwrap());
        let of = |recipe: Recipe| Recipe { steps: Steps::Scale(just.clone()), ..recipe }.tuning().unwrap();
        let c4 = 440.0 * f64::exp2(-9.0 / 12.0);
        near(hertz(&of(Recipe::default()), 60), c4);
        near(hertz(&of(Recipe::default()), 64), c4 * 5.0 / 3.0);
        near(hertz(&of(Recipe::default()), 59), c4 * 5.0 / 6.0);
        let a = of(Recipe { frequency: Some(440.0), ..Recipe::default() });
        near(hertz(&a, 69), 440.0);
        near(hertz(&a, 60), 440.0 / (2.0 * 5.0 / 3.0));
        let d = of(Recipe { root: Some(62), ..Recipe::default() });
        near(hertz(&d, 62), 440.0 * f64::exp2(-7.0 / 12.0));
        let both = of(Recipe { root: Some(62), reference: Some(64), ..Recipe::default() });
        near(hertz(&both, 64), 440.0 * f64::exp2(-5.0 / 12.0));
        near(hertz(&both, 62), 440.0 * f64::exp2(-5.0 / 12.0) / 1.25);
    }

    #[test]
    fn a_map_says_which_keys_play_and_the_words_beside_it_win() {
        let scale = Arc::new(Scale::of_steps("", (1..=3).map(|step| f64::from(step) / 3.0).collect()).unwrap());
        let map = Arc::new(KeyMap::read("4\n48\n71\n60\n60\n256.0\n3\n0\n1\nx\n2\n").unwrap());
        let recipe = Recipe { steps: Steps::Scale(scale), map: Some(map), ..Recipe::default() };
        let tuning = recipe.tuning().unwrap();
        near(hertz(&tuning, 60), 256.0);
        near(hertz(&tuning, 64), 512.0);
        assert_eq!(tuning.key(62), None);
        assert_eq!(tuning.mapped(), 128 - 6);
        assert_eq!(tuning.key(47), Tuning::default().key(47), "outside of the map's keys nothing is retuned");
        near(hertz(&Recipe { frequency: Some(250.0), ..recipe.clone() }.tuning().unwrap(), 60), 250.0);
        assert!(Recipe { reference: Some(62), ..recipe }.tuning().is_err());
    }

    #[test]
    fn fractions_lie_between_the_keys() {
        let mut recipe = Recipe::default();
        recipe.keys.insert(61, 0.2);
        let tuning = recipe.tuning().unwrap();
        assert!((tuning.pitch(60.5).unwrap() - 0.1).abs() < 1e-12);
        assert!((tuning.pitch(61.0).unwrap() - 0.2).abs() < 1e-12);
        assert!((tuning.pitch(-12.0).unwrap() + 6.0).abs() < 1e-12, "beyond the keyboard too");
        assert!((tuning.pitch(139.0).unwrap() - 79.0 / 12.0).abs() < 1e-12);
        assert_eq!(Tuning { keys: std::array::from_fn(|key| (key != 61).then_some(0.0)) }.pitch(60.5), None);
    }
}
