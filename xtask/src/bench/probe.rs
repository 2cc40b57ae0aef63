//! How long requests take that come at a fixed rate, whatever the answers do.
//!
//! A tool that waits for an answer before it sends the next request asks least when the
//! answers are slowest. Here a request that is sent late because the one before was answered
//! late counts from when it was due.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::client::Client;

pub(super) struct Probe<'a> {
    pub(super) address: &'a str,
    pub(super) path: &'a str,
    pub(super) token: &'a str,
    pub(super) per_second: u32,
    pub(super) seconds: u32,
}

/// Enough for a slow answer to be waited for while others are asked for.
const CONNECTIONS: u32 = 4;

impl Probe<'_> {
    /// The times of all answers, in milliseconds.
    pub(super) fn run(&self) -> Result<Vec<f64>> {
        thread::scope(|scope| {
            let start = Instant::now() + Duration::from_millis(50);
            let threads: Vec<_> =
                (0..CONNECTIONS).map(|n| scope.spawn(move || self.ask(start, n))).collect();
            let mut times = Vec::new();
            for thread in threads {
                times.extend(thread.join().ok().context("a thread panicked")??);
            }
            Ok(times)
        })
    }

    /// Sends every fourth request.
    fn ask(&self, start: Instant, first: u32) -> Result<Vec<f64>> {
        go_first();
        let mut client = Client::connect(self.address)?;
        let (mut times, mut free) = (Vec::new(), start);
        for n in (first..self.per_second * self.seconds).step_by(CONNECTIONS as usize) {
            let due = start + Duration::from_secs(1) * n / self.per_second;
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let began = if free > due { due } else { Instant::now() };
            let answer = client.get(self.path, self.token)?;
            free = Instant::now();
            if !answer.is_ok() {
                bail!("{} was answered {:?}", self.path, answer.head);
            }
            times.push((free - began).as_secs_f64() * 1e3);
        }
        Ok(times)
    }
}

/// Real clients have machines of their own: where it may, this thread does not wait for the
/// processor while passwords are hashed on it, which would be taken for the server's time.
fn go_first() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(None, -20);
}
