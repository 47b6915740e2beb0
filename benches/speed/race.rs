//! Everybody in turn, again and again.

use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};

use super::child::{self, Cost};
use super::players::{Order, Player};
use super::sound::{self, Sound};
use super::workloads::Workload;

/// What a short run renders, which is subtracted so that starting up does not count [s].
const SHORT: f64 = 1.0;

/// A longer one, which tells how much can be rendered in the time that a run may take, and is listened to [s].
const TRY: f64 = 5.0;

/// Who takes longer for that is run no more [s].
const SLOW: f64 = 2.0;

/// One player's way through one workload.
pub struct Row {
    pub player: usize,
    pub work: Workload,
    /// CPU time a second of sound, a repetition each [ms].
    pub costs: Vec<f64>,
    /// The same of the time that went by [ms].
    pub walls: Vec<f64>,
    /// Too slow to be run again.
    pub slow: bool,
    /// Length of the whole run [s].
    seconds: f64,
    sound: Option<Sound>,
    /// Beside scsynth's [dB].
    pub louder: Option<f64>,
    /// What is wrong with the sound.
    pub wrong: Vec<String>,
    /// Why there is nothing to show.
    pub failed: Option<String>,
}

/// What came out.
pub struct Outcome {
    pub players: Vec<Player>,
    pub rows: Vec<Row>,
    /// What is not installed: the program and its package.
    pub missing: Vec<(&'static str, &'static str)>,
    pub repetitions: usize,
}

impl Outcome {
    /// scsynth's row of a workload.
    pub fn reference(&self, work: Workload) -> Option<&Row> {
        self.rows.iter().find(|row| self.players[row.player].key == "scsynth" && row.work == work && row.failed.is_none())
    }
}

/// Where sound is written: memory, where there is a file system in it.
fn folder() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let base = if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() };
    base.join(format!("rackd-speed-{}", std::process::id()))
}

/// One run: its cost and the length of the sound [s]; the file is left behind.
fn run(player: &Player, work: Workload, seconds: f64, folder: &Path) -> Result<(Cost, f64, PathBuf), String> {
    let out = folder.join("out.wav");
    let _ = std::fs::remove_file(&out);
    let order = Order { work, seconds, out: &out, score: folder.join("score") };
    let command = (player.play)(&order).map_err(|error| error.to_string())?;
    let spent = child::run(command)?;
    let length = sound::seconds(&out).map_err(|error| format!("no sound: {error}"))?;
    Ok((spent, length, out))
}

/// Finds out how long a row's whole run is, and whether it is the right sound.
fn prepare(row: &mut Row, player: &Player, effort: f64, folder: &Path) -> Result<(), String> {
    let (start, short, _) = run(player, row.work, SHORT, folder)?;
    let (spent, long, out) = run(player, row.work, TRY, folder)?;
    if long < 0.98 * TRY {
        return Err(format!("rendered {long:.1} s in place of {TRY:.0}"));
    }
    row.sound = Some(sound::measure(&out)?);
    let cost = ((spent.cpu - start.cpu) / (long - short)).max(1e-5);
    row.slow = spent.cpu > SLOW;
    if row.slow {
        row.costs.push(cost * 1e3);
    }
    row.seconds = (effort / cost + SHORT).clamp(TRY, player.longest).round();
    Ok(())
}

fn repeat(row: &mut Row, player: &Player, folder: &Path) -> Result<(), String> {
    let (full, long, _) = run(player, row.work, row.seconds, folder)?;
    if long < 0.98 * row.seconds {
        return Err(format!("rendered {long:.1} s in place of {:.0}", row.seconds));
    }
    let (start, short, _) = run(player, row.work, SHORT, folder)?;
    row.costs.push((full.cpu - start.cpu) / (long - short) * 1e3);
    row.walls.push((full.wall - start.wall) / (long - short) * 1e3);
    Ok(())
}

/// Lets them play.
pub fn race(works: &[Workload], players: Vec<Player>, repetitions: usize, effort: f64) -> Outcome {
    let folder = folder();
    std::fs::create_dir_all(&folder).expect("a folder for sound");
    let mut missing: Vec<(&str, &str)> = players.iter().filter(|player| !player.is_there()).filter_map(|player| player.program).collect();
    missing.dedup();
    let players: Vec<Player> = players.into_iter().filter(Player::is_there).collect();
    let row = |player, work| Row {
        player,
        work,
        costs: Vec::new(),
        walls: Vec::new(),
        slow: false,
        seconds: 0.0,
        sound: None,
        louder: None,
        wrong: Vec::new(),
        failed: None,
    };
    let mut rows: Vec<Row> = Vec::new();
    for work in works {
        rows.extend((0..players.len()).filter(|player| players[*player].works.contains(work)).map(|player| row(player, *work)));
    }
    let bar = ProgressBar::new((rows.len() * (repetitions + 1)) as u64);
    bar.set_style(ProgressStyle::with_template("{elapsed_precise} [{bar:30}] {msg}").expect("the template is right").progress_chars("=> "));
    for repetition in 0..=repetitions {
        for row in &mut rows {
            let player = &players[row.player];
            let what = if repetition == 0 { "trying".to_string() } else { format!("repetition {repetition}") };
            bar.set_message(format!("{what}: {}, {}", row.work.name().to_uppercase(), player.name));
            if row.failed.is_none() && !row.slow {
                let result = if repetition == 0 { prepare(row, player, effort, &folder) } else { repeat(row, player, &folder) };
                row.failed = result.err();
            }
            bar.inc(1);
        }
        if bar.is_hidden() {
            eprintln!(
                "{}",
                if repetition == 0 { "all tried".to_string() } else { format!("repetition {repetition} of {repetitions} done") }
            );
        }
    }
    bar.finish_and_clear();
    let _ = std::fs::remove_dir_all(&folder);

    for work in works {
        let reference = rows.iter().find(|row| players[row.player].key == "scsynth" && row.work == *work).and_then(|row| row.sound.clone());
        for row in rows.iter_mut().filter(|row| row.work == *work) {
            if let Some(sound) = &row.sound {
                row.louder = reference.as_ref().map(|reference| sound.level - reference.level);
                row.wrong = sound.against(reference.as_ref());
            }
        }
    }
    Outcome { players, rows, missing, repetitions }
}
