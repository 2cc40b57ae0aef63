//! Second factors in a SQLite file.

use auth_core::{ClientInfo, SystemRandom, TotpSecret};
use rusqlite::Connection;
use user_store::{
    ActingSession, BeginTotpOutcome, CodeThrottle, ConfirmTotp, ConfirmTotpOutcome,
    FactorStore as _, SqliteStore, User, UserStore as _,
};

use super::{Folder, NOW, ada, creation, hash, open_session};

/// Turns the second factor of a new user on.
async fn turn_on(store: &SqliteStore) -> User {
    let user = ada();
    store.create_user(&user, &hash(), &creation(&user), None).await.unwrap();
    let client = ClientInfo::default();
    let session = open_session(store, &user, &client).await.0;
    let acting = ActingSession { session, client };
    let secret = TotpSecret::generate(&SystemRandom);
    let end = session.idle_expires_at;
    let begun = store.begin_totp(&acting, &secret, end, NOW).await.unwrap();
    assert_eq!(begun, BeginTotpOutcome::Stored);
    let confirmation = ConfirmTotp {
        code: secret.code_at(NOW),
        recovery_codes: vec![],
        throttle: CodeThrottle::Enforced,
        notice: None,
    };
    let confirmed = store.confirm_totp(&acting, &confirmation, NOW).await.unwrap();
    assert_eq!(confirmed, ConfirmTotpOutcome::TurnedOn);
    user
}

/// Inserts a session. If `amr` is `None`, does it like a server that does not know second factors.
fn insert_session(
    connection: &Connection,
    created_at: i64,
    amr: Option<&str>,
) -> rusqlite::Result<usize> {
    let (column, value) = match amr {
        Some(amr) => (", amr", format!(", '{amr}'")),
        None => ("", String::new()),
    };
    connection.execute(
        &format!(
            "INSERT INTO sessions (
                 id, user_number, created_at, last_used_at, idle_expires_at, expires_at, remember,
                 refresh_family, refresh_token{column}
             ) SELECT randomblob(16), number, ?1, ?1, ?1, ?1, 0, randomblob(32), randomblob(32){value}
             FROM users"
        ),
        [created_at],
    )
}

#[tokio::test]
async fn the_file_accepts_no_session_without_the_second_factor_while_it_is_on() {
    let folder = Folder::new();
    let store = folder.open();
    turn_on(&store).await;
    let connection = folder.sql();
    let on = NOW.as_millisecond();
    for amr in [None, Some("pwd"), Some("otp"), Some("pwd otp")] {
        // The clock of a server of an earlier version may be behind.
        for created_at in [on - 1, on, on + 1] {
            let error = insert_session(&connection, created_at, amr).unwrap_err().to_string();
            assert_eq!(error, "the second factor of the account is on", "{amr:?}");
        }
    }
    for amr in ["pwd otp mfa", "pwd pop mfa", "pop user mfa"] {
        assert_eq!(insert_session(&connection, on, Some(amr)), Ok(1));
    }
    connection.execute("UPDATE users SET second_factor_at = NULL", []).unwrap();
    assert_eq!(insert_session(&connection, on, None), Ok(1));
}

#[tokio::test]
async fn a_deleted_account_leaves_no_row() {
    let folder = Folder::new();
    let store = folder.open();
    let user = turn_on(&store).await;
    let connection = folder.sql();
    let tables = [
        "totp",
        "pending_totp",
        "recovery_codes",
        "recovery_code_lists",
        "passkeys",
        "code_failures",
    ];
    connection
        .execute_batch(
            "INSERT INTO pending_totp SELECT number, randomblob(20), 1 FROM users;
             INSERT INTO recovery_codes SELECT randomblob(32), number FROM users;
             INSERT INTO passkeys SELECT randomblob(16), number, x'01', x'02', 'Key', 0, 0, 0, 1, NULL
             FROM users;
             INSERT INTO code_failures SELECT number, NULL, NULL FROM users;",
        )
        .unwrap();
    let count = |table: &str| -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        connection.query_row(&sql, [], |row| row.get(0)).unwrap()
    };
    for table in tables {
        assert_eq!(count(table), 1, "{table}");
    }
    let _ = store.delete_user(user.id, None, NOW).await.unwrap();
    for table in tables {
        assert_eq!(count(table), 0, "{table}");
    }
}

#[tokio::test]
async fn a_backup_contains_the_second_factor_and_no_app_that_is_being_set_up() {
    let folder = Folder::new();
    let store = folder.open();
    let user = turn_on(&store).await;
    let pending = TotpSecret::generate(&SystemRandom);
    let sql = "INSERT INTO pending_totp SELECT number, ?1, 1 FROM users";
    folder.sql().execute(sql, [pending.as_bytes()]).unwrap();
    let path = folder.0.path().join("copy.db");
    store.backup(&path).await.unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert!(!bytes.windows(20).any(|window| window == pending.as_bytes()));
    let copy = SqliteStore::open(&path).unwrap();
    let factors = store.factors(user.id).await.unwrap();
    assert_eq!(factors.second_factor_at, Some(NOW));
    assert!(factors.totp.is_some());
    assert_eq!(copy.factors(user.id).await.unwrap(), factors);
}
