//! Many people at once.

use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

use crate::person::Person;
use crate::server::Server;

const CLIENTS: usize = 6;

/// Lets clients use the server until so many of their requests were acknowledged, and then
/// sends it a signal in the midst of it. Answers everybody who has begun to sign up.
pub(crate) fn until_signalled(
    server: &Server,
    name: &str,
    acknowledgments: usize,
    signal: &str,
) -> Vec<Person> {
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

/// Is one person after the other, until an answer is lost.
fn client(address: &str, name: &str, acknowledged: &Sender<()>) -> Vec<Person> {
    let mut people = Vec::new();
    loop {
        let mut person = Person::new(format!("{name}-{}@example.com", people.len()));
        let went_on = person.go_about(address, acknowledged);
        people.push(person);
        if went_on.is_none() {
            return people;
        }
    }
}

/// So many acknowledgments that a signal meets something else in every round.
pub(crate) fn acknowledgments(round: usize) -> usize {
    5 + round * 17 % 90
}
