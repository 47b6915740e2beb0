//! A file that grows: what was written is known to the byte, also when the disk takes no more.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};

/// What a file is written through; tests put a disk in between that is slow or gets full.
pub(super) trait Disk: Send {
    /// Writes some of these bytes at the end; how many.
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize>;
    /// Writes over what stands there.
    fn put(&mut self, at: u64, bytes: &[u8]) -> io::Result<()>;
    /// Makes the file this long.
    fn cut(&mut self, length: u64) -> io::Result<()>;
    /// Waits until it would outlive a failure of the power.
    fn sync(&mut self) -> io::Result<()>;
}

impl Disk for File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write(bytes)
    }

    fn put(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.seek(SeekFrom::Start(at))?;
        let put = self.write_all(bytes);
        self.seek(SeekFrom::End(0))?;
        put
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)?;
        self.seek(SeekFrom::End(0)).map(|_| ())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

/// A file and its length [bytes].
pub(super) struct Growing {
    disk: Box<dyn Disk>,
    length: u64,
}

impl Growing {
    /// An empty file.
    pub fn new(disk: Box<dyn Disk>) -> Self {
        Self { disk, length: 0 }
    }

    pub fn length(&self) -> u64 {
        self.length
    }

    /// All these bytes, at the end. Where the disk takes but a part, that part is in the length.
    pub fn add(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.disk.append(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    self.length += count as u64;
                    bytes = &bytes[count..];
                }
                Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
                Err(why) => return Err(why),
            }
        }
        Ok(())
    }

    pub fn put(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.disk.put(at, bytes)
    }

    pub fn cut(&mut self, length: u64) -> io::Result<()> {
        self.disk.cut(length)?;
        self.length = length;
        Ok(())
    }

    pub fn sync(&mut self) -> io::Result<()> {
        self.disk.sync()
    }
}
