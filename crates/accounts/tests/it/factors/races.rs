//! Concurrent requests on two servers. Each race is repeated, with a new service.

use std::sync::Barrier;
use std::thread;

use accounts::{
    Accounts, ChangePassword, CompleteSignInError, RecoveryCode, SecondFactor, SignIn,
    SignInOutcome, SignInWithPasskey,
};
use tokio::runtime::Handle;

use super::app::{FactorApp, caller, second_step_on};
use crate::app::{EMAIL, NEW_PASSWORD, PASSWORD};

const ROUNDS: usize = 5;

/// Runs a change and requests at the same time, each on a thread of its own. Which of them comes
/// first differs from call to call. The threads of the runtime do the rest of the work meanwhile.
fn race<A: Send, F>(
    change: impl Future<Output = A> + Send,
    requests: impl IntoIterator<Item = F>,
) -> (A, Vec<F::Output>)
where
    F: Future<Output: Send> + Send,
{
    let requests: Vec<_> = requests.into_iter().collect();
    let (runtime, start) = (&Handle::current(), &Barrier::new(1 + requests.len()));
    thread::scope(|scope| {
        let change = scope.spawn(move || run(runtime, start, change));
        let start_one = |request| scope.spawn(move || run(runtime, start, request));
        let requests: Vec<_> = requests.into_iter().map(start_one).collect();
        let results = requests.into_iter().map(|request| request.join().unwrap()).collect();
        (change.join().unwrap(), results)
    })
}

/// Runs requests at the same time, like [`race`]. Returns their results in the same order.
fn race_all<F>(requests: impl IntoIterator<Item = F>) -> Vec<F::Output>
where
    F: Future<Output: Send> + Send,
{
    race(async {}, requests).1
}

fn run<F: Future>(runtime: &Handle, start: &Barrier, request: F) -> F::Output {
    start.wait();
    runtime.block_on(request)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_ticket_opens_one_session_with_any_factors() {
    for _ in 0..ROUNDS {
        let (app, phone) = FactorApp::with_phone().await;
        let other = app.another_server().await;
        let required = app.first_step().await;
        let codes: Vec<_> = phone.recovery_codes[..7].iter().map(RecoveryCode::to_text).collect();
        let app_code = app.code(&phone);
        let factors = codes.iter().map(|code| SecondFactor::RecoveryCode(code));
        let factors = factors.chain([SecondFactor::Code(&app_code)]);
        let servers: [&Accounts; 2] = [&app, &other];
        let uses = factors.enumerate().map(|(n, factor)| {
            let server = servers[n % 2];
            second_step_on(server, &required, factor)
        });
        let results = race_all(uses);
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
        let is_void =
            |result: &Result<_, _>| matches!(result, Err(CompleteSignInError::InvalidTicket));
        assert_eq!(results.iter().filter(|result| is_void(result)).count(), 7);
        // The session that turned the second factor on was not replaced.
        let user = app.operator().user(EMAIL).await.unwrap();
        assert_eq!(app.operator().sessions(user.id).await.unwrap().len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_code_opens_one_session_with_any_tickets() {
    for _ in 0..ROUNDS {
        let (app, phone) = FactorApp::with_phone().await;
        let other = app.another_server().await;
        let mut tickets = Vec::new();
        for _ in 0..8 {
            tickets.push(app.first_step().await);
        }
        let (app_code, recovery_code) = (app.code(&phone), phone.recovery_codes[0].to_text());
        let factors = [SecondFactor::Code(&app_code), SecondFactor::RecoveryCode(&recovery_code)];
        let servers: [&Accounts; 2] = [&app, &other];
        let uses = tickets
            .iter()
            .enumerate()
            .map(|(n, required)| second_step_on(servers[n % 2], required, factors[n / 2 % 2]));
        let results = race_all(uses);
        let opened = results.iter().filter(|result| result.is_ok()).count();
        assert_eq!(opened, 2, "one with each code");
        let user = app.operator().user(EMAIL).await.unwrap();
        assert_eq!(app.operator().sessions(user.id).await.unwrap().len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_challenge_opens_one_session() {
    let app = FactorApp::new().await;
    let (soft, _) = app.add(&app.ada().await).await;
    let other = app.another_server().await;
    for _ in 0..ROUNDS {
        let credential = &soft.assert(&app.challenge(None).await);
        let caller = &caller();
        let request = SignInWithPasskey { credential, remember: false, caller, replaces: None };
        let servers: [&Accounts; 2] = [&app, &other];
        let results = race_all((0..8).map(|n| servers[n % 2].sign_in_with_passkey(request)));
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    }
}

/// If a sign-in with the password alone races with turning the second factor on, it requires the
/// second factor, or its session ends.
#[tokio::test(flavor = "multi_thread")]
async fn no_session_with_the_password_alone_outlives_turning_the_second_factor_on() {
    for _ in 0..ROUNDS {
        let app = FactorApp::new().await;
        let other = app.another_server().await;
        let ada = app.ada().await;
        let secret = app.begin_totp(&ada, &caller()).await.unwrap().secret;
        let code = secret.code_at(app.now()).to_text();
        let caller = &caller();
        let sign_ins = (0..10).map(|_| other.sign_in(SignIn::new(EMAIL, PASSWORD, caller)));
        let (confirmed, sign_ins) = race(app.confirm_totp(&ada, &code, caller), sign_ins);
        confirmed.unwrap();
        for outcome in sign_ins {
            if let SignInOutcome::SignedIn(tokens) = outcome.unwrap() {
                assert!(app.authenticate(tokens.access.token.as_str()).await.is_err());
            }
        }
        assert_eq!(app.operator().sessions(ada.id()).await.unwrap().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_second_step_with_the_old_password_outlives_a_change_of_the_password() {
    for _ in 0..ROUNDS {
        let (app, phone) = FactorApp::with_phone().await;
        let other = app.another_server().await;
        let ada = app.with_both_factors(&phone).await;
        let mut tickets = Vec::new();
        for _ in 0..8 {
            tickets.push(app.first_step().await);
        }
        let codes: Vec<_> = phone.recovery_codes.iter().map(RecoveryCode::to_text).collect();
        let caller = &caller();
        let change = ChangePassword {
            signed_in: &ada,
            current_password: PASSWORD,
            new_password: NEW_PASSWORD,
            caller,
        };
        let steps = tickets.iter().zip(&codes).map(|(required, code)| {
            second_step_on(&other, required, SecondFactor::RecoveryCode(code))
        });
        let (changed, steps) = race(app.change_password(change), steps);
        changed.unwrap();
        for tokens in steps.into_iter().flatten() {
            assert!(app.authenticate(tokens.access.token.as_str()).await.is_err());
        }
        assert_eq!(app.operator().sessions(ada.id()).await.unwrap().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_wrong_codes_are_compared_ten_times() {
    for _ in 0..ROUNDS {
        let (app, phone) = FactorApp::with_phone().await;
        let other = app.another_server().await;
        let (required, wrong) = (app.first_step().await, app.wrong_code(&phone));
        let servers: [&Accounts; 2] = [&app, &other];
        let tries =
            (0..30).map(|n| second_step_on(servers[n % 2], &required, SecondFactor::Code(&wrong)));
        let results = race_all(tries);
        let is_wrong =
            |result: &&Result<_, _>| matches!(result, Err(CompleteSignInError::CodeWrong));
        assert_eq!(results.iter().filter(is_wrong).count(), 10);
    }
}
