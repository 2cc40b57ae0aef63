//! Passkeys, with the Web Authentication API. The functions that convert JSON are not in web-sys,
//! so this module calls the API by name.
//!
//! A browser runs one request at a time, so a new request of the page aborts the previous one.

use std::cell::RefCell;

use js_sys::{Array, Function, JSON, Object, Promise, Reflect};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::AbortController;

/// The support for passkeys on this page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Passkeys {
    /// Passkeys can be used.
    Supported,
    /// Passkeys cannot be used, so the pages do not offer them.
    #[default]
    Unsupported,
}

impl Passkeys {
    /// Returns the support for passkeys on this page.
    #[must_use]
    pub fn detect() -> Self {
        if is_supported() { Self::Supported } else { Self::Unsupported }
    }
}

/// An error from a request for a passkey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WebauthnError {
    /// The page has aborted the request.
    Aborted,
    /// The user has cancelled, the request has timed out, or there is no passkey. Browsers do not
    /// reveal which.
    NotAllowed,
    /// The device has one of the excluded passkeys.
    AlreadyRegistered,
    /// The browser or the device does not meet the requirements.
    Unsupported,
    /// The request failed for another reason.
    Failed,
}

/// The way in which the browser asks for a passkey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mediation {
    /// In a dialog.
    Modal,
    /// Among the suggestions for the email field.
    Conditional,
}

/// A passkey, as JSON from the browser. Only the server parses it.
pub(crate) type Credential = Box<RawValue>;

/// The options for a request for a passkey, as JSON from the server. Only the browser parses them
/// fully.
pub struct PasskeyOptions {
    json: String,
    /// The time after which the challenge expires, in milliseconds.
    pub(crate) timeout: u64,
}

impl PasskeyOptions {
    /// Parses the options. Members that this program does not use are not checked.
    pub(crate) fn parse(json: &str) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Parsed {
            timeout: u64,
        }
        let Parsed { timeout } = serde_json::from_str(json)?;
        Ok(Self { json: json.to_owned(), timeout })
    }
}

thread_local! {
    /// The request that began last.
    static CURRENT: RefCell<Option<AbortController>> = const { RefCell::new(None) };
}

/// A request for a passkey. It is aborted when it is dropped, or when another one begins.
///
/// It begins before the options are loaded, so that it can be aborted while they are.
pub(crate) struct Ceremony(Option<AbortController>);

impl Ceremony {
    /// Begins a request, and aborts the previous one.
    pub(crate) fn begin() -> Self {
        let controller = AbortController::new().ok();
        if let Some(previous) = CURRENT.replace(controller.clone()) {
            previous.abort();
        }
        Self(controller)
    }

    /// Aborts the request. This has no effect if it has ended.
    pub(crate) fn abort(&self) {
        if let Some(controller) = &self.0 {
            controller.abort();
        }
    }

    /// Returns whether the request was aborted.
    pub(crate) fn is_aborted(&self) -> bool {
        self.0.as_ref().is_some_and(|controller| controller.signal().aborted())
    }

    /// Adds a passkey.
    pub(crate) async fn create(
        &self,
        options: &PasskeyOptions,
    ) -> Result<Credential, WebauthnError> {
        let init = self.init("parseCreationOptionsFromJSON", options, &[]);
        call("create", init.map_err(|_| WebauthnError::Unsupported)?).await
    }

    /// Uses a passkey. `allowed` are the IDs of the credentials that can be used. If it is empty,
    /// the options decide.
    pub(crate) async fn get(
        &self,
        options: &PasskeyOptions,
        allowed: &[String],
        mediation: Mediation,
    ) -> Result<Credential, WebauthnError> {
        let init = self.init("parseRequestOptionsFromJSON", options, allowed).and_then(|init| {
            if mediation == Mediation::Conditional {
                set(&init, "mediation", &"conditional".into())?;
            }
            Ok(init)
        });
        call("get", init.map_err(|_| WebauthnError::Unsupported)?).await
    }

    /// Returns the argument of the browser's function. `parse` is the function that converts the
    /// options.
    fn init(
        &self,
        parse: &str,
        options: &PasskeyOptions,
        allowed: &[String],
    ) -> Result<Object, JsValue> {
        let options: Object = JSON::parse(&options.json)?.dyn_into()?;
        if !allowed.is_empty() {
            set(&options, "allowCredentials", &descriptors(allowed)?)?;
        }
        let class = class()?;
        let options = function(&class, parse)?.call1(&class, &options)?;
        let init = Object::new();
        set(&init, "publicKey", &options)?;
        if let Some(controller) = &self.0 {
            set(&init, "signal", &controller.signal())?;
        }
        Ok(init)
    }
}

impl Drop for Ceremony {
    fn drop(&mut self) {
        self.abort();
    }
}

/// Returns whether passkeys can be used on this page: the browser supports them, the page is served
/// with TLS or from localhost, and its host is not an IP address.
pub(crate) fn is_supported() -> bool {
    cfg!(target_family = "wasm") && !is_ip(&rp_id()) && has_functions().is_ok()
}

/// Aborts the current request, if there is one.
pub(crate) fn abort() {
    if let Some(current) = CURRENT.take() {
        current.abort();
    }
}

/// Returns whether the browser can suggest passkeys for the email field.
pub(crate) async fn is_conditional_available() -> bool {
    let available = class()
        .and_then(|class| function(&class, "isConditionalMediationAvailable")?.call0(&class))
        .map(|answer| JsFuture::from(Promise::resolve(&answer)));
    match available {
        Ok(answer) => answer.await.is_ok_and(|available| available.is_truthy()),
        Err(_) => false,
    }
}

/// Returns the relying party ID: the host of the page.
pub(crate) fn rp_id() -> String {
    web_sys::window().and_then(|window| window.location().hostname().ok()).unwrap_or_default()
}

/// Returns the handle of a user in passkeys: the 16 bytes of the account's id in base64url.
pub(crate) fn user_handle(id: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (mut handle, mut bits, mut length) = (String::new(), 0_usize, 0);
    // The 128 bits are padded with zeros to a multiple of 6.
    let digits = id.chars().filter_map(|digit| digit.to_digit(16)).chain([0]);
    for digit in digits {
        bits = (bits << 4 | digit as usize) & 0xfff;
        length += 4;
        if length >= 6 {
            length -= 6;
            handle.push(char::from(ALPHABET[bits >> length & 0x3f]));
        }
    }
    handle
}

/// Tells the browser which passkeys of the user exist, so that it can remove all others. `user_id`
/// is the [`user_handle`], and `ids` are the credential IDs.
pub(crate) fn signal_all_accepted(rp_id: &str, user_id: &str, ids: &[String]) {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Accepted<'a> {
        rp_id: &'a str,
        user_id: &'a str,
        all_accepted_credential_ids: &'a [String],
    }
    let accepted = Accepted { rp_id, user_id, all_accepted_credential_ids: ids };
    signal("signalAllAcceptedCredentials", &accepted);
}

/// Tells the browser the email address of the user, which it shows with the passkeys. `user_id` is
/// the [`user_handle`].
pub(crate) fn signal_current_user_details(rp_id: &str, user_id: &str, email: &str) {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Details<'a> {
        rp_id: &'a str,
        user_id: &'a str,
        name: &'a str,
        display_name: &'a str,
    }
    let details = Details { rp_id, user_id, name: email, display_name: email };
    signal("signalCurrentUserDetails", &details);
}

/// Calls a function of the Signal API (WebAuthn Level 3, 5.1.10). Older browsers do not have it.
/// Failures are ignored.
fn signal(name: &'static str, argument: &impl Serialize) {
    let Ok(json) = serde_json::to_string(argument) else { return };
    let call = move || {
        let class = class()?;
        function(&class, name)?.call1(&class, &JSON::parse(&json)?)
    };
    if let Ok(answer) = call() {
        spawn_local(async move { drop(JsFuture::from(Promise::resolve(&answer)).await) });
    }
}

/// Calls `create` or `get`, and returns the browser's response.
async fn call(name: &str, init: Object) -> Result<Credential, WebauthnError> {
    let credential = async {
        let window = web_sys::window().ok_or(JsValue::NULL)?;
        let credentials = Reflect::get(&window.navigator(), &"credentials".into())?;
        let answer = function(&credentials, name)?.call1(&credentials, &init)?;
        let credential = JsFuture::from(Promise::resolve(&answer)).await?;
        // This calls `toJSON` of the credential.
        JSON::stringify(&credential)
    };
    let json = credential.await.map_err(|error| {
        let name = Reflect::get(&error, &"name".into()).ok().and_then(|name| name.as_string());
        WebauthnError::from_name(name.as_deref())
    })?;
    RawValue::from_string(json.into()).map_err(|_| WebauthnError::Failed)
}

/// Returns a list of `PublicKeyCredentialDescriptorJSON` (WebAuthn Level 3, 5.1.9) with these IDs.
fn descriptors(ids: &[String]) -> Result<JsValue, JsValue> {
    let descriptors = Array::new();
    for id in ids {
        let descriptor = Object::new();
        set(&descriptor, "type", &"public-key".into())?;
        set(&descriptor, "id", &id.into())?;
        descriptors.push(&descriptor);
    }
    Ok(descriptors.into())
}

impl WebauthnError {
    /// Converts the name of a `DOMException`.
    fn from_name(name: Option<&str>) -> Self {
        match name {
            Some("AbortError") => Self::Aborted,
            Some("NotAllowedError") => Self::NotAllowed,
            Some("InvalidStateError") => Self::AlreadyRegistered,
            Some("NotSupportedError" | "ConstraintError" | "SecurityError") => Self::Unsupported,
            _ => Self::Failed,
        }
    }
}

/// Returns an error if the browser does not have the functions that this module needs. On a page
/// that is served without TLS, except from localhost, it has none of them.
fn has_functions() -> Result<(), JsValue> {
    let class = class()?;
    function(&class, "parseCreationOptionsFromJSON")?;
    function(&class, "parseRequestOptionsFromJSON")?;
    Ok(())
}

/// Returns whether the host of a URL is an IP address. Browsers write IPv4 addresses as four
/// decimal numbers, and IPv6 addresses in brackets.
fn is_ip(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or_default();
    host.starts_with('[') || last.bytes().all(|byte| byte.is_ascii_digit())
}

fn class() -> Result<JsValue, JsValue> {
    Reflect::get(&js_sys::global(), &"PublicKeyCredential".into())
}

fn function(object: &JsValue, name: &str) -> Result<Function, JsValue> {
    Reflect::get(object, &name.into())?.dyn_into()
}

fn set(object: &Object, name: &str, value: &JsValue) -> Result<(), JsValue> {
    Reflect::set(object, &name.into(), value).map(drop)
}

#[cfg(test)]
mod tests {
    use api_types::PasskeyTokenRequest;

    use super::*;

    #[test]
    fn a_host_is_an_ip_address_or_a_domain() {
        for host in ["127.0.0.1", "[::1]", "192.168.0.10", ""] {
            assert!(is_ip(host), "{host}");
        }
        for host in ["localhost", "example.com", "1.example.com", "127.0.0.1.example"] {
            assert!(!is_ip(host), "{host}");
        }
    }

    #[test]
    fn the_server_can_read_the_request_with_a_credential() {
        let credential = r#"{"id":"AQ","response":{"userHandle":null}}"#;
        let credential: Credential = RawValue::from_string(credential.to_owned()).unwrap();
        let request = PasskeyTokenRequest { credential, remember: true };
        let json = serde_json::to_string(&request).unwrap();
        let read: PasskeyTokenRequest = serde_json::from_str(&json).unwrap();
        assert_eq!((&read.credential["id"], read.remember), (&"AQ".into(), true));
        assert!(read.credential["response"]["userHandle"].is_null());
    }

    #[test]
    fn options_have_a_timeout() {
        let options = PasskeyOptions::parse(r#"{"challenge":"AQ","timeout":600000}"#).unwrap();
        assert_eq!(options.timeout, 600_000);
        assert_eq!(options.json, r#"{"challenge":"AQ","timeout":600000}"#);
        for json in ["", "null", "{}", "<html>"] {
            assert!(PasskeyOptions::parse(json).is_err(), "{json:?}");
        }
    }

    #[test]
    fn a_user_handle_is_the_id_in_base64url() {
        assert_eq!(user_handle("00000000-0000-0000-0000-000000000000"), "A".repeat(22));
        assert_eq!(user_handle("ffffffff-ffff-ffff-ffff-ffffffffffff"), "_".repeat(21) + "w");
        let handle = user_handle("01960000-0000-7000-8000-00000000ada0");
        assert_eq!(handle, "AZYAAAAAcACAAAAAAACtoA");
    }

    #[test]
    fn errors_of_browsers_are_distinguished() {
        use WebauthnError::{Aborted, AlreadyRegistered, Failed, NotAllowed, Unsupported};
        for (name, error) in [
            (Some("AbortError"), Aborted),
            (Some("NotAllowedError"), NotAllowed),
            (Some("InvalidStateError"), AlreadyRegistered),
            (Some("SecurityError"), Unsupported),
            (Some("UnknownError"), Failed),
            (None, Failed),
        ] {
            assert_eq!(WebauthnError::from_name(name), error);
        }
    }
}
