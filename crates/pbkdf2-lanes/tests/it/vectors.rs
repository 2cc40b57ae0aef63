use hex_literal::hex;
use pbkdf2_lanes::{Job, Kernel, Plan, derive};

/// The output of the first test vector for PBKDF2-HMAC-SHA256 (RFC 7914, 11).
const ONE_ITERATION: [u8; 64] = hex!(
    "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
    "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783"
);
/// The output of the second test vector for PBKDF2-HMAC-SHA256 (RFC 7914, 11).
const EIGHTY_THOUSAND_ITERATIONS: [u8; 64] = hex!(
    "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56"
    "a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d"
);

#[test]
fn every_kernel_matches_the_vectors_of_rfc_7914() {
    for kernel in Kernel::available() {
        let (mut one, mut many) = ([0; 64], [0; 64]);
        derive(
            &mut [
                Job { password: b"passwd", salt: b"salt", iterations: 1, output: &mut one },
                Job { password: b"Password", salt: b"NaCl", iterations: 80_000, output: &mut many },
            ],
            &Plan::only(kernel).unwrap(),
        );
        assert_eq!((one, many), (ONE_ITERATION, EIGHTY_THOUSAND_ITERATIONS), "{kernel:?}");
    }
}

#[test]
fn empty_batches_and_empty_outputs_are_accepted() {
    derive(&mut [], &Plan::default());
    derive(
        &mut [Job { password: b"", salt: b"", iterations: 9, output: &mut [] }],
        &Plan::default(),
    );
}
