//! Second factors, as an operator sees them.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use accounts::{
    Accounts, AddPasskey, Caller, CompleteSignIn, SecondFactor, SignIn, SignInOutcome, SignedIn,
    TotpSecret,
};
use auth_core::{Clock as _, SystemClock};
use data_encoding::BASE32_NOPAD;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::app::{EMAIL, PASSWORD, is_on_postgres, write_url};
use crate::operator::{Operator, json as json_output, success};
use crate::passkey::SoftPasskey;
use crate::server::{Answer, Server, bearer};
use crate::transfer::{import, users};

const ORIGIN: &str = "http://localhost:8080";

/// A database with Ada's account, whose second factor is on. [`STORE`] selects its kind.
struct Database {
    folder: TempDir,
    accounts: Arc<Accounts>,
    ada: SignedIn,
    secret: TotpSecret,
    /// Dropped after `accounts`, which uses it.
    _postgres: Option<test_postgres::Database>,
}

impl Database {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let postgres = is_on_postgres().then(|| test_postgres::shared().create_database(None));
        if let Some(database) = &postgres {
            write_url(&folder, &database.url());
        }
        success(&Operator::new(&folder).users_with_input(&["create", EMAIL], PASSWORD));
        let builder = match &postgres {
            Some(database) => Accounts::builder().postgres(database.url()),
            None => Accounts::builder().sqlite(folder.path().join("latchkey.db")),
        };
        let builder = builder.public_url(ORIGIN).without_maintenance().accept_weaknesses();
        let accounts = builder.build().await.unwrap();
        let ada = sign_in(&accounts, EMAIL).await;
        let secret = set_up_app(&accounts, &ada).await;
        Self { folder, accounts, ada, secret, _postgres: postgres }
    }

    /// Creates an account whose second factor is off. Returns its user.
    async fn create(&self, email: &str) -> SignedIn {
        success(&Operator::new(&self.folder).users_with_input(&["create", email], PASSWORD));
        sign_in(&self.accounts, email).await
    }

    /// Adds a passkey to the account of this user.
    async fn add_passkey(&self, signed_in: &SignedIn, name: &str) {
        let caller = &Caller::default();
        let options = self.accounts.passkey_registration_options(signed_in).await.unwrap();
        let passkey = SoftPasskey::new(ORIGIN, &options.user_id);
        let credential = &passkey.register(&options.challenge);
        let passkey = AddPasskey { signed_in, name, credential, caller };
        self.accounts.add_passkey(passkey).await.unwrap();
    }

    /// Attempts a sign-in with the right password and a wrong code.
    async fn fail(&self) {
        let caller = &Caller::default();
        let outcome = self.accounts.sign_in(SignIn::new(EMAIL, PASSWORD, caller)).await.unwrap();
        let SignInOutcome::SecondFactorRequired(required) = outcome else { unreachable!() };
        let future = self.accounts.now() + Duration::from_hours(1);
        let code = self.secret.code_at(future).to_text();
        let (ticket, factor) = (required.ticket.as_str(), SecondFactor::Code(&code));
        let request = CompleteSignIn { ticket, factor, caller, replaces: None };
        self.accounts.complete_sign_in(request).await.unwrap_err();
    }

    fn run(&self, arguments: &[&str]) -> String {
        success(&users(&self.folder, arguments))
    }

    fn show(&self) -> Value {
        json_output(&users(&self.folder, &["show", EMAIL, "--json"]))
    }
}

async fn sign_in(accounts: &Accounts, email: &str) -> SignedIn {
    let caller = Caller::default();
    let outcome = accounts.sign_in(SignIn::new(email, PASSWORD, &caller)).await.unwrap();
    let tokens = outcome.into_tokens().unwrap();
    accounts.authenticate(tokens.access.token.as_str()).await.unwrap()
}

/// Sets up an app, which turns the second factor on. Returns its secret.
async fn set_up_app(accounts: &Accounts, user: &SignedIn) -> TotpSecret {
    let caller = Caller::default();
    let secret = accounts.begin_totp(user, &caller).await.unwrap().secret;
    let code = secret.code_at(accounts.now()).to_text();
    accounts.confirm_totp(user, &code, &caller).await.unwrap();
    secret
}

/// Sets up an app in the session with this access token. Returns its secret, and the response to
/// the request that turned the second factor on.
pub(crate) fn set_up_app_at(server: &Server, token: &str) -> (TotpSecret, Answer) {
    let header = bearer(token);
    let pending = server.post("/api/me/totp", &header, "{}").json();
    let secret = BASE32_NOPAD.decode(pending["secret"].as_str().unwrap().as_bytes()).unwrap();
    let secret = TotpSecret::from_bytes(&secret).unwrap();
    let code = secret.code_at(SystemClock.now()).to_text();
    let body = json!({"code": code.as_str()}).to_string();
    let answer = server.send_json("PUT", "/api/me/totp", &header, &body);
    assert_eq!(answer.status, 200, "{}", answer.body);
    (secret, answer)
}

/// Returns the code that an app shows next. It is accepted already.
pub(crate) fn next_code(secret: &TotpSecret) -> String {
    secret.code_at(SystemClock.now() + Duration::from_secs(30)).to_text().to_string()
}

#[tokio::test]
async fn the_second_factors_of_a_user_are_shown_and_reset() {
    let database = Database::new().await;
    let shown = database.show();
    assert!(shown["second_factor_at"].is_string() && shown["totp"]["created_at"].is_string());
    assert_eq!(shown["totp"]["last_used_at"], Value::Null);
    assert_eq!((&shown["recovery_codes"]["left"], &shown["passkeys"]), (&json!(10), &json!([])));
    let text = database.run(&["show", EMAIL]);
    assert!(text.contains("\nsecond factor   since 2"), "{text}");
    assert!(text.contains("\nrecovery codes  10 left, since 2"), "{text}");
    assert!(text.contains("\npasskeys        0\n"), "{text}");
    database.add_passkey(&database.ada, "laptop").await;
    database.add_passkey(&database.ada, "phone").await;
    let text = database.run(&["show", EMAIL]);
    assert!(text.contains("\npasskeys        2\n"), "{text}");
    let passkeys = database.show()["passkeys"].as_array().unwrap().clone();
    let names: Vec<_> = passkeys.iter().map(|passkey| &passkey["name"]).collect();
    assert_eq!(names, ["laptop", "phone"]);
    let members: Vec<_> = passkeys[0].as_object().unwrap().keys().collect();
    assert_eq!(members, ["created_at", "id", "last_used_at", "name"]);
    assert!(passkeys[0]["created_at"].is_string() && passkeys[0]["last_used_at"].is_null());

    let reset = database.run(&["reset-second-factor", "ADA@example.com"]);
    let id = database.ada.id();
    assert_eq!(reset, format!("reset the second factor of {EMAIL} ({id})\n"));
    let again = database.run(&["reset-second-factor", EMAIL]);
    assert!(again.contains("has neither a second factor nor a passkey"), "{again}");
    let again = json_output(&users(&database.folder, &["reset-second-factor", EMAIL, "--json"]));
    assert_eq!(again, json!({ "id": id.to_string(), "email": EMAIL, "reset": false }));
    let shown = database.show();
    for name in ["second_factor_at", "totp", "recovery_codes"] {
        assert_eq!(shown[name], Value::Null, "{name}");
    }
    assert_eq!(shown["passkeys"], json!([]));
    assert!(database.run(&["show", EMAIL]).contains("\nsecond factor   no\n"));
    assert_eq!(database.run(&["sessions", EMAIL]), "");
    let events = success(&Operator::new(&database.folder).audit(&[]));
    assert!(events.contains("second_factor_reset    operator"), "{events}");
}

#[tokio::test]
async fn a_lockout_of_codes_is_shown_and_can_be_ended() {
    let database = Database::new().await;
    assert!(database.run(&["show", EMAIL]).contains("\nthrottled       no\n"));
    for _ in 0..10 {
        database.fail().await;
    }
    let text = database.run(&["show", EMAIL]);
    assert!(text.contains("\nthrottled       app codes, until 2"), "{text}");
    assert!(database.show()["throttled_until"]["app_codes"].is_string());
    assert!(database.run(&["unlock", EMAIL]).starts_with("unlocked"));
    assert_eq!(database.show()["throttled_until"]["app_codes"], Value::Null);
}

/// The members of an exported account, of which only `second_factor` is about second factors.
const EXPORTED: [&str; 10] = [
    "created_at",
    "disabled_at",
    "email",
    "email_verified_at",
    "id",
    "metadata_private",
    "metadata_public",
    "password_hash",
    "roles",
    "second_factor",
];

#[tokio::test]
async fn an_export_names_the_second_factors_and_an_import_leaves_them_out() {
    let database = Database::new().await;
    database.create("without@x.org").await;
    let with_passkey = database.create("passkey@x.org").await;
    database.add_passkey(&with_passkey, "laptop").await;
    let with_both = database.create("both@x.org").await;
    database.add_passkey(&with_both, "laptop").await;
    set_up_app(&database.accounts, &with_both).await;
    let (jsonl, csv) = (database.run(&["export"]), database.run(&["export", "--format", "csv"]));
    for text in [&jsonl, &csv] {
        assert!(!text.contains(database.secret.to_base32().as_str()), "{text}");
    }
    let lines: Vec<Value> = jsonl.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for line in &lines {
        let members: Vec<_> = line.as_object().unwrap().keys().collect();
        assert_eq!(members, EXPORTED, "nothing else is exported");
    }
    let factors: Vec<_> = lines.iter().map(|line| &line["second_factor"]).collect();
    let [app, passkey, both] = ["totp", "passkey", "totp passkey"].map(Value::from);
    assert_eq!(factors, [&app, &Value::Null, &passkey, &both]);
    let mut columns: Vec<_> = csv.lines().next().unwrap().split(',').collect();
    assert_eq!(columns[5], "second_factor");
    columns.sort_unstable();
    assert_eq!(columns, EXPORTED);
    let rows = csv.lines().skip(1).map(|row| row.split(',').nth(5).unwrap());
    assert_eq!(rows.collect::<Vec<_>>(), ["totp", "", "passkey", "totp passkey"]);

    for (name, text) in [("users.jsonl", &jsonl), ("users.csv", &csv)] {
        let folder = tempfile::tempdir().unwrap();
        let dry_run = success(&import(&folder, name, text, &["--dry-run"]));
        let without = "would import 3 accounts without second factors and passkeys";
        assert!(dry_run.contains(without), "{dry_run}");
        let report = json_output(&import(&folder, name, text, &["--json"]));
        assert_eq!((&report["imported"], &report["without_second_factor"]), (&4.into(), &3.into()));
        let notes = report["notes"].as_array().unwrap();
        let emails: Vec<_> = notes.iter().map(|note| &note["email"]).collect();
        assert_eq!(emails, [EMAIL, "passkey@x.org", "both@x.org"]);
        for note in notes {
            let note = note["note"].as_str().unwrap();
            assert!(note.contains("second factors and passkeys cannot be imported"), "{note}");
        }
        let shown = json_output(&users(&folder, &["show", EMAIL, "--json"]));
        assert_eq!(shown["second_factor_at"], Value::Null);
        assert!(fs::exists(folder.path().join("latchkey.db")).unwrap());
    }
}

#[tokio::test]
async fn the_audit_log_shows_how_a_user_signed_in() {
    let database = Database::new().await;
    let operator = Operator::new(&database.folder);
    let events = success(&operator.audit(&["--json"]));
    let events: Vec<Value> =
        events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let amr: Vec<_> = events.iter().map(|event| (&event["kind"], &event["amr"])).collect();
    assert_eq!(
        amr,
        [
            (&json!("account_created"), &Value::Null),
            (&json!("signed_in"), &json!(["pwd"])),
            (&json!("second_factor_on"), &Value::Null),
        ]
    );
    let text = success(&operator.audit(&[]));
    let ends: Vec<_> = text.lines().map(|line| line.rsplit("  ").next().unwrap()).collect();
    assert_eq!(ends, ["-", "pwd", "-"]);
}
