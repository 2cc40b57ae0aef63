//! Conversions between columns and domain types.

use std::error::Error;
use std::net::IpAddr;

use auth_core::{Amr, ClientInfo, PasswordHash, SessionId, Timestamp, UserId};
use serde::Serialize;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::postgres::database_error::{DatabaseError, ErrorKind};

pub(super) type Result<T> = std::result::Result<T, DatabaseError>;

pub(super) fn user_id(row: &Row, column: usize) -> Result<UserId> {
    let id: Uuid = row.try_get(column)?;
    Ok(UserId::from_uuid_bytes(id.into_bytes()))
}

pub(super) fn session_id(row: &Row, column: usize) -> Result<SessionId> {
    let id: Uuid = row.try_get(column)?;
    Ok(SessionId::from_uuid_bytes(id.into_bytes()))
}

/// Reads the methods of a sign-in.
pub(super) fn amr(row: &Row, column: usize) -> Result<Amr> {
    Ok(Amr::from_text(row.try_get(column)?))
}

/// Reads the methods of a sign-in from a column that may be `NULL`.
pub(super) fn optional_amr(row: &Row, column: usize) -> Result<Option<Amr>> {
    let text: Option<&str> = row.try_get(column)?;
    Ok(text.map(Amr::from_text))
}

pub(super) fn timestamp(row: &Row, column: usize) -> Result<Timestamp> {
    Timestamp::from_millisecond(row.try_get(column)?).map_err(invalid)
}

/// Reads a time from a column that may be `NULL`.
pub(super) fn optional_timestamp(row: &Row, column: usize) -> Result<Option<Timestamp>> {
    let millis: Option<i64> = row.try_get(column)?;
    millis.map(|_| timestamp(row, column)).transpose()
}

/// Reads a password hash. It is not an error if it cannot be parsed: the account of such a hash
/// must remain readable.
pub(super) fn password_hash(row: &Row, column: usize) -> Result<PasswordHash> {
    Ok(PasswordHash::from_stored(row.try_get(column)?))
}

/// Reads a column of bytes and parses it.
pub(super) fn bytes<T, E>(
    row: &Row,
    column: usize,
    parse: impl FnOnce(&[u8]) -> std::result::Result<T, E>,
) -> Result<T>
where
    E: Error + Send + Sync + 'static,
{
    parse(row.try_get(column)?).map_err(invalid)
}

/// Reads a client from two adjacent columns: the IP address and the user agent.
pub(super) fn client(row: &Row, first: usize) -> Result<ClientInfo> {
    let ip: Option<&str> = row.try_get(first)?;
    let ip: Option<IpAddr> = ip.map(str::parse).transpose().map_err(invalid)?;
    Ok(ClientInfo::new(ip, row.try_get(first + 1)?))
}

/// Serialises a value as JSON.
pub(super) fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|error| DatabaseError::new(ErrorKind::Defect, &error.to_string()))
}

/// Builds the error for a column with a value that Latchkey never writes.
pub(super) fn invalid(error: impl Error) -> DatabaseError {
    DatabaseError::new(ErrorKind::Defect, &format!("a stored value is invalid: {error}"))
}
