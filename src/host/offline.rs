//! Exact and as fast as it goes: drives the engine without a clock, in host buffers of any size.

use super::player::Player;
use crate::base::time::SampleTime;
use crate::rt::guard::FlushToZero;

/// Sizes of the host's buffers [frames].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Buffers {
    /// All of one size, at least 1.
    Fixed(usize),
    /// Each of a size from 1 to `max`, by chance that begins at `seed`.
    Random {
        /// Where chance begins.
        seed: u64,
        /// The longest.
        max: usize,
    },
}

impl Buffers {
    fn next(&mut self) -> usize {
        match self {
            Self::Fixed(size) => (*size).max(1),
            Self::Random { seed, max } => {
                // splitmix64 (Steele, Lea, Flood 2014).
                *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mut z = *seed;
                z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
                1 + ((z ^ z >> 31) % (*max).max(1) as u64) as usize
            }
        }
    }
}

/// The offline host.
pub struct Offline<P> {
    player: P,
    channels: usize,
    now: SampleTime,
    buffer: Vec<f32>,
    input: Vec<f32>,
    input_channels: usize,
}

impl<P: Player> Offline<P> {
    /// A host of a player that has not run yet, for so many channels. `[control]`
    pub fn new(player: P, channels: usize) -> Self {
        Self { player, channels: channels.max(1), now: 0, buffer: Vec::new(), input: Vec::new(), input_channels: 0 }
    }

    /// The same with sound coming in from frame 0 on, interleaved; silence after its end. `[control]`
    #[must_use]
    pub fn with_input(mut self, input: Vec<f32>, channels: usize) -> Self {
        self.input = input;
        self.input_channels = channels;
        self
    }

    /// Time of the next frame. `[any]`
    pub fn now(&self) -> SampleTime {
        self.now
    }

    /// The player, to look at it or to change it between two calls. `[control]`
    pub fn player(&mut self) -> &mut P {
        &mut self.player
    }

    /// The player back. `[control]`
    pub fn into_player(self) -> P {
        self.player
    }

    /// Works out the next `frames` frames. Before each buffer `feed` is told its first frame and the frame after its last, so that
    /// what is to happen in it can be sent; after it `sink` is given its frames, interleaved. `[control]`
    ///
    /// # Errors
    /// The first that `feed` or `sink` gives; the frames up to there were worked out.
    pub fn run<E>(
        &mut self,
        frames: u64,
        mut buffers: Buffers,
        mut feed: impl FnMut(SampleTime, SampleTime) -> Result<(), E>,
        mut sink: impl FnMut(&[f32]) -> Result<(), E>,
    ) -> Result<(), E> {
        let _quick = FlushToZero::begin();
        let end = self.now + frames;
        while self.now < end {
            let size = (buffers.next() as u64).min(end - self.now) as usize;
            feed(self.now, self.now + size as u64)?;
            self.buffer.resize(size * self.channels, 0.0);
            let place = |frame: u64| usize::try_from(frame).unwrap_or(usize::MAX).saturating_mul(self.input_channels).min(self.input.len());
            let input = &self.input[place(self.now)..place(self.now + size as u64)];
            self.player.run(input, self.input_channels, &mut self.buffer, self.channels);
            self.now += size as u64;
            sink(&self.buffer)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(buffers: Buffers) -> (Vec<f32>, Vec<(SampleTime, SampleTime)>) {
        let mut at = 0u32;
        let count = move |_: &[f32], _: usize, output: &mut [f32], channels: usize| {
            for frame in output.chunks_exact_mut(channels) {
                frame.fill(at as f32);
                at += 1;
            }
        };
        let (mut heard, mut told) = (Vec::new(), Vec::new());
        let mut host = Offline::new(count, 2);
        host.run(
            1000,
            buffers,
            |from, to| {
                told.push((from, to));
                Ok::<(), ()>(())
            },
            |frames| {
                heard.extend_from_slice(frames);
                Ok(())
            },
        )
        .unwrap();
        assert_eq!(host.now(), 1000);
        (heard, told)
    }

    #[test]
    fn what_comes_in_is_there_frame_by_frame_and_ends_in_silence() {
        let input: Vec<f32> = (0..500).flat_map(|n| [n as f32, -(n as f32)]).collect();
        for size in [1, 113, 512] {
            // The engine's rule: what is missing of the input is silence.
            let echo = |input: &[f32], channels: usize, output: &mut [f32], _: usize| {
                assert_eq!(channels, 2);
                output.fill(0.0);
                output[..input.len()].copy_from_slice(input);
            };
            let mut heard = Vec::new();
            let mut host = Offline::new(echo, 2).with_input(input.clone(), 2);
            let sink = |frames: &[f32]| {
                heard.extend_from_slice(frames);
                Ok::<(), ()>(())
            };
            host.run(600, Buffers::Fixed(size), |_, _| Ok(()), sink).unwrap();
            assert_eq!(heard[..1000], input);
            assert!(heard[1000..].iter().all(|x| *x == 0.0));
        }
    }

    #[test]
    fn every_frame_once_and_in_order_at_any_buffer_size() {
        let whole: Vec<f32> = (0..1000).flat_map(|n| [n as f32; 2]).collect();
        for buffers in
            [Buffers::Fixed(1), Buffers::Fixed(113), Buffers::Fixed(4096), Buffers::Fixed(0), Buffers::Random { seed: 7, max: 300 }]
        {
            let (heard, told) = render(buffers);
            assert_eq!(heard, whole, "{buffers:?}");
            assert_eq!(told[0].0, 0);
            assert!(told.windows(2).all(|pair| pair[0].1 == pair[1].0), "{buffers:?} tells of every frame");
            assert_eq!(told.last().map(|last| last.1), Some(1000));
        }
        let (_, told) = render(Buffers::Random { seed: 7, max: 300 });
        let mut sizes: Vec<u64> = told.iter().map(|(from, to)| to - from).collect();
        sizes.dedup();
        assert!(sizes.len() > 3, "random sizes differ");
    }

    #[test]
    fn what_the_sink_refuses_ends_it() {
        let mut host = Offline::new(|_: &[f32], _: usize, _: &mut [f32], _: usize| {}, 1);
        let mut room = 250;
        let end = host.run(
            10_000,
            Buffers::Fixed(100),
            |_, _| Ok(()),
            |frames| {
                if room < frames.len() {
                    return Err("full");
                }
                room -= frames.len();
                Ok(())
            },
        );
        assert_eq!(end, Err("full"));
        assert_eq!(host.now(), 300);
    }
}
