//! The SQL, a function for each statement.

pub(super) mod counters;
pub(super) mod events;
pub(super) mod keys;
pub(super) mod sessions;
pub(super) mod users;

use std::error::Error;
use std::net::IpAddr;

use auth_core::{ClientInfo, Timestamp, UserId};
use rusqlite::types::Type;
use rusqlite::{Result, Row};
use serde::Serialize;

fn user_id(row: &Row<'_>, column: usize) -> Result<UserId> {
    Ok(UserId::from_uuid_bytes(row.get(column)?))
}

fn timestamp(row: &Row<'_>, column: usize) -> Result<Timestamp> {
    read(row, column, Type::Integer, |millis: i64| Timestamp::from_millisecond(millis))
}

fn parsed<T, E>(row: &Row<'_>, column: usize, parse: impl FnOnce(&str) -> Result<T, E>) -> Result<T>
where
    E: Error + Send + Sync + 'static,
{
    read(row, column, Type::Text, |text: String| parse(&text))
}

fn bytes<T, E>(row: &Row<'_>, column: usize, parse: impl FnOnce(&[u8]) -> Result<T, E>) -> Result<T>
where
    E: Error + Send + Sync + 'static,
{
    read(row, column, Type::Blob, |blob: [u8; 32]| parse(&blob))
}

/// Reads a client from two columns.
fn client(row: &Row<'_>, first: usize) -> Result<ClientInfo> {
    let ip: Option<String> = row.get(first)?;
    let ip = ip.map(|_| parsed(row, first, str::parse::<IpAddr>)).transpose()?;
    let user_agent: Option<String> = row.get(first + 1)?;
    Ok(ClientInfo::new(ip, user_agent.as_deref()))
}

/// What a column keeps as JSON.
fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

/// Reads a column whose values have a form of their own.
fn read<S, T, E>(
    row: &Row<'_>,
    column: usize,
    kind: Type,
    parse: impl FnOnce(S) -> Result<T, E>,
) -> Result<T>
where
    S: rusqlite::types::FromSql,
    E: Error + Send + Sync + 'static,
{
    parse(row.get(column)?)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, kind, Box::new(error)))
}
