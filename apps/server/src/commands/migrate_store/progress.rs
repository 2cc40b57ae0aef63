use std::io::{self, IsTerminal as _};
use std::sync::{Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use user_store::{CopyPhase, CopyProgress};

use crate::output::{OutputFormat, print_message};

/// Shows the progress of a copy on stderr: a bar on a terminal, and otherwise a line for each table
/// and each tenth of the rows. With JSON output, nothing is shown unless stderr is a terminal.
pub(super) struct Progress {
    bar: ProgressBar,
    lines: Option<Mutex<Line>>,
}

/// The contents of a line.
#[derive(Default, PartialEq, Eq)]
struct Line {
    table: &'static str,
    phase: Option<CopyPhase>,
    tenths: u64,
}

impl Progress {
    pub(super) fn new(format: OutputFormat) -> Self {
        // The bar is hidden if stderr is no terminal.
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) =
            ProgressStyle::with_template("{msg:<26} [{wide_bar}] {human_pos}/{human_len} rows")
        {
            bar.set_style(style.progress_chars("=> "));
        }
        let has_lines = format == OutputFormat::Text && !io::stderr().is_terminal();
        Self { bar, lines: if has_lines { Some(Mutex::default()) } else { None } }
    }

    pub(super) fn show(&self, at: CopyProgress) {
        let action = match at.phase {
            CopyPhase::Copy => "copying",
            CopyPhase::Verification => "comparing",
        };
        self.bar.set_length(at.total);
        self.bar.set_position(at.rows);
        self.bar.set_message(format!("{action} {}", at.table));
        let Some(lines) = &self.lines else { return };
        let tenths = 10 * at.rows / at.total.max(1);
        let line = Line { table: at.table, phase: Some(at.phase), tenths };
        let mut last = lines.lock().unwrap_or_else(PoisonError::into_inner);
        if *last != line {
            *last = line;
            print_message(&format!("{action} {}: {} of {} rows", at.table, at.rows, at.total));
        }
    }

    /// Removes the bar.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
