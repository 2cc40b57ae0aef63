use std::io::{self, Write as _};

use serde_json::{Value, json};

/// What a check has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) level: Level,
    /// What was looked at, in a word or two.
    pub(super) check: &'static str,
    /// What was found, and how to mend it. One line.
    pub(super) text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Ok,
    /// It works, and should not be left so.
    Warn,
    /// It does not work, or somebody is in danger.
    Fail,
}

/// All that was found.
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

    /// A line for each check, or one JSON document.
    pub(super) fn print(&self, json: bool) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if json {
            let checks: Value = self.0.iter().map(shown).collect();
            let ok = self.count(Level::Fail) == 0;
            return writeln!(out, "{:#}", json!({"ok": ok, "checks": checks}));
        }
        for Finding { level, check, text } in &self.0 {
            let text = text.replace('\n', " ");
            writeln!(out, "{:<4}  {check:<11}  {text}", level.as_str())?;
        }
        Ok(())
    }
}

fn shown(finding: &Finding) -> Value {
    let Finding { level, check, text } = finding;
    json!({"level": level.as_str(), "check": check, "text": text})
}
