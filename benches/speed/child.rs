//! A process and what it cost.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};

/// Who takes longer hangs [s].
const LONGEST: u64 = 60;

/// User CPU time of all processes that were waited for [s].
fn spent() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("the system tells what children cost");
    let time = usage.user_time();
    time.tv_sec() as f64 + time.tv_usec() as f64 * 1e-6
}

/// What a run cost.
#[derive(Clone, Copy)]
pub struct Cost {
    /// User CPU time of all its threads [s].
    pub cpu: f64,
    /// From start to end [s].
    pub wall: f64,
}

/// Runs to the end.
pub fn run(mut command: Command) -> Result<Cost, String> {
    let before = spent();
    let name = command.get_program().to_string_lossy().into_owned();
    let start = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(if std::env::var_os("BENCH_TALK").is_some() { Stdio::inherit() } else { Stdio::null() })
        .spawn()
        .map_err(|error| format!("{name}: {error}"))?;
    loop {
        match child.try_wait().map_err(|error| error.to_string())? {
            // Some end with a failure although they have rendered all: the file that they wrote tells.
            Some(_) => return Ok(Cost { cpu: spent() - before, wall: start.elapsed().as_secs_f64() }),
            None if start.elapsed() > Duration::from_secs(LONGEST) => {
                let _ = (child.kill(), child.wait());
                return Err(format!("{name}: took longer than {LONGEST} s"));
            }
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    }
}
