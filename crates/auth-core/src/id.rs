use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use uuid::{Builder, Uuid, Variant, Version};

use crate::Random;

/// A text that is not an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a UUIDv7 in its hyphenated form")]
pub struct IdError;

/// Whether a UUID is of the one kind that is made here.
fn is_v7(id: &Uuid) -> bool {
    id.get_variant() == Variant::RFC4122 && id.get_version() == Some(Version::SortRand)
}

/// Makes a UUIDv7 (RFC 9562, 5.7): ordered by the millisecond it was made in, then random.
pub(crate) fn uuid_v7(now: Timestamp, random: &dyn Random) -> Uuid {
    let mut bytes = [0; 10];
    random.fill(&mut bytes);
    let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
    Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// Makes a new id: a UUIDv7 (RFC 9562, 5.7).
            #[must_use]
            pub fn generate(now: Timestamp, random: &dyn Random) -> Self {
                Self(uuid_v7(now, random))
            }

            /// The id that a store has kept as 16 bytes.
            #[must_use]
            pub const fn from_uuid_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// The id as a UUID.
            #[must_use]
            pub const fn as_uuid(&self) -> &Uuid {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            /// Reads the one form that [`Display`](fmt::Display) writes of the one kind that
            /// [`generate`](Self::generate) makes: lower case, hyphenated, version 7.
            fn from_str(text: &str) -> Result<Self, IdError> {
                let id = Self(Uuid::try_parse(text).map_err(|_| IdError)?);
                if is_v7(&id.0) && id.to_string() == text { Ok(id) } else { Err(IdError) }
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
    /// Names one account, for as long as it exists.
    UserId
}

id! {
    /// Names one session: what begins with a log-in and ends with a log-out.
    SessionId
}
