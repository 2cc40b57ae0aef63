//! Sessions over real connections, restarts included.

use crate::server::{Server, bearer, credentials};

const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "a long walk along the sea";
/// The origin is in the tokens, and must not change with the port.
const OPTIONS: [&str; 2] = ["--public-url", "https://auth.example.com"];

fn log_in(server: &Server, headers: &str) -> crate::server::Answer {
    server.post("/api/token", headers, &credentials(EMAIL, PASSWORD))
}

#[test]
fn a_renewal_survives_kill_9_and_its_lost_answer_is_given_again() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder, &OPTIONS);
    server.sign_up(EMAIL, PASSWORD);
    let first = log_in(&server, "").cookie();
    let lost = server.refresh(&first);
    assert_eq!(lost.status, 200);
    drop(server);
    let server = Server::start(&folder, &OPTIONS);
    let again = server.refresh(&first);
    assert_eq!((again.status, again.cookie()), (200, lost.cookie()));
    assert_eq!(server.me(&again.access_token()).status, 200);
}

#[test]
fn a_token_that_was_used_before_the_restart_is_a_copy_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder, &OPTIONS);
    server.sign_up(EMAIL, PASSWORD);
    let first = log_in(&server, "").cookie();
    let second = server.refresh(&first).cookie();
    let third = server.refresh(&second);
    drop(server);
    let server = Server::start(&folder, &OPTIONS);
    assert_eq!(server.refresh(&first).code(), "invalid_refresh_token");
    assert_eq!(server.me(&third.access_token()).code(), "invalid_token");
    assert_eq!(server.refresh(&third.cookie()).code(), "invalid_refresh_token");
    assert!(server.log().contains("a refresh token was used again"));
}

#[test]
fn twenty_renewals_at_once_on_two_servers_get_one_successor() {
    let folder = tempfile::tempdir().unwrap();
    let (here, there) = (Server::start(&folder, &OPTIONS), Server::start(&folder, &OPTIONS));
    here.sign_up(EMAIL, PASSWORD);
    let first = log_in(&here, "").cookie();
    let answers = std::thread::scope(|scope| {
        let renewals: Vec<_> = (0..20)
            .map(|n| (if n % 2 == 0 { &here } else { &there }, &first))
            .map(|(server, first)| scope.spawn(move || server.refresh(first)))
            .collect();
        renewals.into_iter().map(|renewal| renewal.join().unwrap()).collect::<Vec<_>>()
    });
    for answer in &answers {
        assert_eq!((answer.status, answer.cookie()), (200, answers[0].cookie()));
        assert_eq!(here.me(&answer.access_token()).status, 200);
    }
}

#[test]
fn the_cookie_is_secure_where_the_service_is() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder, &OPTIONS);
    server.sign_up(EMAIL, PASSWORD);
    let cookie = log_in(&server, "").header("set-cookie").unwrap().to_owned();
    assert!(cookie.starts_with("__Host-latchkey_refresh=") && cookie.contains("; Secure"));
    drop(server);
    let server = Server::start(&folder, &[]);
    let cookie = log_in(&server, "").header("set-cookie").unwrap().to_owned();
    assert!(cookie.starts_with("latchkey_refresh=") && !cookie.contains("Secure"));
}

#[test]
fn a_session_is_shown_with_the_address_and_the_name_of_its_browser() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder, &[]);
    server.sign_up(EMAIL, PASSWORD);
    // Headers that anybody can send are not believed.
    let issued = log_in(&server, "user-agent: Browser/1.0\r\nx-forwarded-for: 203.0.113.1\r\n");
    let listed = server.request("GET", "/api/sessions", &bearer(&issued.access_token())).json();
    let session = &listed["sessions"][0];
    assert_eq!(
        (&session["ip"], &session["user_agent"]),
        (&"127.0.0.1".into(), &"Browser/1.0".into())
    );
}

#[test]
fn short_limits_hold() {
    let folder = tempfile::tempdir().unwrap();
    let limits = ["--session-idle-timeout", "1m", "--session-lifetime", "2m"];
    let server = Server::start(&folder, &limits);
    server.sign_up(EMAIL, PASSWORD);
    let issued = log_in(&server, "");
    assert_eq!(issued.json()["expires_in"], 60, "an access token does not outlive its session");
}
