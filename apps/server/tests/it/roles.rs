//! `latchkey users grant` and `revoke`, and roles and metadata in imports and exports.

use serde_json::{Value, json};

use crate::app::{EMAIL, PASSWORD, TestApp};
use crate::operator::{Operator, failure, json as json_output, success};
use crate::transfer::{BCRYPT, import, rejected};

#[test]
fn a_granted_role_is_shown_listed_and_recorded() {
    let app = TestApp::new();
    check_roles(&app);
}

/// Grants and revokes roles beside a server, on either store.
pub(crate) fn check_roles(app: &TestApp) {
    let session = app.user().log_in();
    let operator = app.operator();
    let users = |arguments: &[&str]| success(&operator.users(arguments));
    users(&["verify-email", EMAIL]);
    assert_eq!(session.me().json()["roles"], json!([]));
    assert!(users(&["show", EMAIL]).contains("roles           none"));
    assert!(users(&["grant", EMAIL, "admin"]).starts_with("granted admin to"));
    assert!(users(&["grant", EMAIL, "admin"]).contains("already has the role admin"));
    let granted = json_output(&operator.users(&["grant", EMAIL, "billing:read", "--json"]));
    assert_eq!(granted["roles"], json!(["admin", "billing:read"]));
    // The running server sees the roles at the next request.
    assert_eq!(session.me().json()["roles"], json!(["admin", "billing:read"]));
    assert!(users(&["show", EMAIL]).contains("roles           admin billing:read"));
    assert!(users(&["list"]).trim_end().ends_with("admin billing:read"));
    assert_eq!(json_output(&operator.users(&["list", "--json"]))[0]["roles"][0], "admin");

    assert!(users(&["revoke", EMAIL, "admin"]).starts_with("revoked admin from"));
    assert!(users(&["revoke", EMAIL, "admin"]).contains("does not have the role admin"));
    assert_eq!(session.me().json()["roles"], json!(["billing:read"]));
    let log = success(&operator.audit(&["--json"]));
    let events: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let roles: Vec<_> = events
        .iter()
        .filter(|event| event["kind"].as_str().unwrap().starts_with("role_"))
        .map(|event| (event["kind"].as_str().unwrap(), event["detail"].as_str().unwrap()))
        .collect();
    let expected =
        [("role_granted", "admin"), ("role_granted", "billing:read"), ("role_revoked", "admin")];
    assert_eq!(roles, expected);
    assert!(success(&operator.audit(&[])).contains("  billing:read"));
}

#[test]
fn a_grant_by_an_unverified_email_address_prints_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let operator = Operator::new(&folder);
    let created = operator.users_with_input(&["create", EMAIL, "--json"], PASSWORD);
    let id = json_output(&created)["id"].as_str().unwrap().to_owned();
    let warnings = |action, user: &str| {
        let output = operator.users(&[action, user, "admin"]);
        assert!(output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let warning = warnings("grant", EMAIL);
    assert!(warning.contains("has not been verified, so the account may be a stranger's"));
    assert!(warning.contains(&id), "{warning}");
    assert_eq!(warnings("revoke", EMAIL), "");
    assert_eq!(warnings("grant", &id), "");
    success(&operator.users(&["verify-email", EMAIL]));
    assert_eq!(warnings("grant", EMAIL), "");
}

#[test]
fn a_name_that_is_no_role_and_an_unknown_user_are_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let operator = Operator::new(&folder);
    success(&operator.users_with_input(&["create", EMAIL], PASSWORD));
    success(&operator.users(&["verify-email", EMAIL]));
    for name in ["Admin", "a b", "", "_x", "ä"] {
        let rejected = operator.users(&["grant", EMAIL, name]);
        assert_eq!(rejected.status.code(), Some(2), "{name:?}");
    }
    for action in ["grant", "revoke"] {
        let unknown = failure(&operator.users(&[action, "nobody@example.com", "admin"]));
        assert!(unknown.contains("nobody@example.com"), "{unknown}");
    }
    for n in 0..32 {
        success(&operator.users(&["grant", EMAIL, &format!("role-{n}")]));
    }
    let rejected = failure(&operator.users(&["grant", EMAIL, "admin"]));
    assert!(rejected.contains("at most 32 roles: revoke one first"), "{rejected}");
}

#[test]
fn roles_and_metadata_are_exported_and_imported_in_both_formats() {
    let folder = tempfile::tempdir().unwrap();
    let line = json!({
        "id": "01960000-0000-7000-8000-00000000ada0",
        "email": EMAIL, "password_hash": BCRYPT, "roles": ["editor", "admin"],
        "metadata_public": {"plan": "pro", "text": "a \"quoted\", word"}, "metadata_private": [1],
    });
    let other = json!({
        "id": "01960000-0000-7000-8000-00000000ada1",
        "email": "grace@example.com", "password_hash": BCRYPT, "roles": "reader",
    });
    let lines = format!("{line}\n{other}\n");
    let report = success(&import(&folder, "users.jsonl", &lines, &[]));
    assert!(report.contains("imported 2 accounts"), "{report}");
    let exported = success(&Operator::new(&folder).users(&["export"]));
    // In the order of their ids, which are random within a millisecond.
    let mut users: Vec<Value> =
        exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    users.sort_by_key(|user| user["email"].to_string());
    assert_eq!(users[0]["roles"], json!(["admin", "editor"]));
    assert_eq!(users[0]["metadata_public"], line["metadata_public"]);
    assert_eq!(users[0]["metadata_private"], json!([1]));
    assert_eq!(users[1]["roles"], json!(["reader"]));
    assert_eq!(users[1]["metadata_public"], Value::Null);

    let csv = success(&Operator::new(&folder).users(&["export", "--format", "csv"]));
    assert!(csv.contains(",admin editor,"), "{csv}");
    for (name, text) in [("users.jsonl", &exported), ("users.csv", &csv)] {
        let copy = tempfile::tempdir().unwrap();
        success(&import(&copy, name, text, &[]));
        assert_eq!(success(&Operator::new(&copy).users(&["export"])), exported, "{name}");
    }
}

#[test]
fn invalid_roles_and_metadata_are_not_imported() {
    let folder = tempfile::tempdir().unwrap();
    let long = "x".repeat(17_000);
    let many: Vec<_> = (0..33).map(|n| format!("role-{n}")).collect();
    for (member, value, message) in [
        ("roles", json!("Admin"), "not a role"),
        ("roles", json!(["two words"]), "not a role"),
        ("roles", json!([7]), "roles is a list or an object"),
        ("roles", json!({"admin": true}), "roles is a list or an object"),
        ("roles", json!(many), "at most 32 roles"),
        ("metadata_public", json!(long), "metadata_public has 17002 bytes"),
    ] {
        let mut line = json!({"email": EMAIL, "password_hash": BCRYPT});
        line[member] = value;
        let (report, _) = rejected(&import(&folder, "users.jsonl", &line.to_string(), &[]));
        assert!(report.contains(message), "{report}");
    }
    let csv = format!("email,password_hash,metadata_private\n{EMAIL},{BCRYPT},{{secret\n");
    let (report, line) = rejected(&import(&folder, "users.csv", &csv, &[]));
    assert!(report.contains("metadata_private is not JSON"), "{report}");
    assert!(!report.contains("secret") && !line.contains("secret"), "{report}");
}

#[test]
fn an_import_and_its_dry_run_report_which_roles_are_granted() {
    let folder = tempfile::tempdir().unwrap();
    let user = |email: &str, roles: Value| {
        json!({"email": email, "password_hash": BCRYPT, "roles": roles}).to_string()
    };
    let lines = [
        user("ada@example.com", json!("editor admin")),
        user("grace@example.com", json!(["editor"])),
        user("edith@example.com", json!(null)),
        user("not an address", json!("billing")),
    ]
    .join("\n");
    let import = |options: &[&str]| {
        let options = [options, &["--skip-invalid"]].concat();
        import(&folder, "users.jsonl", &lines, &options)
    };
    let report = success(&import(&["--dry-run"]));
    assert!(report.contains("roles: admin (1), editor (2)\n"), "{report}");
    let report = json_output(&import(&["--dry-run", "--json"]));
    assert_eq!(report["roles"], json!({"admin": 1, "editor": 2}));
    let report = success(&import(&[]));
    assert!(report.contains("roles: admin (1), editor (2)\n"), "{report}");

    let none = tempfile::tempdir().unwrap();
    let line = user("ada@example.com", json!([]));
    let report = success(&crate::transfer::import(&none, "users.jsonl", &line, &[]));
    assert!(!report.contains("roles"), "{report}");
}
