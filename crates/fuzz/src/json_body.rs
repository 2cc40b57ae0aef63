use api_types::{
    AddPasskeyRequest, ChangeEmailRequest, ChangePasswordRequest, CodeRequest, ConfirmTotpRequest,
    DeleteAccountRequest, EmailTokenRequest, Empty, PasskeyOptionsRequest, PasskeyTokenRequest,
    RenamePasskeyRequest, RequestBody, RequestPasswordResetRequest, ResetPasswordRequest,
    SecondFactorRequest, SignupRequest, TokenRequest,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::members::Members;

/// Checks that a body is accepted if and only if it is a JSON object with the members of its type,
/// without unknown or duplicate ones, and that it is parsed correctly.
pub(crate) fn check(input: &[u8]) {
    let texts = |names: [&'static str; 2]| names.map(|name| (name, Kind::Text));
    let [email, password] = texts(["email", "password"]);
    compare::<SignupRequest>(input, &[email, password, ("invitation", Kind::OptionalText)]);
    compare::<TokenRequest>(input, &[email, password, ("remember", Kind::OptionalFlag)]);
    compare::<ChangePasswordRequest>(input, &texts(["current_password", "new_password"]));
    compare::<DeleteAccountRequest>(input, &[("password", Kind::Text)]);
    compare::<CodeRequest>(input, &[("code", Kind::Text)]);
    compare::<ChangeEmailRequest>(input, &texts(["email", "password"]));
    compare::<RequestPasswordResetRequest>(input, &[email]);
    compare::<ResetPasswordRequest>(input, &texts(["token", "new_password"]));
    compare::<EmailTokenRequest>(input, &[email, ("remember", Kind::OptionalFlag)]);
    let [ticket, code] = [("ticket", Kind::Text), ("code", Kind::OptionalText)];
    let [recovery_code, credential] =
        [("recovery_code", Kind::OptionalText), ("credential", Kind::OptionalObject)];
    compare::<SecondFactorRequest>(input, &[ticket, code, recovery_code, credential]);
    let [name, credential] = [("name", Kind::Text), ("credential", Kind::Object)];
    compare::<AddPasskeyRequest>(input, &[name, credential]);
    compare::<RenamePasskeyRequest>(input, &[name]);
    compare::<PasskeyOptionsRequest>(input, &[("ticket", Kind::OptionalText)]);
    compare::<PasskeyTokenRequest>(input, &[credential, ("remember", Kind::OptionalFlag)]);
    compare::<ConfirmTotpRequest>(input, &[("code", Kind::Text)]);
    compare::<Empty>(if input.is_empty() { b"{}" } else { input }, &[]);
    assert_eq!(api::testing::json_body::<Empty>(b"").is_some(), Empty::MAY_BE_EMPTY);
}

#[derive(Clone, Copy)]
enum Kind {
    Text,
    OptionalText,
    Object,
    OptionalObject,
    /// A Boolean that defaults to `false`.
    OptionalFlag,
}

fn compare<B>(input: &[u8], shape: &[(&str, Kind)])
where
    B: RequestBody + DeserializeOwned + Serialize,
{
    let accepted = api::testing::json_body::<B>(input);
    let accepted = accepted.map(|body| serde_json::to_value(body).ok());
    assert_eq!(accepted, expected(input, shape).map(Some), "{}", B::SHAPE);
}

fn expected(input: &[u8], shape: &[(&str, Kind)]) -> Option<Value> {
    serde_json::from_slice::<Value>(input).ok()?;
    let names: Vec<_> = shape.iter().map(|(name, _)| *name).collect();
    let members = Members::parse(input, &names).filter(|members| members.others == 0)?;
    let mut object = Map::new();
    for (name, kind) in shape {
        let value = match (kind, members.known.get(*name)) {
            (Kind::Text | Kind::OptionalText, Some(Value::String(text))) => {
                Value::from(text.as_str())
            }
            (Kind::Object | Kind::OptionalObject, Some(Value::Object(members))) => {
                Value::from(members.clone())
            }
            (Kind::OptionalText | Kind::OptionalObject, None) => continue,
            (Kind::OptionalFlag, Some(Value::Bool(flag))) => Value::from(*flag),
            (Kind::OptionalFlag, None) => Value::from(false),
            _ => return None,
        };
        object.insert((*name).to_owned(), value);
    }
    Some(Value::from(object))
}
