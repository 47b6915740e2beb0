//! Reads OSC's values from bytes, one after another; every read is bounded and says why it fails.

use super::limits::Refusal;

/// A place in some bytes, and where they end.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    /// At the start of these bytes. `[any]`
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// Bytes that are left. `[any]`
    pub const fn left(&self) -> usize {
        self.bytes.len()
    }

    /// The next so many bytes.
    ///
    /// # Errors
    /// [`Refusal::Short`] where there are fewer. `[any]`
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], Refusal> {
        let (taken, rest) = self.bytes.split_at_checked(count).ok_or(Refusal::Short)?;
        self.bytes = rest;
        Ok(taken)
    }

    /// The next so many bytes as an array.
    ///
    /// # Errors
    /// [`Refusal::Short`] where there are fewer. `[any]`
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Refusal> {
        let (taken, rest) = self.bytes.split_first_chunk::<N>().ok_or(Refusal::Short)?;
        self.bytes = rest;
        Ok(*taken)
    }

    /// A whole number of four bytes.
    ///
    /// # Errors
    /// [`Refusal::Short`]. `[any]`
    pub fn int(&mut self) -> Result<i32, Refusal> {
        self.array().map(i32::from_be_bytes)
    }

    /// A time tag.
    ///
    /// # Errors
    /// [`Refusal::Short`]. `[any]`
    pub fn time(&mut self) -> Result<u64, Refusal> {
        self.array().map(u64::from_be_bytes)
    }

    /// A text: UTF-8, closed by a zero byte, padded to a multiple of four.
    ///
    /// # Errors
    /// [`Refusal::OpenText`], [`Refusal::NotUtf8`]. `[any]`
    pub fn text(&mut self) -> Result<&'a str, Refusal> {
        let end = self.bytes.iter().position(|byte| *byte == 0).ok_or(Refusal::OpenText)?;
        let padded = (end / 4 + 1) * 4;
        let taken = self.take(padded).map_err(|_| Refusal::OpenText)?;
        std::str::from_utf8(&taken[..end]).map_err(|_| Refusal::NotUtf8)
    }

    /// A blob: its size, its bytes, padded to a multiple of four.
    ///
    /// # Errors
    /// [`Refusal::Short`], [`Refusal::BadSize`]. `[any]`
    pub fn blob(&mut self) -> Result<&'a [u8], Refusal> {
        let size = self.int()?;
        let count = usize::try_from(size).map_err(|_| Refusal::BadSize(size))?;
        let taken = self.take(count.next_multiple_of(4)).map_err(|_| Refusal::BadSize(size))?;
        Ok(&taken[..count])
    }

    /// An element of a bundle: its size and its bytes.
    ///
    /// # Errors
    /// [`Refusal::Short`], [`Refusal::BadSize`], [`Refusal::NotInFours`]. `[any]`
    pub fn element(&mut self) -> Result<&'a [u8], Refusal> {
        let size = self.int()?;
        let count = usize::try_from(size).ok().filter(|count| *count > 0).ok_or(Refusal::BadSize(size))?;
        if count % 4 != 0 {
            return Err(Refusal::NotInFours(count));
        }
        self.take(count).map_err(|_| Refusal::BadSize(size))
    }

    /// Steps over `#bundle` and gives the time tag behind it, or nothing where no bundle begins.
    ///
    /// # Errors
    /// [`Refusal::Short`] where the time tag is cut off. `[any]`
    pub fn bundle(&mut self) -> Result<Option<u64>, Refusal> {
        match self.bytes.strip_prefix(b"#bundle\0") {
            Some(rest) => {
                self.bytes = rest;
                self.time().map(Some)
            }
            None => Ok(None),
        }
    }
}
