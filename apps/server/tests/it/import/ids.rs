//! The ids of imported users, and the map of them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Output;

use serde_json::json;

use crate::app::{PASSWORD, TestApp};
use crate::operator::{failure, json as json_output, success};
use crate::transfer::{BCRYPT, import, listed, log_in, rejected, users};

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
    let failed = import(&folder, "users.jsonl", &one("grace@example.com"), &option);
    assert_is_map_of_grace(&kept_map(&folder, &failed));
}

/// The database fails before the command knows which accounts exist. If the map contained one of
/// them, it would seem that all others were imported, too.
#[test]
fn the_id_map_of_an_import_that_failed_has_no_account_of_an_earlier_import() {
    let folder = tempfile::tempdir().unwrap();
    let uuid = "f47ac10b-58cc-4372-a567-0e02b2c3d479";
    let ada = json!({"email": "ada@example.com", "password": BCRYPT, "id": uuid}).to_string();
    success(&import(&folder, "first.jsonl", &ada, &[]));
    let grace = json!({"email": "grace@example.com", "password": BCRYPT, "id": 7}).to_string();
    let database = rusqlite::Connection::open(folder.path().join("latchkey.db")).unwrap();
    // Other connections can read, but not write.
    database.execute_batch("BEGIN IMMEDIATE").unwrap();
    let map = folder.path().join("ids.csv");
    let options = ["--skip-invalid", "--id-map", map.to_str().unwrap()];
    let failed = import(&folder, "users.jsonl", &format!("{ada}\n{grace}\n"), &options);
    assert_is_map_of_grace(&kept_map(&folder, &failed));
}

/// Returns the map that an import has kept because its outcome is unknown.
#[track_caller]
fn kept_map(folder: &tempfile::TempDir, failed: &Output) -> String {
    let line = failure(failed);
    assert!(line.contains("unknown whether the accounts were imported: "), "{line}");
    let kept: Vec<_> =
        names(folder).into_iter().filter(|name| name.contains("unfinished-id-map")).collect();
    assert_eq!(kept.len(), 1, "{kept:?}");
    let path = folder.path().join(&kept[0]);
    assert!(line.contains(&*path.to_string_lossy()), "{line}");
    fs::read_to_string(path).unwrap()
}

#[track_caller]
fn assert_is_map_of_grace(map: &str) {
    let rows: Vec<_> = map.lines().collect();
    assert!(rows.len() == 2 && rows[1].starts_with("7,"), "{map}");
    assert!(rows[1].ends_with(",grace@example.com"), "{map}");
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
