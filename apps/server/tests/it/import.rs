//! The records that `latchkey users import` accepts, rejects and changes.

mod ids;

use std::time::Duration;

use accounts::Timestamp;
use auth_core::{Clock as _, SystemClock};
use serde_json::json;

use crate::app::{PASSWORD, TestApp};
use crate::operator::{Operator, failure, json as json_output, success};
use crate::server::command;
use crate::transfer::{BCRYPT, import, listed, log_in, rejected, users};

#[test]
fn a_quotation_mark_that_is_not_closed_is_an_error_that_names_its_line() {
    let folder = tempfile::tempdir().unwrap();
    for rows in [
        "a@example.com,HASH,\"Ann\nb@example.com,HASH,Bob\nc@example.com,HASH,Cid\n",
        "a@example.com,HASH,\"Ann\nb@example.com,HASH,\"Bob\"\nc@example.com,HASH,Cid\n",
        "a@example.com,HASH,\"Ann\nb@example.com,HASH,\"\"\n",
        "a@example.com,HASH,\"Ann \\\"A\\\"\"\n",
    ] {
        let text = format!("email,password,name\n{}", rows.replace("HASH", BCRYPT));
        for more in [&[][..], &["--skip-invalid"], &["--dry-run", "--skip-invalid"]] {
            let line = failure(&import(&folder, "users.csv", &text, more));
            assert!(line.contains("a quotation mark in line 2 has"), "{line}");
        }
    }
    assert!(!folder.path().join("latchkey.db").exists());
}

#[test]
fn a_row_inside_a_quoted_value_is_not_lost_silently() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "email,password,name\na@example.com,{BCRYPT},Ann\n\
         b@example.com,{BCRYPT},\"Bob\nc@example.com,{BCRYPT},Al\"\n"
    );
    let (report, _) = rejected(&import(&folder, "users.csv", &text, &[]));
    assert!(report.contains("lines 3 to 4: \"b@example.com\": a value contains"), "{report}");
    assert!(report.contains("--allow-line-breaks"), "{report}");
    let skip = ["--skip-invalid", "--json"];
    let report = json_output(&import(&folder, "users.csv", &text, &skip));
    assert_eq!((&report["read"], &report["imported"]), (&json!(2), &json!(1)));
    let refused = &report["refused"][0];
    assert_eq!((&refused["line"], &refused["last_line"]), (&json!(3), &json!(4)));

    let head = format!("email,password,\"name\na@example.com,{BCRYPT},Al\"\n");
    let rows = format!("{head}b@example.com,{BCRYPT},Bob\n");
    let line = failure(&import(&folder, "users.csv", &rows, &["--allow-line-breaks"]));
    assert!(line.contains("a column name spans lines 1 to 2"), "{line}");
}

#[test]
fn a_value_with_line_breaks_is_one_record_if_they_are_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "email,password,about\n\na@example.com,{BCRYPT},\"first\nsecond\"\nb,{BCRYPT},\"\n\"\n"
    );
    let allow = ["--skip-invalid", "--allow-line-breaks"];
    let dry = [&allow[..], &["--dry-run", "--json"]].concat();
    let note = &json_output(&import(&folder, "users.csv", &text, &dry))["notes"][0];
    assert_eq!((&note["line"], &note["last_line"]), (&json!(3), &json!(4)));
    let report = success(&import(&folder, "users.csv", &text, &allow));
    assert!(report.contains("lines 3 to 4: \"a@example.com\": one record"), "{report}");
    assert!(report.contains("lines 5 to 6: \"b\": not an email address"), "{report}");
    assert!(report.contains("read 2 records, skipped 1\nimported 1 account ("), "{report}");
}

#[test]
fn every_line_of_json_is_imported_or_reported() {
    let folder = tempfile::tempdir().unwrap();
    let user = |name: &str| json!({"email": format!("{name}@example.com"), "password": BCRYPT});
    let lines = format!(
        "{}\n{{\"email\":\"x@example.com\"\n\n[]\n{}\n",
        user("a"),
        r#"{"email":"b@example.com","email":"c@example.com","password":"x"}"#
    );
    let report =
        json_output(&import(&folder, "users.jsonl", &lines, &["--skip-invalid", "--json"]));
    assert_eq!((&report["read"], &report["imported"]), (&json!(4), &json!(1)));
    let refused: Vec<_> =
        report["refused"].as_array().unwrap().iter().map(|record| &record["line"]).collect();
    assert_eq!(refused, [2, 4, 5]);
    assert!(report["refused"][2]["error"].as_str().unwrap().contains("the name \"email\""));

    let array = format!("[{},\n 7, {}, {{\"a\":1,\"a\":2}}]", user("d"), user("e"));
    let (report, line) = rejected(&import(&folder, "users.json", &array, &[]));
    assert!(report.contains("record 2: not a JSON object"), "{report}");
    assert!(report.contains("record 4: more than one member has the name \"a\""), "{report}");
    assert!(line.contains("2 of 4 records"), "{line}");
    let cut_off = &array[..array.len() - 1];
    let line = failure(&import(&folder, "users.json", cut_off, &["--skip-invalid"]));
    assert!(line.contains("not a valid JSON array (line 2, column"), "{line}");
    assert_eq!(listed(&folder).len(), 1);
}

#[test]
fn duplicate_names_within_the_fields_of_django_are_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let dump = r#"[{"model":"auth.user","pk":1,"fields":{"email":"a@example.com","email":"b@example.com"}}]"#;
    let (report, _) = rejected(&import(&folder, "users.json", dump, &[]));
    assert!(report.contains("record 1: more than one member has the name \"email\""), "{report}");
}

#[test]
fn members_beside_the_fields_of_django_are_rejected_or_reported() {
    let folder = tempfile::tempdir().unwrap();
    let fields = json!({"email": "a@example.com", "password": BCRYPT});
    let dump = |name: &str, value: serde_json::Value| {
        json!([{"model": "auth.user", "pk": null, "fields": fields, name: value}]).to_string()
    };
    for (name, value) in [("is_active", json!(false)), ("deleted_at", json!("2024-01-02 03:04"))] {
        let (report, _) = rejected(&import(&folder, "users.json", &dump(name, value), &[]));
        assert!(report.contains(&format!("record 1: {name} is beside")), "{report}");
    }
    let both = json!([{"model": "auth.user", "pk": 1, "fields": {"id": 2}}]).to_string();
    let (report, _) = rejected(&import(&folder, "users.json", &both, &[]));
    assert!(report.contains("record 1: more than one of id, pk"), "{report}");
    let text = dump("natural_key", json!([1]));
    let report = success(&import(&folder, "users.json", &text, &["--dry-run"]));
    assert!(report.contains("ignored fields: natural_key\n"), "{report}");
    success(&import(&folder, "users.json", &dump("is_active", json!(null)), &[]));
}

#[test]
fn a_null_member_is_never_a_duplicate() {
    let folder = tempfile::tempdir().unwrap();
    let lines = format!(
        "{{\"email\":\"a@example.com\",\"password\":\"{BCRYPT}\",\"password_hash\":null}}\n\
         {{\"email\":\"b@example.com\",\"password\":null,\"password_hash\":\"{BCRYPT}\"}}\n"
    );
    let report = success(&import(&folder, "users.jsonl", &lines, &[]));
    assert!(report.contains("imported 2 accounts"), "{report}");
}

#[test]
fn a_rejected_record_does_not_occupy_its_email_address() {
    let folder = tempfile::tempdir().unwrap();
    let id = "f47ac10b-58cc-4372-a567-0e02b2c3d479";
    let text = format!(
        "id,email,password\n{id},a@example.com,{BCRYPT}\n\
         {id},b@example.com,{BCRYPT}\n,b@example.com,{BCRYPT}\n"
    );
    let report = success(&import(&folder, "users.csv", &text, &["--skip-invalid"]));
    assert!(report.contains("line 3: \"b@example.com\": the same id as in line 2"), "{report}");
    assert!(report.contains("read 3 records, skipped 1\nimported 2 accounts"), "{report}");
}

#[test]
fn a_field_name_with_a_line_break_cannot_forge_a_line_of_the_report() {
    let folder = tempfile::tempdir().unwrap();
    let forged = "x\nimported 5000 accounts";
    let line = json!({"email": "a@example.com", "password": BCRYPT, forged: 1});
    let csv = "email,password,\"x\rimported 5000 accounts\"\na,b,c\n";
    let report = success(&import(&folder, "users.jsonl", &line.to_string(), &[]));
    assert!(report.contains("ignored fields: x\\nimported 5000 accounts\n"), "{report}");
    assert!(!report.contains("\nimported 5000"), "{report}");
    assert!(failure(&import(&folder, "users.csv", csv, &[])).contains("a column name spans"));
}

#[test]
fn a_file_without_users_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("users.csv", ""),
        ("users.csv", "\u{feff}\n"),
        ("users.csv", "email,password\n"),
        ("users.json", "[]"),
        ("users.jsonl", "\n"),
    ] {
        for more in [&[][..], &["--skip-invalid"], &["--dry-run"]] {
            let line = failure(&import(&folder, name, text, more));
            assert!(line.contains("the file contains no users"), "{line}");
        }
    }
    assert!(!folder.path().join("latchkey.db").exists());
}

#[test]
fn users_of_flask_security_log_in_with_their_passwords() {
    let app = TestApp::new();
    let hash = "flask-security$JDJhJCBhIHNhbHQgb2YgdGhlIGFwcCwgw7w=$$argon2id$v=19$m=64,t=1,p=1$Ucq5dw7B2Pt/D8HYu5dSig$yVTe48vb9/iSgfdE7cVdS3FRCkNKRiMOpZoM0/k8DqA";
    let text = format!(
        "email,active,password_hash\na@example.com,1,\"{hash}\"\nb@example.com,0,\"{hash}\"\n"
    );
    success(&import(&app.folder, "users.csv", &text, &[]));
    assert_eq!(log_in(&app, "a@example.com", PASSWORD), 200);
    assert_eq!(log_in(&app, "b@example.com", PASSWORD), 401, "the account is disabled");
}

#[test]
fn a_time_a_few_minutes_in_the_future_is_replaced_by_the_current_time() {
    let folder = tempfile::tempdir().unwrap();
    let now = SystemClock.now();
    let minutes = |minutes: u64| now + Duration::from_mins(minutes);
    let row = |name: &str, created: Timestamp, disabled: &str| {
        format!("{name}@example.com,{BCRYPT},{created},{disabled}\n")
    };
    let head = "email,password,created_at,disabled_at\n";
    let ahead = minutes(5);
    let text = head.to_owned() + &row("a", ahead, "") + &row("b", now, &ahead.to_string());
    let report = success(&import(&folder, "users.csv", &text, &[]));
    for note in
        ["\"a@example.com\": created_at is a few", "\"b@example.com\": disabled_at is a few"]
    {
        assert!(report.contains(note), "{report}");
    }
    for user in listed(&folder) {
        let created_at: Timestamp = user["created_at"].as_str().unwrap().parse().unwrap();
        assert!(created_at < ahead, "{user}");
    }
    let too_far = head.to_owned() + &row("c", minutes(120), "");
    let (report, _) = rejected(&import(&folder, "users.csv", &too_far, &[]));
    assert!(report.contains("created_at is in the future"), "{report}");
}

#[test]
fn deleted_users_are_rejected_and_banned_users_are_disabled() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "email,encrypted_password,banned_until,deleted_at\n\
         a@example.com,{BCRYPT},,2024-01-02 03:04:05.6+00\n\
         b@example.com,{BCRYPT},2999-01-02 03:04:05.6+00,\n\
         c@example.com,{BCRYPT},infinity,\n\
         d@example.com,{BCRYPT},2024-01-02 03:04:05.6+00,\n"
    );
    let report = success(&import(&folder, "users.csv", &text, &["--skip-invalid"]));
    assert!(report.contains("line 2: \"a@example.com\": deleted_at is set"), "{report}");
    let disabled: Vec<_> = listed(&folder)
        .into_iter()
        .filter(|user| !user["disabled_at"].is_null())
        .map(|user| user["email"].clone())
        .collect();
    assert!(disabled.len() == 2 && !disabled.contains(&json!("d@example.com")), "{disabled:?}");
}

#[test]
fn control_characters_are_escaped_wherever_text_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let escape = "\u{1b}]0;owned\u{7}\u{9b}31m\u{7f}";
    let csv = format!(
        "email,password,{escape}\n{escape}@example.com,{BCRYPT},1\na@example.com,{BCRYPT},1\n"
    );
    let line = json!({"email": "b@example.com", "password": BCRYPT, "id": escape, escape: 1});
    let twice =
        format!("{{\"{escape}\":1,\"{escape}\":2}}").replace(['\u{1b}', '\u{7}'], "\\u001b");
    let lines = format!("{line}\n{twice}\n");
    let columns = format!("email,password,{escape},email{escape}\n");
    for output in [
        import(&folder, "users.csv", &csv, &["--skip-invalid"]),
        import(&folder, "users.csv", &csv, &["--skip-invalid", "--json"]),
        import(&folder, "users.jsonl", &lines, &["--skip-invalid"]),
        import(&folder, "users.jsonl", &lines, &["--skip-invalid", "--json"]),
        import(&folder, "users.csv", &columns, &[]),
        import(&folder, &format!("{escape}.csv"), "email\n", &[]),
        users(&folder, &["import", &format!("absent{escape}.csv")]),
        users(&folder, &["show", escape]),
        users(&folder, &["show", "a", escape]),
        users(&folder, &[&format!("--{escape}")]),
        users(&folder, &["list", "--database", &format!("absent{escape}")]),
        users(&folder, &["export", "--output", &format!("absent{escape}/x")]),
        Operator::new(&folder).run("doctor", &["--database", &format!("absent{escape}")], ""),
        Operator::new(&folder).run(
            "doctor",
            &["--database", &format!("absent{escape}"), "--json"],
            "",
        ),
        Operator::new(&folder).run("keys", &["retire", escape], ""),
    ] {
        for bytes in [&output.stdout, &output.stderr] {
            let text = String::from_utf8(bytes.clone()).unwrap();
            let raw: Vec<_> = text.chars().filter(|c| c.is_control() && *c != '\n').collect();
            assert!(raw.is_empty(), "{raw:?} in {text:?}");
        }
        let printed = [output.stdout, output.stderr].concat();
        assert!(!printed.is_empty());
    }
}

#[test]
fn the_memory_budget_of_the_server_is_read_from_the_environment() {
    let output = command()
        .args(["users", "import", "users.csv"])
        .env("LATCHKEY_HASH_MEMORY", "256")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let line = String::from_utf8(output.stderr).unwrap();
    assert!(line.contains("--hash-memory") && line.contains("256MiB"), "{line}");
}

#[test]
fn an_invalid_file_is_an_error_that_says_how_to_fix_it() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text, fix) in [
        ("users.txt", "", "--format csv or json"),
        ("users.csv", "name,password\n", "column for the email address"),
        ("users.csv", "email,name\n", "password_hash or encrypted_password or password"),
        ("users.csv", "email,password,password_hash\n", "remove one"),
        ("users.json", "[\n\"hunter2\"", "line 2, column 9"),
    ] {
        let line = failure(&import(&folder, name, text, &[]));
        assert!(line.contains(fix) && !line.contains("hunter2"), "{line}");
    }
    let absent = failure(&users(&folder, &["import", "absent.csv"]));
    assert!(absent.contains("cannot read absent.csv"), "{absent}");
    for (name, text, fix) in [
        ("users.csv", "email,password\na@example.com\n", "1 column, but the first row has 2"),
        ("users.jsonl", "7\n", "not a JSON object"),
        ("users.jsonl", "\"hunter2\"\n", "not a JSON object"),
        ("users.jsonl", "{\"email\":[]}\n", "email is a list"),
        ("users.jsonl", "{\"password\":\"x\",\"password_hash\":\"x\"}\n", "more than one of"),
        ("users.jsonl", "{}\n", "no email address"),
        ("users.jsonl", "{\"email\":\"a@example.com\"}\n", "no password hash"),
    ] {
        let (report, _) = rejected(&import(&folder, name, text, &[]));
        assert!(report.contains("line 1: ") || report.contains("line 2: "), "{report}");
        assert!(report.contains(fix), "{report}");
    }
    assert!(!folder.path().join("latchkey.db").exists());
}
