//! Reads CSV (RFC 4180) with column names in the first row.

mod quotes;

use super::fields::{Field, Fields};
use super::file::{Record, UserFile, invalid};
use super::problem::Problem;
use crate::error::CommandError;

pub(super) fn read(text: &str) -> Result<UserFile, CommandError> {
    // The CSV library accepts a quotation mark that is never closed, and reads all lines after it
    // as one value.
    let places = quotes::find_records(text).map_err(|error| invalid(&error.to_string()))?;
    let mut reader = ::csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let not_csv = |error: ::csv::Error| invalid(&format!("the file is not valid CSV: {error}"));
    let names: Vec<String> =
        reader.headers().map_err(not_csv)?.iter().map(|name| name.trim().to_owned()).collect();
    check_columns(&names)?;
    if let Some(place) = places.first().filter(|place| place.has_line_breaks()) {
        return Err(invalid(&format!(
            "a column name spans {place}; correct the quotation marks, or rename the column"
        )));
    }
    let columns: Vec<_> = names.iter().map(|name| Field::from_name(name)).collect();
    let rows = reader.records().collect::<Result<Vec<_>, _>>().map_err(not_csv)?;
    if rows.len() + 1 != places.len() {
        let text = format!("{} of {} CSV rows were read", rows.len() + 1, places.len());
        return Err(CommandError::Defect(text));
    }
    let mut records = Vec::new();
    for (row, place) in rows.iter().zip(places.into_iter().skip(1)) {
        records.push(Record { place, fields: read_row(row, &columns) });
    }
    let ignored_fields =
        names.into_iter().filter(|name| Field::from_name(name).is_none()).collect();
    Ok(UserFile { records, ignored_fields })
}

fn read_row(row: &::csv::StringRecord, columns: &[Option<Field>]) -> Result<Fields, Problem> {
    if row.len() != columns.len() {
        return Err(Problem::ColumnCount { found: row.len(), expected: columns.len() });
    }
    let mut fields = Fields::default();
    for (column, value) in columns.iter().zip(row) {
        if let Some(field) = column
            && !value.is_empty()
        {
            fields.set(*field, value.to_owned());
        }
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
