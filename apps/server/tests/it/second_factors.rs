//! Second factors, as an operator sees them.

use std::fs;
use std::sync::Arc;

use accounts::{
    Accounts, Caller, CompleteSignIn, SecondFactor, SignIn, SignInOutcome, SignedIn, TotpSecret,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::app::{EMAIL, PASSWORD};
use crate::operator::{Operator, json as json_output, success};
use crate::transfer::{import, users};

/// A database with Ada's account, whose second factor is on.
struct Database {
    folder: TempDir,
    accounts: Arc<Accounts>,
    ada: SignedIn,
    secret: TotpSecret,
}

impl Database {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        success(&Operator::new(&folder).users_with_input(&["create", EMAIL], PASSWORD));
        let accounts = Accounts::builder()
            .sqlite(folder.path().join("latchkey.db"))
            .public_url("http://localhost:8080")
            .without_maintenance()
            .accept_weaknesses()
            .build()
            .await
            .unwrap();
        let caller = Caller::default();
        let outcome = accounts.sign_in(SignIn::new(EMAIL, PASSWORD, &caller)).await.unwrap();
        let tokens = outcome.into_tokens().unwrap();
        let ada = accounts.authenticate(tokens.access.token.as_str()).await.unwrap();
        let secret = accounts.begin_totp(&ada, &caller).await.unwrap().secret;
        let code = secret.code_at(accounts.now()).to_text();
        accounts.confirm_totp(&ada, &code, &caller).await.unwrap();
        Self { folder, accounts, ada, secret }
    }

    /// Attempts a sign-in with the right password and a wrong code.
    async fn fail(&self) {
        let caller = &Caller::default();
        let outcome = self.accounts.sign_in(SignIn::new(EMAIL, PASSWORD, caller)).await.unwrap();
        let SignInOutcome::SecondFactorRequired(required) = outcome else { unreachable!() };
        let future = self.accounts.now() + std::time::Duration::from_hours(1);
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

#[tokio::test]
async fn an_export_names_the_second_factors_and_an_import_leaves_them_out() {
    let database = Database::new().await;
    success(&Operator::new(&database.folder).users_with_input(&["create", "b@x.org"], PASSWORD));
    let (jsonl, csv) = (database.run(&["export"]), database.run(&["export", "--format", "csv"]));
    for text in [&jsonl, &csv] {
        assert!(!text.contains(database.secret.to_base32().as_str()), "{text}");
    }
    let lines: Vec<Value> = jsonl.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let factors: Vec<_> = lines.iter().map(|line| &line["second_factor"]).collect();
    assert_eq!(factors, [&json!("totp"), &Value::Null]);
    assert!(csv.starts_with("id,email,created_at,disabled_at,email_verified_at,second_factor,"));
    assert_eq!(csv.matches(",totp,").count(), 1, "{csv}");

    for (name, text) in [("users.jsonl", &jsonl), ("users.csv", &csv)] {
        let folder = tempfile::tempdir().unwrap();
        let dry_run = success(&import(&folder, name, text, &["--dry-run"]));
        assert!(dry_run.contains("would import 1 account without the second factor"), "{dry_run}");
        let report = json_output(&import(&folder, name, text, &["--json"]));
        assert_eq!((&report["imported"], &report["without_second_factor"]), (&2.into(), &1.into()));
        let note = report["notes"][0]["note"].as_str().unwrap();
        assert!(note.contains("the second factor cannot be imported"), "{note}");
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
