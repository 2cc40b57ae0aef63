//! Changes that an operator makes while the servers run.

use super::{EMAIL, Servers, log_in, sign_up, try_log_in};
use crate::operator::{json, success};
use crate::server::Server;
use crate::start::PASSWORD;

#[test]
fn the_next_request_on_every_server_knows_what_an_operator_has_changed() {
    let servers = Servers::start();
    let all = &servers.all;
    let users = |arguments: &[&str], input: &str| {
        success(&servers.operator().users_with_input(arguments, input))
    };
    let assert_log_in = |password: &str, status: u16| {
        for server in all {
            assert_eq!(try_log_in(server, password).status, status);
        }
    };
    sign_up(&all[0], EMAIL);

    let session = log_in(&all[0]);
    session.assert_active(all);
    users(&["disable", EMAIL], "");
    session.assert_ended(all);
    assert_log_in(PASSWORD, 401);
    users(&["enable", EMAIL], "");
    assert_log_in(PASSWORD, 200);

    let session = log_in(&all[1]);
    session.assert_active(all);
    users(&["sign-out", EMAIL], "");
    session.assert_ended(all);

    let session = log_in(&all[2]);
    session.assert_active(all);
    let new = "a short walk along the river";
    users(&["set-password", EMAIL], new);
    session.assert_ended(all);
    assert_log_in(PASSWORD, 401);
    assert_log_in(new, 200);

    users(&["delete", EMAIL, "--yes"], "");
    assert_log_in(new, 401);
}

/// Returns the id of the key that signed a token.
fn kid(token: &str) -> String {
    jsonwebtoken::decode_header(token).unwrap().kid.unwrap()
}

/// Returns the ids of the published keys, newest first.
fn published(server: &Server) -> Vec<String> {
    let set = server.get("/.well-known/jwks.json").json();
    let keys = set["keys"].as_array().unwrap().iter();
    keys.map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_next_request_on_every_server_uses_a_new_key_and_rejects_a_retired_one() {
    let servers = Servers::start();
    let (all, operator) = (&servers.all, servers.operator());
    sign_up(&all[0], EMAIL);
    let mut session = log_in(&all[0]);
    for server in all {
        let old = kid(&session.token);
        let rotated = json(&operator.keys(&["rotate", "--now", "--json"]));
        let new = rotated["kid"].as_str().unwrap();
        let next = log_in(server);
        assert_eq!(kid(&next.token), new);
        next.assert_active(all);
        session.assert_active(all);
        for server in all {
            assert_eq!(published(server), [new, &old]);
            assert_eq!(kid(&log_in(server).token), new);
        }

        success(&operator.keys(&["retire", &old]));
        for server in all {
            assert_eq!(server.me(&session.token).code(), "invalid_token");
            assert_eq!(published(server), [new]);
        }
        next.assert_active(all);
        // Only the access token of the old session is rejected.
        assert_eq!(server.refresh(&session.cookie).status, 200);
        session = next;
    }
}
