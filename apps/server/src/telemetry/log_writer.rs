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

/// The pause before the next attempt to write to a non-blocking output that is full.
const RETRY_INTERVAL: Duration = Duration::from_millis(20);

/// A bounded queue of log lines, and a thread that writes them.
///
/// Logging only appends to the queue and never waits for the output. If the output is not read,
/// the queue fills up, and further lines are dropped and counted. Lines that cannot be written are
/// counted too.
#[derive(Clone)]
pub(crate) struct LogWriter(Arc<Queue>);

/// The result of the last write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OutputState {
    Writable,
    /// The write failed, for example because the pipe is closed or the disk is full.
    Failed {
        /// The number of lines that were not written.
        lost: u64,
        /// `true` if a part of a line was written.
        is_mid_line: bool,
    },
}

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
    /// The number of dropped lines that have not been reported.
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
            let mut state = OutputState::Writable;
            loop {
                let dropped = queue.take(&mut lines, state);
                if dropped > 0 {
                    // The queue has just been emptied, so it has space for the report.
                    report_dropped(dropped);
                }
                state = write_lines(&mut output, &lines, state);
                if let OutputState::Failed { lost, .. } = state {
                    queue.count_dropped(lost);
                }
                lines.clear();
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

    /// Waits until the queue has lines, and swaps them with the empty buffer `lines`. Returns the
    /// number of dropped lines to report. If the last write failed, there is nothing to report yet,
    /// because the report would be lost too.
    fn take(&self, lines: &mut Vec<u8>, output: OutputState) -> u64 {
        let can_report = output == OutputState::Writable;
        let mut state = self.lock();
        while state.lines.is_empty() && !(can_report && state.dropped > 0) {
            state.thread = ThreadState::Idle;
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.thread = ThreadState::Writing;
        std::mem::swap(&mut state.lines, lines);
        if can_report { std::mem::take(&mut state.dropped) } else { 0 }
    }

    fn count_dropped(&self, lines: u64) {
        self.lock().dropped += lines;
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

/// Writes all lines. Waits while a non-blocking output is full.
fn write_lines(output: &mut impl Write, lines: &[u8], last: OutputState) -> OutputState {
    let was_mid_line = matches!(last, OutputState::Failed { is_mid_line: true, .. });
    let mut rest = lines;
    // If only a part of the last line was written, begin on a new line.
    let mut result = if was_mid_line { output.write_all(b"\n") } else { Ok(()) };
    while result.is_ok() && !rest.is_empty() {
        match output.write(rest) {
            Ok(0) => result = Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => rest = &rest[written..],
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock => thread::sleep(RETRY_INTERVAL),
                io::ErrorKind::Interrupted => {}
                _ => result = Err(error),
            },
        }
    }
    match result {
        Ok(()) => OutputState::Writable,
        Err(_) => {
            let written = &lines[..lines.len() - rest.len()];
            let is_mid_line = written.last().map_or(was_mid_line, |byte| *byte != b'\n');
            let lost = rest.iter().filter(|byte| **byte == b'\n').count();
            OutputState::Failed { lost: lost.try_into().unwrap_or(u64::MAX), is_mid_line }
        }
    }
}

#[cfg(test)]
mod tests;
