//! Scales, as Scala's `.scl` files have them: a description, how many notes, and the interval of each above the first.

use super::lines::{Lines, Mistake, brief};

/// Notes of a scale at most.
pub const NOTES: usize = 1000;

/// The widest interval [octaves]: the largest that a ratio of Scala's can be.
const WIDEST: f64 = 31.0;

/// A scale: intervals above its first note.
#[derive(Clone, Debug, PartialEq)]
pub struct Scale {
    description: String,
    /// [octaves]; the last is the period. Never empty.
    steps: Vec<f64>,
}

impl Scale {
    /// The equal temperament of twelve notes. `[control]`
    pub fn equal() -> Self {
        Self { description: "equal temperament".to_owned(), steps: (1..=12).map(|step| f64::from(step) / 12.0).collect() }
    }

    /// A scale of these intervals [octaves], the last of them its period.
    ///
    /// # Errors
    /// One sentence, where there are none, too many, or one too wide. `[control]`
    pub fn of_steps(description: &str, steps: Vec<f64>) -> Result<Self, String> {
        if steps.is_empty() || steps.len() > NOTES {
            return Err(format!("a scale has 1 to {NOTES} notes, and this has {}", steps.len()));
        }
        if steps.iter().any(|step| step.is_nan() || step.abs() > WIDEST) {
            return Err(format!("an interval is at most {WIDEST} octaves wide"));
        }
        Ok(Self { description: description.to_owned(), steps })
    }

    /// Reads the text of a `.scl` file.
    ///
    /// # Errors
    /// What is wrong, and in which line. `[control]`
    pub fn read(text: &str) -> Result<Self, Mistake> {
        let mut lines = Lines::new(text)?;
        let (_, description) = lines.want("the description, which may be an empty line,")?;
        let (counted, count) = lines.whole("the number of notes", 1, NOTES as i64)?;
        let mut steps = Vec::with_capacity(count as usize);
        while steps.len() < count as usize {
            let told = format!("note {} of {count}", steps.len() + 1);
            let (at, line) = lines.want(&told)?;
            steps.push(interval(line).map_err(|text| Mistake::new(at, text))?);
        }
        if let Some((at, word)) = lines.word() {
            let more = format!("line {counted} says that there are {count} notes, and \"{}\" is one more", brief(word));
            return Err(Mistake::new(at, more));
        }
        Ok(Self { description: description.trim().to_owned(), steps })
    }

    /// In the words of its maker. `[any]`
    pub fn description(&self) -> &str {
        &self.description
    }

    /// How many notes a period has. `[any]`
    pub fn notes(&self) -> usize {
        self.steps.len()
    }

    /// The interval after which it begins anew [octaves]. `[any]`
    pub fn period(&self) -> f64 {
        self.steps.last().copied().unwrap_or(1.0)
    }

    /// How far a degree lies above the first note, 0 [octaves]; degrees go on below it and above the period. `[any]`
    pub fn pitch(&self, degree: i64) -> f64 {
        let notes = self.steps.len() as i64;
        let above = match degree.rem_euclid(notes) {
            0 => 0.0,
            within => self.steps[within as usize - 1],
        };
        degree.div_euclid(notes) as f64 * self.period() + above
    }
}

/// An interval as Scala writes it [octaves]: with a point it is in cents (`701.955`), else a ratio (`3/2`, `2`). What follows it
/// after a space is not looked at.
///
/// # Errors
/// One sentence. `[control]`
pub fn interval(line: &str) -> Result<f64, String> {
    let word = line.split_whitespace().next().unwrap_or("");
    let wrong = || format!("\"{}\" is neither a ratio such as 3/2 nor cents with a point such as 701.955", brief(line));
    let octaves = if word.contains('.') {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let plain = word.strip_prefix(['-', '+']).unwrap_or(word);
        let (whole, part) = plain.split_once('.').ok_or_else(wrong)?;
        if !digits(whole) || !digits(part) || (whole.is_empty() && part.is_empty()) {
            return Err(wrong());
        }
        word.parse::<f64>().map_err(|_| wrong())? / 1200.0
    } else {
        // "3 / 2" is met as well, though the notes on the format know no spaces.
        let joined: String = match line.trim().split_once('/') {
            Some((above, below)) => format!("{}/{}", above.trim(), below.split_whitespace().next().unwrap_or("")),
            None => word.to_owned(),
        };
        let (above, below) = joined.split_once('/').unwrap_or((&joined, "1"));
        let part = |text: &str| {
            let whole = text.bytes().all(|byte| byte.is_ascii_digit()) && text.len() <= 15;
            text.parse::<u64>().ok().filter(|number| whole && *number > 0).map(|number| number as f64)
        };
        let (Some(above), Some(below)) = (part(above), part(below)) else { return Err(wrong()) };
        libm::log2(above / below)
    };
    if octaves.abs() > WIDEST {
        return Err(format!("\"{}\" is wider than {WIDEST} octaves", brief(line)));
    }
    Ok(octaves)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cents(text: &str) -> Result<f64, String> {
        interval(text).map(|octaves| octaves * 1200.0)
    }

    #[test]
    fn a_point_makes_cents_and_anything_else_a_ratio() {
        let near = |text: &str, want: f64| assert!((cents(text).unwrap() - want).abs() < 1e-9, "{text}: {:?}", cents(text));
        near("701.955", 701.955);
        near("  100.  a semitone", 100.0);
        near("-5.0", -5.0);
        near(".5", 0.5);
        near("3/2", 701.955_000_865_387_5);
        near("2", 1200.0);
        near("2/1 ! the octave", 1200.0);
        near("3 / 2", 701.955_000_865_387_5);
        near("81/80 comma", 21.506_289_596_714_8);
        near("408", libm::log2(408.0) * 1200.0);
        for wrong in ["", " ", ".", "-3/2", "3/0", "0", "a", "3//2", "1e3", "1.2.3", "inf", "1/", "/2", "3.0/2", "99999999999999999999"] {
            assert!(interval(wrong).is_err(), "{wrong:?} gives {:?}", interval(wrong));
        }
        assert!(interval("999999.0").is_err(), "too wide");
    }

    #[test]
    fn files_are_read_to_the_letter() {
        let text = "! meanquar.scl\n!\n1/4-comma meantone, first three\n 3\n!\n 76.04900 C#\n 193.15686\n! between\n 2/1\n!\n\n";
        let scale = Scale::read(text).unwrap();
        assert_eq!((scale.description(), scale.notes(), scale.period()), ("1/4-comma meantone, first three", 3, 1.0));
        assert!((scale.pitch(1) * 1200.0 - 76.049).abs() < 1e-9);
        assert!((scale.pitch(-1) * 1200.0 - (193.15686 - 1200.0)).abs() < 1e-9);
        assert!((scale.pitch(7) * 1200.0 - 2476.049).abs() < 1e-9);
        let empty = Scale::read("! no name\n\n1\n3/1\n").unwrap();
        assert_eq!((empty.description(), empty.notes()), ("", 1));
        assert_eq!(Scale::read("d\r\n 1 note\r\n2/1\r\n").unwrap().notes(), 1, "line ends of other systems");
    }

    #[test]
    fn mistakes_name_their_line() {
        for (text, line, words) in [
            ("", 1, "the description"),
            ("! only a comment\n", 1, "the description"),
            ("d\n", 2, "the number of notes"),
            ("d\n!\ntwelve\n", 3, "\"twelve\""),
            ("d\n0\n", 2, "from 1 to 1000"),
            ("d\n1001\n", 2, "from 1 to 1000"),
            ("d\n2\n3/2\n", 4, "note 2 of 2"),
            ("d\n2\n! c\n3/2x\n2/1\n", 4, "3/2x"),
            ("d\n1\n2/1\n!\n3/1\n", 5, "one more"),
        ] {
            let mistake = Scale::read(text).unwrap_err();
            assert_eq!(mistake.line, line, "{text:?}: {mistake}");
            assert!(mistake.text.contains(words), "{text:?}: {mistake}");
        }
        assert_eq!(Scale::read(&" ".repeat(70_000)).unwrap_err().line, 1);
    }
}
