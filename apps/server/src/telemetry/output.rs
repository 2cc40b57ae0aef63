use std::cell::RefCell;
use std::io::{self, Write};

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

use super::OneLine;

/// Stderr, for records that come one by one, or by the thousand.
///
/// The threads that serve requests say before they rest that they do ([`flush`]). The first
/// few records since then are written at once, and so is every warning; those after them are
/// written together, before the thread rests, and at the latest when they are many. On other
/// threads each is written at once. So a busy thread neither calls the system for every
/// request nor waits every time for stderr, which all threads share.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output;

/// One record.
pub(super) struct Record {
    is_urgent: bool,
}

/// How many records a thread writes at once before it gathers them.
const AT_ONCE: u32 = 4;

/// How much it gathers, in bytes.
const MOST: usize = 16 * 1024;

thread_local! {
    static GATHERED: RefCell<Gathered> = const { RefCell::new(Gathered::new()) };
}

/// Writes what the calling thread has gathered. A thread that calls this whenever it is about
/// to rest, and when it ends, gathers from then on.
pub(crate) fn flush() {
    GATHERED.with_borrow_mut(|gathered| {
        gathered.rests = true;
        gathered.since_rest = 0;
        // A log that cannot be written is no reason to stop serving.
        let _ = gathered.write_to(&mut io::stderr());
    });
}

struct Gathered {
    bytes: Vec<u8>,
    /// Whether the thread says when it rests.
    rests: bool,
    /// How many records there have been since it did.
    since_rest: u32,
}

impl Gathered {
    const fn new() -> Self {
        Self { bytes: Vec::new(), rests: false, since_rest: 0 }
    }

    fn add(&mut self, record: &[u8], is_urgent: bool, out: &mut impl Write) -> io::Result<()> {
        self.bytes.extend_from_slice(record);
        self.since_rest = self.since_rest.saturating_add(1);
        let waits = self.rests && !is_urgent && self.since_rest > AT_ONCE;
        if waits && self.bytes.len() < MOST { Ok(()) } else { self.write_to(out) }
    }

    fn write_to(&mut self, out: &mut impl Write) -> io::Result<()> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        let written = out.write_all(&self.bytes);
        self.bytes.clear();
        written
    }
}

impl MakeWriter<'_> for Output {
    type Writer = OneLine<Record>;

    fn make_writer(&self) -> Self::Writer {
        OneLine(Record { is_urgent: true })
    }

    fn make_writer_for(&self, metadata: &Metadata<'_>) -> Self::Writer {
        OneLine(Record { is_urgent: *metadata.level() < Level::INFO })
    }
}

impl Write for Record {
    /// Takes one whole record.
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        GATHERED
            .with_borrow_mut(|gathered| gathered.add(record, self.is_urgent, &mut io::stderr()))?;
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_never_rests_writes_every_record_at_once() {
        let (mut gathered, mut out) = (Gathered::new(), Vec::new());
        for n in 1..=100 {
            gathered.add(b"x", false, &mut out).unwrap();
            assert_eq!(out.len(), n);
        }
    }

    #[test]
    fn what_is_gathered_is_written_at_a_rest_with_a_warning_and_when_it_is_much() {
        let (mut gathered, mut out) = (Gathered::new(), Vec::new());
        gathered.rests = true;
        let few = AT_ONCE as usize;
        for _ in 0..few {
            gathered.add(b"x", false, &mut out).unwrap();
        }
        assert_eq!(out.len(), few, "the first are written at once");
        gathered.add(b"x", false, &mut out).unwrap();
        assert_eq!(out.len(), few);
        gathered.write_to(&mut out).unwrap();
        assert_eq!(out.len(), few + 1);
        gathered.add(b"info", false, &mut out).unwrap();
        gathered.add(b"warning", true, &mut out).unwrap();
        assert!(out.ends_with(b"infowarning"));
        out.clear();
        while out.is_empty() {
            gathered.add(b"x", false, &mut out).unwrap();
        }
        assert_eq!((out.len(), gathered.bytes.len()), (MOST, 0));
    }
}
