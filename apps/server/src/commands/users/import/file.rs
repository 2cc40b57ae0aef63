//! Reads the records of a file to import.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use clap::ValueEnum;

use super::fields::Fields;
use super::problem::Problem;
use super::{csv, json};
use crate::error::CommandError;

/// The format of a file to import.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum ImportFormat {
    /// Column names in the first row, then one user per row
    Csv,
    /// One JSON object per line, or one array of objects; also the output of Django's manage.py
    /// dumpdata auth.user
    #[value(aliases = ["jsonl", "django"])]
    Json,
}

/// A record, with its place in the file.
pub(super) struct Record {
    pub(super) place: Place,
    pub(super) fields: Result<Fields, Problem>,
}

/// The place of a record in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The first and the last line, counted from 1.
    Lines { first: u64, last: u64 },
    /// The position in an array, counted from 1.
    Element(u64),
}

/// The content of a file.
#[derive(Default)]
pub(super) struct UserFile {
    pub(super) records: Vec<Record>,
    /// The names of fields that are not imported.
    pub(super) ignored_fields: Vec<String>,
}

impl Place {
    pub(super) const fn line(line: u64) -> Self {
        Self::Lines { first: line, last: line }
    }

    /// Returns the number by which the JSON report and other messages refer to the record.
    pub(super) const fn number(self) -> u64 {
        match self {
            Self::Lines { first: number, .. } | Self::Element(number) => number,
        }
    }

    /// Returns the last line, or the position in an array.
    pub(super) const fn last(self) -> u64 {
        match self {
            Self::Lines { last: number, .. } | Self::Element(number) => number,
        }
    }

    /// Returns whether the record spans several lines.
    pub(super) const fn has_line_breaks(self) -> bool {
        self.number() != self.last()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lines { first, last } if first == last => write!(f, "line {first}"),
            Self::Lines { first, last } => write!(f, "lines {first} to {last}"),
            Self::Element(number) => write!(f, "record {number}"),
        }
    }
}

/// Reads a whole file, or stdin if the path is `-`.
pub(super) fn read(path: &Path, format: Option<ImportFormat>) -> Result<UserFile, CommandError> {
    let format = format
        .or_else(|| format_by_extension(path))
        .ok_or_else(|| invalid("the format of the file is unknown; set --format csv or json"))?;
    let bytes = read_bytes(path)
        .map_err(|error| invalid(&format!("cannot read {}: {error}", path.display())))?;
    let text = std::str::from_utf8(&bytes)
        .map_err(|error| invalid(&format!("the file is not valid UTF-8: {error}")))?;
    let text = text.trim_start_matches('\u{feff}');
    let file = match format {
        _ if text.trim().is_empty() => UserFile::default(),
        ImportFormat::Csv => csv::read(text)?,
        ImportFormat::Json => json::read(text)?,
    };
    if file.records.is_empty() {
        return Err(invalid("the file contains no users; check that the export succeeded"));
    }
    Ok(file)
}

fn read_bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        io::stdin().lock().read_to_end(&mut bytes)?;
    } else {
        File::open(path)?.read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

fn format_by_extension(path: &Path) -> Option<ImportFormat> {
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "csv" => Some(ImportFormat::Csv),
        "json" | "jsonl" | "ndjson" => Some(ImportFormat::Json),
        _ => None,
    }
}

pub(super) fn invalid(text: &str) -> CommandError {
    CommandError::Invalid(text.to_owned())
}
