//! Tests of password hashes from other systems. `tests/data/make_foreign_hashes.py` generates the
//! hashes.

use auth_core::{
    HashJob, HashOutcome, InvalidPasswordHash, LanePlan, NewPassword, Password, PasswordHash,
    PasswordHasher, PasswordPolicy, SystemRandom, Verification, VerifyPasswordError, hash_password,
    needs_rehash, verify_password,
};
use proptest::prelude::*;
use serde_json::Value;

const HASHES: &str = include_str!("../data/foreign_hashes.json");

/// Returns each hash: the library that computed it, the password, and the hash as text.
fn foreign_hashes() -> Vec<(String, String, String)> {
    let entries: Vec<Value> = serde_json::from_str(HASHES).unwrap();
    let text = |entry: &Value, name: &str| entry[name].as_str().unwrap().to_owned();
    let fields = |entry: &Value| (text(entry, "by"), text(entry, "password"), text(entry, "hash"));
    entries.iter().map(fields).collect()
}

fn parse(text: &str) -> Result<PasswordHash, InvalidPasswordHash> {
    text.parse()
}

fn verify(password: &str, hash: &PasswordHash) -> Verification {
    PasswordHasher::new(1_000).unwrap().verify(&Password::new(password), Some(hash))
}

/// Returns the outcome for a correct password. bcrypt ignores all but the first 72 bytes.
fn matching(password: &str, hash: &PasswordHash) -> Verification {
    let text = hash.to_text();
    let is_plain_bcrypt = text.starts_with("$2") || text.starts_with("bcrypt$");
    match is_plain_bcrypt && password.len() >= 72 {
        true => Verification::Match,
        false => Verification::MatchOutdated,
    }
}

#[test]
fn hashes_from_other_systems_match_and_are_outdated() {
    for (by, password, text) in foreign_hashes() {
        let hash = parse(&text).unwrap_or_else(|error| panic!("{by}: {text}: {error}"));
        let expected = matching(&password, &hash);
        assert_eq!(verify(&password, &hash), expected, "{by}: {text}");
        assert_eq!(hash.to_text(), text);
        assert_eq!(hash.iterations(), None);
        assert_eq!(needs_rehash(&password, &text), expected == Verification::MatchOutdated);
    }
}

#[test]
fn a_wrong_password_does_not_match_a_foreign_hash() {
    for (by, password, text) in foreign_hashes() {
        let hash = parse(&text).unwrap();
        let shorter = &password[..password.len() - 1 - usize::from(!password.is_ascii()) * 3];
        for wrong in ["", "A long walk along the sea", shorter, &format!("{shorter}x")] {
            // bcrypt ignores all but the first 72 bytes of a password.
            if wrong.len() < 72 || matching(&password, &hash) == Verification::MatchOutdated {
                assert_eq!(verify(wrong, &hash), Verification::Mismatch, "{by}: {text}: {wrong}");
            }
        }
        let with_nul = format!("{password}\0");
        assert_eq!(verify(&with_nul, &hash), Verification::Mismatch, "{by}: {text}");
    }
}

/// bcrypt ignores everything after 72 bytes. If a password with another end replaced the hash, the
/// real password would not match any more. A password of exactly 72 bytes can be the beginning of
/// a longer one.
#[test]
fn a_bcrypt_hash_is_kept_unless_the_whole_password_is_known() {
    let long = "0123456789".repeat(8);
    let (_, _, hash) = foreign_hashes()
        .into_iter()
        .find(|(_, password, text)| *password == long && text.starts_with("$2b$"))
        .unwrap();
    let hash_of_71: PasswordHash =
        "$2b$04$abcdefghijklmnopqrstuukow.iL/GuIgNNTSpCKVqIJG617.YQsi".parse().unwrap();
    let long_hash = parse(&hash).unwrap();
    for password in [&*long, &long[..72], &format!("{}another end", &long[..72])] {
        assert_eq!(verify(password, &long_hash), Verification::Match, "{password}");
        assert!(!needs_rehash(password, &hash));
    }
    assert_eq!(verify(&long[..71], &long_hash), Verification::Mismatch);
    assert_eq!(verify(&long[..71], &hash_of_71), Verification::MatchOutdated);
    assert_eq!(verify(&long[..72], &hash_of_71), Verification::Mismatch);
}

/// Every hash except one of plain bcrypt depends on all bytes of the password.
#[test]
fn a_password_with_another_end_does_not_match() {
    for (by, password, text) in foreign_hashes() {
        let hash = parse(&text).unwrap();
        if matching(&password, &hash) == Verification::MatchOutdated {
            let other_end = format!("{password}x");
            assert_eq!(verify(&other_end, &hash), Verification::Mismatch, "{by}: {text}");
        }
    }
}

#[test]
fn the_test_data_covers_every_algorithm() {
    let mut algorithms: Vec<_> =
        foreign_hashes().iter().map(|(_, _, text)| parse(text).unwrap().algorithm()).collect();
    algorithms.sort_unstable();
    algorithms.dedup();
    let expected = [
        "argon2d",
        "argon2i",
        "argon2id",
        "bcrypt",
        "firebase-scrypt",
        "pbkdf2-sha1",
        "pbkdf2-sha256",
        "pbkdf2-sha512",
        "scrypt",
    ];
    assert_eq!(algorithms, expected);
}

/// This crate normalises `é` to one code point. Other systems may have hashed two.
#[test]
fn a_password_is_also_verified_as_it_was_typed() {
    let (composed, decomposed) = ("caf\u{e9} au lait \u{1f347}", "cafe\u{301} au lait \u{1f347}");
    let is_tested = |(by, password, _): &(String, String, String)| {
        !password.is_ascii() && !by.starts_with("flask-security")
    };
    for (by, password, text) in foreign_hashes().into_iter().filter(is_tested) {
        let hash = parse(&text).unwrap();
        let typed = verify(decomposed, &hash);
        assert_eq!(typed, Verification::MatchOutdated, "{by}: {text}");
        let as_composed = (password == composed).then_some(Verification::MatchOutdated);
        let expected = as_composed.unwrap_or(Verification::Mismatch);
        assert_eq!(verify(composed, &hash), expected, "{by}: {text}");
    }
}

/// Flask-Security normalises passwords to NFKD.
#[test]
fn every_spelling_of_a_password_matches_a_hash_of_flask_security() {
    let spellings = ["caf\u{e9} au lait \u{1f347}", "cafe\u{301} au lait \u{1f347}"];
    let is_tested = |(by, password, _): &(String, String, String)| {
        !password.is_ascii() && by.starts_with("flask-security")
    };
    let hashes: Vec<_> = foreign_hashes().into_iter().filter(is_tested).collect();
    assert_eq!(hashes.len(), 6);
    for (_, _, text) in hashes {
        let hash = parse(&text).unwrap();
        for spelling in spellings {
            assert_eq!(verify(spelling, &hash), Verification::MatchOutdated, "{text}");
        }
        let (_, inner) = text.strip_prefix("flask-security$").unwrap().split_once('$').unwrap();
        let other_salt = parse(&format!("flask-security$AAAA${inner}")).unwrap();
        assert_eq!(verify(spellings[0], &other_salt), Verification::Mismatch, "{text}");
    }
}

#[test]
fn a_batch_may_contain_hashes_of_all_kinds() {
    let hasher = PasswordHasher::new(1_000).unwrap();
    let new = NewPassword::parse("a swim in the river", &PasswordPolicy::default(), &[]).unwrap();
    let native = hasher.hash(&new, &SystemRandom);
    let mut jobs = Vec::new();
    let mut expected = Vec::new();
    for (_, password, text) in foreign_hashes().into_iter().take(40) {
        let hash = parse(&text).unwrap();
        let outcome = matching(&password, &hash);
        let hash = Some(hash);
        jobs.push(HashJob::verification(Password::new(&*password), hash.clone()));
        jobs.push(HashJob::verification(
            Password::new("a swim in the river"),
            Some(native.clone()),
        ));
        jobs.push(HashJob::verification(Password::new("wrong"), hash));
        expected.extend([outcome, Verification::Match, Verification::Mismatch]);
    }
    let outcomes = hasher.run(&jobs, &LanePlan::default());
    let expected: Vec<_> = expected.into_iter().map(HashOutcome::Verified).collect();
    assert_eq!(outcomes, expected);
}

#[test]
fn a_decoy_never_matches() {
    let hasher = PasswordHasher::new(1_000).unwrap();
    let new = NewPassword::parse("a swim in the river", &PasswordPolicy::default(), &[]).unwrap();
    let native = ("a swim in the river".to_owned(), hasher.hash(&new, &SystemRandom));
    let foreign =
        foreign_hashes().into_iter().map(|(_, password, text)| (password, parse(&text).unwrap()));
    for (password, hash) in foreign.take(40).chain([native]) {
        let decoy = HashJob::decoy(Password::new(password), Some(hash));
        let outcomes = hasher.run(&[decoy], &LanePlan::default());
        assert_eq!(outcomes, [HashOutcome::Verified(Verification::Mismatch)]);
    }
}

#[test]
fn insecure_hashes_are_rejected() {
    for text in [
        "md5$salt$5f4dcc3b5aa765d61d8327deb882cf99",
        "sha1$salt$5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8",
        "unsalted_md5$$5f4dcc3b5aa765d61d8327deb882cf99",
        "5f4dcc3b5aa765d61d8327deb882cf99",
        "5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8",
        "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8",
        "$1$salt$qJH7.N4xYta3aEG/dfqo/0",
        "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=",
        "pbkdf2:sha256:1000$$e0d887524f408d05717eea8f539ddc68d356c822e90ada9f1fb1c09770db8d5c",
    ] {
        assert_eq!(parse(text), Err(InvalidPasswordHash::Insecure), "{text}");
    }
}

#[test]
fn too_expensive_hashes_are_rejected() {
    let salt = "c2FsdHNhbHRzYWx0c2FsdA";
    let output = "BBs+1+PaslLtBPULUr8/lQicvVuHiEPMz0i8MjLCbzM";
    let hex = "0".repeat(64);
    for text in [
        format!("pbkdf2:sha256:10000001$salt${hex}"),
        format!("pbkdf2_sha256$4294967295$salt${output}="),
        "$2b$17$pp7DJ.MIf4srVUHa1UX3X.JqNWxV3F6hGjlr00Kc9pL06tKpuM3Fe".to_owned(),
        format!("$argon2id$v=19$m=262145,t=1,p=1${salt}${output}"),
        format!("$argon2id$v=19$m=65536,t=33,p=1${salt}${output}"),
        format!("$argon2id$v=19$m=65536,t=1,p=65${salt}${output}"),
        format!("scrypt:524288:8:1$salt${hex}"),
        format!("scrypt:32768:8:1000$salt${hex}"),
        // The output of the first PBKDF2, 128·r·p bytes, is in memory too.
        format!("scrypt:2:8:524288$salt${hex}"),
        format!("scrypt:2:8:263166$salt${hex}"),
        format!("scrypt:262144:8:9$salt${hex}"),
        format!("scrypt:16:8:131072$salt${hex}"),
        format!("scrypt:2147483648:4294967295:4294967295$salt${hex}"),
        // PBKDF2 runs all iterations for each digest in the output.
        format!("pbkdf2:sha1:5000001$salt${}", "0".repeat(80)),
        format!("pbkdf2:sha256:5000001$salt${}", "0".repeat(128)),
        format!("$scrypt$ln=31,r=8,p=1${salt}${output}"),
        format!("$fbscrypt$v=1,n=31,r=8,p=1,ss=Bw==,sk={output}=${salt}==${output}="),
    ] {
        assert_eq!(parse(&text), Err(InvalidPasswordHash::TooExpensive), "{text}");
    }
}

#[test]
fn the_most_expensive_hashes_are_accepted_and_need_at_most_257_mib() {
    let salt = "c2FsdHNhbHRzYWx0c2FsdA";
    let output = "BBs+1+PaslLtBPULUr8/lQicvVuHiEPMz0i8MjLCbzM";
    let hex = "0".repeat(64);
    for (text, bytes) in [
        (format!("$argon2id$v=19$m=262144,t=8,p=1${salt}${output}"), 256 << 20),
        (format!("$argon2id$v=19$m=65536,t=32,p=64${salt}${output}"), 64 << 20),
        (format!("scrypt:131072:8:15$salt${hex}"), 128 * 8 * (131_072 + 15 + 1)),
        (format!("scrypt:262144:8:1$salt${hex}"), (256 << 20) + 128 * 8 * 2),
        (format!("scrypt:524288:4:8$salt${hex}"), (256 << 20) + 128 * 4 * 9),
        (format!("scrypt:2:8:263165$salt${hex}"), 257 << 20),
        (
            format!("$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk={output}=${salt}==${output}="),
            128 * 8 * (16_384 + 1 + 1),
        ),
        (format!("pbkdf2:sha1:5000000$salt${}", "0".repeat(80)), 0),
        (format!("pbkdf2:sha512:10000000$salt${}", "0".repeat(128)), 0),
    ] {
        let hash = parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(hash.memory_bytes(), bytes, "{text}");
    }
}

/// The text of such a hash can come from a version that accepted more.
#[test]
fn a_stored_hash_that_cannot_be_parsed_is_unusable_and_keeps_its_text() {
    let hex = "0".repeat(64);
    for text in [
        &format!("scrypt:1048576:8:1$salt${hex}"),
        &format!("pbkdf2:sha256:5000001$salt${hex}{hex}"),
        "$pbkdf2-sha256$i=4000000000,l=32$c2FsdHNhbHRzYWx0c2FsdA$BBs",
        "plain text",
        "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8",
        "",
    ] {
        assert!(parse(text).is_err(), "{text}");
        let hash = PasswordHash::from_stored(text);
        assert!(hash.is_unusable(), "{text}");
        assert_eq!(hash.to_text(), text);
        assert_eq!((hash.algorithm(), hash.iterations()), ("unknown", None));
        assert_eq!(hash.memory_bytes(), 0);
        assert!(parse(&hash.template()).unwrap().iterations().is_some());
        assert_eq!(hash, PasswordHash::from_stored(text));
        assert_ne!(hash, PasswordHash::from_stored("other"));
    }
    for (_, _, text) in foreign_hashes() {
        assert!(!PasswordHash::from_stored(&text).is_unusable(), "{text}");
        assert_eq!(PasswordHash::from_stored(&text), parse(&text).unwrap());
    }
}

/// It is batched with other jobs, as is the verification for an email address without an account.
#[test]
fn no_password_matches_an_unusable_hash() {
    let hasher = PasswordHasher::new(1_000).unwrap();
    for stored in ["plain text", ""].map(PasswordHash::from_stored) {
        for text in ["plain text", ""] {
            let password = Password::new(text);
            assert_eq!(hasher.verify(&password, Some(&stored)), Verification::Mismatch);
            let job = HashJob::verification(password, Some(stored.clone()));
            assert!(job.is_batchable());
            let outcomes = hasher.run(&[job], &LanePlan::default());
            assert_eq!(outcomes, [HashOutcome::Verified(Verification::Mismatch)]);
        }
        assert!(hasher.is_outdated(&stored));
    }
}

/// Argon2 rounds its memory down to a multiple of four blocks per lane (RFC 9106, 3.2).
#[test]
fn the_memory_of_argon2_is_that_of_its_blocks() {
    let hash = parse("$argon2id$v=19$m=67,t=1,p=2$mMR6+QWMtmgsySEjcM3TaQ$6NDHImR9ZIHArAhb0WtA4zH/ho/ynFgG3VJRndYK4SM").unwrap();
    assert_eq!(hash.memory_bytes(), 64 * 1_024);
}

#[test]
fn a_template_has_the_cost_of_its_hash_but_neither_salt_nor_output() {
    for (by, password, text) in foreign_hashes() {
        let hash = parse(&text).unwrap();
        let template = parse(&hash.template()).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(template.to_text(), hash.template(), "{by}: {text}");
        assert_eq!(template.template(), hash.template(), "{by}: {text}");
        assert_eq!(template.algorithm(), hash.algorithm(), "{by}: {text}");
        assert_eq!(template.memory_bytes(), hash.memory_bytes(), "{by}: {text}");
        assert_eq!(verify(&password, &template), Verification::Mismatch, "{by}: {text}");
    }
}

#[test]
fn hashes_have_the_same_template_if_they_have_the_same_parameters() {
    let argon2 = |salt: &str, output: &str, passes: u32| {
        parse(&format!("$argon2id$v=19$m=64,t={passes},p=1${salt}${output}")).unwrap().template()
    };
    let (salt, output) = ("c2FsdHNhbHRzYWx0c2FsdA", "BBs+1+PaslLtBPULUr8/lQicvVuHiEPMz0i8MjLCbzM");
    let other_output = "6NDHImR9ZIHArAhb0WtA4zH/ho/ynFgG3VJRndYK4SM";
    let first = argon2(salt, output, 3);
    assert_eq!(first, argon2("mMR6+QWMtmgsySEjcM3TaSEj", other_output, 3));
    assert_ne!(first, argon2(salt, output, 2));
    let django = format!("argon2$argon2id$v=19$m=64,t=3,p=1${salt}${output}");
    assert_eq!(parse(&django).unwrap().template(), first);
}

#[test]
fn strings_that_are_not_hashes_are_rejected() {
    let (_, _, bcrypt) =
        foreign_hashes().into_iter().find(|(by, _, _)| by.starts_with("bcrypt ")).unwrap();
    for text in [
        "",
        "a long walk along the sea",
        "$",
        "pbkdf2:",
        "pbkdf2:sha256:1000$salt$",
        "pbkdf2:sha256:1000$salt$00",
        "pbkdf2:md5:1000$salt$e0d887524f408d05717eea8f539ddc68d356c822e90ada9f1fb1c09770db8d5c",
        "pbkdf2:sha256:+1000$salt$e0d887524f408d05717eea8f539ddc68d356c822e90ada9f1fb1c09770db8d5c",
        "pbkdf2:sha256:01000$salt$e0d887524f408d05717eea8f539ddc68d356c822e90ada9f1fb1c09770db8d5c",
        "pbkdf2:sha256:1000$salt$E0D887524F408D05717EEA8F539DDC68D356C822E90ADA9F1FB1C09770DB8D5C",
        "$2x$04$.zt/aW/I8MvAXHyeT0QhaeBqYjMX.RP8C1qyQp450X3RDlzYTOAky",
        &bcrypt[..59],
        &format!("{bcrypt}x"),
        &format!("{bcrypt} "),
        "$argon2id$v=19$m=64,t=1$mMR6+QWMtmgsySEjcM3TaQ$6NDHImR9ZIHArAhb0WtA4zH/ho/ynFgG3VJRndYK4SM",
        "$argon2id$v=18$m=64,t=1,p=1$mMR6+QWMtmgsySEjcM3TaQ$6NDHImR9ZIHArAhb0WtA4zH/ho/ynFgG3VJRndYK4SM",
        "scrypt:1000:8:1$salt$e0d887524f408d05717eea8f539ddc68d356c822e90ada9f1fb1c09770db8d5c",
        "scrypt:0:8:1$salt$e0d887524f408d05717eea8f539ddc68d356c822e90ada9f1fb1c09770db8d5c",
        "scrypt:1024:0:1$salt$e0d887524f408d05717eea8f539ddc68d356c822e90ada9f1fb1c09770db8d5c",
        &format!("bcrypt$$2b$04${}", "a".repeat(2_000)),
        &format!("flask-security$${bcrypt}"),
        &format!("flask-security$?$${bcrypt}"),
        &format!("flask-security$AAAA${bcrypt}x"),
        &format!("flask-security$AAAA$flask-security$AAAA${bcrypt}"),
    ] {
        assert_eq!(parse(text), Err(InvalidPasswordHash::Unknown), "{text}");
    }
}

#[test]
fn hash_password_verify_password_and_needs_rehash_work_together() {
    let stored = hash_password("a long walk along the sea").unwrap();
    assert_eq!(verify_password("a long walk along the sea", &stored), Ok(()));
    let mismatch = Err(VerifyPasswordError::Mismatch);
    assert_eq!(verify_password("a swim in the river", &stored), mismatch);
    assert!(!needs_rehash("a long walk along the sea", &stored));
    assert!(hash_password("password").is_err());
    let unknown = Err(VerifyPasswordError::InvalidHash(InvalidPasswordHash::Unknown));
    assert_eq!(verify_password("a long walk along the sea", "nonsense"), unknown);
    assert!(needs_rehash("a long walk along the sea", "nonsense"));
    let (_, password, text) = foreign_hashes().swap_remove(0);
    assert_eq!(verify_password(&password, &text), Ok(()));
}

proptest! {
    #[test]
    fn a_parsed_hash_is_written_unchanged(
        prefix in prop::sample::select(foreign_hashes().into_iter().map(|(_, _, text)| text).collect::<Vec<_>>()),
        at in any::<prop::sample::Index>(),
        tail in "[ -~é]{0,20}",
    ) {
        let text = format!("{}{tail}", &prefix[..at.index(prefix.len())]);
        if let Ok(hash) = parse(&text) {
            prop_assert_eq!(hash.to_text(), text);
        }
    }
}
