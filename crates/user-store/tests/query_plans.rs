//! The query plans of the SQLite statements, and the inner pages of the tables.
//!
//! These tests are a binary of their own, because they record the statements of the whole process.

#![cfg(feature = "sqlite")]
#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

#[path = "support/folder.rs"]
mod folder;

use std::collections::BTreeSet;

use rusqlite::Connection;
use user_store::conformance::{
    attempts, audit, decoys, factor_rows, factors, followers, imports, metadata, passkeys, refresh,
    repeats, roles, second_step, sessions, users,
};
use user_store::{SqliteStore, StatementRecord};

use folder::Folder;

impl Folder {
    /// Creates the file and opens a connection to it.
    fn create(&self) -> Connection {
        drop(SqliteStore::open(&self.path()).unwrap());
        Connection::open(self.path()).unwrap()
    }
}

/// Returns the steps of a query plan.
fn plan(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let steps = statement.raw_query().mapped(|row| row.get("detail"));
    steps.map(Result::unwrap).collect()
}

/// Runs an operation of almost every kind.
async fn run_all_operations() {
    macro_rules! run {
        ($($module:ident::$case:ident,)+) => {
            $($module::cases::$case(&Folder::new()).await;)+
        };
    }
    run! {
        users::an_account_is_found_by_id_and_by_email,
        users::accounts_are_listed_in_pages_in_the_order_of_their_ids,
        users::a_password_change_ends_all_other_sessions,
        users::a_user_deletes_their_account_and_everything_stored,
        users::enabling_a_disabled_account_restores_it,
        users::a_password_set_by_an_operator_ends_all_sessions,
        users::an_operator_deletes_an_account_and_everything_stored,
        imports::users_are_imported_unchanged,
        roles::a_change_of_roles_is_recorded_once_with_the_role,
        roles::a_sign_in_and_a_refresh_return_the_roles,
        metadata::the_two_values_are_set_and_removed_independently,
        metadata::metadata_is_imported_and_exported,
        sessions::a_sign_in_can_replace_the_password_hash,
        sessions::a_sign_in_ends_the_session_that_it_replaces,
        sessions::a_session_beyond_the_limit_ends_the_least_recently_used_one,
        sessions::a_session_can_be_ended_only_once,
        sessions::sessions_are_listed_with_their_clients,
        sessions::ending_other_sessions_keeps_the_acting_session_and_other_users_sessions,
        sessions::expired_sessions_are_purged_in_batches,
        refresh::a_refresh_token_is_replaced_by_every_use,
        repeats::a_repeat_is_recorded_once_a_day_for_each_ip_address,
        attempts::a_refund_does_not_count_and_a_success_clears_the_counter,
        attempts::expired_counters_are_purged,
        attempts::unlocking_an_account_resets_all_its_counters_and_no_others,
        attempts::lockouts_of_an_account_are_found,
        audit::a_user_sees_their_own_events_newest_first,
        audit::events_are_listed_in_pages_in_recording_order,
        audit::events_are_kept_for_90_days_and_then_purged,
        decoys::hashes_are_counted_once_a_day,
        factors::a_confirmed_app_turns_the_second_factor_on,
        factors::turning_the_second_factor_off_deletes_everything_except_passkeys,
        factor_rows::an_operator_resets_the_second_factor,
        factor_rows::unlocking_an_account_clears_the_wrong_codes,
        factor_rows::expired_ids_and_apps_are_purged_in_batches,
        followers::a_released_follower_is_claimed_at_its_position,
        second_step::each_step_of_an_app_opens_one_session,
        second_step::a_recovery_code_opens_one_session,
        passkeys::a_passkey_is_renamed_by_its_owner,
        passkeys::a_removed_passkey_is_unknown,
        passkeys::the_state_of_a_passkey_is_updated_by_its_use,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_statements_use_indexes_except_those_that_count_accounts() {
    let record = StatementRecord::start();
    run_all_operations().await;
    let statements: BTreeSet<String> = record.take().into_iter().collect();
    drop(record);
    let folder = Folder::new();
    let connection = folder.create();
    let is_planned = |sql: &&String| {
        ["SELECT", "INSERT", "UPDATE", "DELETE"].iter().any(|verb| sql.starts_with(verb))
    };
    // The other tables have few rows. The newest event is the first entry of its index.
    let tables = [
        "u",
        "users",
        "s",
        "sessions",
        "counters",
        "events",
        "totp",
        "pending_totp",
        "c",
        "recovery_codes",
        "l",
        "recovery_code_lists",
        "p",
        "passkeys",
        "code_failures",
        "used_ids",
        "m",
        "user_metadata",
    ];
    let reads_all = |step: &String| {
        tables.iter().any(|table| {
            *step == format!("SCAN {table}") || step.starts_with(&format!("SCAN {table} "))
        }) && step != "SCAN events USING COVERING INDEX events_by_time"
    };
    let planned: Vec<_> = statements.iter().filter(is_planned).collect();
    let slow: Vec<_> =
        planned.iter().filter(|sql| plan(&connection, sql).iter().any(reads_all)).collect();
    assert!(planned.len() >= 80, "too few operations ran: {planned:#?}");
    assert_eq!(
        slow,
        [
            "SELECT count(*) FROM users",
            "SELECT password_hash FROM users WHERE password_hash NOT GLOB '$pbkdf2-sha256$i=*'",
        ]
        .iter()
        .collect::<Vec<_>>()
    );

    let is_look_up = |sql: &&&String| {
        sql.contains("SELECT version FROM signing_key_set") && sql.contains("WHERE s.id = ?1")
    };
    let look_up = planned.iter().find(is_look_up).unwrap();
    assert_eq!(
        plan(&connection, look_up),
        [
            "SEARCH s USING COVERING INDEX sessions_by_id (id=?)",
            "SEARCH u USING INTEGER PRIMARY KEY (rowid=?)",
            "SCALAR SUBQUERY 1",
            "SCAN signing_key_set",
        ]
    );
}

/// The rows of both tables have about 300 bytes. If they were also in the inner pages, every
/// thirteenth page would be an inner page, and a lookup would often have to read one from the file.
#[test]
fn the_inner_pages_of_users_and_sessions_are_few() {
    let folder = Folder::new();
    let connection = folder.create();
    connection
        .execute_batch(
            "BEGIN;
             WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 20000)
             INSERT INTO users (id, email, email_key, password_hash, created_at)
             SELECT randomblob(16), 'user' || n || '@example.com', 'user' || n || '@example.com',
                 hex(zeroblob(50)), 0 FROM n;
             INSERT INTO sessions (id, user_number, created_at, last_used_at, idle_expires_at,
                 expires_at, remember, user_agent, refresh_family, refresh_token)
             SELECT randomblob(16), number, 0, 0, 0, 0, 0, hex(zeroblob(50)), randomblob(32),
                 randomblob(32) FROM users;
             COMMIT;",
        )
        .unwrap();
    for table in ["users", "sessions"] {
        let count = |pages: &str| -> i64 {
            let sql = "SELECT count(*) FROM dbstat WHERE name = ?1 AND pagetype = ?2";
            connection.query_row(sql, [table, pages], |row| row.get(0)).unwrap()
        };
        let (inner, leaf) = (count("internal"), count("leaf"));
        assert!(leaf > 500 && inner * 100 < leaf, "{table}: {inner} inner, {leaf} leaf pages");
    }
}
