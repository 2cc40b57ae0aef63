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

/// An output that accepts a number of bytes per attempt, or fails.
struct ScriptedOutput(Vec<Result<usize, io::ErrorKind>>, Vec<u8>);

impl Write for ScriptedOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let accepted = self.0.remove(0)?.min(bytes.len());
        self.1.extend_from_slice(&bytes[..accepted]);
        Ok(accepted)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn lines_that_cannot_be_written_are_counted_and_the_next_one_begins_on_a_new_line() {
    use io::ErrorKind::{BrokenPipe, Interrupted, StorageFull, WouldBlock};
    let mut output = ScriptedOutput(
        vec![
            Ok(4),
            Err(WouldBlock),
            Err(Interrupted),
            Ok(2),
            Err(StorageFull),
            Err(BrokenPipe),
            Ok(9),
            Ok(9),
            Ok(0),
        ],
        Vec::new(),
    );
    let failed = |lost, is_mid_line| OutputState::Failed { lost, is_mid_line };
    let mut state = OutputState::Writable;
    for (lines, expected) in [
        ("one\ntwo\nthree\n", failed(2, true)),
        ("four\nfive\n", failed(2, true)),
        ("six\n", OutputState::Writable),
        ("seven\n", failed(1, false)),
    ] {
        state = write_lines(&mut output, lines.as_bytes(), state);
        assert_eq!(state, expected, "{lines}");
    }
    assert_eq!(output.1, b"one\ntw\nsix\n");
}

/// An output that fails until `is_full` is dropped.
struct FullOutput {
    is_full: std::sync::Weak<()>,
    written: Sender<Vec<u8>>,
}

impl Write for FullOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_full.upgrade().is_some() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let _ = self.written.send(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn lost_lines_are_reported_once_the_output_can_be_written_again() {
    let is_full = Arc::new(());
    let (written, lines) = mpsc::channel();
    let (report, reports) = mpsc::channel();
    let output = FullOutput { is_full: Arc::downgrade(&is_full), written };
    let report_dropped = move |dropped| report.send(dropped).unwrap();
    let writer = LogWriter::start(output, report_dropped).unwrap();
    for _ in 0..3 {
        log(&writer, b"lost\n");
        writer.flush(TIMEOUT);
    }
    assert!(reports.try_recv().is_err(), "a report would be lost too");
    drop(is_full);
    log(&writer, b"written\n");
    assert_eq!(reports.recv_timeout(TIMEOUT), Ok(3));
    assert_eq!(lines.recv_timeout(TIMEOUT), Ok(b"written\n".to_vec()));
}
