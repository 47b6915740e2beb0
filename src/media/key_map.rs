//! Key maps, as Scala's `.kbm` files have them: which key plays which degree of a scale, and at what pitch.

use super::lines::{Lines, Mistake, brief};
use super::scale::{NOTES, Scale};

/// Which key plays which degree of a scale.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyMap {
    /// The keys that are tuned, from and to; others keep the equal temperament.
    pub keys: (u8, u8),
    /// The key on which the pattern begins.
    pub middle: u8,
    /// The key whose frequency is given.
    pub reference: u8,
    /// That frequency [Hz].
    pub frequency: f64,
    /// The degree by which the pattern is higher each time it comes again; 0: the scale's period.
    pub octave: i64,
    /// The degree of each key of the pattern, `None` for one that plays nothing. Empty: each key is one degree higher.
    pub pattern: Vec<Option<i64>>,
}

impl KeyMap {
    /// Reads the text of a `.kbm` file.
    ///
    /// # Errors
    /// What is wrong, and in which line. `[control]`
    pub fn read(text: &str) -> Result<Self, Mistake> {
        let mut lines = Lines::new(text)?;
        let (_, size) = lines.whole("the size of the map", 0, NOTES as i64)?;
        let (_, first) = lines.whole("the first key", 0, 127)?;
        let (at, last) = lines.whole("the last key", 0, 127)?;
        if last < first {
            return Err(Mistake::new(at, format!("the last key is {last}, and the first is {first}")));
        }
        let (_, middle) = lines.whole("the middle key", 0, 127)?;
        let (referred, reference) = lines.whole("the reference key", 0, 127)?;
        let (at, line) = lines.want("the reference frequency")?;
        let frequency = line.split_whitespace().next().and_then(|word| word.parse::<f64>().ok());
        let Some(frequency) = frequency.filter(|hertz| (0.001..=100_000.0).contains(hertz)) else {
            let text = format!("the reference frequency is wanted, 0.001 to 100000 Hz, and this is \"{}\"", brief(line));
            return Err(Mistake::new(at, text));
        };
        let (_, octave) = lines.whole("the degree of the octave", 0, NOTES as i64)?;
        let mut pattern = Vec::with_capacity(size as usize);
        while let Some((at, word)) = lines.word() {
            if pattern.len() == size as usize {
                // Where each key is a degree, some programs write the degrees all the same.
                if size == 0 {
                    break;
                }
                return Err(Mistake::new(at, format!("the map has {size} keys, and \"{}\" is one more", brief(word))));
            }
            pattern.push(match word {
                "x" | "X" => None,
                word => match word.parse::<i64>() {
                    Ok(degree) if degree.abs() <= NOTES as i64 => Some(degree),
                    _ => {
                        let text = format!("\"{}\" is neither a degree of the scale nor x", brief(word));
                        return Err(Mistake::new(at, text));
                    }
                },
            });
        }
        // At the end, keys that play nothing may be left out.
        pattern.resize(size as usize, None);
        let keys = (first as u8, last as u8);
        let map = Self { keys, middle: middle as u8, reference: reference as u8, frequency, octave, pattern };
        if map.place(map.reference).is_none() {
            return Err(Mistake::new(referred, format!("the reference key {reference} plays nothing by this map")));
        }
        Ok(map)
    }

    /// Which time the pattern comes, and the degree in it, of a key; `None`: it plays nothing.
    fn place(&self, key: u8) -> Option<(i64, i64)> {
        let from = i64::from(key) - i64::from(self.middle);
        match self.pattern.len() as i64 {
            0 => Some((0, from)),
            size => self.pattern[from.rem_euclid(size) as usize].map(|degree| (from.div_euclid(size), degree)),
        }
    }

    /// How far a key lies above the first note of a scale [octaves]; `None`: it plays nothing. `[any]`
    pub fn pitch(&self, key: u8, scale: &Scale) -> Option<f64> {
        let octave = if self.octave == 0 { scale.period() } else { scale.pitch(self.octave) };
        self.place(key).map(|(times, degree)| times as f64 * octave + scale.pitch(degree))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHITE: &str =
        "! white keys\n12\n0\n127\n60\n69\n440.0\n7\n! C\n0\nx\n1\nx\n2\n3\nx\n4\nx\n5\nx\n6\n! the last is left out in others\n";

    #[test]
    fn files_are_read_to_the_letter() {
        let map = KeyMap::read(WHITE).unwrap();
        assert_eq!((map.keys, map.middle, map.reference, map.frequency, map.octave), ((0, 127), 60, 69, 440.0, 7));
        let seven = Scale::of_steps("", (1..=7).map(|step| f64::from(step) / 7.0).collect()).unwrap();
        assert_eq!(map.pitch(60, &seven), Some(0.0));
        assert_eq!(map.pitch(61, &seven), None);
        assert!((map.pitch(62, &seven).unwrap() - 1.0 / 7.0).abs() < 1e-12);
        assert!((map.pitch(74, &seven).unwrap() - 8.0 / 7.0).abs() < 1e-12);
        assert!((map.pitch(59, &seven).unwrap() + 1.0 / 7.0).abs() < 1e-12);
        let short = KeyMap::read("5\n0\n127\n60\n60\n261.6256\n0\n0\n1\n").unwrap();
        assert_eq!(short.pattern, [Some(0), Some(1), None, None, None], "what is left out plays nothing");
        let straight = KeyMap::read("0\n0\n127\n60\n69\n440\n0\n").unwrap();
        assert!((straight.pitch(67, &seven).unwrap() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn mistakes_name_their_line() {
        for (text, line, words) in [
            ("", 1, "the size of the map"),
            ("x\n", 1, "\"x\""),
            ("12\n0\n128\n", 3, "from 0 to 127"),
            ("12\n10\n9\n", 3, "the first is 10"),
            ("12\n0\n127\n60\n69\nfast\n", 6, "\"fast\""),
            ("12\n0\n127\n60\n69\n0\n12\n", 6, "0.001"),
            ("2\n0\n127\n60\n60\n440.0\n2\n0\ny\n", 9, "\"y\""),
            ("2\n0\n127\n60\n60\n440.0\n2\n0\n1\n2\n", 10, "one more"),
            ("2\n0\n127\n60\n61\n440.0\n2\n0\nx\n", 5, "plays nothing"),
        ] {
            let mistake = KeyMap::read(text).unwrap_err();
            assert_eq!(mistake.line, line, "{text:?}: {mistake}");
            assert!(mistake.text.contains(words), "{text:?}: {mistake}");
        }
    }
}
