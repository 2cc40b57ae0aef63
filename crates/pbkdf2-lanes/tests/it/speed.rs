use std::time::{Duration, Instant};

use pbkdf2_lanes::{Job, Kernel, Plan, derive};

/// Code that mixes the legacy and the AVX encoding of vector instructions computes correct outputs
/// but is a hundred times slower.
#[test]
fn no_kernel_is_eight_times_slower_than_the_portable_one() {
    let portable = shortest(Kernel::Portable);
    for kernel in Kernel::available() {
        let each = shortest(kernel) / u32::try_from(kernel.lanes()).unwrap();
        assert!(each < 8 * portable, "{kernel:?}: {each:?}, portable: {portable:?}");
    }
}

fn shortest(kernel: Kernel) -> Duration {
    let plan = Plan::only(kernel).unwrap();
    let mut outputs = vec![[0; 32]; kernel.lanes()];
    let runs = (0..9).map(|_| {
        let mut jobs: Vec<_> = outputs
            .iter_mut()
            .map(|output| Job { password: b"password", salt: b"salt", iterations: 500, output })
            .collect();
        #[expect(clippy::disallowed_methods, reason = "this test measures durations")]
        let start = Instant::now();
        derive(&mut jobs, &plan);
        start.elapsed()
    });
    runs.min().unwrap()
}
