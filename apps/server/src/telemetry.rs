mod output;
mod text;

use std::fmt::Write as _;
use std::io::{self, Write};
use std::panic::PanicHookInfo;

use tracing::Level;

use crate::cli::LogFormat;
use output::Output;
pub(crate) use output::flush;
use text::Text;

/// Sends the log to stderr, one record a line.
pub(crate) fn start(format: LogFormat) {
    let log = tracing_subscriber::fmt()
        .with_max_level(Level::INFO)
        .with_ansi(false)
        .with_target(false)
        // A log that cannot be written (a full disk, a reader that went away) is no reason to
        // stop serving; to complain of it on stderr would panic.
        .log_internal_errors(false)
        .with_writer(Output);
    match format {
        LogFormat::Text => log.event_format(Text).fmt_fields(Text).init(),
        LogFormat::Json => log.json().flatten_event(true).with_span_list(false).init(),
    }
    std::panic::set_hook(Box::new(log_panic));
}

/// A panic is a record like any other: a line, with its place.
fn log_panic(info: &PanicHookInfo<'_>) {
    let place = info.location().map(ToString::to_string);
    tracing::error!(message = info.payload_as_str().unwrap_or("panic"), place);
}

/// Escapes control characters, so that no text from outside can forge a record or reach
/// the terminal. The subscriber hands over one whole record at a time.
struct OneLine<W>(W);

impl<W: Write> Write for OneLine<W> {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        // Nearly all are plain, which is seen of many bytes at a time.
        let is_plain =
            |line: &[u8]| line.iter().fold(true, |all, b| all & (b' '..=b'~').contains(b));
        if let Some((b'\n', line)) = record.split_last()
            && is_plain(line)
        {
            self.0.write_all(record)?;
            return Ok(record.len());
        }
        let text = String::from_utf8_lossy(record);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        let mut escaped = String::with_capacity(line.len() + 1);
        for c in line.chars() {
            match c {
                '\n' => escaped.push_str("\\n"),
                '\r' => escaped.push_str("\\r"),
                '\t' => escaped.push_str("\\t"),
                // As JSON has it, for a record in JSON holds the upper ones as they are.
                c if c.is_control() => {
                    let _ = write!(escaped, "\\u{:04x}", u32::from(c));
                }
                c => escaped.push(c),
            }
        }
        escaped.push('\n');
        self.0.write_all(escaped.as_bytes())?;
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_one_line_whatever_is_in_it() {
        let mut written = Vec::new();
        let record = "path=/a\nINFO forged\r\u{1b}[31m\u{85}é\n".as_bytes();
        OneLine(&mut written).write_all(record).unwrap();
        assert_eq!(
            String::from_utf8(written).unwrap(),
            "path=/a\\nINFO forged\\r\\u001b[31m\\u0085é\n"
        );
    }
}
