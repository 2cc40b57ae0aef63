use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

use super::one_line::one_line;

/// The most that the queue holds, in bytes: some thousand records.
const MAX_QUEUED: usize = 1024 * 1024;

/// How long the thread waits between two writes. Under load, records are written together.
const WRITE_INTERVAL: Duration = Duration::from_millis(2);

/// A bounded queue of log lines, and a thread that writes them.
///
/// Logging only appends to the queue and never waits for the output. If nobody reads the
/// output, the queue fills up, and further lines are dropped and counted.
#[derive(Clone)]
pub(crate) struct LogWriter(Arc<Queue>);

/// Accepts one record per call to `write`.
pub(crate) struct RecordWriter<'a>(&'a Queue);

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    /// Notified when the thread is idle and there is a line.
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
    /// It looks at the queue by itself before long.
    #[default]
    Running,
    /// It waits for the next line.
    Idle,
    /// It writes lines that are no longer in the queue.
    Writing,
}

impl LogWriter {
    /// Starts the thread. It calls `report_dropped` with the number of dropped lines once it can
    /// write again.
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
                // The server goes on if its log cannot be written.
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

    /// Waits until all lines have been written, or for `timeout`.
    pub(crate) fn flush(&self, timeout: Duration) {
        let is_pending =
            |state: &mut State| !state.lines.is_empty() || state.thread == ThreadState::Writing;
        let state = self.0.lock();
        // On a timeout the rest is lost: the log must not hold up a stop.
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

    /// Waits for lines, swaps them with `lines`, and returns how many were dropped since the last
    /// call.
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

    /// An output that nobody reads until the test receives from the channel.
    struct Unread(Sender<Vec<u8>>, Receiver<()>);

    impl Write for Unread {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.1.recv();
            let _ = self.0.send(bytes.to_vec());
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
        let (read, allowed) = mpsc::channel();
        drop(read);
        let writer = LogWriter::start(Unread(written, allowed), |_| ()).unwrap();
        let expected: String = (0..1_000).map(|n| format!("line {n}\n")).collect();
        for line in expected.split_inclusive('\n') {
            log(&writer, line.as_bytes());
        }
        writer.flush(TIMEOUT);
        assert_eq!(lines.try_iter().flatten().collect::<Vec<_>>(), expected.as_bytes());
    }

    #[test]
    fn lines_beyond_the_bound_are_dropped_and_counted() {
        let (written, lines) = mpsc::channel();
        let (read, allowed) = mpsc::channel();
        let (report, reports) = mpsc::channel();
        let report_dropped = move |dropped| report.send(dropped).unwrap();
        let writer = LogWriter::start(Unread(written, allowed), report_dropped).unwrap();
        log(&writer, b"first\n");
        // The thread has taken the first line, and its write waits for a reader.
        while !writer.0.lock().lines.is_empty() {
            thread::yield_now();
        }
        let line = [&[b'x'; 1_023][..], b"\n"].concat();
        for _ in 0..MAX_QUEUED / line.len() + 3 {
            log(&writer, &line);
        }
        writer.flush(Duration::from_millis(1));
        assert!(lines.try_recv().is_err(), "flush does not wait for longer");
        drop(read);
        assert_eq!(reports.recv_timeout(TIMEOUT), Ok(3));
        writer.flush(TIMEOUT);
        assert_eq!(lines.try_iter().map(|lines| lines.len()).sum::<usize>(), 6 + MAX_QUEUED);
    }
}
