//! Which of this computer's cores threads run on.

use std::fmt;

/// The highest number of a core, and one more.
const MOST: usize = 1024;

/// Some cores, by the system's numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cores(Vec<usize>);

impl Cores {
    /// Out of numbers and stretches: `0,2`, `2-3`, `0-1,4`. `[control]`
    ///
    /// # Errors
    /// What was expected, in words.
    pub fn read(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` names no cores: write numbers and stretches, such as 2 or 0,2 or 2-3, below {MOST}");
        let mut all = Vec::new();
        for part in text.split(',') {
            let (from, to) = part.split_once('-').unwrap_or((part, part));
            let (Ok(from), Ok(to)) = (from.trim().parse::<usize>(), to.trim().parse::<usize>()) else { return Err(wrong()) };
            if from > to || to >= MOST {
                return Err(wrong());
            }
            all.extend(from..=to);
        }
        all.sort_unstable();
        all.dedup();
        Ok(Self(all))
    }

    /// Runs `make` on these cores alone: the threads that it starts stay there, the calling one goes back. `[control]`
    ///
    /// # Errors
    /// A sentence, where there is no such core for this process, or the system knows no such thing.
    #[cfg(target_os = "linux")]
    pub fn on<T>(&self, make: impl FnOnce() -> T) -> Result<T, String> {
        use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
        let refused = |why: rustix::io::Errno| format!("the system gives no cores away: {why}");
        let before = sched_getaffinity(None).map_err(refused)?;
        let mut wanted = CpuSet::new();
        for core in &self.0 {
            if !before.is_set(*core) {
                let there = Self((0..MOST).filter(|core| before.is_set(*core)).collect());
                return Err(format!("there is no core {core} for rackd to run on; there are {there}"));
            }
            wanted.set(*core);
        }
        sched_setaffinity(None, &wanted).map_err(refused)?;
        let made = make();
        // It was let run there before.
        let _ = sched_setaffinity(None, &before);
        Ok(made)
    }

    /// The same where the system knows no such thing: refused. `[control]`
    ///
    /// # Errors
    /// That it does not.
    #[cfg(not(target_os = "linux"))]
    pub fn on<T>(&self, _: impl FnOnce() -> T) -> Result<T, String> {
        Err("cores can be chosen on Linux only".to_owned())
    }
}

impl fmt::Display for Cores {
    /// As it is read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, stretch) in self.0.chunk_by(|one, next| *next == one + 1).enumerate() {
            let comma = if at > 0 { "," } else { "" };
            match stretch {
                [only] => write!(f, "{comma}{only}")?,
                [first, .., last] => write!(f, "{comma}{first}-{last}")?,
                [] => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_are_read_and_written() {
        for (text, told) in [("0", "0"), ("0,2", "0,2"), ("2-3", "2-3"), ("3,0-1, 4", "0-1,3-4"), ("5,5,5", "5"), ("1023", "1023")] {
            assert_eq!(Cores::read(text).map(|cores| cores.to_string()), Ok(told.to_owned()), "{text}");
        }
        for text in ["", "all", "-1", "1-", "3-1", "0,,2", "1024", "0-99999999", "1.5"] {
            let refused = Cores::read(text).unwrap_err();
            assert!(refused.starts_with(&format!("`{text}` names no cores")), "{refused}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn threads_that_are_made_stay_on_their_cores_and_who_made_them_does_not() {
        use rustix::thread::sched_getaffinity;
        let all = || (0..MOST).filter(|core| sched_getaffinity(None).unwrap().is_set(*core)).collect::<Vec<_>>();
        let before = all();
        let one = Cores(vec![before[0]]);
        let thread = one.on(|| std::thread::spawn(all)).unwrap();
        assert_eq!(thread.join().unwrap(), [before[0]]);
        assert_eq!(all(), before);
        let refused = Cores(vec![before[0], 1023]).on(|| "begun").unwrap_err();
        assert!(refused.starts_with("there is no core 1023 for rackd to run on; there are "), "{refused}");
        assert_eq!(all(), before);
    }
}
