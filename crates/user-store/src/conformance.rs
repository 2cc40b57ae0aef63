//! What every [`Store`] must do, as tests that run on any backend.
//!
//! A backend implements [`Deployment`] and calls [`conformance_tests!`](crate::conformance_tests)
//! in a test file of its own; each function here becomes one test.

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    missing_docs,
    reason = "these functions are the bodies of tests, and their names say what they demand"
)]

mod administration;
mod attempts;
mod keys;
mod moving;
mod passwords;
mod refresh;
mod sessions;
mod trail;
mod users;

pub use administration::*;
pub use attempts::*;
pub use keys::*;
pub use moving::*;
pub use passwords::*;
pub use refresh::*;
pub use sessions::*;
pub use trail::*;
pub use users::*;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use auth_core::{
    ClientInfo, DecoyPosition, Email, NewPassword, PasswordHash, PasswordHasher, PasswordPolicy,
    RefreshToken, Session, SessionId, SessionPolicy, SystemRandom, Timestamp, UserId,
};

use crate::{
    ActingSession, Credentials, EndSessionsOutcome, Event, EventKind, NewSession,
    OpenSessionOutcome, Store, User,
};

/// One fresh, empty store that any number of servers can be connected to.
#[async_trait]
pub trait Deployment: Send + Sync {
    /// What a server that starts now gets: each call is another server on the same store.
    async fn connect(&self) -> Arc<dyn Store>;
}

/// Makes one test of each requirement. The argument is an expression that makes a fresh
/// [`Deployment`]; the caller needs `tokio` with its macros.
#[macro_export]
macro_rules! conformance_tests {
    ($fresh:expr) => {
        $crate::conformance_tests! { $fresh;
            an_account_is_found_under_every_spelling_of_its_address
            what_was_typed_is_what_is_kept
            what_looks_like_a_statement_is_kept_as_text
            an_address_is_taken_once
            an_address_without_an_account_gets_the_hash_of_the_next
            users_of_another_system_are_taken_over_as_they_are
            of_a_list_with_one_user_who_is_there_none_is_taken_over
            of_two_lists_with_one_address_one_is_taken_over
            of_twenty_sign_ups_with_one_address_one_succeeds
            an_unknown_address_is_none
            an_account_is_found_by_its_id_and_by_its_address
            accounts_are_listed_in_pages_in_the_order_they_were_made
            everything_that_is_held_is_told_at_once
            an_opened_session_is_found_with_its_user
            a_session_is_not_found_at_its_end
            a_session_that_is_not_used_is_not_found_at_its_idle_end
            an_ended_session_is_gone_at_once_on_every_server
            a_session_ends_once
            a_session_is_ended_by_its_own_user_alone
            of_twenty_log_outs_one_ends_the_session
            ending_one_session_leaves_the_others
            all_sessions_but_one_end_and_no_other_users
            of_sessions_that_end_each_other_at_once_one_is_left
            what_is_over_is_not_ended_once_more
            the_sessions_of_a_user_are_listed_with_where_they_are_used_from
            a_log_in_ends_the_session_whose_place_it_takes
            a_log_in_ends_no_session_of_another_user
            what_is_over_gives_way_to_nothing
            one_session_too_many_ends_the_one_used_last_the_longest_ago
            what_is_over_is_removed_in_batches_and_nothing_else
            no_session_is_opened_with_a_password_that_is_no_longer_in_force
            opening_a_session_can_renew_the_hash
            of_log_ins_that_renew_the_hash_at_once_all_succeed
            no_session_is_opened_for_an_account_that_is_not_there
            a_refresh_token_renews_its_session_and_is_replaced
            renewal_moves_the_idle_end_and_never_the_absolute_one
            a_token_that_is_not_known_renews_nothing
            a_session_that_is_over_is_not_renewed
            of_twenty_uses_at_once_one_rotates_and_all_get_one_successor
            a_token_that_was_just_used_is_repeated_after_a_restart
            a_token_that_is_used_again_too_late_ends_the_session
            a_token_whose_successor_was_used_ends_the_session
            a_replaced_token_of_any_age_ends_the_session
            a_renewal_that_races_with_a_log_out_leaves_no_session
            a_renewal_tells_where_the_session_is_used_from
            a_session_is_known_by_any_of_its_refresh_tokens
            a_changed_password_is_in_force_and_ends_all_other_sessions
            a_password_is_changed_by_who_knows_the_one_in_force
            a_word_holds_though_the_hash_of_the_password_was_renewed
            no_password_is_changed_in_a_session_that_is_over
            of_twenty_changes_at_once_one_succeeds
            a_renewal_that_races_with_a_change_of_password_leaves_no_session
            log_ins_that_race_with_a_change_of_password_leave_no_session
            the_session_that_changes_the_password_can_be_renewed_meanwhile
            a_closed_account_is_gone_with_all_that_was_its
            no_account_is_closed_by_a_word_that_no_longer_holds
            a_disabled_account_has_no_session_and_gets_none
            log_ins_that_race_with_a_disabling_leave_no_session
            an_enabled_account_is_as_it_was_before
            a_password_that_is_set_ends_every_session
            a_deleted_account_is_gone
            the_first_server_makes_the_signing_key_and_the_others_get_it
            of_servers_that_start_at_once_all_get_one_signing_key
            attempts_are_counted_by_all_servers_together
            of_forty_attempts_at_once_no_more_begin_than_may_fail
            an_attempt_that_one_counter_refuses_changes_none
            what_was_given_back_does_not_count_and_a_success_clears
            counts_survive_a_restart
            counters_that_say_nothing_any_more_are_removed
            attempts_that_are_entered_in_another_order_than_they_began_are_all_settled
            the_key_that_was_made_last_signs_and_the_others_are_kept
            of_rotations_at_once_none_is_lost_and_all_servers_see_one_order
            a_retired_key_is_gone_and_the_one_that_signs_stays
            a_key_that_is_retired_twice_at_once_is_retired_once
            retiring_that_races_with_rotations_leaves_the_newest_key
            what_is_changed_is_told_with_it
            what_an_operator_does_is_told_as_that
            what_changes_nothing_is_told_of_nothing
            failures_are_told_and_that_the_next_have_to_wait
            a_user_sees_their_own_events_the_last_first
            all_events_are_read_in_pages_in_the_order_they_were_written
            of_a_deleted_account_its_deletion_is_told_and_nothing_else
            of_an_account_that_is_gone_nobody_is_told_of_afterwards
            an_account_that_is_deleted_twice_at_once_leaves_one_word_of_it
            events_are_kept_for_90_days_and_then_removed
            what_was_answered_survives_a_restart
            a_store_answers_a_ping
        }
    };
    ($fresh:expr; $($name:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let deployment = $fresh;
                $crate::conformance::$name(&deployment).await;
            }
        )+
    };
}

const NOW: Timestamp = Timestamp::constant(1_700_000_000, 123_000_000);
const SECOND: Duration = Duration::from_secs(1);

fn user(email: &str) -> User {
    User {
        id: UserId::generate(NOW, &SystemRandom),
        email: Email::parse(email).expect("an address"),
        created_at: NOW,
        disabled_at: None,
    }
}

/// Where all that is done here is done from.
fn client() -> ClientInfo {
    ClientInfo::new(Some([192, 0, 2, 1].into()), Some("Browser/1.0"))
}

fn creation(user: &User) -> Event {
    Event::by_user(EventKind::AccountCreated, user.created_at, client()).about(user.id)
}

fn hash() -> PasswordHash {
    let password = NewPassword::parse("a long walk", &PasswordPolicy::default(), &[]);
    let hasher = PasswordHasher::new(PasswordHasher::MIN_ITERATIONS).expect("enough");
    hasher.hash(&password.expect("a password"), &SystemRandom)
}

/// A session that is not opened yet, and its first refresh token.
fn new_session(user: &User) -> (NewSession, RefreshToken) {
    let token = RefreshToken::generate(&SystemRandom);
    let session = Session::open(user.id, NOW, false, &SessionPolicy::default(), &SystemRandom);
    (NewSession::new(session, client(), &token), token)
}

/// The password of this user that is in force.
async fn in_force(store: &dyn Store, user: &User) -> Credentials {
    store
        .credentials(user.email.key(), &DecoyPosition::default())
        .await
        .expect("an answer")
        .account()
        .expect("it is there")
}

/// Opens a session for a user whose password is right; answers which have ended for it.
async fn open_new(store: &dyn Store, user: &User, new: &NewSession) -> Vec<SessionId> {
    let verified = in_force(store, user).await.password_version;
    match store.open_session(new, verified, None).await.expect("an answer") {
        OpenSessionOutcome::Opened(ended) => ended,
        OpenSessionOutcome::CredentialsChanged => unreachable!("nobody has changed them"),
    }
}

async fn open(store: &dyn Store, user: &User) -> (Session, RefreshToken) {
    let (new, token) = new_session(user);
    open_new(store, user, &new).await;
    (new.session, token)
}

async fn signed_up(store: &dyn Store) -> (User, PasswordHash) {
    sign_up(store, "ada@example.com").await
}

async fn sign_up(store: &dyn Store, email: &str) -> (User, PasswordHash) {
    let (user, hash) = (user(email), hash());
    store.create_user(&user, &hash, &creation(&user)).await.expect("a free address");
    (user, hash)
}

async fn signed_in(store: &dyn Store) -> (User, Session) {
    let (user, _) = signed_up(store).await;
    let (session, _) = open(store, &user).await;
    (user, session)
}

async fn is_alive(store: &dyn Store, session: &Session) -> bool {
    store.session(session.id, NOW).await.expect("an answer").is_some()
}

fn acting(session: &Session) -> ActingSession {
    ActingSession { session: *session, client: client() }
}

/// Logs out; answers whether the session was alive.
async fn log_out(store: &dyn Store, session: &Session) -> bool {
    let ended = store.end_session(&acting(session), session.id, NOW).await.expect("an answer");
    ended == EndSessionsOutcome::Ended(1)
}

pub async fn what_was_answered_survives_a_restart(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (user, session) = signed_in(&*store).await;
    let key = first_key(&*store, &seed()).await;
    drop(store);
    let store = fresh.connect().await;
    let found = store.session(session.id, NOW).await.expect("an answer").expect("it is active");
    assert_eq!((found.session, found.user), (session, user));
    assert_eq!(first_key(&*store, &seed()).await, key);
}

pub async fn a_store_answers_a_ping(fresh: &dyn Deployment) {
    fresh.connect().await.ping().await.expect("an answer");
}
