//! How loud it was: what the engine put out, measured on its way to the host.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use crate::host::Player;
use crate::rt::guard::FlushToZero;
use crate::rt::outflow::OutflowEnd;
use crate::rt::workers::NAME;

thread_local! {
    static ON_AUDIO_THREAD: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread has worked out sound. `[any]`
pub fn on_audio_thread() -> bool {
    ON_AUDIO_THREAD.get()
}

/// What was put out since the start, over all channels.
#[derive(Debug, Default)]
pub struct Levels {
    peak: AtomicU32,
    /// Sum of squares, as bits of f64; written by one thread at a time.
    squares: AtomicU64,
    samples: AtomicU64,
}

impl Levels {
    /// Highest sample [dB below full scale]; −∞ for silence. `[any]`
    pub fn peak(&self) -> f64 {
        20.0 * libm::log10(f64::from(f32::from_bits(self.peak.load(Relaxed))))
    }

    /// Root of the mean square [dB below full scale]; −∞ for silence. `[any]`
    pub fn rms(&self) -> f64 {
        let samples = self.samples.load(Relaxed).max(1) as f64;
        10.0 * libm::log10(f64::from_bits(self.squares.load(Relaxed)) / samples)
    }

    /// Counts some samples. `[audio]`
    pub fn count(&self, samples: &[f32]) {
        let mut peak = f32::from_bits(self.peak.load(Relaxed));
        // Eight sums of their own, so that none waits for another.
        let (mut peaks, mut sums) = ([0.0f32; 8], [0.0f64; 8]);
        for samples in samples.chunks(8) {
            for ((peak, sum), &sample) in peaks.iter_mut().zip(&mut sums).zip(samples) {
                let size = sample.abs();
                if size > *peak {
                    *peak = size;
                }
                *sum += f64::from(sample) * f64::from(sample);
            }
        }
        let squares = sums.into_iter().sum::<f64>();
        for size in peaks {
            if size > peak {
                peak = size;
            }
        }
        self.peak.store(peak.to_bits(), Relaxed);
        self.squares.store((f64::from_bits(self.squares.load(Relaxed)) + squares).to_bits(), Relaxed);
        self.samples.fetch_add(samples.len() as u64, Relaxed);
    }
}

impl std::fmt::Display for Levels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.peak.load(Relaxed) == 0 {
            return f.write_str("silence");
        }
        write!(f, "peak {:.1} dBFS, RMS {:.1} dBFS", self.peak(), self.rms())
    }
}

/// How long the sound takes to end, at a rate [Hz; frames]. `[any]`
pub const fn fade_frames(rate: u32) -> u64 {
    (rate / 20) as u64
}

/// Sound that gets softer in a straight line to silence.
#[derive(Clone, Copy, Debug)]
pub struct FadeOut {
    gain: f32,
    /// What the gain loses in a frame.
    step: f32,
}

impl FadeOut {
    /// Over so many frames. `[control]`
    pub fn new(frames: u64) -> Self {
        Self { gain: 1.0, step: 1.0 / frames.max(1) as f32 }
    }

    /// Takes the next frames through it; whether it is silent from there on. `[audio]`
    pub fn apply(&mut self, output: &mut [f32], channels: usize) -> bool {
        // As in the callback of a device: the same bits wherever it is called.
        let _tiny = FlushToZero::begin();
        for frame in output.chunks_exact_mut(channels.max(1)) {
            self.gain = if self.gain > self.step { self.gain - self.step } else { 0.0 };
            // Silence has no sign: it is the same whatever it was before.
            frame.iter_mut().for_each(|sample| *sample = *sample * self.gain + 0.0);
        }
        self.gain == 0.0
    }
}

/// Asks the last player before the host to fade out.
#[derive(Debug, Default)]
pub struct Fade {
    asked: AtomicBool,
    done: AtomicBool,
    /// One more than the frame with which it begins; 0: it has not.
    begun: AtomicU64,
}

impl Fade {
    /// From now on it falls silent, within 50 ms, for good. `[any]`
    pub fn ask(&self) {
        self.asked.store(true, Relaxed);
    }

    /// The frame with which it began, once it has. `[any]`
    pub fn begun(&self) -> Option<u64> {
        self.begun.load(Relaxed).checked_sub(1)
    }

    /// Whether it is silent. `[any]`
    pub fn is_done(&self) -> bool {
        self.done.load(Relaxed)
    }
}

/// What stands between a player and the host: it counts levels, and fades out at the end.
pub struct Outlet<P> {
    player: P,
    levels: Arc<Levels>,
    fade: Arc<Fade>,
    /// Frames so far.
    frames: u64,
    out: FadeOut,
    /// Where others hear it too.
    master: Option<OutflowEnd>,
}

impl<P: Player> Outlet<P> {
    /// Of a player at a rate [Hz]. `[control]`
    pub fn new(player: P, rate: u32, levels: Arc<Levels>, fade: Arc<Fade>) -> Self {
        Self { player, levels, fade, frames: 0, out: FadeOut::new(fade_frames(rate)), master: None }
    }

    /// The same, heard there too. `[control]`
    pub fn also_to(mut self, master: Option<OutflowEnd>) -> Self {
        self.master = master;
        self
    }
}

impl<P: Player> Player for Outlet<P> {
    fn run(&mut self, input: &[f32], input_channels: usize, output: &mut [f32], channels: usize) {
        ON_AUDIO_THREAD.set(true);
        self.player.run(input, input_channels, output, channels);
        if self.fade.asked.load(Relaxed) {
            if self.fade.begun().is_none() {
                self.fade.begun.store(self.frames + 1, Relaxed);
            }
            if self.out.apply(output, channels) {
                self.fade.done.store(true, Relaxed);
            }
        }
        self.frames += (output.len() / channels.max(1)) as u64;
        self.levels.count(output);
        if let Some(master) = &self.master {
            let last = channels.max(1) - 1;
            master.put(0, output.len() / channels.max(1), |frame, channel| output[frame * channels + channel.min(last)]);
        }
    }

    fn expect(&mut self, due: Instant) {
        self.player.expect(due);
    }

    fn heard(&mut self, stamp: u64) {
        self.player.heard(stamp);
    }

    fn loaded(&mut self, share: f32, frames: usize) {
        self.player.loaded(share, frames);
    }
}

/// From now on a panic on an audio thread says nothing: it is caught where it happens, counted and told as a report. `[control]`
pub fn silence_panics_of_audio_threads() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let works = std::thread::current().name().is_some_and(|name| name.starts_with(NAME));
        if !on_audio_thread() && !works {
            before(panic);
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sine_has_its_levels() {
        let levels = Arc::new(Levels::default());
        assert_eq!(levels.to_string(), "silence");
        let mut at = 0;
        let sine = move |_: &[f32], _: usize, output: &mut [f32], _: usize| {
            for sample in output {
                *sample = 0.5 * libm::sinf(at as f32 * 0.01 * std::f32::consts::TAU);
                at += 1;
            }
        };
        let fade = Arc::new(Fade::default());
        let mut player = Outlet::new(sine, 48_000, Arc::clone(&levels), Arc::clone(&fade));
        let mut output = [0.0; 100];
        for _ in 0..10 {
            player.run(&[], 0, &mut output, 1);
        }
        assert!((levels.peak() - -6.02).abs() < 0.01, "{levels}");
        assert!((levels.rms() - -9.03).abs() < 0.01, "{levels}");
        assert!(on_audio_thread());
        fade.ask();
        let mut output = [0.0; 2400];
        player.run(&[], 0, &mut output, 1);
        assert!(fade.is_done());
        assert!(output[1200].abs() < 0.26 && output[2399] == 0.0);
        assert!(!std::thread::spawn(on_audio_thread).join().unwrap());
    }
    /// Is told something.
    struct Told(Arc<AtomicU64>);

    impl Player for Told {
        fn run(&mut self, _: &[f32], _: usize, _: &mut [f32], _: usize) {}
        fn expect(&mut self, _: Instant) {
            self.0.fetch_add(1, Relaxed);
        }
        fn heard(&mut self, stamp: u64) {
            self.0.fetch_add(stamp, Relaxed);
        }
        fn loaded(&mut self, _: f32, frames: usize) {
            self.0.fetch_add(frames as u64, Relaxed);
        }
    }

    #[test]
    fn what_the_host_tells_gets_to_the_engine() {
        let told = Arc::new(AtomicU64::new(0));
        let mut player = Outlet::new(Told(Arc::clone(&told)), 48_000, Arc::default(), Arc::default());
        player.expect(Instant::now());
        player.loaded(0.5, 64);
        player.heard(1000);
        assert_eq!(told.load(Relaxed), 1065);
    }
}
