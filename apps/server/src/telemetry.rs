//! The log: records on stderr, one per line.

mod log_writer;
mod one_line;

use std::io;
use std::panic::PanicHookInfo;

use clap::ValueEnum;
use tracing::Level;

pub(crate) use log_writer::LogWriter;
pub(crate) use one_line::one_line;

/// The format of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// `TIME LEVEL span{field=value}: message field=value`
    Text,
    /// One JSON object per line
    Json,
}

/// Starts logging to stderr. Flush the returned writer before the program exits.
pub(crate) fn start(format: LogFormat) -> io::Result<LogWriter> {
    let writer = LogWriter::start(io::stderr(), report_dropped)?;
    let log = tracing_subscriber::fmt()
        .with_max_level(Level::INFO)
        .with_ansi(false)
        .with_target(false)
        // Otherwise tracing prints its internal errors to stderr, which panics if stderr is closed.
        .log_internal_errors(false)
        .with_writer(writer.clone());
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).with_span_list(false).init(),
    }
    std::panic::set_hook(Box::new(log_panic));
    Ok(writer)
}

fn report_dropped(lines: u64) {
    tracing::warn!(
        lines,
        "log lines were dropped: stderr is read too slowly, or cannot be written"
    );
}

/// Logs a panic as one record, with its location.
fn log_panic(info: &PanicHookInfo<'_>) {
    let location = info.location().map(ToString::to_string);
    tracing::error!(message = info.payload_as_str().unwrap_or("panic"), location);
}
