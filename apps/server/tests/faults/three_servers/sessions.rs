//! Sessions that are opened, refreshed and ended on different servers.

use super::{EMAIL, Servers, Session, at_once, log_in, sign_up, try_log_in};
use crate::server::{bearer, credentials};
use crate::start::PASSWORD;

#[test]
fn a_session_works_on_every_server_until_it_ends_on_one() {
    let servers = Servers::start();
    for round in 0..3 {
        let [first, second, third] = servers.in_order(round);
        let email = format!("user-{round}@example.com");
        sign_up(first, &email);
        let answer = second.post("/api/token", "", &credentials(&email, PASSWORD));
        let session = Session::from_answer(&answer);
        session.assert_active(&servers.all);
        assert_eq!(third.post("/api/logout", &bearer(&session.token), "{}").status, 204);
        session.assert_ended(&servers.all);
    }
}

#[test]
fn concurrent_refreshes_on_three_servers_get_the_same_successor() {
    let servers = Servers::start();
    sign_up(&servers.all[0], EMAIL);
    let mut session = log_in(&servers.all[1]);
    for round in 0..20 {
        let answers = at_once(servers.in_order(round), |server| server.refresh(&session.cookie));
        let refreshed: Vec<_> = answers.iter().map(Session::from_answer).collect();
        for other in &refreshed {
            assert_eq!(other.cookie, refreshed[0].cookie);
            assert_ne!(other.cookie, session.cookie);
            other.assert_active(&servers.all);
        }
        session = refreshed.into_iter().next().unwrap();
    }
    let listed = servers.all[2].request("GET", "/api/sessions", &bearer(&session.token)).json();
    assert_eq!(listed["sessions"].as_array().unwrap().len(), 1, "{listed}");
}

#[test]
fn a_refresh_token_that_is_reused_on_another_server_ends_the_session() {
    let servers = Servers::start();
    let [first, second, third] = servers.in_order(0);
    sign_up(first, EMAIL);
    let original = log_in(first);
    let refreshed = Session::from_answer(&second.refresh(&original.cookie));
    let latest = Session::from_answer(&third.refresh(&refreshed.cookie));
    latest.assert_active(&servers.all);
    assert_eq!(first.refresh(&original.cookie).code(), "invalid_refresh_token");
    latest.assert_ended(&servers.all);
}

#[test]
fn concurrent_password_changes_on_three_servers_succeed_once_and_end_the_other_sessions() {
    let servers = Servers::start();
    sign_up(&servers.all[0], EMAIL);
    let mut current = PASSWORD.to_owned();
    for round in 0..5 {
        let open = |server| Session::from_answer(&try_log_in(server, &current));
        let sessions = servers.in_order(round).map(open);
        let change = |number: usize| {
            let new = format!("{PASSWORD}, walk {round}.{number}");
            let body = serde_json::json!({"current_password": current, "new_password": new});
            let (server, session) = (&servers.all[number], &sessions[number]);
            let bearer = bearer(&session.token);
            let answer = server.send_json("PUT", "/api/me/password", &bearer, &body.to_string());
            (answer.status, new)
        };
        let changes = std::thread::scope(|scope| {
            [0, 1, 2]
                .map(|number| scope.spawn(move || change(number)))
                .map(|change| change.join().unwrap())
        });
        let winners: Vec<_> = (0..3).filter(|number| changes[*number].0 == 204).collect();
        let [winner] = winners[..] else { unreachable!("{changes:?}") };
        for (number, session) in sessions.iter().enumerate() {
            match number == winner {
                true => session.assert_active(&servers.all),
                false => session.assert_ended(&servers.all),
            }
        }
        for server in &servers.all {
            assert_eq!(try_log_in(server, &current).status, 401);
        }
        current = changes[winner].1.clone();
    }
}
