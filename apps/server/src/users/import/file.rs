//! What is read from a file of users: one record after the other, by the names of its fields.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use serde_json::{Map, Value};

use super::record::{Field, Fields, Problem};
use crate::cli::ImportFormat;
use crate::users::UsersError;

/// A record, and the line on which it begins.
pub(super) struct Line {
    pub(super) number: u64,
    pub(super) fields: Result<Fields, Problem>,
}

/// The records, and the names of what is not taken over.
type Lines = (Vec<Line>, Vec<String>);

/// What a file holds.
pub(super) struct Read {
    pub(super) lines: Vec<Line>,
    pub(super) unused: Vec<String>,
    /// What the records are numbered by.
    pub(super) unit: &'static str,
}

/// Reads all of a file, or of stdin (`-`).
pub(super) fn read(path: &Path, format: Option<ImportFormat>) -> Result<Read, UsersError> {
    let is_stdin = path == Path::new("-");
    let format = format.or_else(|| by_extension(path)).ok_or_else(|| {
        invalid("the format is not known by the file's name: give --format csv, jsonl or django")
    })?;
    let mut bytes = Vec::new();
    let reading = match is_stdin {
        true => io::stdin().lock().read_to_end(&mut bytes),
        false => File::open(path).and_then(|mut file| file.read_to_end(&mut bytes)),
    };
    reading.map_err(|error| invalid(&format!("{} cannot be read: {error}", path.display())))?;
    let text = std::str::from_utf8(&bytes)
        .map_err(|error| invalid(&format!("the file is not UTF-8: {error}")))?;
    let text = text.trim_start_matches('\u{feff}');
    let ((lines, unused), unit) = match format {
        ImportFormat::Csv => (csv(text)?, "line"),
        ImportFormat::Jsonl => (jsonl(text), "line"),
        ImportFormat::Django => (django(text)?, "record"),
    };
    Ok(Read { lines, unused, unit })
}

fn by_extension(path: &Path) -> Option<ImportFormat> {
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "csv" => Some(ImportFormat::Csv),
        "jsonl" | "ndjson" => Some(ImportFormat::Jsonl),
        "json" => Some(ImportFormat::Django),
        _ => None,
    }
}

fn invalid(text: &str) -> UsersError {
    UsersError::Invalid(text.to_owned())
}

/// A first row with names, and a record a row.
fn csv(text: &str) -> Result<Lines, UsersError> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let unreadable = |error: csv::Error| invalid(&format!("the file is not CSV: {error}"));
    let names: Vec<String> =
        reader.headers().map_err(unreadable)?.iter().map(|name| name.trim().to_owned()).collect();
    let fields: Vec<_> = names.iter().map(|name| Field::named(name)).collect();
    check_names(&names)?;
    let mut lines = Vec::new();
    for record in reader.records() {
        let record = record.map_err(unreadable)?;
        let number = record.position().map_or(0, csv::Position::line);
        let values = if record.len() == names.len() {
            let given = fields.iter().zip(&record).filter(|(_, value)| !value.is_empty());
            Ok(given.filter_map(|(field, value)| Some(((*field)?, value.to_owned()))).collect())
        } else {
            Err(Problem::Columns { found: record.len(), named: names.len() })
        };
        lines.push(Line { number, fields: values });
    }
    Ok((lines, unused(&names)))
}

/// A JSON object a line.
fn jsonl(text: &str) -> Lines {
    let mut names = BTreeSet::new();
    let filled = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
    let lines = filled.map(|(line, number)| {
        let object = serde_json::from_str(line).map_err(|_| Problem::NoObject);
        Line { number, fields: object.and_then(|object| members(&object, &mut names)) }
    });
    let lines = lines.collect();
    (lines, names.into_iter().collect())
}

/// What `manage.py dumpdata auth.user` writes: a list of objects with `fields`.
fn django(text: &str) -> Result<Lines, UsersError> {
    let list: Vec<Map<String, Value>> = serde_json::from_str(text).map_err(|error| {
        // No more than where: serde would tell what is there, and that may be a password.
        let (line, column) = (error.line(), error.column());
        invalid(&format!(
            "the file is not what `manage.py dumpdata auth.user` writes: see line {line}, column {column}"
        ))
    })?;
    let mut names = BTreeSet::new();
    let lines = list.iter().zip(1..).map(|(object, number)| {
        let fields = object.get("fields").and_then(Value::as_object).ok_or(Problem::NoFields);
        Line { number, fields: fields.and_then(|fields| members(fields, &mut names)) }
    });
    let lines = lines.collect();
    Ok((lines, names.into_iter().collect()))
}

/// The fields of an object. Names of others are noted.
fn members(object: &Map<String, Value>, unused: &mut BTreeSet<String>) -> Result<Fields, Problem> {
    let mut given: Vec<(Field, String)> = Vec::new();
    for (name, value) in object {
        let Some(field) = Field::named(name) else {
            unused.insert(name.clone());
            continue;
        };
        if given.iter().any(|(other, _)| *other == field) {
            return Err(Problem::SaidTwice(field.names()));
        }
        match value {
            Value::Null => {}
            Value::String(text) if text.is_empty() => {}
            Value::String(text) => given.push((field, text.clone())),
            Value::Bool(_) | Value::Number(_) => given.push((field, value.to_string())),
            Value::Array(_) | Value::Object(_) => return Err(Problem::NoText(name.clone())),
        }
    }
    Ok(given.into_iter().collect())
}

/// What there has to be, and no more than once.
fn check_names(names: &[String]) -> Result<(), UsersError> {
    for field in Field::ALL {
        let found: Vec<_> = names.iter().filter(|name| Field::named(name) == Some(field)).collect();
        match &*found {
            [] if field.is_required() => {
                return Err(invalid(&format!(
                    "the first row names no column for {}: call one of them {}",
                    field.what(),
                    field.names().join(" or ")
                )));
            }
            [one, other, ..] => {
                return Err(invalid(&format!(
                    "the first row has {one} and {other}, which mean the same: leave one out"
                )));
            }
            _ => {}
        }
    }
    Ok(())
}

fn unused(names: &[String]) -> Vec<String> {
    names.iter().filter(|name| Field::named(name).is_none()).cloned().collect()
}
