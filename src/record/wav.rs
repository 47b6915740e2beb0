//! WAV, and RF64 where 32 bits cannot count the bytes any more.
//!
//! RF64 after EBU Tech 3306: a JUNK chunk at the start keeps the room for `ds64`, which takes its place when the file gets too large.

use super::code::Code;
use super::spec::{Sample, Spec};
use crate::rt::tap::Gap;

/// Up to this the sizes of a RIFF file can be said.
pub(super) const FULL: u64 = u32::MAX as u64;
/// Bytes of `ds64`, and of the JUNK that keeps its place.
const DS64: u32 = 28;
/// What stands in for sizes that `ds64` says.
const ELSEWHERE: u32 = u32::MAX;
/// `WAVE_FORMAT_PCM`, `WAVE_FORMAT_IEEE_FLOAT`, `WAVE_FORMAT_EXTENSIBLE`.
const PCM: u16 = 1;
const FLOAT: u16 = 3;
const EXTENSIBLE: u16 = 0xfffe;
/// The end of the GUID that makes a tag of the above one of `WAVE_FORMAT_EXTENSIBLE`.
const GUID: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];

/// A WAV file at work.
pub(super) struct Wav {
    spec: Spec,
    limit: u64,
    frames: u64,
    start: u64,
}

impl Wav {
    /// Above `limit` bytes it is RF64: [`FULL`], but in tests.
    pub fn new(spec: Spec, limit: u64) -> Self {
        let mut wav = Self { spec, limit, frames: 0, start: 0 };
        wav.start = wav.head(0, 0, 0).len() as u64;
        wav
    }
}

/// A chunk with its name and size, an even number of bytes.
fn chunk(to: &mut Vec<u8>, name: &[u8; 4], body: &[u8]) {
    to.extend(name);
    to.extend((body.len() as u32).to_le_bytes());
    to.extend(body);
    if body.len() % 2 == 1 {
        to.push(0);
    }
}

impl Code for Wav {
    fn head(&self, frames: u64, sound_end: u64, file_end: u64) -> Vec<u8> {
        let Spec { sample, rate, channels, .. } = self.spec;
        let (sound, riff) = (sound_end.saturating_sub(self.start), file_end.saturating_sub(8));
        let large = riff > self.limit;
        let small = |size: u64| if large { ELSEWHERE } else { size as u32 };
        let mut head = Vec::with_capacity(128);
        head.extend(if large { b"RF64" } else { b"RIFF" });
        head.extend(small(riff).to_le_bytes());
        head.extend(b"WAVE");
        let mut sizes = Vec::with_capacity(DS64 as usize);
        if large {
            [riff, sound, frames].iter().for_each(|size| sizes.extend(size.to_le_bytes()));
        }
        sizes.resize(DS64 as usize, 0);
        chunk(&mut head, if large { b"ds64" } else { b"JUNK" }, &sizes);
        let tag = if sample == Sample::Float32 { FLOAT } else { PCM };
        let extensible = channels > 2;
        let mut format = Vec::with_capacity(40);
        format.extend(if extensible { EXTENSIBLE } else { tag }.to_le_bytes());
        format.extend(channels.to_le_bytes());
        format.extend(rate.to_le_bytes());
        let frame_bytes = self.spec.frame_bytes() as u32;
        format.extend(rate.saturating_mul(frame_bytes).to_le_bytes());
        format.extend((frame_bytes as u16).to_le_bytes());
        format.extend(sample.bits().to_le_bytes());
        if extensible {
            // So many bytes more; all bits count; the channels are at no known place.
            format.extend(22u16.to_le_bytes());
            format.extend(sample.bits().to_le_bytes());
            format.extend(0u32.to_le_bytes());
            format.extend(tag.to_le_bytes());
            format.extend(GUID);
        } else if tag != PCM {
            format.extend(0u16.to_le_bytes());
        }
        chunk(&mut head, b"fmt ", &format);
        if tag != PCM {
            chunk(&mut head, b"fact", &u32::try_from(frames).unwrap_or(ELSEWHERE).to_le_bytes());
        }
        head.extend(b"data");
        head.extend(small(sound).to_le_bytes());
        head
    }

    fn code(&mut self, samples: &[f32], to: &mut Vec<u8>) -> u64 {
        match self.spec.sample {
            Sample::Float32 => samples.iter().for_each(|x| to.extend(x.to_le_bytes())),
            Sample::Int24 => samples.iter().for_each(|x| to.extend(&Sample::Int24.whole(*x).to_le_bytes()[..3])),
            Sample::Int16 => samples.iter().for_each(|x| to.extend((Sample::Int16.whole(*x) as i16).to_le_bytes())),
        }
        self.frames += samples.len() as u64 / u64::from(self.spec.channels);
        self.frames
    }

    fn last(&mut self, _: &mut Vec<u8>) -> u64 {
        self.frames
    }

    fn whole(&self, length: u64, _: u64, _: u64) -> (u64, u64) {
        let frames = (length.saturating_sub(self.start) / self.spec.frame_bytes()).min(self.frames);
        // A chunk of odd length is followed by a byte that fills it up; there is none to be had on a full disk, so the last frame goes.
        let frames = if frames * self.spec.frame_bytes() % 2 == 1 { frames - 1 } else { frames };
        (frames, self.start + frames * self.spec.frame_bytes())
    }

    fn tail(&mut self, sound_end: u64, gaps: &[Gap], _: u64) -> Vec<u8> {
        let mut tail = Vec::new();
        if (sound_end - self.start) % 2 == 1 {
            tail.push(0);
        }
        // A cue counts in 32 bits; of a longer file the rest is not marked.
        let marked: Vec<(u32, Gap)> = gaps.iter().filter_map(|gap| Some((u32::try_from(gap.at).ok()?, *gap))).collect();
        if marked.is_empty() {
            return tail;
        }
        let (mut cues, mut labels) = ((marked.len() as u32).to_le_bytes().to_vec(), b"adtl".to_vec());
        for (number, (at, gap)) in (1u32..).zip(&marked) {
            // Number, place in the play order, chunk, two offsets that count only in wave lists, frame.
            cues.extend(number.to_le_bytes());
            cues.extend(at.to_le_bytes());
            cues.extend(b"data");
            cues.extend([0; 8]);
            cues.extend(at.to_le_bytes());
            let mut label = number.to_le_bytes().to_vec();
            label.extend(format!("lost {} frames\0", gap.frames).bytes());
            chunk(&mut labels, b"labl", &label);
        }
        chunk(&mut tail, b"cue ", &cues);
        chunk(&mut tail, b"LIST", &labels);
        tail
    }
}
