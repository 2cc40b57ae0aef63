use auth_core::{PasswordPolicy, SystemRandom, UserId};
use user_store::{Credentials, DeviceVersion, KeySetVersion, PasswordVersion};

use super::pool::tests::AllThreads;
use super::*;

impl PasswordService {
    /// Makes all threads count as busy.
    pub(crate) async fn occupy(&self) -> AllThreads<HashJob, HashOutcome> {
        self.pool.occupy().await
    }
}

const PASSWORD: &str = "a long walk along the sea";

fn service(iterations: u32, mode: HashingMode) -> PasswordService {
    service_with_memory(iterations, mode, 256 << 20)
}

fn service_with_memory(iterations: u32, mode: HashingMode, memory_budget: u64) -> PasswordService {
    let hasher = PasswordHasher::new(iterations).unwrap();
    let settings = HashingSettings { hasher, mode, memory_budget, queue_timeout: QUEUE_TIMEOUT };
    PasswordService::start(settings, Arc::new(SystemRandom)).unwrap()
}

fn new_password(text: &str) -> NewPassword {
    NewPassword::parse(text, &PasswordPolicy::default(), &[]).unwrap()
}

fn account(password_hash: PasswordHash) -> Challenge {
    let user_id = UserId::from_uuid_bytes([1; 16]);
    Challenge::Account(Credentials {
        user_id,
        password_hash,
        password_version: PasswordVersion(0),
        key_set_version: KeySetVersion::from_number(1),
        device_version: DeviceVersion(0),
        second_factor_at: None,
    })
}

#[tokio::test]
async fn every_job_gets_its_own_result_in_every_hashing_mode() {
    let stored = PasswordHasher::new(1_000).unwrap().hash(&new_password(PASSWORD), &SystemRandom);
    let weaker = "$pbkdf2-sha256$i=1000,l=32$c2FsdHNhbHRzYWx0c2FsdA$BBs+1+PaslLtBPULUr8/lQicvVuHiEPMz0i8MjLCbzM";
    let weaker: PasswordHash = weaker.parse().unwrap();
    for mode in [HashingMode::Portable, HashingMode::Single, HashingMode::Batch] {
        let passwords = service(1_001, mode);
        let busy = passwords.occupy().await;
        let deadline = passwords.deadline();
        let verify = |text: &str, challenge| {
            passwords.queue_verification(Password::new(text), challenge, deadline).unwrap()
        };
        let mut all = Vec::new();
        for _ in 0..3 {
            let correct = verify(PASSWORD, account(stored.clone()));
            let wrong = verify("a short walk", account(stored.clone()));
            let unknown = verify(PASSWORD, Challenge::Decoy(None));
            let decoy = verify(PASSWORD, Challenge::Decoy(Some(stored.clone())));
            let other = verify("correct horse", account(weaker.clone()));
            let new = passwords.queue_hash(&new_password(PASSWORD), deadline).unwrap();
            all.push((correct, wrong, unknown, decoy, other, new));
        }
        assert_eq!(passwords.queued(), 18);
        drop(busy);
        for (correct, wrong, unknown, decoy, other, (_slot, hash)) in all {
            assert_eq!(correct.1.get().await, Ok(Verification::MatchOutdated));
            assert_eq!(wrong.1.get().await, Ok(Verification::Mismatch));
            assert_eq!(unknown.1.get().await, Ok(Verification::Mismatch));
            assert_eq!(decoy.1.get().await, Ok(Verification::Mismatch));
            assert_eq!(other.1.get().await, Ok(Verification::MatchOutdated));
            let hash = hash.get().await.unwrap();
            assert_eq!(hash.iterations(), Some(1_001));
            assert_eq!(verify(PASSWORD, account(hash)).1.get().await, Ok(Verification::Match));
        }
        let rehashed = passwords.rehash_unless_overloaded(Password::new("correct horse")).await;
        let rehashed = rehashed.unwrap().unwrap();
        assert_eq!(rehashed.iterations(), Some(1_001));
        let (_slot, verification) = verify("correct horse", account(rehashed));
        assert_eq!(verification.get().await, Ok(Verification::Match));
    }
}

/// Paused time advances automatically when all tasks are waiting.
#[tokio::test(start_paused = true)]
async fn a_password_is_not_rehashed_when_the_queue_is_too_long() {
    let passwords = service(1_000, HashingMode::Single);
    let _busy = passwords.occupy().await;
    let rehashed = passwords.rehash_unless_overloaded(Password::new(PASSWORD)).await;
    assert_eq!(rehashed, Ok(None));
}

/// The Argon2id hash of [`PASSWORD`] that takes 8 MiB.
const ARGON2_8_MIB: &str = "$argon2id$v=19$m=8192,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$SuWSJSA0u/4VoLwuR6J7vs5vL02S4B4Cx6vEKMECwmM";
/// The Argon2id hash of [`PASSWORD`] that takes 16 MiB.
const ARGON2_16_MIB: &str = "$argon2id$v=19$m=16384,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$8Oe7llGNVlZWgzqfOlEZ7NnATXS8T1MBY94Xt5sQTBE";

#[tokio::test(flavor = "multi_thread")]
async fn argon2_hashes_use_no_more_memory_than_the_budget() {
    const MIB: u64 = 1 << 20;
    let [small, large] = [ARGON2_8_MIB, ARGON2_16_MIB].map(|text| text.parse().unwrap());
    // The budget has room for one of the small hashes, so two never run at the same time. The large
    // one exceeds the budget.
    for (stored, budget, expected) in
        [(&small, 15 * MIB, 8 * MIB), (&large, 15 * MIB, 16 * MIB), (&small, MIB, 8 * MIB)]
    {
        let passwords = service_with_memory(1_000, HashingMode::Batch, budget);
        let deadline = Instant::now() + Duration::from_secs(600);
        let busy = passwords.occupy().await;
        let verify = |text: &str, stored: &PasswordHash| {
            let challenge = account(stored.clone());
            passwords.queue_verification(Password::new(text), challenge, deadline).unwrap()
        };
        let pairs: Vec<_> =
            (0..6).map(|_| (verify(PASSWORD, stored), verify("a short walk", stored))).collect();
        let (_slot, unknown) = passwords
            .queue_verification(
                Password::new(PASSWORD),
                Challenge::Decoy(Some(stored.clone())),
                deadline,
            )
            .unwrap();
        drop(busy);
        for ((_slot, correct), (_other_slot, wrong)) in pairs {
            assert_eq!(correct.get().await, Ok(Verification::MatchOutdated));
            assert_eq!(wrong.get().await, Ok(Verification::Mismatch));
        }
        assert_eq!(unknown.get().await, Ok(Verification::Mismatch));
        assert_eq!(passwords.pool.max_memory_in_use(), expected);
    }
}

#[tokio::test]
async fn a_result_of_the_wrong_kind_is_a_defect() {
    let passwords = service(1_000, HashingMode::Single);
    let job = HashJob::verification(Password::new("x"), None);
    let (_slot, result) = passwords.pool.queue(job, passwords.deadline()).unwrap();
    assert_eq!(PendingHash(result).get().await.map(drop), Err(HashingError::Defect));
}
