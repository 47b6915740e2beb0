//! FLAC, frame by frame as sound comes.
//!
//! Behind `STREAMINFO` room is kept for a comment, in which the gaps are told at the end.

use flacenc::bitsink::ByteSink;
use flacenc::component::{BitRepr, StreamInfo};
use flacenc::config;
use flacenc::encode_fixed_size_frame;
use flacenc::error::{Verified, Verify};
use flacenc::source::{Context, Fill, FrameBuf};

use super::code::Code;
use super::spec::Spec;
use crate::rt::tap::Gap;

/// Samples of a channel in one frame; fewer where they would be a long time.
const FRAME: usize = 4096;
const SHORT: usize = 1024;
/// Bytes that are kept for the comment, its own head among them.
const ROOM: usize = 8192;
/// Types of blocks of metadata.
const STREAMINFO: u8 = 0;
const PADDING: u8 = 1;
const COMMENT: u8 = 4;
const LAST: u8 = 0x80;

/// A FLAC file at work.
pub(super) struct Flac {
    spec: Spec,
    config: Verified<config::Encoder>,
    about: StreamInfo,
    frame: FrameBuf,
    /// Samples of a channel in one frame.
    size: usize,
    seen: Context,
    /// What does not fill a frame yet, interleaved.
    held: Vec<i32>,
    /// Blocks coded so far, and what they have in them.
    blocks: usize,
    frames: u64,
    shortest: usize,
    longest: usize,
    comment: Vec<u8>,
    complete: bool,
}

impl Flac {
    /// `None` where the encoder does not take it, which a [`Spec`] makes sure of.
    pub fn new(spec: Spec) -> Option<Self> {
        let (channels, bits) = (usize::from(spec.channels), usize::from(spec.sample.bits()));
        let mut about = StreamInfo::new(spec.rate as usize, channels, bits).ok()?;
        let size = if spec.rate < 32_000 { SHORT } else { FRAME };
        about.set_block_sizes(size, size).ok()?;
        about.set_frame_sizes(0, 0).ok()?;
        Some(Self {
            spec,
            config: config::Encoder::default().into_verified().ok()?,
            about,
            frame: FrameBuf::with_size(channels, size).ok()?,
            size,
            seen: Context::new(bits, channels),
            held: Vec::with_capacity(size * channels),
            blocks: 0,
            frames: 0,
            shortest: usize::MAX,
            longest: 0,
            comment: Vec::new(),
            complete: false,
        })
    }

    /// Codes what is held as one frame of the file.
    fn code_frame(&mut self, to: &mut Vec<u8>) {
        let Self { config, about, frame, seen, held, .. } = self;
        let count = held.len() / usize::from(self.spec.channels);
        let filled = frame.fill_interleaved(held).and_then(|()| seen.fill_interleaved(held));
        let coded = filled.ok().and_then(|()| encode_fixed_size_frame(config, frame, self.blocks, about).ok());
        let mut bits = ByteSink::new();
        let written = coded.and_then(|coded| coded.write(&mut bits).ok());
        // Samples are in range and blocks no longer than they may be: nothing else is refused.
        debug_assert!(written.is_some(), "a frame of {count} samples is coded");
        to.extend(bits.as_slice());
        self.shortest = self.shortest.min(bits.as_slice().len());
        self.longest = self.longest.max(bits.as_slice().len());
        self.blocks += 1;
        self.frames += count as u64;
        self.held.clear();
    }
}

/// A block of metadata.
fn block(to: &mut Vec<u8>, kind: u8, body: &[u8]) {
    to.push(kind);
    to.extend(&(body.len() as u32).to_be_bytes()[1..]);
    to.extend(body);
}

impl Code for Flac {
    fn head(&self, frames: u64, _: u64, _: u64) -> Vec<u8> {
        let mut about = self.about.clone();
        about.set_total_samples(usize::try_from(frames).unwrap_or(0));
        if self.complete {
            about.set_md5_digest(&self.seen.md5_digest());
            let _ = about.set_frame_sizes(self.shortest.min(self.longest), self.longest);
        }
        let mut bits = ByteSink::new();
        let _ = about.write(&mut bits);
        let mut head = b"fLaC".to_vec();
        block(&mut head, STREAMINFO, bits.as_slice());
        let mut room = ROOM;
        if !self.comment.is_empty() {
            block(&mut head, COMMENT, &self.comment);
            room -= 4 + self.comment.len();
        }
        block(&mut head, PADDING | LAST, &vec![0; room - 4]);
        head
    }

    fn code(&mut self, samples: &[f32], to: &mut Vec<u8>) -> u64 {
        let full = self.size * usize::from(self.spec.channels);
        for x in samples {
            self.held.push(self.spec.sample.whole(*x));
            if self.held.len() == full {
                self.code_frame(to);
            }
        }
        self.frames
    }

    fn last(&mut self, to: &mut Vec<u8>) -> u64 {
        if !self.held.is_empty() {
            self.code_frame(to);
        }
        self.complete = true;
        self.frames
    }

    fn whole(&self, _: u64, before: u64, written: u64) -> (u64, u64) {
        (written, before)
    }

    fn tail(&mut self, _: u64, gaps: &[Gap], lost: u64) -> Vec<u8> {
        if lost == 0 {
            return Vec::new();
        }
        // A Vorbis comment: who wrote it, then lines, each with its length before it.
        let line = |to: &mut Vec<u8>, text: &str| {
            to.extend((text.len() as u32).to_le_bytes());
            to.extend(text.bytes());
        };
        let mut lines = Vec::new();
        line(&mut lines, &format!("LOST_FRAMES={lost}"));
        let mut count = 1u32;
        for gap in gaps {
            let text = format!("LOST={} frames at frame {}", gap.frames, gap.at);
            if lines.len() + text.len() + 64 > ROOM {
                break;
            }
            line(&mut lines, &text);
            count += 1;
        }
        let mut comment = Vec::new();
        line(&mut comment, "rackd");
        comment.extend(count.to_le_bytes());
        comment.extend(lines);
        self.comment = comment;
        Vec::new()
    }
}
