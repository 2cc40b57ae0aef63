use auth_core::{PasswordPolicy, SystemRandom};

use super::*;

const PASSWORD: &str = "a long walk along the sea";

fn hasher() -> PasswordHasher {
    PasswordHasher::new(1_000).unwrap()
}

fn new_password() -> NewPassword {
    NewPassword::parse(PASSWORD, &PasswordPolicy::default(), &[]).unwrap()
}

fn until() -> Instant {
    Instant::now() + QUEUE_TIMEOUT
}

#[tokio::test]
async fn each_gets_its_own_answer_whatever_is_hashed_beside_it() {
    let stored = hasher().hash(&new_password(), &SystemRandom);
    let weaker = "$pbkdf2-sha256$i=1000,l=32$c2FsdHNhbHRzYWx0c2FsdA$BBs+1+PaslLtBPULUr8/lQicvVuHiEPMz0i8MjLCbzM";
    let weaker: PasswordHash = weaker.parse().unwrap();
    for mode in [HashingMode::Portable, HashingMode::Single, HashingMode::Batch] {
        let hashing = Hashing::of(PasswordHasher::new(1_001).unwrap(), mode).unwrap();
        let busy = hashing.all_turns().await;
        let compare = |password: &str, stored: Option<&PasswordHash>| {
            let job = HashJob::verification(Password::new(password), stored.cloned());
            hashing.queue(job, until()).unwrap()
        };
        let hash = |job| hashing.queue(job, until()).unwrap();
        let mut all = Vec::new();
        for _ in 0..3 {
            let right = compare(PASSWORD, Some(&stored));
            let wrong = compare("a short walk", Some(&stored));
            let unknown = compare(PASSWORD, None);
            let new = hash(HashJob::new_password(&new_password(), &SystemRandom));
            let other = compare("correct horse", Some(&weaker));
            let renewed = hash(HashJob::rehash(Password::new("correct horse"), &SystemRandom));
            all.push((right, wrong, unknown, new, other, renewed));
        }
        assert_eq!(hashing.waiting(), 18);
        drop(busy);
        for (right, wrong, unknown, new, other, renewed) in all {
            assert_eq!(right.1.verification().await, Ok(Verification::MatchOutdated));
            assert_eq!(wrong.1.verification().await, Ok(Verification::Mismatch));
            assert_eq!(unknown.1.verification().await, Ok(Verification::Mismatch));
            assert_eq!(other.1.verification().await, Ok(Verification::MatchOutdated));
            for (password, (_place, hash)) in [(PASSWORD, new), ("correct horse", renewed)] {
                let hash = hash.hash().await.unwrap();
                assert_eq!(hash.iterations(), Some(1_001));
                let again = hashing
                    .queue(HashJob::verification(Password::new(password), Some(hash)), until());
                assert_eq!(again.unwrap().1.verification().await, Ok(Verification::Match));
            }
        }
    }
}

#[tokio::test]
async fn an_answer_of_another_kind_is_a_defect() {
    let hashing = Hashing::of(hasher(), HashingMode::Single).unwrap();
    let (_place, hash) =
        hashing.queue(HashJob::verification(Password::new("x"), None), until()).unwrap();
    assert_eq!(hash.hash().await.map(drop), Err(HashingError::Defect));
}
