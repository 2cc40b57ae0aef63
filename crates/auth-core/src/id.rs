use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use uuid::fmt::Hyphenated;
use uuid::{Builder, Uuid, Variant, Version};

use crate::random::Random;

/// An error from parsing an id, such as a [`UserId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id: expected a UUID with hyphens")]
pub struct IdError;

/// Returns `true` if a UUID has version 7, the only version that this crate generates.
fn is_v7(id: &Uuid) -> bool {
    id.get_variant() == Variant::RFC4122 && id.get_version() == Some(Version::SortRand)
}

/// Returns `true` if a UUID is neither the nil nor the max UUID (RFC 9562, 5.9 and 5.10), which
/// stand for "no id".
fn is_id(id: &Uuid) -> bool {
    !id.is_nil() && !id.is_max()
}

/// Generates a UUIDv7 (RFC 9562, 5.7). These UUIDs sort by their creation time, in milliseconds.
pub(crate) fn uuid_v7(now: Timestamp, random: &dyn Random) -> Uuid {
    let mut bytes = [0; 10];
    random.fill(&mut bytes);
    let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
    Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident: $accepts:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// Generates an id: a UUIDv7 (RFC 9562, 5.7).
            #[must_use]
            pub fn generate(now: Timestamp, random: &dyn Random) -> Self {
                Self(uuid_v7(now, random))
            }

            /// Creates an id from the 16 bytes of a stored UUID.
            #[must_use]
            pub const fn from_uuid_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// Returns the id as a UUID.
            #[must_use]
            pub const fn as_uuid(&self) -> &Uuid {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            /// Parses a UUID with hyphens, in any letter case (RFC 9562, 4).
            /// [`Display`](fmt::Display) writes it in lower case.
            fn from_str(text: &str) -> Result<Self, IdError> {
                let id = text.parse::<Hyphenated>().map_err(|_| IdError)?.into_uuid();
                if $accepts(&id) { Ok(Self(id)) } else { Err(IdError) }
            }
        }

        /// Serialises the text that [`Display`](fmt::Display) writes.
        #[cfg(feature = "verify")]
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }
    };
}

id! {
    /// The id of a user account: a UUIDv7, or any other UUID for an imported account.
    ///
    /// The order of ids is not that of creation, unless no account was imported.
    UserId: is_id
}

id! {
    /// The id of a session: a UUIDv7.
    SessionId: is_v7
}

id! {
    /// The id of a mail: a UUIDv7. It is part of the `Message-ID`, so that a mail server or a
    /// reader can recognise a copy of a mail that was sent twice.
    MailId: is_v7
}

#[cfg(feature = "factors")]
id! {
    /// The id of a passkey: a UUIDv7. It is not the credential ID, which the authenticator chooses.
    PasskeyId: is_v7
}

impl TryFrom<Uuid> for UserId {
    type Error = IdError;

    /// Accepts every UUID except the nil and the max UUID, so that imported users keep their ids.
    fn try_from(uuid: Uuid) -> Result<Self, IdError> {
        if is_id(&uuid) { Ok(Self(uuid)) } else { Err(IdError) }
    }
}
