//! A sender whose clock is off, against a daemon in real time: no gap, and what waits of it stays what was asked for.
//!
//! A short run here. `scripts/stream-drift` runs it for ten minutes: `RACKD_DRIFT_SECONDS` says how long each half is.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use rackd::control::Value;

use super::daemon::Daemon;
use super::speaker::Speaker;

const PATCH: &str = "format = 1\n[global.mic]\ntype = \"stream_in\"\nstream = \"mic\"\n[out]\nin = \"mic\"\n";

/// By how much the sender is faster, then slower.
const PPM: f64 = 200e-6;
/// Frames that it sends at a time: 5 ms.
const PIECE: usize = 240;
/// What shall wait [s].
const TARGET: f64 = 0.2;
/// How long a short half is [s].
const SHORT: f64 = 20.0;
/// From this length of a half on its second part is looked at more closely: the loop has learnt the drift [s].
const LEARNT: f64 = 120.0;

/// What `/stream/list` tells of the stream.
fn told(speaker: &Speaker, key: &str) -> f64 {
    let row = speaker.ask("/stream/list");
    let at = row.iter().position(|value| *value == Value::from(key));
    at.and_then(|at| row[at + 1].number()).unwrap_or_else(|| panic!("no {key} in {row:?}"))
}

/// Sends a sine by a clock that is so much faster, until it is told to stop; the frame after the last, and by how much the machine held it
/// up [s].
fn send(mut socket: &TcpStream, first: u64, faster: f64, stop: &AtomicBool) -> (u64, f64) {
    let (began, mut sent, mut held) = (Instant::now(), first, 0f64);
    while !stop.load(Relaxed) {
        let mut bytes = Vec::with_capacity(2 * PIECE);
        for frame in sent..sent + PIECE as u64 {
            let x = (std::f64::consts::TAU * 441.0 * frame as f64 / 48_000.0).sin() * 10_000.0;
            bytes.extend((x as i16).to_le_bytes());
        }
        socket.write_all(&bytes).unwrap();
        sent += PIECE as u64;
        let due = Duration::from_secs_f64((sent - first) as f64 / 48_000.0 / (1.0 + faster));
        sleep((began + due).saturating_duration_since(Instant::now()));
        held = held.max((began.elapsed() - due).as_secs_f64());
    }
    (sent, held)
}

#[test]
fn a_sender_that_is_fast_and_then_slow_is_heard_without_a_gap() {
    let half = std::env::var("RACKD_DRIFT_SECONDS").map_or(SHORT, |seconds| seconds.parse().unwrap());
    let folder = std::env::temp_dir().join(format!("rackd_drift_{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let daemon = Daemon::silent(&folder, PATCH, &["--rate", "48000", "--stream", "127.0.0.1:0"]);
    let speaker = Speaker::to(&daemon);
    let at = daemon.wait_for("streams")["at"][0].as_str().unwrap().to_owned();
    let mut socket = TcpStream::connect(at).unwrap();
    let buffer = (TARGET * 1e3) as u32;
    writeln!(socket, "rackd-stream 1 name=mic rate=48000 channels=1 format=s16le buffer={buffer}ms").unwrap();
    let mut answer = String::new();
    BufReader::new(socket.try_clone().unwrap()).read_line(&mut answer).unwrap();
    assert!(answer.starts_with("ok name=mic "), "{answer}");
    let (mut sent, mut gaps) = (0, None);
    for faster in [PPM, -PPM] {
        let stop = Arc::new(AtomicBool::new(false));
        let (over, to) = (Arc::clone(&stop), socket.try_clone().unwrap());
        let sender = spawn(move || send(&to, sent, faster, &over));
        // Whole seconds' means: the blocks of both sides are saw teeth around what waits.
        let (began, mut means) = (Instant::now(), Vec::new());
        while began.elapsed().as_secs_f64() < half {
            let (second, mut sum, mut count) = (Instant::now(), 0.0, 0.0);
            while second.elapsed() < Duration::from_secs(1) {
                sum += told(&speaker, "waits");
                count += 1.0;
                sleep(Duration::from_millis(7));
            }
            means.push(sum / count);
            // Once it plays.
            gaps.get_or_insert_with(|| told(&speaker, "underruns"));
        }
        let drift = told(&speaker, "drift-ppm");
        stop.store(true, Relaxed);
        let held;
        (sent, held) = sender.join().unwrap();
        let range = |means: &[f64]| [f64::min, f64::max].map(|of| means.iter().copied().reduce(of).unwrap());
        let ([from, to], [least, most]) = (range(&means), range(&means[means.len() / 2..]));
        println!(
            "{:+.0} ppm: {:.2} to {:.2} ms wait, in the second half {:.2} to {:.2}; {drift:.1} ppm are known; {} gaps so far; sent {:.0} ms late at \
             most",
            faster * 1e6,
            from * 1e3,
            to * 1e3,
            least * 1e3,
            most * 1e3,
            told(&speaker, "underruns") - gaps.unwrap(),
            held * 1e3,
        );
        // Nothing helps where the machine itself lets the sender wait for longer than lies ready.
        assert!(held < 0.8 * TARGET, "this machine is too busy to tell");
        let spread = if half >= LEARNT { 0.002 } else { 0.02 };
        assert!(most - least < 2.0 * spread, "{least} to {most} s wait");
        if half >= LEARNT {
            assert!((drift - faster * 1e6).abs() < 20.0, "{drift} ppm are known of {}", faster * 1e6);
        }
    }
    assert_eq!((Some(told(&speaker, "underruns")), told(&speaker, "lost")), (gaps, 0.0), "no gap");
    drop(daemon);
    std::fs::remove_dir_all(folder).unwrap();
}
