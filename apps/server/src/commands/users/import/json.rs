//! Reads JSON: one object per line, or one array of objects. The objects can be those of Django's
//! `manage.py dumpdata`, which contain the fields of the user in `fields`.

use std::collections::BTreeSet;
use std::fmt;

use accounts::{InvalidRole, Role};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::fields::{Field, Fields};
use super::file::{Place, Record, UserFile, invalid};
use super::problem::Problem;
use crate::error::CommandError;

pub(super) fn read(text: &str) -> Result<UserFile, CommandError> {
    let mut ignored = BTreeSet::new();
    let records = if text.trim_start().starts_with('[') {
        let elements: Vec<&RawValue> =
            serde_json::from_str(text).map_err(|error| not_json(&error))?;
        let elements = elements.into_iter().zip(1..);
        let record = |(element, number): (&RawValue, u64)| Record {
            place: Place::Element(number),
            fields: read_record(element.get(), &mut ignored),
        };
        elements.map(record).collect()
    } else {
        let lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
        let record = |(line, number)| Record {
            place: Place::line(number),
            fields: read_record(line, &mut ignored),
        };
        lines.map(record).collect()
    };
    Ok(UserFile { records, ignored_fields: ignored.into_iter().collect() })
}

/// Serde's message is left out, because it quotes the file, which may contain a password.
fn not_json(error: &serde_json::Error) -> CommandError {
    let (line, column) = (error.line(), error.column());
    invalid(&format!(
        "the file is not a valid JSON array (line {line}, column {column}); export it again, or write one JSON object per line"
    ))
}

/// Reads the known fields of an object, and adds the names of the others to `ignored`.
fn read_record(text: &str, ignored: &mut BTreeSet<String>) -> Result<Fields, Problem> {
    let object = Object::parse(text)?;
    let django = match (object.get("model"), object.get("fields").map(RawValue::get)) {
        (Some(_), Some(fields)) if fields.starts_with('{') => Object::parse(fields)?,
        _ => return object.into_fields(ignored),
    };
    let mut fields = django.into_fields(ignored)?;
    for (name, value) in object.0 {
        match &*name {
            "model" | "fields" => {}
            "pk" => {
                if let Some(key) = id_text(value, &name)? {
                    if fields.id.is_some() {
                        return Err(Problem::DuplicateField(&["id", "pk"]));
                    }
                    fields.set(Field::Id, key);
                }
            }
            _ if Field::from_name(&name).is_some() => {
                if text_of(value, &name)?.is_some() {
                    return Err(Problem::OutsideFields(name));
                }
            }
            _ => {
                ignored.insert(name);
            }
        }
    }
    Ok(fields)
}

/// The members of a JSON object, with distinct names.
struct Object<'a>(Vec<(String, &'a RawValue)>);

impl<'a> Object<'a> {
    fn parse(text: &'a str) -> Result<Self, Problem> {
        let object: Self = serde_json::from_str(text).map_err(|_| Problem::NotAnObject)?;
        let mut names = BTreeSet::new();
        match object.0.iter().find(|(name, _)| !names.insert(name)) {
            Some((name, _)) => Err(Problem::DuplicateName(name.clone())),
            None => Ok(object),
        }
    }

    fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().find(|(found, _)| found == name).map(|(_, value)| *value)
    }

    fn into_fields(self, ignored: &mut BTreeSet<String>) -> Result<Fields, Problem> {
        let mut fields = Fields::default();
        let mut seen = Vec::new();
        for (name, value) in self.0 {
            let Some(field) = Field::from_name(&name) else {
                ignored.insert(name);
                continue;
            };
            if let Some(text) = field_text(field, value, &name)? {
                if seen.contains(&field) {
                    return Err(Problem::DuplicateField(field.names()));
                }
                fields.set(field, text);
                seen.push(field);
            }
        }
        Ok(fields)
    }
}

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor;

        impl<'de> Visitor<'de> for ObjectVisitor {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Object(members))
            }
        }

        deserializer.deserialize_map(ObjectVisitor)
    }
}

/// Returns the value of a field as text, or `None` if it is `null` or empty. Metadata is any JSON
/// value, and roles can be a list.
fn field_text(field: Field, value: &RawValue, name: &str) -> Result<Option<String>, Problem> {
    match field {
        Field::MetadataPublic | Field::MetadataPrivate => {
            let json = value.get();
            Ok(if json == "null" { None } else { Some(json.to_owned()) })
        }
        Field::Roles if value.get().starts_with('[') => {
            let roles: Vec<String> =
                serde_json::from_str(value.get()).map_err(|_| Problem::NotText(name.to_owned()))?;
            // A space would separate two roles.
            match roles.iter().all(|role| Role::parse(role).is_ok()) {
                true => Ok(Some(roles.join(" "))),
                false => Err(Problem::InvalidRole(InvalidRole)),
            }
        }
        Field::Id => id_text(value, name),
        _ => text_of(value, name),
    }
}

/// Returns an id as text, or `None` if it is `null` or empty. Integers are not converted to a type,
/// because two large ones could become the same number.
fn id_text(value: &RawValue, name: &str) -> Result<Option<String>, Problem> {
    let json = value.get();
    let digits = json.strip_prefix('-').unwrap_or(json);
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(Some(json.to_owned()))
    } else if json == "null" || json.starts_with('"') {
        text_of(value, name)
    } else {
        Err(Problem::InvalidId(name.to_owned()))
    }
}

/// Returns the value of a field as text, or `None` if it is `null` or empty.
fn text_of(value: &RawValue, name: &str) -> Result<Option<String>, Problem> {
    match serde_json::from_str(value.get()) {
        Ok(Value::Null) => Ok(None),
        Ok(Value::String(text)) if text.is_empty() => Ok(None),
        Ok(Value::String(text)) => Ok(Some(text)),
        Ok(scalar @ (Value::Bool(_) | Value::Number(_))) => Ok(Some(scalar.to_string())),
        Ok(Value::Array(_) | Value::Object(_)) | Err(_) => Err(Problem::NotText(name.to_owned())),
    }
}
