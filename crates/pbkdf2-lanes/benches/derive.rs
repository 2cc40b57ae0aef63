//! Measures how long it takes to hash one password or several: `cargo bench -p pbkdf2-lanes`.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use pbkdf2::pbkdf2_hmac_array;
use pbkdf2::sha2::Sha256;
use pbkdf2_lanes::{Job, Kernel, Plan, derive};

/// A hundredth of the default number of iterations in `auth-core`.
const ITERATIONS: u32 = 6_000;

fn main() {
    divan::main();
}

#[divan::bench]
fn pbkdf2_crate() -> [u8; 32] {
    pbkdf2_hmac_array::<Sha256, 32>(
        black_box(b"a long walk along the sea"),
        b"0123456789abcdef",
        ITERATIONS,
    )
}

#[divan::bench(args = Kernel::available())]
fn one_kernel(bencher: Bencher<'_, '_>, kernel: Kernel) {
    let plan = Plan::only(kernel).unwrap_or_default();
    bencher.counter(ItemsCount::new(kernel.lanes())).bench(|| hash(kernel.lanes(), &plan));
}

#[divan::bench(args = [1, 2, 4, 8, 16])]
fn default_plan(bencher: Bencher<'_, '_>, count: usize) {
    bencher.counter(ItemsCount::new(count)).bench(|| hash(count, &Plan::default()));
}

fn hash(count: usize, plan: &Plan) -> Vec<[u8; 32]> {
    let mut outputs = vec![[0; 32]; count];
    let mut jobs: Vec<_> = outputs
        .iter_mut()
        .map(|output| Job {
            password: black_box(b"a long walk along the sea"),
            salt: b"0123456789abcdef",
            iterations: ITERATIONS,
            output,
        })
        .collect();
    derive(&mut jobs, plan);
    outputs
}
