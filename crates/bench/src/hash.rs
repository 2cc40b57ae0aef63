use std::hint::black_box;

use clap::ValueEnum;
use pbkdf2::sha2::Sha256;
use serde_json::json;

use crate::{Outcome, answer, time};

/// How passwords are hashed.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Way {
    /// With the `pbkdf2` crate, one after the other.
    Crate,
}

/// Hashes once, on one core, and tells how long it took.
pub(crate) fn measure(way: Way, lanes: usize, iterations: u32) -> Outcome<()> {
    // A core that was idle takes a moment to reach its speed.
    run(way, lanes, iterations / 10);
    let began = time();
    run(way, lanes, iterations);
    answer(&json!({ "seconds": began.elapsed().as_secs_f64() }))
}

fn run(way: Way, lanes: usize, iterations: u32) {
    let password = black_box(b"a long walk along the sea");
    match way {
        Way::Crate => (0..lanes).for_each(|n| {
            let salt = [u8::try_from(n).unwrap_or_default(); 16];
            let mut output = [0; 32];
            pbkdf2::pbkdf2_hmac::<Sha256>(password, &salt, iterations, &mut output);
            black_box(output);
        }),
    }
}
