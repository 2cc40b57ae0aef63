use auth_core::{
    Amr, Email, OpenSession, PasskeyChallenge, PasskeyName, PasskeyPublicKey, RecoveryCode,
    RefreshToken, SessionPolicy, SystemRandom, Ticket, VerifiedAssertion,
};

use super::*;
use crate::factors::{
    AddPasskeyOutcome, BeginTotpOutcome, ConfirmTotp, ConfirmTotpOutcome, MAX_PASSKEYS, NewPasskey,
    Passkey, PasskeySignIn, PasskeySignInOutcome, PasskeyUse, PresentedFactor,
    RemovePasskeyOutcome, ReplaceRecoveryCodesOutcome, ResetSecondFactorOutcome, SecondStep,
    SecondStepOutcome, TurnOffOutcome, TurnOnOutcome,
};
use crate::mails::Message;
use crate::rules::Decision;
use crate::rules::users::AccountState;
use crate::sessions::NewSession;
use crate::users::PasswordVersion;

const NOW: Timestamp = Timestamp::constant(1_700_000_000, 123_000_000);
const SECOND: Duration = Duration::from_secs(1);

/// A user with a verified email address whose second factor is on.
fn ada() -> User {
    User {
        id: UserId::generate(NOW, &SystemRandom),
        email: Email::parse("ada@example.com").unwrap(),
        created_at: NOW,
        disabled_at: None,
        email_verified_at: Some(NOW),
        second_factor_at: Some(NOW),
    }
}

fn off(user: &User) -> User {
    User { second_factor_at: None, ..user.clone() }
}

fn session(user: &User, amr: Amr) -> Session {
    let policy = &SessionPolicy::default();
    let open = OpenSession { user_id: user.id, remember: false, amr, policy };
    Session::open(open, NOW, &SystemRandom)
}

fn acting(user: &User) -> ActingSession {
    ActingSession { session: session(user, Amr::PASSKEY), client: client() }
}

fn client() -> ClientInfo {
    ClientInfo::new(Some([192, 0, 2, 1].into()), Some("Browser/1.0"))
}

fn rows<'a>(acting: &'a ActingSession, account: &'a User) -> ActingRows<'a> {
    ActingRows { session: Some(&acting.session), account: Some(account) }
}

fn mail_id() -> Option<MailId> {
    Some(MailId::generate(NOW, &SystemRandom))
}

fn challenge() -> PasskeyChallenge {
    let id = SingleUseId::generate(&SystemRandom);
    PasskeyChallenge { id, expires_at: NOW + PasskeyChallenge::LIFETIME }
}

fn passkey(user: &User, state: PasskeyState) -> Passkey {
    let id = PasskeyId::generate(NOW, &SystemRandom);
    Passkey {
        id,
        user: user.id,
        credential_id: auth_core::CredentialId::from_bytes(id.as_uuid().as_bytes()).unwrap(),
        public_key: PasskeyPublicKey::from_cose(ED25519_KEY).unwrap(),
        state,
        name: PasskeyName::parse("Key").unwrap(),
        created_at: NOW,
        last_used_at: None,
    }
}

/// The public key of RFC 8032, 7.1, test 1.
const ED25519_KEY: &[u8] = b"\xa4\x01\x01\x03\x27\x20\x06\x21\x58\x20\
    \xd7\x5a\x98\x01\x82\xb1\x0a\xb7\xd5\x4b\xfe\xd3\xc9\x64\x07\x3a\
    \x0e\xe1\x72\xf3\xda\xa6\x23\x25\xaf\x02\x1a\x68\xf7\x07\x51\x1a";

const SYNCED: PasskeyState = PasskeyState { sign_count: 0, backup_eligible: true, backed_up: true };
const COUNTED: PasskeyState =
    PasskeyState { sign_count: 7, backup_eligible: false, backed_up: false };

fn kinds(record: &Record) -> Vec<&str> {
    record.events.iter().map(|event| event.kind.as_str()).collect()
}

fn notice_kind(record: &Record) -> Option<NoticeKind> {
    match record.notice.as_ref()?.message {
        Message::Notice(notice) => Some(notice.kind),
        _ => None,
    }
}

/// The stored rows of an account with an app.
struct Stored {
    account: User,
    state: AccountState,
    secret: TotpSecret,
    failures: FailuresRow,
}

impl Stored {
    fn new() -> Self {
        let account = ada();
        let state = AccountState {
            id: account.id,
            password_version: PasswordVersion(7),
            disabled_at: None,
            device_version: DeviceVersion(3),
            second_factor_at: account.second_factor_at,
        };
        let secret = TotpSecret::generate(&SystemRandom);
        Self { account, state, secret, failures: FailuresRow::default() }
    }

    fn step(&self, factor: PresentedFactor) -> SecondStep {
        let second = match factor {
            PresentedFactor::Passkey(_) => Amr::PASSKEY_AS_SECOND_FACTOR,
            _ => Amr::CODE,
        };
        let amr = Amr::PASSWORD.with_second_factor(second);
        SecondStep {
            ticket: Ticket {
                id: SingleUseId::generate(&SystemRandom),
                user: self.account.id,
                first_step: Amr::PASSWORD,
                remember: false,
                password_version: 7,
                device_version: 3,
                second_factor_at: NOW,
                expires_at: NOW + Ticket::LIFETIME,
            },
            factor,
            session: self.new_session(amr),
            throttle: CodeThrottle::Enforced,
            notice: mail_id(),
        }
    }

    fn right_code(&self) -> SecondStep {
        self.step(PresentedFactor::AppCode(self.secret.code_at(NOW)))
    }

    fn new_session(&self, amr: Amr) -> NewSession {
        let token = RefreshToken::generate(&SystemRandom);
        NewSession::new(session(&self.account, amr), client(), &token)
    }

    fn rows(&self) -> SecondStepRows<'_> {
        SecondStepRows {
            ticket: TicketRows {
                account: Some(&self.account),
                state: Some(&self.state),
                is_used: false,
            },
            failures: &self.failures,
            totp: None,
            has_recovery_code: false,
            passkey: None,
            is_challenge_used: false,
        }
    }

    fn judge(&self, step: &SecondStep) -> Decision<SecondStepWrite, SecondStepOutcome> {
        let totp = TotpRow { secret: self.secret.clone(), last_step: TotpStep::from_number(0) };
        let rows = SecondStepRows { totp: Some(&totp), ..self.rows() };
        open_session_with_second_factor(step, rows)
    }

    fn is_valid(&self, step: &SecondStep) -> bool {
        match self.judge(step) {
            Decision::Write(SecondStepWrite::Opened(_)) => true,
            Decision::Return(SecondStepOutcome::TicketInvalid) => false,
            other => unreachable!("{other:?}"),
        }
    }
}

#[test]
fn changes_need_an_active_and_fresh_session_of_an_enabled_account() {
    let ada = ada();
    let acting = acting(&ada);
    let authorized = |rows: ActingRows<'_>, now| rows.authorize(&acting, now).is_some();
    let fresh_until = NOW + Session::FRESH_FOR;
    assert!(authorized(rows(&acting, &ada), fresh_until));
    assert!(!authorized(rows(&acting, &ada), fresh_until + SECOND / 1_000));

    let expired = Session { idle_expires_at: NOW, ..acting.session };
    let of_another = Session { user_id: self::ada().id, ..acting.session };
    for session in [None, Some(&expired), Some(&of_another)] {
        assert!(!authorized(ActingRows { session, account: Some(&ada) }, NOW));
    }
    let disabled = User { disabled_at: Some(NOW), ..ada.clone() };
    for account in [None, Some(&disabled), Some(&self::ada())] {
        assert!(!authorized(ActingRows { session: Some(&acting.session), account }, NOW));
    }
}

#[test]
fn no_change_is_made_without_a_session() {
    let ada = ada();
    let acting = acting(&ada);
    let rows = ActingRows { session: None, account: Some(&ada) };
    let failures = &FailuresRow::default();
    let returned = Decision::Return(BeginTotpOutcome::SessionEnded);
    assert_eq!(begin_totp(&acting, rows, NOW), returned);
    let confirmation = confirmation(&TotpSecret::generate(&SystemRandom));
    let confirmed = ConfirmTotpRows { acting: rows, pending: None, failures };
    let returned = Decision::Return(ConfirmTotpOutcome::SessionEnded);
    assert_eq!(confirm_totp(&acting, &confirmation, confirmed, NOW), returned);
    let returned = Decision::Return(TurnOnOutcome::SessionEnded);
    assert_eq!(turn_second_factor_on(&acting, rows, 1, None, NOW), returned);
    let returned = Decision::Return(TurnOffOutcome::SessionEnded);
    assert_eq!(turn_second_factor_off(&acting, rows, None, NOW), returned);
    let returned = Decision::Return(ReplaceRecoveryCodesOutcome::SessionEnded);
    assert_eq!(replace_recovery_codes(&acting, rows, None, NOW), returned);
    let passkey = passkey(&ada, SYNCED);
    let removal = RemovePasskeyRows { acting: rows, has_totp: true, passkeys: &[passkey.id] };
    let returned = Decision::Return(RemovePasskeyOutcome::SessionEnded);
    assert_eq!(remove_passkey(&acting, passkey.id, removal, None, NOW), returned);
    let new = NewPasskey { passkey, challenge: challenge(), notice: None };
    let added =
        NewPasskeyRows { acting: rows, passkeys: 0, is_taken: false, is_challenge_used: false };
    let returned = Decision::Return(AddPasskeyOutcome::SessionEnded);
    assert_eq!(add_passkey(&acting, &new, added, NOW), returned);
}

fn confirmation(secret: &TotpSecret) -> ConfirmTotp {
    ConfirmTotp {
        code: secret.code_at(NOW),
        recovery_codes: RecoveryCode::generate_list(&SystemRandom)
            .iter()
            .map(RecoveryCode::hash)
            .collect(),
        throttle: CodeThrottle::Enforced,
        notice: mail_id(),
    }
}

#[test]
fn a_confirmed_app_turns_the_second_factor_on_or_replaces_the_app() {
    let ada = ada();
    let acting = acting(&ada);
    let secret = TotpSecret::generate(&SystemRandom);
    let confirmation = confirmation(&secret);
    let pending = PendingTotpRow { secret: secret.clone(), expires_at: NOW + SECOND };
    let failures = &FailuresRow::default();
    let confirm = |account: &User, now| {
        let acting_rows = rows(&acting, account);
        let rows = ConfirmTotpRows { acting: acting_rows, pending: Some(&pending), failures };
        confirm_totp(&acting, &confirmation, rows, now)
    };
    let Decision::Write(ConfirmTotpWrite::Confirmed(on)) = confirm(&off(&ada), NOW) else {
        unreachable!("the code is right");
    };
    assert_eq!(on.outcome, ConfirmTotpOutcome::TurnedOn);
    assert_eq!((on.secret, on.last_step), (secret, TotpStep::at(NOW)));
    assert_eq!(on.recovery_codes, Some(confirmation.recovery_codes.clone()));
    assert_eq!(kinds(&on.record), ["second_factor_on"]);
    assert_eq!(on.record.events[0].session, Some(acting.session.id));
    assert_eq!(notice_kind(&on.record), Some(NoticeKind::SecondFactorOn));

    let Decision::Write(ConfirmTotpWrite::Confirmed(replaced)) = confirm(&ada, NOW) else {
        unreachable!("the code is right");
    };
    assert_eq!(replaced.outcome, ConfirmTotpOutcome::Replaced);
    assert_eq!(replaced.recovery_codes, None);
    assert_eq!(kinds(&replaced.record), ["totp_replaced"]);
    assert_eq!(notice_kind(&replaced.record), Some(NoticeKind::TotpReplaced));

    let expired = Decision::Return(ConfirmTotpOutcome::NoPendingTotp);
    assert_eq!(confirm(&ada, NOW + SECOND), expired);
    // At a much earlier time, the code is wrong.
    let Decision::Write(ConfirmTotpWrite::Wrong(wrong)) = confirm(&ada, NOW - 200 * SECOND) else {
        unreachable!("the code is wrong");
    };
    assert_eq!(kinds(&wrong.record), ["second_factor_failed"]);
    assert_eq!(wrong.record.events[0].session, Some(acting.session.id));
}

#[test]
fn wrong_codes_count_until_a_lockout_which_is_announced_once() {
    let mut stored = Stored::new();
    let wrong = |stored: &Stored| {
        stored.step(PresentedFactor::AppCode(stored.secret.code_at(NOW + 1_000 * SECOND)))
    };
    let mut now = NOW;
    for n in 1..=11 {
        let mut step = wrong(&stored);
        step.session.session.created_at = now;
        let Decision::Write(SecondStepWrite::Wrong(wrong)) = stored.judge(&step) else {
            unreachable!("the code is wrong");
        };
        assert_eq!(wrong.user, stored.account.id);
        assert_eq!(kinds(&wrong.record), ["second_factor_failed"]);
        assert_eq!(wrong.record.events[0].user, Some(stored.account.id));
        assert_eq!(wrong.record.events[0].session, None);
        let locked_out = if n == 10 { Some(NoticeKind::SecondFactorLockedOut) } else { None };
        assert_eq!(notice_kind(&wrong.record), locked_out, "{n}");
        stored.failures = wrong.failures.unwrap();
        if n == 10 {
            let mut right = stored.right_code();
            let retry_after = Duration::from_mins(1);
            let outcome = SecondStepOutcome::TooManyAttempts { retry_after };
            assert_eq!(stored.judge(&right), Decision::Return(outcome));
            right.throttle = CodeThrottle::Off;
            assert!(stored.is_valid(&right));
            now = NOW + retry_after;
        }
    }
    assert_eq!(stored.failures.recovery_codes, CodeFailures::default());

    let unenforced = SecondStep { throttle: CodeThrottle::Off, ..wrong(&stored) };
    let Decision::Write(SecondStepWrite::Wrong(unenforced)) = stored.judge(&unenforced) else {
        unreachable!("the code is wrong");
    };
    assert_eq!(kinds(&unenforced.record), ["second_factor_failed"]);
    assert_eq!((unenforced.failures, unenforced.record.notice), (None, None));
}

#[test]
fn recovery_codes_are_counted_apart_from_app_codes() {
    let mut stored = Stored::new();
    for _ in 0..10 {
        let _ = stored.failures.app_codes.count(CodeLimit::AppCodes, NOW);
    }
    let hash = RecoveryCode::generate_list(&SystemRandom)[0].hash();
    let step = stored.step(PresentedFactor::RecoveryCode(hash));
    let judge = |stored: &Stored, has_recovery_code| {
        let rows = SecondStepRows { has_recovery_code, ..stored.rows() };
        open_session_with_second_factor(&step, rows)
    };
    let Decision::Write(SecondStepWrite::Opened(opened)) = judge(&stored, true) else {
        unreachable!("the code is right");
    };
    assert_eq!(opened.factor, UsedFactor::RecoveryCode(hash));
    assert_eq!(kinds(&opened.record), ["recovery_code_used", "signed_in"]);
    let amr = Some(step.session.session.amr);
    assert_eq!(opened.record.events.iter().map(|event| event.amr).collect::<Vec<_>>(), [None, amr]);
    assert_eq!(notice_kind(&opened.record), Some(NoticeKind::RecoveryCodeUsed));

    let Decision::Write(SecondStepWrite::Wrong(wrong)) = judge(&stored, false) else {
        unreachable!("the code is wrong");
    };
    let counted = wrong.failures.unwrap();
    assert_eq!(counted.app_codes, stored.failures.app_codes);
    assert_ne!(counted.recovery_codes, CodeFailures::default());
    for _ in 0..10 {
        let _ = stored.failures.recovery_codes.count(CodeLimit::RecoveryCodes, NOW);
    }
    let retry_after = Duration::from_mins(15);
    let locked_out = Decision::Return(SecondStepOutcome::TooManyAttempts { retry_after });
    assert_eq!(judge(&stored, false), locked_out);
    let right = judge(&stored, true);
    assert!(matches!(right, Decision::Write(SecondStepWrite::Opened(_))), "{right:?}");
}

#[test]
fn a_ticket_is_valid_for_the_account_as_it_was() {
    let stored = Stored::new();
    let step = stored.right_code();
    assert!(stored.is_valid(&step));
    let ticket = step.ticket;
    let tickets = [
        Ticket { user: ada().id, ..ticket },
        Ticket { password_version: 8, ..ticket },
        Ticket { device_version: 4, ..ticket },
        Ticket { second_factor_at: NOW + SECOND, ..ticket },
        Ticket { expires_at: NOW, ..ticket },
        Ticket { first_step: Amr::CODE, ..ticket },
    ];
    for ticket in tickets {
        assert!(!stored.is_valid(&SecondStep { ticket, ..step.clone() }), "{ticket:?}");
    }
    // Times are stored with millisecond precision.
    let second_factor_at = NOW + Duration::from_nanos(1);
    let ticket = Ticket { second_factor_at, ..ticket };
    assert!(stored.is_valid(&SecondStep { ticket, ..step.clone() }));

    let mut session = step.session.clone();
    session.session.user_id = ada().id;
    assert!(!stored.is_valid(&SecondStep { session, ..step.clone() }));
    for amr in [Amr::PASSWORD, Amr::PASSKEY] {
        let session = stored.new_session(amr);
        assert!(!stored.is_valid(&SecondStep { session, ..step.clone() }));
    }
    let invalid = Decision::Return(SecondStepOutcome::TicketInvalid);
    let rows = stored.rows();
    let used = SecondStepRows { ticket: TicketRows { is_used: true, ..rows.ticket }, ..rows };
    assert_eq!(open_session_with_second_factor(&step, used), invalid);
    let disabled = User { disabled_at: Some(NOW), ..stored.account.clone() };
    for account in [None, Some(&disabled), Some(&off(&stored.account))] {
        let ticket = TicketRows { account, ..rows.ticket };
        let rows = SecondStepRows { ticket, ..rows };
        assert_eq!(open_session_with_second_factor(&step, rows), invalid);
    }
}

#[test]
fn the_steps_of_an_app_are_used_up() {
    let stored = Stored::new();
    let step = stored.right_code();
    let judge = |last_step: TotpStep| {
        let totp = TotpRow { secret: stored.secret.clone(), last_step };
        let rows = SecondStepRows { totp: Some(&totp), ..stored.rows() };
        open_session_with_second_factor(&step, rows)
    };
    let current = TotpStep::at(NOW);
    let earlier = TotpStep::from_number(current.number() - 1);
    let Decision::Write(SecondStepWrite::Opened(opened)) = judge(earlier) else {
        unreachable!("the code is right");
    };
    assert_eq!(opened.factor, UsedFactor::AppCode(current));
    assert_eq!(opened.device_version, DeviceVersion(3));
    let kept_until = step.ticket.expires_at + MAX_CLOCK_DIFFERENCE;
    assert_eq!(opened.used_ids, [UsedId { id: step.ticket.id, expires_at: kept_until }]);
    assert!(matches!(judge(current), Decision::Write(SecondStepWrite::Wrong(_))));
    let no_app = open_session_with_second_factor(&step, stored.rows());
    assert!(matches!(no_app, Decision::Write(SecondStepWrite::Wrong(_))));
}

#[test]
fn a_passkey_opens_a_session_of_its_owner_if_its_state_is_plausible() {
    let stored = Stored::new();
    let key = passkey(&stored.account, COUNTED);
    let state = PasskeyState { sign_count: 8, ..COUNTED };
    let assertion = VerifiedAssertion { state };
    let used = PasskeyUse { id: key.id, challenge: challenge(), assertion };
    let step = stored.step(PresentedFactor::Passkey(used.clone()));
    let sign_in = PasskeySignIn {
        passkey: used.clone(),
        session: stored.new_session(Amr::PASSKEY),
        notice: mail_id(),
    };
    let judge = |key: Option<&Passkey>, is_challenge_used| {
        let rows = SecondStepRows { passkey: key, is_challenge_used, ..stored.rows() };
        open_session_with_second_factor(&step, rows)
    };
    let judge_alone = |account: Option<&User>, key: Option<&Passkey>, is_challenge_used| {
        let device_version = DeviceVersion(3);
        let rows = PasskeySignInRows { account, device_version, passkey: key, is_challenge_used };
        open_session_with_passkey(&sign_in, rows)
    };
    let account = Some(&stored.account);
    let Decision::Write(SecondStepWrite::Opened(opened)) = judge(Some(&key), false) else {
        unreachable!("the passkey is right");
    };
    assert_eq!(opened.factor, UsedFactor::Passkey(key.id, state));
    let ids = opened.used_ids.iter().map(|used| used.id);
    assert_eq!(ids.collect::<Vec<_>>(), [step.ticket.id, used.challenge.id]);
    assert_eq!(kinds(&opened.record), ["signed_in"]);
    let Decision::Write(PasskeyWrite::Opened(opened)) = judge_alone(account, Some(&key), false)
    else {
        unreachable!("the passkey is right");
    };
    assert_eq!(opened.factor, UsedFactor::Passkey(key.id, state));
    assert_eq!(opened.used_ids.len(), 1);
    assert_eq!(opened.record.events, [crate::rules::sessions::signed_in(&sign_in.session)]);
    assert!(matches!(
        judge_alone(Some(&off(&stored.account)), Some(&key), false),
        Decision::Write(PasskeyWrite::Opened(_))
    ));

    let used_before = Decision::Return(SecondStepOutcome::ChallengeUsed);
    assert_eq!(judge(Some(&key), true), used_before);
    let used_before = Decision::Return(PasskeySignInOutcome::ChallengeUsed);
    assert_eq!(judge_alone(account, Some(&key), true), used_before);

    let of_another = Passkey { user: ada().id, ..key.clone() };
    let another = Passkey { id: PasskeyId::generate(NOW, &SystemRandom), ..key.clone() };
    for key in [None, Some(&of_another), Some(&another)] {
        let invalid = Decision::Return(SecondStepOutcome::CredentialInvalid);
        assert_eq!(judge(key, false), invalid);
        let rejected = Decision::Return(PasskeySignInOutcome::Rejected);
        assert_eq!(judge_alone(account, key, false), rejected);
    }
    let disabled = User { disabled_at: Some(NOW), ..stored.account.clone() };
    for account in [None, Some(&disabled), Some(&ada())] {
        let rejected = Decision::Return(PasskeySignInOutcome::Rejected);
        assert_eq!(judge_alone(account, Some(&key), false), rejected);
    }

    let copied = Passkey { state: PasskeyState { sign_count: 8, ..COUNTED }, ..key.clone() };
    let Decision::Write(SecondStepWrite::Rejected(rejected)) = judge(Some(&copied), false) else {
        unreachable!("the counter has not grown");
    };
    assert_eq!(kinds(&rejected.record), ["passkey_counter_regressed"]);
    assert_eq!(notice_kind(&rejected.record), Some(NoticeKind::PasskeyCounterRegressed));
    assert_eq!(rejected.challenge.id, used.challenge.id);
    assert_eq!(
        judge_alone(account, Some(&copied), false),
        Decision::Write(PasskeyWrite::Rejected(RejectedPasskey {
            record: Record {
                notice: notice(
                    sign_in.notice,
                    NoticeKind::PasskeyCounterRegressed,
                    &stored.account,
                    Some(&client()),
                    NOW,
                ),
                ..rejected.record
            },
            ..rejected
        }))
    );
    let was_eligible = Passkey { state: SYNCED, ..key };
    let Decision::Write(SecondStepWrite::Rejected(rejected)) = judge(Some(&was_eligible), false)
    else {
        unreachable!("the passkey is no longer eligible");
    };
    assert_eq!(kinds(&rejected.record), ["second_factor_failed"]);
    assert_eq!(rejected.record.notice, None);
    let Decision::Write(PasskeyWrite::Rejected(rejected)) =
        judge_alone(account, Some(&was_eligible), false)
    else {
        unreachable!("the passkey is no longer eligible");
    };
    assert_eq!(kinds(&rejected.record), ["sign_in_failed"]);
    assert_eq!(rejected.record.notice, None);
}

#[test]
fn an_expired_challenge_counts_as_used() {
    let stored = Stored::new();
    let key = passkey(&stored.account, SYNCED);
    let challenge = PasskeyChallenge { expires_at: NOW, ..challenge() };
    let assertion = VerifiedAssertion { state: SYNCED };
    let used = PasskeyUse { id: key.id, challenge, assertion };
    let step = stored.step(PresentedFactor::Passkey(used.clone()));
    let stored_rows = SecondStepRows { passkey: Some(&key), ..stored.rows() };
    let decision = open_session_with_second_factor(&step, stored_rows);
    assert_eq!(decision, Decision::Return(SecondStepOutcome::ChallengeUsed));

    let acting = acting(&stored.account);
    let new = NewPasskey { passkey: key, challenge, notice: None };
    let rows = NewPasskeyRows {
        acting: rows(&acting, &stored.account),
        passkeys: 0,
        is_taken: false,
        is_challenge_used: false,
    };
    let decision = add_passkey(&acting, &new, rows, NOW);
    assert_eq!(decision, Decision::Return(AddPasskeyOutcome::ChallengeUsed));
}

#[test]
fn a_passkey_alone_opens_only_a_session_that_says_so() {
    let stored = Stored::new();
    let key = passkey(&stored.account, SYNCED);
    let assertion = VerifiedAssertion { state: SYNCED };
    let sign_in = PasskeySignIn {
        passkey: PasskeyUse { id: key.id, challenge: challenge(), assertion },
        session: stored.new_session(Amr::PASSWORD),
        notice: None,
    };
    let rows = PasskeySignInRows {
        account: Some(&stored.account),
        device_version: DeviceVersion(3),
        passkey: Some(&key),
        is_challenge_used: false,
    };
    let rejected = Decision::Return(PasskeySignInOutcome::Rejected);
    assert_eq!(open_session_with_passkey(&sign_in, rows), rejected);
}

#[test]
fn a_passkey_is_added_once_and_up_to_the_maximum() {
    let ada = ada();
    let acting = acting(&ada);
    let foreign = passkey(&self::ada(), SYNCED);
    let new = NewPasskey { passkey: foreign.clone(), challenge: challenge(), notice: mail_id() };
    let free = NewPasskeyRows {
        acting: rows(&acting, &ada),
        passkeys: MAX_PASSKEYS - 1,
        is_taken: false,
        is_challenge_used: false,
    };
    let Decision::Write(added) = add_passkey(&acting, &new, free, NOW) else {
        unreachable!("the passkey is new");
    };
    assert_eq!(added.passkey, Passkey { user: ada.id, ..foreign });
    assert_eq!(added.challenge.id, new.challenge.id);
    assert_eq!(kinds(&added.record), ["passkey_added"]);
    assert_eq!(notice_kind(&added.record), Some(NoticeKind::PasskeyAdded));
    let rejected = [
        (NewPasskeyRows { passkeys: MAX_PASSKEYS, ..free }, AddPasskeyOutcome::TooMany),
        (NewPasskeyRows { is_taken: true, ..free }, AddPasskeyOutcome::Taken),
        (NewPasskeyRows { is_challenge_used: true, ..free }, AddPasskeyOutcome::ChallengeUsed),
    ];
    for (rows, outcome) in rejected {
        assert_eq!(add_passkey(&acting, &new, rows, NOW), Decision::Return(outcome));
    }
}

#[test]
fn the_last_factor_is_not_removed_while_the_second_factor_is_on() {
    let ada = ada();
    let acting = acting(&ada);
    let [id, other, foreign] = [0; 3].map(|_| PasskeyId::generate(NOW, &SystemRandom));
    let remove = |account: &User, has_totp, passkeys: &[PasskeyId], id| {
        let rows = RemovePasskeyRows { acting: rows(&acting, account), has_totp, passkeys };
        match remove_passkey(&acting, id, rows, mail_id(), NOW) {
            Decision::Write(record) => {
                assert_eq!(kinds(&record), ["passkey_removed"]);
                assert_eq!(notice_kind(&record), Some(NoticeKind::PasskeyRemoved));
                RemovePasskeyOutcome::Removed
            }
            Decision::Return(outcome) => outcome,
        }
    };
    assert_eq!(remove(&ada, false, &[id], id), RemovePasskeyOutcome::LastFactor);
    assert_eq!(remove(&ada, true, &[id], id), RemovePasskeyOutcome::Removed);
    assert_eq!(remove(&ada, false, &[id, other], id), RemovePasskeyOutcome::Removed);
    assert_eq!(remove(&off(&ada), false, &[id], id), RemovePasskeyOutcome::Removed);
    assert_eq!(remove(&ada, false, &[id], foreign), RemovePasskeyOutcome::NotFound);
}

#[test]
fn the_second_factor_is_turned_on_with_a_passkey_and_off_once() {
    let ada = ada();
    let without = off(&ada);
    let acting = acting(&ada);
    let (on, off) = (rows(&acting, &ada), rows(&acting, &without));
    let id = mail_id();
    let Decision::Write(record) = turn_second_factor_on(&acting, off, 1, id, NOW) else {
        unreachable!("there is a passkey");
    };
    assert_eq!(kinds(&record), ["second_factor_on"]);
    let no_factor = Decision::Return(TurnOnOutcome::NoFactor);
    assert_eq!(turn_second_factor_on(&acting, off, 0, id, NOW), no_factor);
    let already = Decision::Return(TurnOnOutcome::AlreadyOn);
    assert_eq!(turn_second_factor_on(&acting, on, 0, id, NOW), already);

    let Decision::Write(record) = turn_second_factor_off(&acting, on, id, NOW) else {
        unreachable!("it is on");
    };
    assert_eq!(kinds(&record), ["second_factor_off"]);
    assert_eq!(notice_kind(&record), Some(NoticeKind::SecondFactorOff));
    let already = Decision::Return(TurnOffOutcome::AlreadyOff);
    assert_eq!(turn_second_factor_off(&acting, off, id, NOW), already);

    let Decision::Write(record) = replace_recovery_codes(&acting, on, id, NOW) else {
        unreachable!("it is on");
    };
    assert_eq!(kinds(&record), ["recovery_codes_renewed"]);
    assert_eq!(notice_kind(&record), Some(NoticeKind::RecoveryCodesRenewed));
    let is_off = Decision::Return(ReplaceRecoveryCodesOutcome::SecondFactorOff);
    assert_eq!(replace_recovery_codes(&acting, off, id, NOW), is_off);
}

#[test]
fn a_notice_goes_only_to_a_verified_email_address() {
    let ada = User { email_verified_at: None, ..ada() };
    let acting = acting(&ada);
    let decision = turn_second_factor_off(&acting, rows(&acting, &ada), mail_id(), NOW);
    assert!(matches!(decision, Decision::Write(Record { notice: None, .. })));
}

#[test]
fn an_operator_resets_everything_that_is_stored() {
    let ada = ada();
    let without = off(&ada);
    let none = FailuresRow::default();
    let mut some = none.clone();
    let _ = some.recovery_codes.count(CodeLimit::RecoveryCodes, NOW);
    let expires_at = NOW + Duration::from_millis(1);
    let pending = PendingTotpRow { secret: TotpSecret::generate(&SystemRandom), expires_at };
    let expired = PendingTotpRow { expires_at: NOW, ..pending.clone() };
    let nothing =
        ResetRows { account: Some(&without), pending: None, passkeys: 0, failures: &none };
    for rows in [
        ResetRows { account: Some(&ada), ..nothing },
        ResetRows { pending: Some(&pending), ..nothing },
        ResetRows { passkeys: 1, ..nothing },
        ResetRows { failures: &some, ..nothing },
    ] {
        let decision = reset_second_factor(rows, mail_id(), NOW);
        let Decision::Write(record) = decision else {
            unreachable!("there is something to reset");
        };
        assert_eq!(
            record.events,
            [Event::by_operator(EventKind::SecondFactorReset, NOW).about(ada.id)]
        );
        assert_eq!(notice_kind(&record), Some(NoticeKind::SecondFactorReset));
    }
    for rows in [nothing, ResetRows { pending: Some(&expired), ..nothing }] {
        let returned = Decision::Return(ResetSecondFactorOutcome::NothingToReset);
        assert_eq!(reset_second_factor(rows, None, NOW), returned);
    }
    let unknown = Decision::Return(ResetSecondFactorOutcome::NotFound);
    assert_eq!(reset_second_factor(ResetRows { account: None, ..nothing }, None, NOW), unknown);
}
