//! Transactions of [`rows`](crate::rows), without [`RowStore`](crate::rows::RowStore).

use std::pin::pin;
use std::sync::mpsc;
use std::time::Duration;
use std::{fmt, thread};

use auth_core::{
    CodeFailures, Counter, CounterKey, EmailHash, SingleUseId, SystemRandom, TotpSecret, TotpStep,
    UserId,
};
use futures_util::future::{join_all, select};
use tokio::sync::oneshot;

use crate::audit::Event;
use crate::codes::CodePurpose;
use crate::conformance::factor_steps::new_passkey;
use crate::conformance::steps::{
    NOW, SECOND, client, creation, hash, mail_id, new_session, seed, user,
};
use crate::decoys::HashClass;
use crate::error::StoreError;
use crate::factors::Passkey;
use crate::followers::FollowerPosition;
use crate::keys::{KeySetVersion, SigningKeySet, StoredSigningKey};
use crate::metadata::{Metadata, MetadataValue};
use crate::rows::{
    Account, AccountTotp, Decoys, InsertOutcome, Rows, StoredCode, StoredFollower, StoredMail,
    StoredSession, Transactions, Work,
};
use crate::users::{DeviceVersion, PasswordVersion};

cases! {
    ($) transactions_cases in transactions on crate::rows::Transactions;
    every_row_is_returned_as_it_was_saved,
    a_failed_write_adds_nothing,
    a_failed_write_keeps_what_it_deleted_or_replaced,
    a_failed_read_returns_its_error,
    a_write_whose_caller_is_dropped_is_completed,
    concurrent_writes_do_not_overwrite_each_other,
}

type Result<T> = std::result::Result<T, StoreError>;

/// One row of each kind.
struct Sample {
    account: Account,
    metadata: Metadata,
    session: StoredSession,
    passkey: Passkey,
    used: SingleUseId,
    counter: (CounterKey, Counter),
    event: Event,
    follower: StoredFollower,
    keys: SigningKeySet,
    decoys: Decoys,
    code: StoredCode,
    mail: StoredMail,
}

impl Sample {
    const FOLLOWER: &str = "notes";

    fn new() -> Self {
        let ada = user("ada@example.com");
        let (session, token) = new_session(&ada);
        let mut counter = Counter::default();
        counter.begin(NOW);
        let email_hash = EmailHash::of(ada.email.key());
        let key = StoredSigningKey { seed: seed(), created_at: NOW, signs_from: NOW + SECOND };
        let value = |json| Some(MetadataValue::from_stored(json));
        let position =
            FollowerPosition { cursor: crate::audit::EventId::from_number(7), handled_until: NOW };
        let class = HashClass { accounts: 1, max_accounts: 2 };
        Self {
            metadata: Metadata { public: value("\"public\""), private: value("[1,2]") },
            session: StoredSession {
                session: session.session,
                client: client(),
                family: token.family(),
                refresh_token: token.hash(),
                replaced: None,
            },
            passkey: new_passkey(ada.id).passkey,
            used: SingleUseId::generate(&SystemRandom),
            counter: (CounterKey::mails_by_user(ada.id), counter),
            event: creation(&ada),
            follower: StoredFollower { position, lease: None },
            keys: SigningKeySet { version: KeySetVersion::from_number(3), keys: vec![key] },
            decoys: Decoys {
                version: 4,
                classes: [("$2b$10$".to_owned(), class)].into(),
                templates: [(255, "$2b$10$".to_owned())].into(),
                ..Decoys::default()
            },
            code: StoredCode {
                purpose: CodePurpose::SignIn,
                email_hash,
                hash: [1; 32],
                user: Some(ada.id),
                browser: None,
                remember: true,
                new_email: Some(ada.email.clone()),
                tries: 2,
                expires_at: NOW,
            },
            mail: StoredMail {
                id: mail_id(),
                kind: "sign_in".to_owned(),
                message: Some("{}".to_owned()),
                code: Some((CodePurpose::SignIn, email_hash)),
                user: Some(ada.id),
                recipient: "ada@example.com".to_owned(),
                network: Some(CounterKey::from_bytes([2; 32])),
                created_at: NOW,
                expires_at: NOW + SECOND,
                attempts: 1,
                next_attempt_at: NOW,
                claimed_until: Some(NOW + SECOND),
                failed_at: None,
                reason: Some("the server is busy".to_owned()),
            },
            account: Account {
                password_hash: hash(),
                password_version: PasswordVersion(5),
                device_version: DeviceVersion(6),
                totp: Some(AccountTotp {
                    secret: TotpSecret::generate(&SystemRandom),
                    last_step: TotpStep::at(NOW),
                    created_at: NOW,
                    last_used_at: None,
                }),
                pending_totp: None,
                recovery_codes: None,
                wrong_app_codes: CodeFailures::default(),
                wrong_recovery_codes: CodeFailures::default(),
                user: ada,
            },
        }
    }

    fn user(&self) -> UserId {
        self.account.user.id
    }

    fn save(&self, rows: &mut dyn Rows) -> Result<()> {
        let inserted = rows.insert_account(&self.account)?;
        assert_eq!(inserted, InsertOutcome::Inserted);
        rows.save_metadata(self.user(), &self.metadata)?;
        rows.save_session(&self.session)?;
        rows.save_passkey(&self.passkey)?;
        rows.save_used_id(self.used, NOW)?;
        rows.save_counter(&self.counter.0, &self.counter.1, NOW)?;
        rows.append_event(&self.event)?;
        rows.save_follower(Self::FOLLOWER, &self.follower)?;
        rows.save_signing_keys(&self.keys)?;
        rows.save_decoys(&self.decoys)?;
        rows.save_code(&self.code)?;
        rows.save_mail(&self.mail)
    }

    /// Deletes or replaces every row.
    fn remove(&self, rows: &mut dyn Rows) -> Result<()> {
        rows.delete_mail(self.mail.id)?;
        rows.delete_code(self.code.purpose, &self.code.email_hash)?;
        rows.save_decoys(&Decoys::default())?;
        rows.save_signing_keys(&no_keys())?;
        let lease = None;
        let position = FollowerPosition { handled_until: NOW + SECOND, ..self.follower.position };
        rows.save_follower(Self::FOLLOWER, &StoredFollower { position, lease })?;
        rows.append_event(&self.event)?;
        rows.delete_events(self.user())?;
        rows.delete_counter(&self.counter.0)?;
        rows.delete_expired_used_ids(NOW, 10)?;
        rows.delete_passkey(self.passkey.id)?;
        rows.delete_session(self.session.session.id)?;
        rows.save_metadata(self.user(), &Metadata::default())?;
        rows.delete_account(self.user())
    }

    /// Checks that every row is stored, and found by all its keys.
    fn check(&self, rows: &mut dyn Rows) -> Result<()> {
        let user = self.user();
        assert_eq!(rows.account(user)?.as_ref(), Some(&self.account));
        let by_email = rows.account_by_email(self.account.user.email.key())?;
        assert_eq!(by_email.as_ref(), Some(&self.account));
        assert_eq!(rows.count_accounts()?, 1);
        assert_eq!(rows.metadata(user)?, self.metadata);
        assert_eq!(rows.session(self.session.session.id)?.as_ref(), Some(&self.session));
        let by_family = rows.session_by_family(&self.session.family)?;
        assert_eq!(by_family.as_ref(), Some(&self.session));
        assert_eq!(rows.sessions(user)?, std::slice::from_ref(&self.session));
        assert_eq!(rows.passkey(self.passkey.id)?.as_ref(), Some(&self.passkey));
        let by_credential = rows.passkey_by_credential(&self.passkey.credential_id)?;
        assert_eq!(by_credential.as_ref(), Some(&self.passkey));
        assert!(rows.is_used(self.used)?);
        assert_eq!(rows.counter(&self.counter.0)?.as_ref(), Some(&self.counter.1));
        assert_eq!(rows.latest_events(user, 10)?, std::slice::from_ref(&self.event));
        assert_eq!(rows.follower(Self::FOLLOWER)?, Some(self.follower));
        assert_eq!(rows.signing_keys()?, self.keys);
        assert_eq!(rows.decoys()?, self.decoys);
        let StoredCode { purpose, email_hash, .. } = &self.code;
        assert_eq!(rows.code(*purpose, email_hash)?.as_ref(), Some(&self.code));
        assert_eq!(rows.code_by_hash(&self.code.hash)?.as_ref(), Some(&self.code));
        assert_eq!(rows.mail(self.mail.id)?.as_ref(), Some(&self.mail));
        assert_eq!(rows.mails_about(user)?, std::slice::from_ref(&self.mail));
        Ok(())
    }

    /// Checks that no row is stored.
    fn check_absence(&self, rows: &mut dyn Rows) -> Result<()> {
        let user = self.user();
        assert_eq!(rows.account(user)?, None);
        assert_eq!(rows.account_by_email(self.account.user.email.key())?, None);
        assert_eq!(rows.count_accounts()?, 0);
        assert_eq!(rows.metadata(user)?, Metadata::default());
        assert_eq!(rows.session(self.session.session.id)?, None);
        assert_eq!(rows.session_by_family(&self.session.family)?, None);
        assert_eq!(rows.passkey(self.passkey.id)?, None);
        assert_eq!(rows.passkey_by_credential(&self.passkey.credential_id)?, None);
        assert!(!rows.is_used(self.used)?);
        assert_eq!(rows.counter(&self.counter.0)?, None);
        assert_eq!(rows.events(None, None, 10)?, []);
        assert_eq!(rows.follower(Self::FOLLOWER)?, None);
        assert_eq!(rows.signing_keys()?, no_keys());
        assert_eq!(rows.decoys()?, Decoys::default());
        assert_eq!(rows.code(self.code.purpose, &self.code.email_hash)?, None);
        assert_eq!(rows.code_by_hash(&self.code.hash)?, None);
        assert_eq!(rows.mail(self.mail.id)?, None);
        Ok(())
    }
}

fn no_keys() -> SigningKeySet {
    SigningKeySet { version: KeySetVersion::from_number(0), keys: Vec::new() }
}

/// Runs `work` in a transaction that writes.
async fn write(
    transactions: &dyn Transactions,
    work: impl FnOnce(&mut dyn Rows) -> Result<()> + Send + 'static,
) -> Result<()> {
    transactions.write(Box::new(work)).await
}

/// Runs `work` in a transaction that reads.
async fn read<T: Send + 'static>(
    transactions: &dyn Transactions,
    work: impl FnOnce(&mut dyn Rows) -> Result<T> + Send + 'static,
) -> T {
    let (sender, result) = mpsc::channel();
    let work: Work = Box::new(move |rows| {
        let _ = sender.send(work(rows)?);
        Ok(())
    });
    transactions.read(work).await.unwrap();
    result.try_recv().unwrap()
}

#[derive(Debug)]
struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the work has failed")
    }
}

impl std::error::Error for Refused {}

/// Returns the error of work that fails.
fn refuse() -> Result<()> {
    Err(StoreError::Defect(Box::new(Refused)))
}

/// Checks that a transaction returned the error of its work.
fn check_refused(outcome: Result<()>) {
    match outcome {
        Err(StoreError::Defect(source)) => assert!(source.is::<Refused>(), "{source:?}"),
        outcome => unreachable!("not the error of the work: {outcome:?}"),
    }
}

async fn every_row_is_returned_as_it_was_saved(transactions: &dyn Transactions) {
    let sample = std::sync::Arc::new(Sample::new());
    let (first, second, third) = (sample.clone(), sample.clone(), sample.clone());
    read(transactions, move |rows| first.check_absence(rows)).await;
    write(transactions, move |rows| {
        second.save(rows)?;
        // A transaction sees its own changes.
        second.check(rows)
    })
    .await
    .unwrap();
    read(transactions, move |rows| third.check(rows)).await;
    write(transactions, move |rows| sample.remove(rows)).await.unwrap();
}

async fn a_failed_write_adds_nothing(transactions: &dyn Transactions) {
    let sample = std::sync::Arc::new(Sample::new());
    let saved = sample.clone();
    let outcome = write(transactions, move |rows| {
        saved.save(rows)?;
        refuse()
    });
    check_refused(outcome.await);
    read(transactions, move |rows| sample.check_absence(rows)).await;
}

async fn a_failed_write_keeps_what_it_deleted_or_replaced(transactions: &dyn Transactions) {
    let sample = std::sync::Arc::new(Sample::new());
    let (saved, removed) = (sample.clone(), sample.clone());
    write(transactions, move |rows| saved.save(rows)).await.unwrap();
    let outcome = write(transactions, move |rows| {
        removed.remove(rows)?;
        refuse()
    });
    check_refused(outcome.await);
    read(transactions, move |rows| sample.check(rows)).await;
}

async fn a_failed_read_returns_its_error(transactions: &dyn Transactions) {
    check_refused(transactions.read(Box::new(|_| refuse())).await);
}

async fn a_write_whose_caller_is_dropped_is_completed(transactions: &dyn Transactions) {
    let (begun, has_begun) = oneshot::channel();
    let (proceed, may_proceed) = mpsc::channel();
    let work: Work = Box::new(move |rows| {
        let _ = begun.send(());
        let _ = may_proceed.recv();
        rows.save_decoys(&Decoys { version: 7, ..Decoys::default() })
    });
    // Not here, because `write` may run the work on the thread of the caller.
    let proceeding = thread::spawn(move || {
        thread::sleep(Duration::from_millis(100));
        let _ = proceed.send(());
    });
    {
        let write = pin!(transactions.write(work));
        select(write, has_begun).await;
    }
    proceeding.join().unwrap();
    for _ in 0..200 {
        if read(transactions, |rows| rows.decoys()).await.version == 7 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    unreachable!("the transaction was not completed");
}

async fn concurrent_writes_do_not_overwrite_each_other(transactions: &dyn Transactions) {
    const WRITES: i64 = 20;
    let increments = (0..WRITES).map(|_| {
        write(transactions, |rows| {
            let decoys = rows.decoys()?;
            thread::sleep(Duration::from_millis(1));
            rows.save_decoys(&Decoys { version: decoys.version + 1, ..decoys })
        })
    });
    for outcome in join_all(increments).await {
        outcome.unwrap();
    }
    assert_eq!(read(transactions, |rows| rows.decoys()).await.version, WRITES);
}
