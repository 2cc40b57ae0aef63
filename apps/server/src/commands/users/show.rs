use accounts::{Lockouts, Passkey, RecoveryCodes, Timestamp, Totp};
use clap::Args;
use serde_json::{Value, json};

use super::output::user_json;
use super::user_arg::UserArg;
use crate::args::StoreArgs;
use crate::error::CommandError;
use crate::operator;

/// The arguments of `latchkey users show`.
#[derive(Args)]
pub(super) struct ShowArgs {
    #[command(flatten)]
    pub(super) user: UserArg,
}

impl ShowArgs {
    pub(super) async fn run(self, store: &StoreArgs) -> Result<(), CommandError> {
        let accounts = operator::open(store).await?;
        let user = self.user.find(&accounts).await?;
        let lockouts = accounts.operator().lockouts(user.id).await;
        let lockouts =
            lockouts.map_err(|error| CommandError::from_operator(error, &self.user.name))?;
        let factors = accounts.operator().factors(user.id).await?;
        let text = [
            ("id", user.id.to_string()),
            ("email", user.email.as_str().to_owned()),
            ("verified", since(user.email_verified_at)),
            ("created", format!("{:.0}", user.created_at)),
            ("disabled", since(user.disabled_at)),
            (
                "roles",
                if user.roles.is_empty() { "none".to_owned() } else { user.roles.to_string() },
            ),
            ("second factor", since(factors.second_factor_at)),
            ("app", factors.totp.map_or_else(no, describe_app)),
            ("passkeys", factors.passkeys.len().to_string()),
            ("recovery codes", factors.recovery_codes.map_or_else(no, describe_codes)),
            ("throttled", describe(&lockouts)),
        ]
        .map(|(label, text)| format!("{label:14}  {text}"))
        .join("\n");
        let mut value = user_json(&user);
        value["totp"] = factors.totp.map_or(Value::Null, |app| {
            json!({
                "created_at": app.created_at.to_string(),
                "last_used_at": app.last_used_at.map(|at| at.to_string()),
            })
        });
        value["passkeys"] = factors.passkeys.iter().map(passkey_json).collect();
        value["recovery_codes"] = factors.recovery_codes.map_or(
            Value::Null,
            |codes| json!({ "left": codes.left, "created_at": codes.created_at.to_string() }),
        );
        value["throttled_until"] = json!({
            "unknown_browsers": lockouts.unknown_browsers.map(|until| until.to_string()),
            "single_clients": lockouts.single_clients.map(|until| until.to_string()),
            "app_codes": lockouts.app_codes.map(|until| until.to_string()),
            "recovery_codes": lockouts.recovery_codes.map(|until| until.to_string()),
        });
        store.format().print(&text, &value).map_err(CommandError::Print)
    }
}

fn no() -> String {
    "no".to_owned()
}

fn since(at: Option<Timestamp>) -> String {
    at.map_or_else(no, |at| format!("since {at:.0}"))
}

fn describe_app(app: Totp) -> String {
    match app.last_used_at {
        Some(at) => format!("since {:.0}, last used at {at:.0}", app.created_at),
        None => format!("since {:.0}, not used yet", app.created_at),
    }
}

fn describe_codes(codes: RecoveryCodes) -> String {
    format!("{} left, since {:.0}", codes.left, codes.created_at)
}

fn passkey_json(passkey: &Passkey) -> Value {
    json!({
        "id": passkey.id.to_string(),
        "name": passkey.name.as_str(),
        "created_at": passkey.created_at.to_string(),
        "last_used_at": passkey.last_used_at.map(|at| at.to_string()),
    })
}

fn describe(lockouts: &Lockouts) -> String {
    let Lockouts { unknown_browsers, single_clients, app_codes, recovery_codes } = lockouts;
    let browsers = match (unknown_browsers, single_clients) {
        (Some(until), _) => Some(("all unknown browsers", until)),
        (None, Some(until)) => Some(("some browsers or IP addresses", until)),
        (None, None) => None,
    };
    let app_codes = app_codes.as_ref().map(|until| ("app codes", until));
    let recovery_codes = recovery_codes.as_ref().map(|until| ("recovery codes", until));
    let lockouts: Vec<_> = [browsers, app_codes, recovery_codes]
        .into_iter()
        .flatten()
        .map(|(what, until)| format!("{what}, until {until:.0}"))
        .collect();
    if lockouts.is_empty() { no() } else { lockouts.join("; ") }
}
