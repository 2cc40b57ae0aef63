use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

use super::one_line::one_line;

/// The maximum size of the queue, in bytes. It holds a few thousand records.
const MAX_QUEUED: usize = 1024 * 1024;

/// The pause between two writes, so that records are written in batches under load.
const WRITE_INTERVAL: Duration = Duration::from_millis(2);

/// A bounded queue of log lines, and a thread that writes them.
///
/// Logging only appends to the queue and never waits for the output. If the output is not read,
/// the queue fills up, and further lines are dropped and counted.
#[derive(Clone)]
pub(crate) struct LogWriter(Arc<Queue>);

/// A writer that takes one record per call to `write`.
pub(crate) struct RecordWriter<'a>(&'a Queue);

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    /// Notified when a line is queued while the thread is idle.
    filled: Condvar,
    /// Notified when all lines have been written.
    drained: Condvar,
}

#[derive(Default)]
struct State {
    lines: Vec<u8>,
    /// The number of lines dropped since the thread last took the queue.
    dropped: u64,
    thread: ThreadState,
}

#[derive(Default, PartialEq, Eq)]
enum ThreadState {
    /// The thread will check the queue soon and needs no notification.
    #[default]
    Running,
    /// The thread waits to be notified of the next line.
    Idle,
    /// The thread writes lines that it has taken out of the queue.
    Writing,
}

impl LogWriter {
    /// Starts a thread that writes the queued lines to `output`. If lines were dropped, the thread
    /// calls `report_dropped` with their number once it can write again.
    pub(super) fn start(
        mut output: impl Write + Send + 'static,
        report_dropped: impl Fn(u64) + Send + 'static,
    ) -> io::Result<Self> {
        let queue = Arc::new(Queue::default());
        let writer = Self(Arc::clone(&queue));
        thread::Builder::new().name("log".to_owned()).spawn(move || {
            let mut lines = Vec::new();
            loop {
                let dropped = queue.take(&mut lines);
                // The server keeps running if its log cannot be written.
                let _ = output.write_all(&lines);
                lines.clear();
                if dropped > 0 {
                    report_dropped(dropped);
                }
                queue.finish_write();
                thread::sleep(WRITE_INTERVAL);
            }
        })?;
        Ok(writer)
    }

    /// Waits until all lines have been written, but for at most `timeout`.
    pub(crate) fn flush(&self, timeout: Duration) {
        let is_pending =
            |state: &mut State| !state.lines.is_empty() || state.thread == ThreadState::Writing;
        let state = self.0.lock();
        // After a timeout the rest is lost: the log must not delay shutdown.
        drop(self.0.drained.wait_timeout_while(state, timeout, is_pending));
    }
}

impl<'a> MakeWriter<'a> for LogWriter {
    type Writer = RecordWriter<'a>;

    fn make_writer(&'a self) -> RecordWriter<'a> {
        RecordWriter(&self.0)
    }
}

impl Write for RecordWriter<'_> {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        self.0.push(&one_line(record));
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Queue {
    fn push(&self, line: &[u8]) {
        let mut state = self.lock();
        if state.lines.len() + line.len() > MAX_QUEUED {
            state.dropped += 1;
            return;
        }
        state.lines.extend_from_slice(line);
        if state.thread == ThreadState::Idle {
            state.thread = ThreadState::Running;
            self.filled.notify_one();
        }
    }

    /// Waits until the queue has lines and swaps them with the empty buffer `lines`. Returns the
    /// number of lines dropped since the last call.
    fn take(&self, lines: &mut Vec<u8>) -> u64 {
        let mut state = self.lock();
        while state.lines.is_empty() {
            state.thread = ThreadState::Idle;
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.thread = ThreadState::Writing;
        std::mem::swap(&mut state.lines, lines);
        std::mem::take(&mut state.dropped)
    }

    fn finish_write(&self) {
        let mut state = self.lock();
        state.thread = ThreadState::Running;
        if state.lines.is_empty() {
            self.drained.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{self, Receiver, Sender};

    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(30);

    /// An output whose writes block until the other end of `blocked` is dropped.
    struct BlockedOutput {
        written: Sender<Vec<u8>>,
        blocked: Receiver<()>,
    }

    impl Write for BlockedOutput {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.blocked.recv();
            let _ = self.written.send(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn log(writer: &LogWriter, record: &[u8]) {
        writer.make_writer().write_all(record).unwrap();
    }

    #[test]
    fn every_line_is_written_in_order() {
        let (written, lines) = mpsc::channel();
        let (block, blocked) = mpsc::channel();
        drop(block);
        let writer = LogWriter::start(BlockedOutput { written, blocked }, |_| ()).unwrap();
        let expected: String = (0..1_000).map(|n| format!("line {n}\n")).collect();
        for line in expected.split_inclusive('\n') {
            log(&writer, line.as_bytes());
        }
        writer.flush(TIMEOUT);
        assert_eq!(lines.try_iter().flatten().collect::<Vec<_>>(), expected.as_bytes());
    }

    #[test]
    fn lines_are_dropped_and_counted_when_the_queue_is_full() {
        let (written, lines) = mpsc::channel();
        let (block, blocked) = mpsc::channel();
        let (report, reports) = mpsc::channel();
        let report_dropped = move |dropped| report.send(dropped).unwrap();
        let output = BlockedOutput { written, blocked };
        let writer = LogWriter::start(output, report_dropped).unwrap();
        log(&writer, b"first\n");
        // Wait until the thread has taken the first line. Its write then blocks.
        while !writer.0.lock().lines.is_empty() {
            thread::yield_now();
        }
        let line = [&[b'x'; 1_023][..], b"\n"].concat();
        for _ in 0..MAX_QUEUED / line.len() + 3 {
            log(&writer, &line);
        }
        writer.flush(Duration::from_millis(1));
        assert!(lines.try_recv().is_err(), "flush returns after its timeout");
        drop(block);
        assert_eq!(reports.recv_timeout(TIMEOUT), Ok(3));
        writer.flush(TIMEOUT);
        assert_eq!(lines.try_iter().map(|lines| lines.len()).sum::<usize>(), 6 + MAX_QUEUED);
    }
}
