//! The records that `latchkey users import` accepts, rejects and changes.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
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
fn uuids_of_any_version_are_kept_and_other_ids_are_replaced_and_reported() {
    let app = TestApp::new();
    let v4 = "f47ac10b-58cc-4372-a567-0e02b2c3d479";
    let text = format!(
        "id,email,password\n{v4},a@example.com,{BCRYPT}\n\
         6BA7B8109DAD11D180B400C04FD430C8,b@example.com,{BCRYPT}\n\
         7,c@example.com,{BCRYPT}\n\
         00000000-0000-0000-0000-000000000000,d@example.com,{BCRYPT}\n"
    );
    let dry = json_output(&import(&app.folder, "users.csv", &text, &["--dry-run", "--json"]));
    assert_eq!(
        (&dry["notes"][0]["old_id"], &dry["notes"][0]["new_id"]),
        (&json!("7"), &json!(null))
    );
    let report = json_output(&import(&app.folder, "users.csv", &text, &["--json"]));
    let notes = report["notes"].as_array().unwrap();
    assert_eq!(notes.len(), 2);
    let accounts = listed(&app.folder);
    let id = |email: &str| {
        let user = accounts.iter().find(|user| user["email"] == email).unwrap();
        user["id"].as_str().unwrap().to_owned()
    };
    assert_eq!(id("a@example.com"), v4);
    assert_eq!(id("b@example.com"), "6ba7b810-9dad-11d1-80b4-00c04fd430c8");
    assert_eq!(
        (&notes[0]["old_id"], &notes[0]["new_id"]),
        (&json!("7"), &json!(id("c@example.com")))
    );
    assert_eq!((&notes[0]["line"], &notes[0]["email"]), (&json!(4), &json!("c@example.com")));
    assert_eq!(notes[1]["new_id"], json!(id("d@example.com")));
    assert!(notes[1]["note"].as_str().unwrap().contains("the nil or the max UUID"));

    // An account with an id of another version is like any other.
    assert_eq!(log_in(&app, "a@example.com", PASSWORD), 200);
    let shown = success(&users(&app.folder, &["show", &v4.to_uppercase()]));
    assert!(shown.contains("a@example.com"), "{shown}");
    let out = success(&users(&app.folder, &["export"]));
    let copy = tempfile::tempdir().unwrap();
    let again = json_output(&import(&copy, "users.jsonl", &out, &["--json"]));
    assert_eq!(again["notes"], json!([]));
    assert_eq!(success(&users(&copy, &["export"])), out);
}

#[test]
fn an_id_that_occurs_twice_is_reported_with_its_first_place() {
    let folder = tempfile::tempdir().unwrap();
    let id = "f47ac10b-58cc-4372-a567-0e02b2c3d479";
    let text =
        format!("id,email,password\n{id},a@example.com,{BCRYPT}\n{id},b@example.com,{BCRYPT}\n");
    let (report, _) = rejected(&import(&folder, "users.csv", &text, &[]));
    assert!(report.contains("line 3: \"b@example.com\": the same id as in line 2"), "{report}");
}

#[test]
fn two_records_cannot_have_the_same_id_of_the_other_system() {
    let folder = tempfile::tempdir().unwrap();
    let map = folder.path().join("ids.csv");
    let nil = "00000000-0000-0000-0000-000000000000";
    let text = format!(
        "id,email,password\n5,a@example.com,{BCRYPT}\n 5,b@example.com,{BCRYPT}\n\
         05,c@example.com,{BCRYPT}\n{nil},d@example.com,{BCRYPT}\n\
         {},e@example.com,{BCRYPT}\n,f@example.com,{BCRYPT}\n,g@example.com,{BCRYPT}\n",
        nil.replace('-', ""),
    );
    let skip = ["--skip-invalid", "--id-map", map.to_str().unwrap()];
    let report = success(&import(&folder, "users.csv", &text, &skip));
    assert!(report.contains("line 3: \"b@example.com\": the same id as in line 2"), "{report}");
    assert!(report.contains("line 6: \"e@example.com\": the same id as in line 5"), "{report}");
    assert!(report.contains("read 7 records, skipped 2\n"), "{report}");
    let written = fs::read_to_string(map).unwrap();
    let old_ids: Vec<_> = written.lines().map(|row| row.split(',').next().unwrap()).collect();
    assert_eq!(old_ids, ["old_id", "5", "05", nil, "", ""]);
}

/// As floating-point numbers, the first two would be equal.
#[test]
fn large_ids_in_json_are_kept_exactly_and_fractions_are_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let map = folder.path().join("ids.csv");
    let ids = ["18446744073709551617", "18446744073709551618", "-7", "5", "\"5\"", "5.0", "true"];
    let lines: String = (1..)
        .zip(ids)
        .map(|(number, id)| {
            let email = format!("{number}@example.com");
            format!(r#"{{"email":"{email}","password":"{BCRYPT}","id":{id}}}"#) + "\n"
        })
        .collect();
    let lines = lines + r#"{"model":"auth.user","pk":1e3,"fields":{"email":"x@example.com"}}"#;
    let skip = ["--skip-invalid", "--id-map", map.to_str().unwrap()];
    let report = success(&import(&folder, "users.jsonl", &lines, &skip));
    for expected in [
        "line 5: \"5@example.com\": the same id as in line 4",
        "line 6: id is neither a string nor an integer",
        "line 7: id is neither a string nor an integer",
        "line 8: pk is neither a string nor an integer",
    ] {
        assert!(report.contains(expected), "{expected}\n{report}");
    }
    let written = fs::read_to_string(map).unwrap();
    let old_ids: Vec<_> = written.lines().map(|row| row.split(',').next().unwrap()).collect();
    assert_eq!(old_ids, ["old_id", ids[0], ids[1], ids[2], ids[3]]);
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

/// Returns a record of Django's `dumpdata`.
fn django(key: u32, email: &str, password: &str, more: &serde_json::Value) -> serde_json::Value {
    let mut record = json!({"model": "auth.user", "pk": key, "fields": {
        "username": format!("user{key}"), "email": email, "password": password,
        "is_superuser": key == 1, "groups": [], "is_active": true}});
    let fields = record["fields"].as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    record
}

fn names(folder: &tempfile::TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn the_id_map_has_the_imported_accounts_only_and_is_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    // A stranger has signed up with the email address of the first user.
    let stranger = json!({"email": "ada@example.com", "password": BCRYPT}).to_string();
    success(&import(&folder, "stranger.jsonl", &stranger, &[]));
    let uuid = "F47AC10B-58CC-4372-A567-0E02B2C3D479";
    let dump = json!([
        django(1, "ada@example.com", BCRYPT, &json!({})),
        django(2, "Grace@example.com", BCRYPT, &json!({})),
        {"email": "mary@example.com", "password": BCRYPT, "id": uuid},
        {"email": "joan@example.com", "password": BCRYPT},
    ])
    .to_string();
    let map = folder.path().join("ids.csv");
    let option = ["--id-map", map.to_str().unwrap()];
    let before = [names(&folder), vec!["users.json".to_owned()]].concat();
    let (report, _) = rejected(&import(&folder, "users.json", &dump, &option));
    assert!(report.contains("record 1: \"ada@example.com\": an account with"), "{report}");
    assert_eq!(names(&folder), before, "a rejected import leaves no map");

    let skip = [&option[..], &["--skip-invalid", "--json"]].concat();
    let report = json_output(&import(&folder, "users.json", &dump, &skip));
    assert_eq!((&report["imported"], &report["refused"][0]["old_id"]), (&json!(3), &json!("1")));
    let id = |email: &str| {
        let user = listed(&folder).into_iter().find(|user| user["email"] == email).unwrap();
        user["id"].as_str().unwrap().to_owned()
    };
    let written = fs::read_to_string(&map).unwrap();
    let (grace, joan) = (id("Grace@example.com"), id("joan@example.com"));
    assert_eq!(
        written,
        format!(
            "old_id,id,email\n2,{grace},Grace@example.com\n\
             {uuid},{},mary@example.com\n,{joan},joan@example.com\n",
            uuid.to_lowercase()
        )
    );
    assert_eq!(fs::metadata(&map).unwrap().permissions().mode() & 0o777, 0o600);

    // The same import again.
    let line = failure(&import(&folder, "users.json", &dump, &skip));
    assert!(line.contains("ids.csv: the file already exists"), "{line}");
    assert_eq!(fs::read_to_string(&map).unwrap(), written);
    let absent = folder.path().join("absent/ids.csv");
    let option = ["--id-map", absent.to_str().unwrap()];
    let one = django(9, "jean@example.com", BCRYPT, &json!({})).to_string();
    let line = failure(&import(&folder, "one.json", &one, &option));
    assert!(line.contains("check that the folder exists"), "{line}");
    assert_eq!(listed(&folder).len(), 4, "nothing is imported without its map");
    assert!(names(&folder).iter().all(|name| !name.contains("unfinished")));
}

#[test]
fn the_id_map_of_an_import_that_failed_in_the_database_is_kept_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let one = |name: &str| json!({"email": name, "password": BCRYPT, "id": 7}).to_string();
    success(&import(&folder, "first.jsonl", &one("ada@example.com"), &[]));
    let database = rusqlite::Connection::open(folder.path().join("latchkey.db")).unwrap();
    database
        .execute_batch(
            "CREATE TRIGGER fault AFTER INSERT ON users BEGIN SELECT RAISE(ABORT, 'a fault'); END",
        )
        .unwrap();
    let map = folder.path().join("ids.csv");
    let option = ["--id-map", map.to_str().unwrap()];
    let line = failure(&import(&folder, "users.jsonl", &one("grace@example.com"), &option));
    assert!(line.contains("unknown whether the accounts were imported: "), "{line}");
    let kept: Vec<_> =
        names(&folder).into_iter().filter(|name| name.contains("unfinished-id-map")).collect();
    let [kept] = &kept[..] else { panic!("{kept:?}") };
    assert!(line.contains(&*folder.path().join(kept).to_string_lossy()), "{line}");
    let written = fs::read_to_string(folder.path().join(kept)).unwrap();
    let rows: Vec<_> = written.lines().collect();
    assert!(rows.len() == 2 && rows[1].starts_with("7,"), "{written}");
    assert!(rows[1].ends_with(",grace@example.com"), "{written}");
}

#[test]
fn a_dry_run_recommends_an_id_map_and_writes_none() {
    let folder = tempfile::tempdir().unwrap();
    let dump = django(7, "ada@example.com", BCRYPT, &json!({})).to_string();
    let report = success(&import(&folder, "users.json", &dump, &["--dry-run"]));
    assert!(
        report.contains("would replace 1 id; use --id-map FILE to save the old and new ids"),
        "{report}"
    );
    let report = success(&import(&folder, "users.json", &dump, &[]));
    assert!(!report.contains("would"), "{report}");
    let both = import(&folder, "users.json", &dump, &["--dry-run", "--id-map", "ids.csv"]);
    assert_eq!(both.status.code(), Some(2));
}

#[test]
fn users_of_django_that_cannot_log_in_by_email_address_are_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let none = json!({});
    let dump = json!([
        django(1, "ada@example.com", BCRYPT, &json!({"roles": ["admin", "staff"]})),
        django(2, "", BCRYPT, &none),
        django(3, "grace@example.com", "!Xb2Zk0qJ", &none),
        django(4, "ADA@example.com", BCRYPT, &none),
    ])
    .to_string();
    let (report, line) = rejected(&import(&folder, "users.json", &dump, &[]));
    for expected in [
        "record 2: no email address",
        "record 3: \"grace@example.com\": not a password hash",
        "record 4: \"ADA@example.com\": the same email address as in record 1",
        "ignored fields: groups, is_superuser, username",
    ] {
        assert!(report.contains(expected), "{expected}\n{report}");
    }
    assert!(line.contains("3 of 4 records"), "{line}");
    let report = json_output(&import(&folder, "users.json", &dump, &["--skip-invalid", "--json"]));
    let refused = report["refused"].as_array().unwrap();
    let old_ids: Vec<_> = refused.iter().map(|record| &record["old_id"]).collect();
    assert_eq!(old_ids, ["2", "3", "4"]);
    assert_eq!(listed(&folder)[0]["roles"], json!(["admin", "staff"]));
}
