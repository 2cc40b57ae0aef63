//! Reads the records of a file to import.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use clap::ValueEnum;
use serde_json::{Map, Value};

use super::record::{Field, Fields, Problem};
use crate::error::CommandError;

/// The format of a file to import.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum ImportFormat {
    /// Column names in the first row, then one user per row
    Csv,
    /// One JSON object per line
    Jsonl,
    /// The output of Django's manage.py dumpdata auth.user
    Django,
}

/// A record, with its line number or its position in the file.
pub(super) struct Record {
    pub(super) number: u64,
    pub(super) fields: Result<Fields, Problem>,
}

/// The content of a file.
pub(super) struct UserFile {
    pub(super) records: Vec<Record>,
    /// The names of fields that are not imported.
    pub(super) ignored_fields: Vec<String>,
    /// The unit of the record numbers: "line" or "record".
    pub(super) unit: &'static str,
}

/// Reads a whole file, or stdin if the path is `-`.
pub(super) fn read(path: &Path, format: Option<ImportFormat>) -> Result<UserFile, CommandError> {
    let format = format.or_else(|| format_by_extension(path)).ok_or_else(|| {
        invalid("the format of the file is unknown; set --format csv, jsonl or django")
    })?;
    let bytes = read_bytes(path)
        .map_err(|error| invalid(&format!("cannot read {}: {error}", path.display())))?;
    let text = std::str::from_utf8(&bytes)
        .map_err(|error| invalid(&format!("the file is not valid UTF-8: {error}")))?;
    let text = text.trim_start_matches('\u{feff}');
    match format {
        ImportFormat::Csv => csv(text),
        ImportFormat::Jsonl => Ok(jsonl(text)),
        ImportFormat::Django => django(text),
    }
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
        "jsonl" | "ndjson" => Some(ImportFormat::Jsonl),
        "json" => Some(ImportFormat::Django),
        _ => None,
    }
}

fn invalid(text: &str) -> CommandError {
    CommandError::Invalid(text.to_owned())
}

/// Reads CSV with column names in the first row.
fn csv(text: &str) -> Result<UserFile, CommandError> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let not_csv = |error: csv::Error| invalid(&format!("the file is not valid CSV: {error}"));
    let names: Vec<String> =
        reader.headers().map_err(not_csv)?.iter().map(|name| name.trim().to_owned()).collect();
    check_columns(&names)?;
    let columns: Vec<_> = names.iter().map(|name| Field::from_name(name)).collect();
    let mut records = Vec::new();
    for row in reader.records() {
        let row = row.map_err(not_csv)?;
        let number = row.position().map_or(0, csv::Position::line);
        let fields = if row.len() == names.len() {
            let mut fields = Fields::default();
            for (column, value) in columns.iter().zip(&row) {
                if let Some(field) = column
                    && !value.is_empty()
                {
                    fields.set(*field, value.to_owned());
                }
            }
            Ok(fields)
        } else {
            Err(Problem::ColumnCount { found: row.len(), expected: names.len() })
        };
        records.push(Record { number, fields });
    }
    let ignored_fields =
        names.into_iter().filter(|name| Field::from_name(name).is_none()).collect();
    Ok(UserFile { records, ignored_fields, unit: "line" })
}

/// Reads one JSON object per line.
fn jsonl(text: &str) -> UserFile {
    let mut ignored = BTreeSet::new();
    let lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
    let records = lines.map(|(line, number)| {
        let object = serde_json::from_str(line).map_err(|_| Problem::NotAnObject);
        Record { number, fields: object.and_then(|object| read_object(&object, &mut ignored)) }
    });
    let records = records.collect();
    UserFile { records, ignored_fields: ignored.into_iter().collect(), unit: "line" }
}

/// Reads the output of `manage.py dumpdata auth.user`: a list of objects with `fields`.
fn django(text: &str) -> Result<UserFile, CommandError> {
    let list: Vec<Map<String, Value>> = serde_json::from_str(text).map_err(|error| {
        // Serde's message is left out, because it quotes the file, which may contain a password.
        let (line, column) = (error.line(), error.column());
        invalid(&format!(
            "the file is not the output of `manage.py dumpdata auth.user` (line {line}, column {column}); for one JSON object per line, set --format jsonl"
        ))
    })?;
    let mut ignored = BTreeSet::new();
    let records = list.iter().zip(1..).map(|(object, number)| {
        let fields = object.get("fields").and_then(Value::as_object);
        let fields = fields.ok_or(Problem::NoFieldsObject);
        Record { number, fields: fields.and_then(|fields| read_object(fields, &mut ignored)) }
    });
    let records = records.collect();
    Ok(UserFile { records, ignored_fields: ignored.into_iter().collect(), unit: "record" })
}

/// Reads the known fields of an object, and adds the names of the others to `ignored`.
fn read_object(
    object: &Map<String, Value>,
    ignored: &mut BTreeSet<String>,
) -> Result<Fields, Problem> {
    let mut fields = Fields::default();
    let mut seen = Vec::new();
    for (name, value) in object {
        let Some(field) = Field::from_name(name) else {
            ignored.insert(name.clone());
            continue;
        };
        if seen.contains(&field) {
            return Err(Problem::DuplicateField(field.names()));
        }
        match value {
            Value::Null => continue,
            Value::String(text) if text.is_empty() => continue,
            Value::String(text) => fields.set(field, text.clone()),
            Value::Bool(_) | Value::Number(_) => fields.set(field, value.to_string()),
            Value::Array(_) | Value::Object(_) => return Err(Problem::NotText(name.clone())),
        }
        seen.push(field);
    }
    Ok(fields)
}

/// Checks that all required columns exist, and that no two columns have the same meaning.
fn check_columns(names: &[String]) -> Result<(), CommandError> {
    for field in Field::ALL {
        let is_field = |name: &&String| Field::from_name(name) == Some(field);
        let found: Vec<_> = names.iter().filter(is_field).collect();
        match &*found {
            [] if field.is_required() => {
                return Err(invalid(&format!(
                    "the first row has no column for {}; rename a column to {}",
                    field.description(),
                    field.names().join(" or ")
                )));
            }
            [first, second, ..] => {
                return Err(invalid(&format!(
                    "the columns {first} and {second} have the same meaning; remove one"
                )));
            }
            _ => {}
        }
    }
    Ok(())
}
