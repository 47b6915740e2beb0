//! Who plays.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::faust::{self, Ladder};
use super::workloads::render::LEVELS;
use super::workloads::{PIECES, Piece, Workload};
use super::{chuck, csound, pd, scsynth};

/// One render: what, how long, where to.
pub struct Order<'a> {
    pub work: Workload,
    pub seconds: f64,
    /// The WAV file to write.
    pub out: &'a Path,
    /// A file of the player's own, such as its score.
    pub score: PathBuf,
}

type Play = Box<dyn Fn(&Order<'_>) -> io::Result<Command>>;

/// Somebody who plays workloads, in a process of its own.
pub struct Player {
    /// As `--peers` calls it.
    pub key: &'static str,
    /// As the table calls it.
    pub name: String,
    /// The program that must be there, and the package that it is in.
    pub program: Option<(&'static str, &'static str)>,
    /// The level of rackd's.
    pub level: Option<&'static str>,
    pub threads: usize,
    pub works: Vec<Workload>,
    /// It renders no more than this at a time [s].
    pub longest: f64,
    pub play: Play,
}

impl Player {
    /// Whether its program is on the path.
    pub fn is_there(&self) -> bool {
        let paths = std::env::var_os("PATH").unwrap_or_default();
        self.program.is_none_or(|(program, _)| std::env::split_paths(&paths).any(|folder| folder.join(program).is_file()))
    }
}

/// What this program renders itself.
fn own(name: impl Fn(Workload) -> String + 'static, level: Option<&'static str>, threads: usize) -> Play {
    Box::new(move |order| {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--render", &name(order.work), &order.seconds.to_string()]).arg(order.out).args(level);
        if threads > 1 {
            command.arg(threads.to_string());
        }
        Ok(command)
    })
}

fn rackd(level: &'static str, shown: &str, piece: Piece, threads: usize) -> Player {
    let form = if piece.form.is_empty() { String::new() } else { format!(", {}", piece.form) };
    let beside = if threads > 1 { ", two threads" } else { "" };
    Player {
        key: "rackd",
        name: format!("rackd {shown}{form}{beside}"),
        program: None,
        level: Some(level),
        threads,
        works: vec![piece.work],
        longest: 120.0,
        play: own(move |_| piece.name.to_string(), Some(level), threads),
    }
}

fn peer(key: &'static str, name: &str, package: &'static str, works: &[Workload], longest: f64, play: Play) -> Player {
    let program = (!package.is_empty()).then_some((key, package));
    let threads = if name.ends_with("two threads") { 2 } else { 1 };
    Player { key, name: name.to_string(), program, level: None, threads, works: works.to_vec(), longest, play }
}

use Workload::{W1, W2, W3, W4, W5, W6, W7};

/// What all play but scsynth, supernova and rackd: 64 definitions say nothing new about the others.
const SIX: [Workload; 6] = [W1, W2, W3, W4, W5, W6];

/// All, in the order of the table.
pub fn players() -> Vec<Player> {
    let sc = |server: &'static str, threads| -> Play {
        Box::new(move |order| scsynth::command(server, order.work, order.seconds, threads, &order.score, order.out))
    };
    let mut list = vec![peer("scsynth", "scsynth", "supercollider-server", &Workload::ALL, 60.0, sc("scsynth", 1))];
    let best = super::workloads::render::best();
    for (level, shown) in LEVELS.into_iter().zip(["SSE2", "AVX2", "AVX-512"]).rev() {
        if super::workloads::render::level(level).is_some() {
            list.extend(PIECES.into_iter().map(|piece| rackd(level, shown, piece, 1)));
            if level == best {
                list.extend(PIECES.into_iter().filter(|piece| piece.form.is_empty()).map(|piece| rackd(level, shown, piece, 2)));
            }
            list.push(peer(
                "limit",
                &format!("by hand {shown}"),
                "",
                &[W2, W3],
                60.0,
                own(|work| format!("limit-{}", work.name()), Some(level), 1),
            ));
        }
    }
    let nova = "supercollider-supernova";
    list.push(peer("supernova", "supernova", nova, &Workload::ALL, 15.0, sc("supernova", 1)));
    // Only synths side by side can share the work.
    list.push(peer("supernova", "supernova, two threads", nova, &[W2, W3, W5, W6, W7], 15.0, sc("supernova", 2)));
    list.push(peer(
        "csound",
        "Csound",
        "csound",
        &SIX,
        60.0,
        Box::new(|order| csound::command(order.work, order.seconds, &order.score, order.out)),
    ));
    list.push(peer("pd", "Pd", "puredata", &SIX, 60.0, Box::new(|order| pd::command(order.work, order.seconds, &order.score, order.out))));
    list.push(peer(
        "chuck",
        "ChucK",
        "chuck",
        &SIX,
        60.0,
        Box::new(|order| chuck::command(order.work, order.seconds, &order.score, order.out)),
    ));
    for (ladder, name, works) in [(Ladder::Library, "Faust", &SIX[..]), (Ladder::Saturated, "Faust, saturated ladder", &[W2, W6])] {
        let play = move |order: &Order<'_>| faust::command(order.work, ladder, order.seconds, &order.score, order.out);
        list.push(peer("faust", name, "faust", works, 60.0, Box::new(play)));
    }
    #[cfg(feature = "fundsp")]
    list.push(peer("fundsp", "fundsp Net", "", &SIX, 60.0, own(|work| format!("fundsp-{}", work.name()), None, 1)));
    list
}
