use std::io;

use serde_json::{Value, json};

use crate::output::{OutputFormat, print_json, print_lines};

/// The result of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) level: Level,
    /// The name of the check.
    pub(super) check: &'static str,
    /// The result of the check, with a fix if something is wrong, in one line.
    pub(super) text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Ok,
    /// The server works, but a change is recommended.
    Warn,
    /// The server does not work, or is insecure.
    Fail,
}

/// The findings of all checks.
pub(super) struct Report(pub(super) Vec<Finding>);

impl Finding {
    pub(super) fn ok(check: &'static str, text: impl Into<String>) -> Self {
        Self { level: Level::Ok, check, text: text.into() }
    }

    pub(super) fn warn(check: &'static str, text: impl Into<String>) -> Self {
        Self { level: Level::Warn, check, text: text.into() }
    }

    pub(super) fn fail(check: &'static str, text: impl Into<String>) -> Self {
        Self { level: Level::Fail, check, text: text.into() }
    }
}

impl Level {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

impl Report {
    pub(super) fn count(&self, level: Level) -> usize {
        self.0.iter().filter(|finding| finding.level == level).count()
    }

    /// Prints one line per finding, or one JSON document.
    pub(super) fn print(&self, format: OutputFormat) -> io::Result<()> {
        if format == OutputFormat::Json {
            let checks: Value = self.0.iter().map(finding_json).collect();
            let ok = self.count(Level::Fail) == 0;
            return print_json(&json!({"ok": ok, "checks": checks}));
        }
        let mut out = io::stdout().lock();
        for Finding { level, check, text } in &self.0 {
            let text = text.replace('\n', " ");
            let line = format!("{:<4}  {check:<11}  {text}", level.as_str());
            print_lines(&mut out, &line)?;
        }
        Ok(())
    }
}

fn finding_json(finding: &Finding) -> Value {
    let Finding { level, check, text } = finding;
    json!({"level": level.as_str(), "check": check, "text": text})
}
