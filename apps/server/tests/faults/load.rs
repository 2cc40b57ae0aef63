//! Concurrent users.

use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

use crate::server::Server;
use crate::user::User;

const CLIENTS: usize = 6;

/// Lets clients use the server, and sends it a signal after this number of acknowledged requests.
/// Returns all users who have begun to sign up.
pub(crate) fn use_until_signal(
    server: &Server,
    name: &str,
    acknowledgments: usize,
    signal: &str,
) -> Vec<User> {
    let (sender, acknowledged) = mpsc::channel();
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|n| (format!("{name}-{n}"), sender.clone()))
            .map(|(name, sender)| scope.spawn(move || client(&server.address, &name, &sender)))
            .collect();
        drop(sender);
        for _ in 0..acknowledgments {
            acknowledged.recv_timeout(Duration::from_secs(60)).unwrap();
        }
        server.signal(signal);
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    })
}

/// Acts as one user after another, until a response is lost.
fn client(address: &str, name: &str, acknowledged: &Sender<()>) -> Vec<User> {
    let mut users = Vec::new();
    loop {
        let mut user = User::new(format!("{name}-{}@example.com", users.len()));
        let completed = user.use_service(address, acknowledged);
        users.push(user);
        if completed.is_none() {
            return users;
        }
    }
}

/// Returns the number of acknowledged requests before the signal. It varies, so that each round
/// interrupts different requests.
pub(crate) fn acknowledgments(round: usize) -> usize {
    5 + round * 17 % 90
}
