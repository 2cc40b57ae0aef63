use std::time::{Duration, Instant};

use pbkdf2_lanes::{Job, Kernel, Plan, derive};

/// A loop that mixes the two encodings of vector instructions is a hundred times slower than
/// one that does not, and right all the same.
#[test]
fn no_kernel_is_slower_than_one_by_one_by_more_than_an_accident_explains() {
    let one_by_one = shortest(Kernel::Portable);
    for kernel in Kernel::available() {
        let each = shortest(kernel) / u32::try_from(kernel.lanes()).unwrap();
        assert!(each < 8 * one_by_one, "{kernel:?}: {each:?} against {one_by_one:?}");
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
        #[expect(clippy::disallowed_methods, reason = "this is about time")]
        let began = Instant::now();
        derive(&mut jobs, &plan);
        began.elapsed()
    });
    runs.min().unwrap()
}
