//! Results as JSON and as Markdown tables.

use std::fmt::Write as _;
use std::fs;

use anyhow::Result;
use serde_json::{Value, json};

use super::statistics::{median, min_and_max};
use crate::workspace;

/// The results of one part of the benchmarks.
pub(super) struct Section {
    /// The name of the part on the command line.
    pub(super) name: &'static str,
    pub(super) rows: Vec<Row>,
    /// Figures of the same two candidates, in a table of their own.
    comparisons: Vec<Comparison>,
    /// Notes on the figures.
    pub(super) notes: Vec<String>,
}

/// One figure, measured once per round.
pub(super) struct Row {
    what: String,
    unit: &'static str,
    values: Vec<f64>,
    goal: Option<Goal>,
}

/// A figure of two candidates, each with its name, measured once per round.
pub(super) struct Comparison {
    pub(super) what: String,
    pub(super) unit: &'static str,
    pub(super) values: [(&'static str, Vec<f64>); 2],
}

/// A limit for the median.
#[derive(Debug, Clone, Copy)]
pub(super) enum Goal {
    AtMost(f64),
    AtLeast(f64),
}

impl Row {
    pub(super) fn new(what: impl Into<String>, unit: &'static str, values: &[f64]) -> Self {
        Self { what: what.into(), unit, values: values.to_vec(), goal: None }
    }

    /// Builds a row with the ratio of two figures in each round. A temporary slowdown of the
    /// machine affects both figures of a round, and therefore hardly changes their ratio. Rounds in
    /// which the second figure is zero are omitted.
    pub(super) fn ratio(what: impl Into<String>, values: &[f64], others: &[f64]) -> Self {
        let pairs = values.iter().zip(others).filter(|(_, other)| **other != 0.0);
        let ratios: Vec<_> = pairs.map(|(value, other)| value / other).collect();
        Self::new(what, "×", &ratios)
    }

    pub(super) fn with(self, goal: Goal) -> Self {
        Self { goal: Some(goal), ..self }
    }

    fn median(&self) -> f64 {
        median(&self.values)
    }

    fn is_met(&self) -> Option<bool> {
        let goal = self.goal.filter(|_| !self.values.is_empty())?;
        Some(match goal {
            Goal::AtMost(max) => self.median() <= max,
            Goal::AtLeast(min) => self.median() >= min,
        })
    }

    fn json(&self) -> Value {
        let (min, max) = min_and_max(&self.values);
        json!({
            "what": self.what,
            "unit": self.unit,
            "median": self.median(),
            "min": min,
            "max": max,
            "values": self.values,
            "goal": self.goal.map(Goal::text),
            "met": self.is_met(),
        })
    }

    fn markdown(&self) -> String {
        let (min, max) = min_and_max(&self.values);
        let spread = match self.values.len() {
            0 | 1 => String::new(),
            _ => format!("{} – {}", number(min), number(max)),
        };
        let (goal, verdict) = match (self.goal, self.is_met()) {
            (Some(goal), Some(true)) => (goal.text(), "met"),
            (Some(goal), Some(false)) => (goal.text(), "**missed**"),
            (Some(goal), None) => (goal.text(), "not measured"),
            (None, _) => (String::new(), ""),
        };
        let value = if self.values.is_empty() {
            "–".to_owned()
        } else {
            format!("{} {}", number(self.median()), self.unit)
        };
        format!("| {} | {value} | {spread} | {goal} | {verdict} |", self.what)
    }
}

impl Comparison {
    /// Returns the second candidate relative to the first one, in each round.
    fn ratio(&self) -> Row {
        let [(_, values), (_, others)] = &self.values;
        Row::ratio(self.what.as_str(), others, values)
    }

    fn json(&self) -> Value {
        let values: Value =
            self.values.iter().map(|(name, values)| (name.to_string(), json!(values))).collect();
        json!({ "what": self.what, "unit": self.unit, "values": values, "ratio": self.ratio().json() })
    }

    fn markdown(&self) -> String {
        let [value, other] =
            [0, 1].map(|at| format!("{} {}", number(median(&self.values[at].1)), self.unit));
        let ratios = self.ratio().values;
        let (min, max) = min_and_max(&ratios);
        let [ratio, min, max] = [median(&ratios), min, max].map(number);
        format!("| {} | {value} | {other} | {ratio} × ({min} – {max}) |\n", self.what)
    }
}

impl Goal {
    fn text(self) -> String {
        match self {
            Self::AtMost(max) => format!("≤ {}", number(max)),
            Self::AtLeast(min) => format!("≥ {}", number(min)),
        }
    }
}

impl Section {
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, rows: Vec::new(), comparisons: Vec::new(), notes: Vec::new() }
    }

    pub(super) fn add(&mut self, row: Row) {
        self.rows.push(row);
    }

    pub(super) fn compare(&mut self, comparison: Comparison) {
        self.comparisons.push(comparison);
    }

    pub(super) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    pub(super) fn markdown(&self) -> String {
        let mut text = table(self.rows.iter());
        if let Some(first) = self.comparisons.first() {
            let [(name, _), (other, _)] = first.values;
            let _ = write!(
                text,
                "\n| median | {name} | {other} | {other} relative to {name} |\n|---|---:|---:|---:|\n"
            );
            text.extend(self.comparisons.iter().map(Comparison::markdown));
        }
        for note in &self.notes {
            let _ = write!(text, "\n{note}\n");
        }
        text
    }

    /// Writes `target/bench/NAME.json`.
    pub(super) fn write(&self, machine: &Value) -> Result<()> {
        let report = json!({
            "machine": machine,
            "rows": self.rows.iter().map(Row::json).collect::<Value>(),
            "comparisons": self.comparisons.iter().map(Comparison::json).collect::<Value>(),
            "notes": self.notes,
        });
        let directory = workspace::target_dir()?.join("bench");
        fs::create_dir_all(&directory)?;
        let path = directory.join(format!("{}.json", self.name));
        fs::write(&path, format!("{report:#}\n"))?;
        eprintln!("written to {}", path.display());
        Ok(())
    }
}

/// Returns a table of the rows that have a goal.
pub(super) fn goals(sections: &[Section]) -> String {
    table(sections.iter().flat_map(|section| &section.rows).filter(|row| row.goal.is_some()))
}

fn table<'a>(rows: impl Iterator<Item = &'a Row>) -> String {
    let mut text = "| | median | min – max | goal | |\n|---|---:|---:|---:|---|\n".to_owned();
    for row in rows {
        text.push_str(&row.markdown());
        text.push('\n');
    }
    text
}

/// Formats a number with up to three significant digits and at most three decimal places. All
/// digits before the decimal point are kept.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 99.95 || value == 0.0 => grouped(value),
        size if size >= 9.995 => format!("{value:.1}"),
        size if size >= 0.095 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// Rounds a number to a whole number, and formats it with commas as thousands separators.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) && !text.ends_with('-') {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_significant_digits() {
        let all = [0.0, 0.0123, 0.5, 9.994, 9.996, 80.04, 99.96, 999.5, 1_234_567.8, -1234.0];
        let texts = all.map(number);
        let expected =
            ["0", "0.012", "0.50", "9.99", "10.0", "80.0", "100", "1,000", "1,234,568", "-1,234"];
        assert_eq!(texts, expected);
    }

    #[test]
    fn a_median_at_the_limit_meets_the_goal() {
        let row = |goal| Row::new("x", "ms", &[9.0, 10.0, 30.0]).with(goal);
        assert_eq!(row(Goal::AtMost(10.0)).is_met(), Some(true));
        assert_eq!(row(Goal::AtLeast(10.0)).is_met(), Some(true));
        assert_eq!(row(Goal::AtMost(9.9)).is_met(), Some(false));
        assert_eq!(row(Goal::AtLeast(10.1)).is_met(), Some(false));
    }

    #[test]
    fn ratios_are_calculated_for_each_round() {
        let row = Row::ratio("x", &[2.0, 30.0, 7.0, 8.0], &[1.0, 10.0, 0.0, 2.0]);
        assert_eq!(row.values, [2.0, 3.0, 4.0]);
        assert_eq!(row.markdown(), "| x | 3.00 × | 2.00 – 4.00 |  |  |");
    }

    #[test]
    fn a_comparison_is_a_row_of_a_second_table() {
        let mut section = Section::new("x");
        section.compare(Comparison {
            what: "y".to_owned(),
            unit: "/s",
            values: [("one", vec![100.0, 200.0, 400.0]), ("other", vec![150.0, 100.0, 400.0])],
        });
        let expected = "\n| median | one | other | other relative to one |\n|---|---:|---:|---:|\n\
                        | y | 200 /s | 150 /s | 1.00 × (0.50 – 1.50) |\n";
        assert!(section.markdown().ends_with(expected), "{}", section.markdown());
    }

    #[test]
    fn a_row_without_values_neither_meets_nor_misses_its_goal() {
        let row = Row::ratio("x", &[2.0], &[0.0]).with(Goal::AtLeast(1.0));
        assert_eq!(row.markdown(), "| x | – |  | ≥ 1.00 | not measured |");
        assert_eq!(row.json()["median"], Value::Null);
    }

    #[test]
    fn only_rows_with_a_goal_are_goals() {
        let mut section = Section::new("x");
        section.add(Row::new("without", "kB", &[1.0]));
        section.add(Row::new("good", "kB", &[1.0]).with(Goal::AtMost(1.0)));
        section.add(Row::new("bad", "kB", &[1.5]).with(Goal::AtMost(1.0)));
        let list = goals(&[section]);
        assert!(!list.contains("without"), "{list}");
        assert!(list.contains("| good | 1.00 kB |  | ≤ 1.00 | met |\n"), "{list}");
        assert!(list.contains("| bad | 1.50 kB |  | ≤ 1.00 | **missed** |\n"), "{list}");
    }
}
