//! Packets within a stream of bytes: the size prefix of OSC 1.0, and SLIP with an END at both ends of OSC 1.1.
//!
//! A buffer grows with the bytes that have truly come, never by a size that somebody claims.

use std::mem;

/// Ends a SLIP frame, and begins the next.
pub const END: u8 = 0xc0;
const ESCAPE: u8 = 0xdb;
const ESCAPED_END: u8 = 0xdc;
const ESCAPED_ESCAPE: u8 = 0xdd;
/// Bytes that a buffer keeps between frames at most.
const KEPT: usize = 64 << 10;

/// How a stream is cut into packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Four bytes of size, the highest first, before each packet.
    Sized,
    /// [`END`] before and after each packet.
    Slip,
}

/// Why a frame is no packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// Longer than allowed [bytes].
    #[error("a frame is longer than {0} bytes")]
    TooLong(usize),
    /// A size below 0. After it nobody knows where a packet begins.
    #[error("a frame claims a size of {0} bytes")]
    BadSize(i32),
    /// An escape before a byte that needs none.
    #[error("a SLIP escape before byte {0:#04x}, which is never escaped")]
    BadEscape(u8),
}

/// Cuts a stream into packets, however its bytes are torn apart on the way.
#[derive(Debug)]
pub struct Deframer {
    framing: Framing,
    most: usize,
    buffer: Vec<u8>,
    /// Of a size prefix: its bytes so far.
    head: Vec<u8>,
    /// Of a size prefix: what is still to come of the frame.
    left: Option<usize>,
    /// Of SLIP: the byte before was an escape.
    escape: bool,
    /// Of SLIP: the rest of a broken frame is passed over.
    skip: bool,
    lost: bool,
}

impl Deframer {
    /// For frames of so many bytes at most. `[any]`
    pub fn new(framing: Framing, most: usize) -> Self {
        Self { framing, most, buffer: Vec::new(), head: Vec::new(), left: None, escape: false, skip: false, lost: false }
    }

    /// Takes what has come and gives each frame that it completes, or why it is none. False once the stream cannot be followed any
    /// more: after a wrong size prefix. From then on all bytes are passed over. `[any]`
    pub fn push(&mut self, bytes: &[u8], mut each: impl FnMut(Result<&[u8], Broken>)) -> bool {
        match self.framing {
            Framing::Sized => self.sized(bytes, &mut each),
            Framing::Slip => bytes.iter().for_each(|byte| self.slip(*byte, &mut each)),
        }
        !self.lost
    }

    /// Whether a frame has begun that is not complete. `[any]`
    pub fn is_within(&self) -> bool {
        !self.buffer.is_empty() || !self.head.is_empty() || self.left.is_some() || self.escape || self.skip
    }

    /// Bytes of memory that it holds. `[any]`
    pub fn held(&self) -> usize {
        self.buffer.capacity()
    }

    fn sized(&mut self, mut bytes: &[u8], each: &mut impl FnMut(Result<&[u8], Broken>)) {
        while !bytes.is_empty() && !self.lost {
            let Some(left) = self.left else {
                let (now, rest) = bytes.split_at(bytes.len().min(4 - self.head.len()));
                self.head.extend_from_slice(now);
                bytes = rest;
                let Ok(head) = <[u8; 4]>::try_from(self.head.as_slice()) else { continue };
                self.head.clear();
                let size = i32::from_be_bytes(head);
                match usize::try_from(size) {
                    Ok(0) => each(Ok(&[])),
                    Ok(size) if size <= self.most => self.left = Some(size),
                    wrong => {
                        self.lost = true;
                        each(Err(wrong.map_or(Broken::BadSize(size), |_| Broken::TooLong(self.most))));
                    }
                }
                continue;
            };
            let (now, rest) = bytes.split_at(bytes.len().min(left));
            self.buffer.extend_from_slice(now);
            bytes = rest;
            self.left = Some(left - now.len());
            if left == now.len() {
                self.left = None;
                self.give(each);
            }
        }
    }

    fn slip(&mut self, byte: u8, each: &mut impl FnMut(Result<&[u8], Broken>)) {
        if byte == END {
            let broken = mem::take(&mut self.escape);
            if mem::take(&mut self.skip) {
                self.drop_frame();
            } else if broken {
                self.drop_frame();
                each(Err(Broken::BadEscape(END)));
            } else if !self.buffer.is_empty() {
                self.give(each);
            }
            return;
        }
        if self.skip {
            return;
        }
        let byte = match (mem::take(&mut self.escape), byte) {
            (false, ESCAPE) => return self.escape = true,
            (false, byte) => byte,
            (true, ESCAPED_END) => END,
            (true, ESCAPED_ESCAPE) => ESCAPE,
            (true, wrong) => return self.pass_over(Broken::BadEscape(wrong), each),
        };
        if self.buffer.len() == self.most {
            return self.pass_over(Broken::TooLong(self.most), each);
        }
        self.buffer.push(byte);
    }

    fn pass_over(&mut self, why: Broken, each: &mut impl FnMut(Result<&[u8], Broken>)) {
        self.skip = true;
        self.drop_frame();
        each(Err(why));
    }

    fn give(&mut self, each: &mut impl FnMut(Result<&[u8], Broken>)) {
        each(Ok(&self.buffer));
        self.drop_frame();
    }

    fn drop_frame(&mut self) {
        self.buffer.clear();
        self.buffer.shrink_to(KEPT);
    }
}

/// A packet as it goes into a stream. `[any]`
pub fn frame(framing: Framing, packet: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(packet.len() + 4);
    match framing {
        Framing::Sized => {
            let size = u32::try_from(packet.len()).expect("a packet is far shorter than 4 GiB");
            out.extend(size.to_be_bytes());
            out.extend_from_slice(packet);
        }
        Framing::Slip => {
            out.push(END);
            for byte in packet {
                match *byte {
                    END => out.extend([ESCAPE, ESCAPED_END]),
                    ESCAPE => out.extend([ESCAPE, ESCAPED_ESCAPE]),
                    byte => out.push(byte),
                }
            }
            out.push(END);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    type Frames = Vec<Result<Vec<u8>, Broken>>;

    fn cut(deframer: &mut Deframer, bytes: &[u8], piece: usize) -> (Frames, bool) {
        let mut out = Vec::new();
        let mut sound = true;
        for bytes in bytes.chunks(piece) {
            sound = deframer.push(bytes, |frame| out.push(frame.map(<[u8]>::to_vec)));
        }
        (out, sound)
    }

    #[test]
    fn what_is_framed_comes_back_however_it_is_torn() {
        let packets: [&[u8]; 3] = [b"/a\0\0,\0\0\0", &[END, ESCAPE, ESCAPED_END, ESCAPED_ESCAPE], &[7; 5000]];
        for framing in [Framing::Sized, Framing::Slip] {
            let stream: Vec<u8> = packets.iter().flat_map(|packet| frame(framing, packet)).collect();
            for piece in [1, 2, 3, 5, 1000, stream.len()] {
                let mut deframer = Deframer::new(framing, 5000);
                let (frames, sound) = cut(&mut deframer, &stream, piece);
                assert_eq!(frames, packets.map(|packet| Ok(packet.to_vec())), "{framing:?} in pieces of {piece}");
                assert!(sound && !deframer.is_within());
            }
        }
    }

    #[test]
    fn a_wrong_size_ends_the_stream_and_takes_no_memory() {
        for (size, why) in [
            (-4, Broken::BadSize(-4)),
            (i32::MIN, Broken::BadSize(i32::MIN)),
            (i32::MAX, Broken::TooLong(100)),
            (101, Broken::TooLong(100)),
        ] {
            let mut deframer = Deframer::new(Framing::Sized, 100);
            let stream = [&size.to_be_bytes()[..], &frame(Framing::Sized, b"abcd")].concat();
            assert_eq!(cut(&mut deframer, &stream, 3), (vec![Err(why)], false));
            assert_eq!(deframer.held(), 0);
        }
        let mut deframer = Deframer::new(Framing::Sized, 1 << 20);
        assert_eq!(cut(&mut deframer, &[0, 16, 0, 0, 1, 2], 6), (vec![], true));
        assert!(deframer.is_within() && deframer.held() < 100, "a claimed size takes no memory");
        let empty = cut(&mut Deframer::new(Framing::Sized, 100), &[0; 64_000], 999);
        assert_eq!(empty, (vec![Ok(vec![]); 16_000], true));
    }

    #[test]
    fn slip_finds_its_feet_after_a_broken_frame() {
        let good = frame(Framing::Slip, b"good");
        let cases: [(&[u8], Option<Broken>); 5] = [
            (&[END, END, END], None),
            (&[END, b'a', ESCAPE, b'x', b'y', ESCAPE], Some(Broken::BadEscape(b'x'))),
            (&[END, b'a', ESCAPE, END], Some(Broken::BadEscape(END))),
            (&[END, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], Some(Broken::TooLong(10))),
            (&[ESCAPE, ESCAPE], Some(Broken::BadEscape(ESCAPE))),
        ];
        for (before, why) in cases {
            let stream = [before, &good].concat();
            for piece in [1, 2, stream.len()] {
                let (frames, sound) = cut(&mut Deframer::new(Framing::Slip, 10), &stream, piece);
                let expected: Frames = why.map(Err).into_iter().chain([Ok(b"good".to_vec())]).collect();
                assert_eq!((frames, sound), (expected, true), "{before:?} in pieces of {piece}");
            }
        }
    }
}
