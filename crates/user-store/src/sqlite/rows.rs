//! Conversions between columns and domain types.

use std::error::Error;
use std::net::IpAddr;

use auth_core::{Amr, ClientInfo, MailId, PasskeyId, PasswordHash, SessionId, Timestamp, UserId};
use rusqlite::types::{FromSql, Type};
use rusqlite::{Result, Row};
use serde::Serialize;

pub(super) fn user_id(row: &Row<'_>, column: usize) -> Result<UserId> {
    Ok(UserId::from_uuid_bytes(row.get(column)?))
}

pub(super) fn session_id(row: &Row<'_>, column: usize) -> Result<SessionId> {
    Ok(SessionId::from_uuid_bytes(row.get(column)?))
}

pub(super) fn mail_id(row: &Row<'_>, column: usize) -> Result<MailId> {
    Ok(MailId::from_uuid_bytes(row.get(column)?))
}

pub(super) fn passkey_id(row: &Row<'_>, column: usize) -> Result<PasskeyId> {
    Ok(PasskeyId::from_uuid_bytes(row.get(column)?))
}

/// Reads a time from a column that may be `NULL`.
pub(super) fn optional_timestamp(row: &Row<'_>, column: usize) -> Result<Option<Timestamp>> {
    let millis: Option<i64> = row.get(column)?;
    millis.map(|_| timestamp(row, column)).transpose()
}

/// Reads the methods of a sign-in.
pub(super) fn amr(row: &Row<'_>, column: usize) -> Result<Amr> {
    Ok(Amr::from_text(row.get_ref(column)?.as_str()?))
}

/// Reads the methods of a sign-in from a column that may be `NULL`.
pub(super) fn optional_amr(row: &Row<'_>, column: usize) -> Result<Option<Amr>> {
    Ok(row.get_ref(column)?.as_str_or_null()?.map(Amr::from_text))
}

pub(super) fn timestamp(row: &Row<'_>, column: usize) -> Result<Timestamp> {
    convert(row, column, Type::Integer, |millis: i64| Timestamp::from_millisecond(millis))
}

/// Reads a password hash. It is not an error if it cannot be parsed: the account of such a hash
/// must remain readable.
pub(super) fn password_hash(row: &Row<'_>, column: usize) -> Result<PasswordHash> {
    let text = row.get_ref(column)?.as_str()?;
    Ok(PasswordHash::from_stored(text))
}

/// Reads a text column and parses it.
pub(super) fn parsed<T, E>(
    row: &Row<'_>,
    column: usize,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T>
where
    E: Error + Send + Sync + 'static,
{
    convert(row, column, Type::Text, |text: String| parse(&text))
}

/// Reads a column of 32 bytes and parses it.
pub(super) fn bytes<T, E>(
    row: &Row<'_>,
    column: usize,
    parse: impl FnOnce(&[u8]) -> Result<T, E>,
) -> Result<T>
where
    E: Error + Send + Sync + 'static,
{
    convert(row, column, Type::Blob, |blob: [u8; 32]| parse(&blob))
}

/// Reads a column of any number of bytes and parses it.
pub(super) fn blob<T, E>(
    row: &Row<'_>,
    column: usize,
    parse: impl FnOnce(&[u8]) -> Result<T, E>,
) -> Result<T>
where
    E: Error + Send + Sync + 'static,
{
    parse(row.get_ref(column)?.as_blob()?).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Blob, Box::new(error))
    })
}

/// Reads a client from two adjacent columns: the IP address and the user agent.
pub(super) fn client(row: &Row<'_>, first: usize) -> Result<ClientInfo> {
    let user_agent: Option<String> = row.get(first + 1)?;
    Ok(ClientInfo::new(ip(row, first)?, user_agent.as_deref()))
}

/// Reads an IP address from a column that may be `NULL`.
fn ip(row: &Row<'_>, column: usize) -> Result<Option<IpAddr>> {
    let text: Option<String> = row.get(column)?;
    text.map(|_| parsed(row, column, str::parse)).transpose()
}

/// Serialises a value as JSON.
pub(super) fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

fn convert<S, T, E>(
    row: &Row<'_>,
    column: usize,
    kind: Type,
    parse: impl FnOnce(S) -> Result<T, E>,
) -> Result<T>
where
    S: FromSql,
    E: Error + Send + Sync + 'static,
{
    parse(row.get(column)?)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, kind, Box::new(error)))
}
