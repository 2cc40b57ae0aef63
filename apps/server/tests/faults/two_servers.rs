//! Two servers on one database.

use std::thread;

use crate::load::use_until_signal;
use crate::server::{Server, bearer};
use crate::start::{PASSWORD, check_file, start};
use crate::user::{Processed, log_in, sign_up};

fn sign_up_all<'a>(server: &Server, emails: impl Iterator<Item = &'a String>) -> Vec<Processed> {
    emails.map(|email| sign_up(&server.address, email).unwrap()).collect()
}

#[test]
fn concurrent_sign_ups_with_one_email_address_create_one_account() {
    let folder = tempfile::tempdir().unwrap();
    let (here, there) = (start(&folder), start(&folder));
    let emails: Vec<_> = (0..40).map(|n| format!("person-{n}@example.com")).collect();
    let (first, second) = thread::scope(|scope| {
        let first = scope.spawn(|| sign_up_all(&here, emails.iter()));
        let mut second = sign_up_all(&there, emails.iter().rev());
        second.reverse();
        (first.join().unwrap(), second)
    });
    for ((email, first), second) in emails.iter().zip(first).zip(second) {
        let (first, second) = (first.status(), second.status());
        assert!(matches!((first, second), (201, 409) | (409, 201)), "{email}: {first}, {second}");
        assert_eq!(log_in(&here.address, email, PASSWORD).unwrap().status(), 200);
    }
    check_file(&folder);
}

#[test]
fn a_log_out_on_one_server_takes_effect_on_the_other_immediately() {
    let folder = tempfile::tempdir().unwrap();
    let (here, there) = (start(&folder), start(&folder));
    here.sign_up("ada@example.com", PASSWORD);
    for _ in 0..10 {
        let token = here.log_in("ada@example.com", PASSWORD);
        assert_eq!(there.me(&token).status, 200);
        assert_eq!(here.post("/api/logout", &bearer(&token), "{}").status, 204);
        assert_eq!(there.me(&token).code(), "invalid_token");
    }
}

#[test]
fn when_one_server_is_killed_the_other_sees_all_its_changes() {
    let folder = tempfile::tempdir().unwrap();
    let (here, mut there) = (start(&folder), start(&folder));
    let (mut users, sign_ups) = thread::scope(|scope| {
        let emails: Vec<_> = (0..60).map(|n| format!("steady-{n}@example.com")).collect();
        let steady =
            scope.spawn(|| sign_up_all(&here, emails.into_iter().collect::<Vec<_>>().iter()));
        let users = use_until_signal(&there, "there", 30, "KILL");
        (users, steady.join().unwrap())
    });
    assert_eq!(there.wait(), None, "it was killed");
    sign_ups.iter().for_each(Processed::assert_signed_up);
    for user in &mut users {
        user.check(&here);
    }
    check_file(&folder);
}
