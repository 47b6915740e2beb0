//! What the system grants so that sound is never late: real-time scheduling, locked memory, cores of its own. Asked for at the start, and
//! said there.

use std::fmt;

use serde_json::json;

use super::options::{Failure, Options, Wish};
use super::say::Voice;
use crate::host::HostName;
use crate::rt::cores::Cores;
use crate::rt::{limits, urgent};

/// A right, and how it is had.
struct Right {
    /// The option that asks for it.
    option: &'static str,
    granted: &'static str,
    refused: &'static str,
    /// In a file of limits, in a service's file, for a container.
    allowed_by: [&'static str; 3],
}

const REALTIME: Right = Right {
    option: "--realtime",
    granted: "real-time scheduling",
    refused: "no real-time scheduling",
    allowed_by: ["`@audio - rtprio 95`", "LimitRTPRIO=95", "--ulimit rtprio=95"],
};
const MEMORY: Right = Right {
    option: "--lock-memory",
    granted: "memory locked",
    refused: "memory not locked",
    allowed_by: ["`@audio - memlock unlimited`", "LimitMEMLOCK=infinity", "--ulimit memlock=-1"],
};

/// What to do where these are refused.
fn advice(refused: &[&Right]) -> String {
    let [limits, service, container] = [0, 1, 2].map(|way| refused.iter().map(|right| right.allowed_by[way]).collect::<Vec<_>>());
    format!(
        "To allow it: {} in /etc/security/limits.d/audio.conf, yourself in the group audio, and log in again;\n\
         for a service {}; in a container {} (docs/devices.md).",
        limits.join(" and "),
        service.join(" and "),
        container.join(" ")
    )
}

/// What became of a wish.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    Granted,
    Refused(String),
    /// It was not asked for.
    Unasked,
}

impl Answer {
    /// Asks, where that is wished.
    ///
    /// # Errors
    /// Where it is refused though nothing is to play without it.
    fn to(right: &Right, wish: Wish, ask: impl FnOnce() -> Result<(), String>) -> Result<Self, Failure> {
        // Where no system like this is known, it is no fault that it grants nothing.
        if wish == Wish::No || (wish == Wish::Auto && cfg!(not(target_os = "linux"))) {
            return Ok(Self::Unasked);
        }
        match (ask(), wish) {
            (Ok(()), _) => Ok(Self::Granted),
            (Err(why), Wish::Yes) => Err(Failure::Machine(format!("{} yes: {why}\n{}", right.option, advice(&[right])))),
            (Err(why), _) => Ok(Self::Refused(why)),
        }
    }

    fn is_granted(&self) -> bool {
        *self == Self::Granted
    }
}

/// What the system grants.
#[derive(Clone, Debug)]
pub(super) struct Rights {
    realtime: Answer,
    memory: Answer,
    cores: Option<Cores>,
}

impl Rights {
    /// Asks for what is wished, before anything is made: memory is locked from here on.
    ///
    /// # Errors
    /// What is refused though it must be.
    pub fn ask(options: &Options) -> Result<Self, Failure> {
        if options.realtime == Wish::No {
            urgent::waive();
        }
        limits::raise();
        // Where nothing is to be heard, nothing is late.
        let silent = options.host.host == HostName::Silent;
        let wish = |wish| if silent && wish == Wish::Auto { Wish::No } else { wish };
        let may = || urgent::may_be_audio().then_some(()).ok_or_else(|| "this user's threads may not go before others (rtprio)".to_owned());
        let rights = Self {
            realtime: Answer::to(&REALTIME, wish(options.realtime), may)?,
            memory: Answer::to(&MEMORY, wish(options.lock_memory), limits::lock_memory)?,
            cores: options.affinity.clone(),
        };
        // Whether there are such cores is known before anything sounds.
        rights.on_cores(|| ())?;
        Ok(rights)
    }

    /// Makes something whose threads are audio threads, on the cores that are theirs.
    ///
    /// # Errors
    /// Where there are no such cores.
    pub fn on_cores<T>(&self, make: impl FnOnce() -> T) -> Result<T, Failure> {
        match &self.cores {
            None => Ok(make()),
            Some(cores) => cores.on(make).map_err(|why| Failure::Asked(format!("--affinity {cores}: {why}"))),
        }
    }

    /// Whether no part of this process can be put out to disk.
    pub fn is_memory_locked(&self) -> bool {
        self.memory.is_granted()
    }

    /// Says what was granted, and what to do where something was not.
    pub fn introduce(&self, voice: &Voice) {
        let fields = json!({
            "realtime": self.realtime.is_granted(),
            "memory-locked": self.memory.is_granted(),
            "cores": self.cores.as_ref().map(ToString::to_string),
        });
        let text = self.to_string();
        let text = if text.is_empty() { text } else { format!("  rights {}", text.replace('\n', "\n         ")) };
        voice.event("rights", fields, &text);
    }
}

impl fmt::Display for Rights {
    /// Nothing where nothing was asked for.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut granted, mut refused, mut lines) = (Vec::new(), Vec::new(), Vec::new());
        for (right, answer) in [(&REALTIME, &self.realtime), (&MEMORY, &self.memory)] {
            match answer {
                Answer::Granted => granted.push(right.granted.to_owned()),
                Answer::Refused(why) => {
                    lines.push(format!("{}: {why}", right.refused));
                    refused.push(right);
                }
                Answer::Unasked => {}
            }
        }
        granted.extend(self.cores.as_ref().map(|cores| format!("sound on cores {cores}")));
        if !granted.is_empty() {
            lines.insert(0, granted.join(", "));
        }
        if !refused.is_empty() {
            lines.push(advice(&refused));
        }
        f.write_str(&lines.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn what_is_refused_ends_only_who_cannot_do_without() {
        let (yes, no) = (|| Ok(()), || Err("not for you".to_owned()));
        for (wish, granted, refused) in [
            (Wish::Auto, Ok(Answer::Granted), Ok(Answer::Refused("not for you".to_owned()))),
            (Wish::No, Ok(Answer::Unasked), Ok(Answer::Unasked)),
            (Wish::Yes, Ok(Answer::Granted), Err(format!("--realtime yes: not for you\n{}", advice(&[&REALTIME])))),
        ] {
            let told = |answer: Result<Answer, Failure>| answer.map_err(|failure| failure.to_string());
            assert_eq!(told(Answer::to(&REALTIME, wish, yes)), granted, "{wish:?}");
            assert_eq!(told(Answer::to(&REALTIME, wish, no)), refused, "{wish:?}");
        }
    }

    #[test]
    fn what_was_granted_is_said_and_what_to_do_where_not() {
        let refused = || Answer::Refused("no (why)".to_owned());
        let cores = Cores::read("0,2").ok();
        let rights = |realtime, memory, cores| Rights { realtime, memory, cores }.to_string();
        assert_eq!(rights(Answer::Unasked, Answer::Unasked, None), "");
        assert_eq!(rights(Answer::Granted, Answer::Granted, None), "real-time scheduling, memory locked");
        assert_eq!(rights(Answer::Unasked, Answer::Granted, cores.clone()), "memory locked, sound on cores 0,2");
        let text = rights(Answer::Granted, refused(), cores);
        let how = "To allow it: `@audio - memlock unlimited` in /etc/security/limits.d/audio.conf, yourself in the group audio, and log in \
                   again;\nfor a service LimitMEMLOCK=infinity; in a container --ulimit memlock=-1 (docs/devices.md).";
        assert_eq!(text, format!("real-time scheduling, sound on cores 0,2\nmemory not locked: no (why)\n{how}"));
        let text = rights(refused(), refused(), None);
        assert!(text.starts_with("no real-time scheduling: no (why)\nmemory not locked: no (why)\nTo allow it: "), "{text}");
        for both in [
            "`@audio - rtprio 95` and `@audio - memlock unlimited` in",
            "LimitRTPRIO=95 and LimitMEMLOCK=infinity;",
            "--ulimit rtprio=95 --ulimit memlock=-1 (",
        ] {
            assert!(text.contains(both), "{both}: {text}");
        }
    }

    #[test]
    fn cores_that_are_not_there_are_refused_in_words() {
        let rights = Rights { realtime: Answer::Unasked, memory: Answer::Unasked, cores: Cores::read("1023").ok() };
        let refused = rights.on_cores(|| ()).unwrap_err().to_string();
        assert!(refused.starts_with("--affinity 1023: "), "{refused}");
        let free = Rights { cores: None, ..rights };
        assert_eq!(free.on_cores(|| 7).ok(), Some(7));
    }
}
