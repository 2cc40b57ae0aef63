//! Rows as JSON documents.

use std::collections::BTreeMap;

use auth_core::{
    Amr, ClientInfo, CodeFailures, Counter, CounterKey, CredentialId, DecoyKey, Email, EmailHash,
    EmailKey, EmailSignInTokenHash, FamilyHash, MailId, PasskeyId, PasskeyName, PasskeyPublicKey,
    PasskeyState, PasswordHash, RecoveryCodeHash, RefreshTokenHash, ReplacedToken, Roles, Session,
    SessionId, SigningKeySeed, SuccessorSalt, Timestamp, TotpSecret, TotpStep, UserId,
};
use data_encoding::HEXLOWER;
use serde_json::{Map, Value};

use crate::audit::{Actor, Event, EventId, EventKind};
use crate::codes::CodePurpose;
use crate::decoys::HashClass;
use crate::error::StoreError;
use crate::factors::Passkey;
use crate::followers::{FollowerLease, FollowerPosition, LeaseHolder};
use crate::keys::{KeySetVersion, SigningKeySet, StoredSigningKey};
use crate::metadata::{Metadata, MetadataValue};
use crate::rows::row::{
    Account, AccountTotp, Decoys, PendingTotp, StoredCode, StoredFollower, StoredMail,
    StoredRecoveryCodes, StoredSession,
};
use crate::users::{DeviceVersion, PasswordVersion, User};

/// A row that can be stored as one JSON document.
///
/// ```
/// # use user_store::{Metadata, MetadataValue, StoreError};
/// use user_store::rows::Document;
///
/// let metadata = Metadata { public: Some(MetadataValue::from_stored("7")), private: None };
/// let json = metadata.to_json();
/// assert_eq!(json, r#"{"private":null,"public":"7"}"#);
/// assert_eq!(Metadata::from_json(&json)?, metadata);
/// # Ok::<(), StoreError>(())
/// ```
///
/// Later versions read the documents of this version. A member that a version does not know is
/// ignored, and lost when that version saves the row.
pub trait Document: Sized {
    /// Returns the row as a JSON object. It contains the secrets of the row.
    fn to_json(&self) -> String;

    /// Reads a row from the JSON that [`to_json`](Self::to_json) has returned.
    ///
    /// # Errors
    ///
    /// [`StoreError::Defect`], which names the member that is missing or not valid.
    fn from_json(json: &str) -> Result<Self, StoreError>;
}

macro_rules! documents {
    ($($row:ident,)+) => {$(
        impl Document for $row {
            fn to_json(&self) -> String {
                self.to_value().to_string()
            }

            fn from_json(json: &str) -> Result<Self, StoreError> {
                // The error of the parser is dropped, because it can quote the text.
                let value = serde_json::from_str(json)
                    .map_err(|_| StoreError::Defect(concat!(stringify!($row), " is not JSON").into()))?;
                Self::from_value(&value).map_err(|Invalid(path)| {
                    let row = stringify!($row);
                    StoreError::Defect(format!("{row}{path} is missing or not valid").into())
                })
            }
        }
    )+};
}

documents! {
    Account,
    Metadata,
    StoredSession,
    Passkey,
    Counter,
    Event,
    StoredFollower,
    SigningKeySet,
    Decoys,
    StoredCode,
    StoredMail,
}

/// A value in a document.
trait Field: Sized {
    fn to_value(&self) -> Value;

    /// Reads the value.
    fn from_value(value: &Value) -> Result<Self, Invalid>;
}

/// The path of a member that cannot be read, such as `.user.email`.
struct Invalid(String);

/// Builds the error of a value that cannot be read.
const fn invalid() -> Invalid {
    Invalid(String::new())
}

fn member<T: Field>(object: &Map<String, Value>, name: &str) -> Result<T, Invalid> {
    // A member that is lost must not make a disabled account an enabled one. For a member that a
    // later version adds, that version must choose what documents without it mean.
    let value = object.get(name).ok_or_else(invalid).and_then(T::from_value);
    value.map_err(|Invalid(path)| Invalid(format!(".{name}{path}")))
}

/// Implements [`Field`] for structs. Each field is a member with its name. If a field is renamed,
/// its member must keep the name.
macro_rules! objects {
    ($($object:ident { $($field:ident),+ $(,)? })+) => {$(
        impl Field for $object {
            fn to_value(&self) -> Value {
                let Self { $($field),+ } = self;
                let members = [$((stringify!($field).to_owned(), $field.to_value())),+];
                Value::Object(members.into_iter().collect())
            }

            fn from_value(value: &Value) -> Result<Self, Invalid> {
                let object = value.as_object().ok_or_else(invalid)?;
                Ok(Self { $($field: member(object, stringify!($field))?),+ })
            }
        }
    )+};
}

objects! {
    Account {
        user, password_hash, password_version, device_version, totp, pending_totp, recovery_codes,
        wrong_app_codes, wrong_recovery_codes,
    }
    User { id, email, created_at, disabled_at, email_verified_at, second_factor_at, roles }
    AccountTotp { secret, last_step, created_at, last_used_at }
    PendingTotp { secret, expires_at }
    StoredRecoveryCodes { hashes, created_at }
    Metadata { public, private }
    StoredSession { session, client, family, refresh_token, replaced }
    Session { id, user_id, created_at, expires_at, idle_expires_at, last_used_at, remember, amr }
    ReplacedToken { token, salt, at, client, repeats }
    Passkey { id, user, credential_id, public_key, state, name, created_at, last_used_at }
    PasskeyState { sign_count, backup_eligible, backed_up }
    Event { at, kind, actor, user, session, client, kid, amr, detail }
    StoredFollower { position, lease }
    FollowerPosition { cursor, handled_until }
    FollowerLease { holder, until }
    SigningKeySet { version, keys }
    StoredSigningKey { seed, created_at, signs_from }
    Decoys { key, version, counted_at, classes, templates }
    HashClass { accounts, max_accounts }
    StoredCode {
        purpose, email_hash, hash, user, browser, remember, new_email, tries, expires_at,
    }
    StoredMail {
        id, kind, message, code, user, recipient, network, created_at, expires_at, attempts,
        next_attempt_at, claimed_until, failed_at, reason,
    }
}

/// Implements [`Field`] for types that are stored as another type.
macro_rules! stored_as {
    ($($stored:ty { $($type:ty: $write:expr, $read:expr;)+ })+) => {$($(
        impl Field for $type {
            fn to_value(&self) -> Value {
                let write: fn(&Self) -> $stored = $write;
                write(self).to_value()
            }

            fn from_value(value: &Value) -> Result<Self, Invalid> {
                let read: fn($stored) -> Option<Self> = $read;
                read(<$stored>::from_value(value)?).ok_or_else(invalid)
            }
        }
    )+)+};
}

stored_as! {
    String {
        UserId: |it| it.to_string(), |text| text.parse().ok();
        SessionId: |it| it.to_string(), |text| text.parse().ok();
        PasskeyId: |it| it.to_string(), |text| text.parse().ok();
        MailId: |it| it.to_string(), |text| text.parse().ok();
        EventId: |it| it.to_string(), |text| text.parse().ok();
        EmailKey: |it| it.as_str().to_owned(), |text| Some(Self::from_stored(text));
        Roles: |it| it.as_str().to_owned(), |text| Some(Self::from_text(&text));
        Amr: |it| it.to_string(), |text| Some(Self::from_text(&text));
        PasswordHash: |it| it.to_text(), |text| Some(Self::from_stored(&text));
        PasskeyName: |it| it.as_str().to_owned(), |text| Some(Self::from_stored(text));
        MetadataValue: |it| it.as_json().to_owned(), |text| Some(Self::from_stored(&text));
        EventKind: |it| it.as_str().to_owned(), |text| Some(Self::from_name(&text));
        Actor: |it| it.as_str().to_owned(), |text| Self::from_name(&text);
        CodePurpose: |it| it.as_str().to_owned(), |text| Self::from_name(&text);
    }
    i64 {
        Timestamp: |it| it.as_millisecond(), |millis| Self::from_millisecond(millis).ok();
        TotpStep: |it| it.number(), |number| Some(Self::from_number(number));
        PasswordVersion: |it| it.0, |number| Some(Self(number));
        DeviceVersion: |it| it.0, |number| Some(Self(number));
        KeySetVersion: |it| it.number(), |number| Some(Self::from_number(number));
    }
    Bytes {
        [u8; 32]: |it| Bytes(it.to_vec()), |bytes| bytes.array();
        FamilyHash: |it| Bytes(it.as_bytes().to_vec()), |bytes| Self::from_bytes(&bytes.0).ok();
        RefreshTokenHash: |it| Bytes(it.as_bytes().to_vec()), |bytes| Self::from_bytes(&bytes.0).ok();
        SuccessorSalt: |it| Bytes(it.as_bytes().to_vec()), |bytes| Self::from_bytes(&bytes.0).ok();
        RecoveryCodeHash: |it| Bytes(it.as_bytes().to_vec()), |bytes| Self::from_bytes(&bytes.0).ok();
        EmailHash: |it| Bytes(it.as_bytes().to_vec()), |bytes| Self::from_bytes(&bytes.0).ok();
        EmailSignInTokenHash: |it| Bytes(it.as_bytes().to_vec()), |bytes| Self::from_bytes(&bytes.0).ok();
        CredentialId: |it| Bytes(it.as_bytes().to_vec()), |bytes| Self::from_bytes(&bytes.0).ok();
        PasskeyPublicKey: |it| Bytes(it.to_cose()), |bytes| Self::from_cose(&bytes.0).ok();
        TotpSecret: |it| Bytes(it.as_bytes().to_vec()), |bytes| Self::from_bytes(&bytes.0).ok();
        SigningKeySeed: |it| Bytes(it.to_bytes().to_vec()), |bytes| Self::from_bytes(&bytes.0).ok();
        DecoyKey: |it| Bytes(it.as_bytes().to_vec()), |bytes| bytes.array().map(Self::from_bytes);
        CounterKey: |it| Bytes(it.as_bytes().to_vec()), |bytes| bytes.array().map(Self::from_bytes);
        LeaseHolder: |it| Bytes(it.as_bytes().to_vec()), |bytes| bytes.array().map(Self::from_bytes);
    }
}

/// Bytes, which are stored in hexadecimal.
struct Bytes(Vec<u8>);

impl Bytes {
    fn array<const N: usize>(self) -> Option<[u8; N]> {
        self.0.try_into().ok()
    }
}

impl Field for Bytes {
    fn to_value(&self) -> Value {
        Value::String(HEXLOWER.encode(&self.0))
    }

    fn from_value(value: &Value) -> Result<Self, Invalid> {
        let text = value.as_str().ok_or_else(invalid)?;
        HEXLOWER.decode(text.as_bytes()).map(Self).map_err(|_| invalid())
    }
}

impl Field for Email {
    fn to_value(&self) -> Value {
        let members = [
            ("text".to_owned(), self.as_str().to_owned().to_value()),
            ("key".to_owned(), self.key().to_value()),
        ];
        Value::Object(members.into_iter().collect())
    }

    fn from_value(value: &Value) -> Result<Self, Invalid> {
        let object = value.as_object().ok_or_else(invalid)?;
        Ok(Self::from_stored(member(object, "text")?, member(object, "key")?))
    }
}

impl Field for ClientInfo {
    fn to_value(&self) -> Value {
        let members = [
            ("ip".to_owned(), self.ip().map(|ip| ip.to_string()).to_value()),
            ("user_agent".to_owned(), self.user_agent().map(str::to_owned).to_value()),
        ];
        Value::Object(members.into_iter().collect())
    }

    fn from_value(value: &Value) -> Result<Self, Invalid> {
        let object = value.as_object().ok_or_else(invalid)?;
        let ip: Option<String> = member(object, "ip")?;
        let ip = ip.map(|ip| ip.parse().map_err(|_| Invalid(".ip".to_owned()))).transpose()?;
        let user_agent: Option<String> = member(object, "user_agent")?;
        Ok(Self::new(ip, user_agent.as_deref()))
    }
}

/// Implements [`Field`] for types that serde converts.
macro_rules! with_serde {
    ($($type:ty,)+) => {$(
        impl Field for $type {
            fn to_value(&self) -> Value {
                // Cannot fail: these types have no map with keys that are not text.
                serde_json::to_value(self).unwrap_or_default()
            }

            fn from_value(value: &Value) -> Result<Self, Invalid> {
                serde::Deserialize::deserialize(value).map_err(|_| invalid())
            }
        }
    )+};
}

with_serde! { bool, u32, i64, String, Counter, CodeFailures, }

impl<T: Field> Field for Option<T> {
    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::to_value)
    }

    fn from_value(value: &Value) -> Result<Self, Invalid> {
        if value.is_null() { Ok(None) } else { T::from_value(value).map(Some) }
    }
}

impl<T: Field> Field for Vec<T> {
    fn to_value(&self) -> Value {
        self.iter().map(T::to_value).collect()
    }

    fn from_value(value: &Value) -> Result<Self, Invalid> {
        value.as_array().ok_or_else(invalid)?.iter().map(T::from_value).collect()
    }
}

impl<A: Field, B: Field> Field for (A, B) {
    fn to_value(&self) -> Value {
        Value::Array(vec![self.0.to_value(), self.1.to_value()])
    }

    fn from_value(value: &Value) -> Result<Self, Invalid> {
        match value.as_array().map(Vec::as_slice) {
            Some([first, second]) => Ok((A::from_value(first)?, B::from_value(second)?)),
            _ => Err(invalid()),
        }
    }
}

impl<K: ToString + std::str::FromStr + Ord, V: Field> Field for BTreeMap<K, V> {
    fn to_value(&self) -> Value {
        Value::Object(self.iter().map(|(key, value)| (key.to_string(), value.to_value())).collect())
    }

    fn from_value(value: &Value) -> Result<Self, Invalid> {
        let members = value.as_object().ok_or_else(invalid)?.iter();
        members
            .map(|(key, value)| Ok((key.parse().map_err(|_| invalid())?, V::from_value(value)?)))
            .collect()
    }
}

#[cfg(test)]
mod tests;
