use auth_core::{
    HashJob, HashOutcome, InvalidPasswordHash, LanePlan, NewPassword, Password, PasswordHash,
    PasswordHasher, PasswordPolicy, SystemRandom, Verification,
};
use proptest::prelude::*;

const TEXT: &str = "a long walk along the sea";

/// The PBKDF2-HMAC-SHA256 of "correct horse" with the salt "saltsaltsaltsalt" and 1,000 iterations,
/// computed by another implementation (Python's hashlib).
const PYTHON_HASH: &str =
    "$pbkdf2-sha256$i=1000,l=32$c2FsdHNhbHRzYWx0c2FsdA$BBs+1+PaslLtBPULUr8/lQicvVuHiEPMz0i8MjLCbzM";

fn hasher(iterations: u32) -> PasswordHasher {
    PasswordHasher::new(iterations).unwrap()
}

fn hash(iterations: u32) -> PasswordHash {
    let password = NewPassword::parse(TEXT, &PasswordPolicy::default(), &[]).unwrap();
    hasher(iterations).hash(&password, &SystemRandom)
}

#[test]
fn the_default_is_600_000_iterations_16_bytes_of_salt_and_32_of_output() {
    let password = NewPassword::parse(TEXT, &PasswordPolicy::default(), &[]).unwrap();
    let stored = PasswordHasher::default().hash(&password, &SystemRandom).to_text();
    let fields: Vec<_> = stored.split('$').collect();
    assert_eq!(fields[..3], ["", "pbkdf2-sha256", "i=600000,l=32"]);
    assert_eq!((fields[3].len(), fields[4].len()), (22, 43), "unpadded base64 of 16 and 32 bytes");
}

#[test]
fn a_hash_is_unchanged_by_writing_and_parsing() {
    let stored = hash(1_000);
    assert_eq!(stored.to_text().parse::<PasswordHash>().unwrap(), stored);
}

#[test]
fn every_hash_has_its_own_salt() {
    assert_ne!(hash(1_000), hash(1_000));
}

#[test]
fn a_hash_of_another_implementation_is_verified() {
    let stored: PasswordHash = PYTHON_HASH.parse().unwrap();
    let verify = |text| hasher(1_000).verify(&Password::new(text), Some(&stored));
    assert_eq!(verify("correct horse"), Verification::Match);
    assert_eq!(verify("correct horsf"), Verification::Mismatch);
    assert_eq!(stored.to_text(), PYTHON_HASH);
}

#[test]
fn a_weaker_hash_matches_and_is_outdated() {
    let stored = hash(1_000);
    let verify = |iterations| hasher(iterations).verify(&Password::new(TEXT), Some(&stored));
    assert_eq!(verify(1_000), Verification::Match);
    assert_eq!(verify(1_001), Verification::MatchOutdated);
}

#[test]
fn a_stronger_hash_is_not_outdated() {
    let stored = hash(2_000);
    assert_eq!(hasher(1_000).verify(&Password::new(TEXT), Some(&stored)), Verification::Match);
}

#[test]
fn a_rehashed_password_still_matches() {
    let password = Password::new(TEXT);
    let rehashed = hasher(2_000).rehash(&password, &SystemRandom);
    assert_eq!(hasher(2_000).verify(&password, Some(&rehashed)), Verification::Match);
}

#[test]
fn a_password_padded_with_u_0000_does_not_match() {
    let padded = Password::new(format!("{TEXT}\0"));
    assert_eq!(hasher(1_000).verify(&padded, Some(&hash(1_000))), Verification::Mismatch);
}

#[test]
fn a_verification_without_a_hash_never_matches() {
    assert_eq!(hasher(1_000).verify(&Password::new(TEXT), None), Verification::Mismatch);
}

/// Compares the shortest of many measurements. They are interleaved, so that a busy machine slows
/// all of them equally.
#[test]
fn every_mismatch_costs_the_same_work() {
    let verify = |stored: Option<&PasswordHash>| {
        let _ = hasher(10_000).verify(&Password::new("wrong"), stored);
    };
    assert_costs_the_same_work(verify);
    let run = |stored: Option<&PasswordHash>| {
        let job = HashJob::verification(Password::new("wrong"), stored.cloned());
        let _ = hasher(10_000).run(&[job], &LanePlan::default());
    };
    assert_costs_the_same_work(run);
}

#[expect(clippy::disallowed_methods, reason = "this test measures a ratio of two durations")]
fn assert_costs_the_same_work(verify: impl Fn(Option<&PasswordHash>)) {
    let kinds = [None, Some(hash(1_000)), Some(hash(5_000)), Some(hash(10_000))];
    let mut shortest = [f64::INFINITY; 4];
    for _ in 0..60 {
        for (shortest, stored) in shortest.iter_mut().zip(&kinds) {
            let start = std::time::Instant::now();
            verify(stored.as_ref());
            *shortest = shortest.min(start.elapsed().as_secs_f64());
        }
    }
    for (time, stored) in shortest.iter().zip(&kinds).skip(1) {
        let ratio = time / shortest[0];
        let iterations = stored.as_ref().unwrap().iterations();
        assert!((0.6..1.6).contains(&ratio), "{iterations:?} iterations stored: {ratio}");
    }
}

#[test]
fn hashes_with_invalid_parameters_or_in_another_spelling_are_rejected() {
    for text in [
        "",
        "plain text",
        &PYTHON_HASH.replace("i=1000,", ""),
        &PYTHON_HASH.replace("i=1000,l=32$", ""),
        &PYTHON_HASH.replace("i=1000", "i=1000,i=2000"),
        &PYTHON_HASH.replace("i=1000,l=32", "l=32,i=1000"),
        &PYTHON_HASH.replace(",l=32", ""),
        &PYTHON_HASH.replace("i=1000", "i=01000"),
        &PYTHON_HASH.replace("i=1000", "i=999"),
        &PYTHON_HASH.replace("i=1000", "i=10000001"),
        &PYTHON_HASH.replace("i=1000", "i=4294967296"),
        // An output of two SHA-256 digests takes twice the work.
        &format!("$pbkdf2-sha256$i=5000001,l=64$c2FsdHNhbHRzYWx0c2FsdA${}", "A".repeat(86)),
        &PYTHON_HASH.replace("l=32", "l=31"),
        &PYTHON_HASH.replace("sha256", "sha512"),
        &PYTHON_HASH[..PYTHON_HASH.len() - 44],
    ] {
        assert!(text.parse::<PasswordHash>().is_err(), "{text}");
    }
    assert!(PasswordHasher::new(999).is_err());
    assert!(PasswordHasher::new(10_000_001).is_err());
}

#[test]
fn a_hash_in_the_format_of_this_crate_that_was_cut_short_is_damaged() {
    for length in "$pbkdf2-sha256$i=".len()..PYTHON_HASH.len() {
        let error = PYTHON_HASH[..length].parse::<PasswordHash>().unwrap_err();
        assert_eq!(error, InvalidPasswordHash::Damaged, "{length}");
    }
    let changed = PYTHON_HASH.replace("l=32", "l=31").parse::<PasswordHash>();
    assert_eq!(changed, Err(InvalidPasswordHash::Damaged));
}

#[test]
fn debug_output_does_not_contain_the_hash() {
    assert_eq!(format!("{:?}", hash(1_000)), "PasswordHash(…)");
}

proptest! {
    #[test]
    fn parsing_a_hash_never_panics(text in any::<String>()) {
        let _ = text.parse::<PasswordHash>();
    }

    #[test]
    fn a_wrong_password_never_matches(text in ".{1,40}") {
        prop_assume!(Password::new(text.clone()).as_str() != TEXT);
        let stored: PasswordHash = PYTHON_HASH.parse().unwrap();
        let verification = hasher(1_000).verify(&Password::new(text), Some(&stored));
        prop_assert_eq!(verification, Verification::Mismatch);
    }
}

#[test]
fn jobs_of_all_kinds_run_together_and_each_has_its_own_outcome() {
    let (weak, strong) = (hash(1_000), hash(3_000));
    let verify = |text, stored: &PasswordHash| {
        HashJob::verification(Password::new(text), Some(stored.clone()))
    };
    let new = NewPassword::parse(TEXT, &PasswordPolicy::default(), &[]).unwrap();
    let jobs = [
        verify(TEXT, &strong),
        verify("another text", &weak),
        HashJob::new_password(&new, &SystemRandom),
        verify(TEXT, &weak),
        HashJob::verification(Password::new(TEXT), None),
        HashJob::rehash(Password::new(TEXT), &SystemRandom),
        verify(&format!("{TEXT}\0"), &weak),
    ];
    let hasher = hasher(2_000);
    for plan in [LanePlan::default(), LanePlan::single()] {
        let outcomes = hasher.run(&jobs, &plan);
        let [
            HashOutcome::Verified(Verification::Match),
            HashOutcome::Verified(Verification::Mismatch),
            HashOutcome::Hashed(new),
            HashOutcome::Verified(Verification::MatchOutdated),
            HashOutcome::Verified(Verification::Mismatch),
            HashOutcome::Hashed(rehashed),
            HashOutcome::Verified(Verification::Mismatch),
        ] = outcomes.as_slice()
        else {
            panic!("{outcomes:?}");
        };
        assert_ne!(new, rehashed);
        for stored in [new, rehashed] {
            assert_eq!(hasher.verify(&Password::new(TEXT), Some(stored)), Verification::Match);
        }
    }
}

#[test]
fn debug_output_of_a_job_does_not_contain_the_password() {
    let job = HashJob::verification(Password::new(TEXT), Some(hash(1_000)));
    assert_eq!(format!("{job:?}"), "HashJob(…)");
}
