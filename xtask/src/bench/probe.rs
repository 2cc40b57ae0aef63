//! Measures the latency of requests at a fixed rate.
//!
//! A tool that waits for each response before it sends the next request sends fewer requests while
//! responses are slow (coordinated omission). Here, if a late response delays the next request, the
//! latency of that request is measured from the time at which it was due.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::client::Client;

/// Requests at a fixed rate.
pub(super) struct Probe<'a> {
    pub(super) address: &'a str,
    pub(super) path: &'a str,
    pub(super) token: &'a str,
    /// Requests per second.
    pub(super) rate: u32,
    pub(super) seconds: u32,
}

/// The number of connections. There are several, so that a slow response rarely delays the next
/// request.
const CONNECTIONS: u32 = 4;

impl Probe<'_> {
    /// Sends the requests. Returns their latencies in milliseconds.
    pub(super) fn run(&self) -> Result<Vec<f64>> {
        thread::scope(|scope| {
            let start = Instant::now() + Duration::from_millis(50);
            let threads: Vec<_> =
                (0..CONNECTIONS).map(|n| scope.spawn(move || self.send_share(start, n))).collect();
            let mut latencies = Vec::new();
            for thread in threads {
                latencies.extend(thread.join().ok().context("a thread panicked")??);
            }
            Ok(latencies)
        })
    }

    /// Sends the requests of one connection: every fourth request, beginning with `first`.
    fn send_share(&self, start: Instant, first: u32) -> Result<Vec<f64>> {
        raise_priority();
        let mut client = Client::connect(self.address)?;
        let mut latencies = Vec::new();
        let mut free_at = start;
        for n in (first..self.rate * self.seconds).step_by(CONNECTIONS as usize) {
            let due = start + Duration::from_secs(1) * n / self.rate;
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let began = if free_at > due { due } else { Instant::now() };
            let response = client.get(self.path, self.token)?;
            free_at = Instant::now();
            if !response.is_ok() {
                bail!("{} failed: {:?}", self.path, response.head);
            }
            latencies.push((free_at - began).as_secs_f64() * 1e3);
        }
        Ok(latencies)
    }
}

/// Gives this thread priority over the server's hashing, if the system permits it. Otherwise, the
/// time for which this thread waits for a processor would count as latency. Real clients do not
/// have this wait, because they run on other machines.
fn raise_priority() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(None, -20);
}
