//! Commands on standard input, one a line.

use std::io::{BufRead, Read};

use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::osc::text::LONGEST;

/// Lines read ahead of what is done: who writes faster waits.
const AHEAD: usize = 64;

/// What happens at the end of standard input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtEnd {
    /// rackd fades out and ends.
    End,
    /// It plays on; the notes of who wrote there are let go, and others may take over.
    Keep,
}

/// The lines of standard input; closed at its end. Read on a thread of their own, since a read cannot be called off. `[control]`
///
/// # Errors
/// The system's, where it gives no thread.
pub fn read_stdin() -> std::io::Result<Receiver<String>> {
    let (to, from) = channel(AHEAD);
    std::thread::Builder::new().name("lines".into()).spawn(move || read(std::io::stdin().lock(), &to))?;
    Ok(from)
}

/// Reads until the end, or until nobody listens any more. Of a line that is too long only so much is kept that this is seen.
fn read(mut input: impl BufRead, to: &Sender<String>) {
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = input.by_ref().take(LONGEST as u64 + 1).read_until(b'\n', &mut line);
        if !matches!(read, Ok(1..)) {
            return;
        }
        let whole = line.ends_with(b"\n") || line.len() <= LONGEST;
        if !whole && input.skip_until(b'\n').is_err() {
            return;
        }
        if to.blocking_send(String::from_utf8_lossy(&line).into_owned()).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_one_by_one_and_none_is_longer_than_can_be_told() {
        let long = "x".repeat(2 * LONGEST);
        let input = format!("/a 1\n\n{long}\r\n/b \u{fc}\n/c");
        let (to, mut from) = channel(AHEAD);
        read([input.as_bytes(), b"\xff"].concat().as_slice(), &to);
        drop(to);
        let mut lines = Vec::new();
        while let Some(line) = from.blocking_recv() {
            lines.push(line);
        }
        assert_eq!(lines[2].len(), LONGEST + 1);
        lines.remove(2);
        assert_eq!(lines, ["/a 1\n", "\n", "/b \u{fc}\n", "/c\u{fffd}"]);
    }

    #[test]
    fn who_writes_faster_than_is_done_waits() {
        let (to, mut from) = channel(AHEAD);
        let writer = std::thread::spawn(move || read("/x\n".repeat(10 * AHEAD).as_bytes(), &to));
        let mut count = 0;
        while let Some(line) = from.blocking_recv() {
            assert!(line == "/x\n" && from.len() <= AHEAD);
            count += 1;
        }
        writer.join().unwrap();
        assert_eq!(count, 10 * AHEAD);
    }
}
