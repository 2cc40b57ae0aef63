//! The server's answers, read without serde: what it brings along for every shape and every
//! error weighs a fifth of a page, and the browser has a parser.
//!
//! The shapes are those of `api_types`: a field that is added there is missing here, and this
//! does not compile. The tests see to the names, with serde to compare.

#[cfg_attr(target_family = "wasm", path = "json/browser.rs")]
#[cfg_attr(not(target_family = "wasm"), path = "json/native.rs")]
mod value;

use api_types::{
    Activity, ActivityActor, ActivityEvent, ActivityKind, ErrorCode, FieldCode, FieldError,
    Session, Sessions, TokenResponse, TokenType, User,
};

pub(crate) use value::{Json, object};

/// What can be read from JSON.
pub(crate) trait FromJson: Sized {
    /// None if it has another shape.
    fn from_json(json: &Json) -> Option<Self>;
}

/// Reads a text. None if it is no JSON, or has another shape.
pub(crate) fn read<T: FromJson>(text: &str) -> Option<T> {
    T::from_json(&Json::parse(text)?)
}

impl Json {
    /// The member of this name, of this type.
    pub(crate) fn read<T: FromJson>(&self, name: &str) -> Option<T> {
        T::from_json(&self.get(name)?)
    }

    /// The same where it may be null, or missing.
    fn read_option(&self, name: &str) -> Option<String> {
        self.read(name)
    }
}

impl FromJson for String {
    fn from_json(json: &Json) -> Option<Self> {
        json.text()
    }
}

impl<T: FromJson> FromJson for Vec<T> {
    fn from_json(json: &Json) -> Option<Self> {
        json.items()?.iter().map(T::from_json).collect()
    }
}

impl FromJson for User {
    fn from_json(json: &Json) -> Option<Self> {
        Some(Self {
            id: json.read("id")?,
            email: json.read("email")?,
            created_at: json.read("created_at")?,
        })
    }
}

impl FromJson for TokenResponse {
    fn from_json(json: &Json) -> Option<Self> {
        Some(Self {
            access_token: json.read("access_token")?,
            token_type: json.read("token_type")?,
            expires_in: json.get("expires_in")?.number()?,
        })
    }
}

impl FromJson for Sessions {
    fn from_json(json: &Json) -> Option<Self> {
        Some(Self { sessions: json.read("sessions")? })
    }
}

impl FromJson for Session {
    fn from_json(json: &Json) -> Option<Self> {
        Some(Self {
            id: json.read("id")?,
            current: json.get("current")?.truth()?,
            created_at: json.read("created_at")?,
            last_seen_at: json.read("last_seen_at")?,
            user_agent: json.read_option("user_agent"),
            ip: json.read_option("ip"),
        })
    }
}

impl FromJson for Activity {
    fn from_json(json: &Json) -> Option<Self> {
        Some(Self { events: json.read("events")? })
    }
}

impl FromJson for ActivityEvent {
    fn from_json(json: &Json) -> Option<Self> {
        Some(Self {
            at: json.read("at")?,
            kind: json.read("kind")?,
            actor: json.read("actor")?,
            session_id: json.read_option("session_id"),
            user_agent: json.read_option("user_agent"),
            ip: json.read_option("ip"),
        })
    }
}

impl FromJson for ActivityKind {
    fn from_json(json: &Json) -> Option<Self> {
        Some(Self::from_text(&json.text()?).unwrap_or(Self::Other))
    }
}

impl FromJson for FieldError {
    fn from_json(json: &Json) -> Option<Self> {
        Some(Self {
            field: json.read("field")?,
            code: json.read("code")?,
            message: json.read("message")?,
        })
    }
}

macro_rules! by_text {
    ($($name:ident)+) => {
        $(
            impl FromJson for $name {
                fn from_json(json: &Json) -> Option<Self> {
                    Self::from_text(&json.text()?)
                }
            }
        )+
    };
}

by_text!(ActivityActor ErrorCode FieldCode TokenType);

#[cfg(test)]
mod tests;
