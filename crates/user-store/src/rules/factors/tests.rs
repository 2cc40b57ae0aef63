mod sign_in;

use auth_core::{
    Amr, Email, OpenSession, PasskeyChallenge, PasskeyName, PasskeyPublicKey, RecoveryCode,
    RefreshToken, Roles, SessionPolicy, SystemRandom, Ticket, VerifiedAssertion,
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
        roles: Roles::NONE,
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
    // Without a passkey, the second factor can be on with an app.
    let no_factor = Decision::Return(TurnOnOutcome::NoFactor);
    assert_eq!(turn_second_factor_on(&acting, off, 0, id, NOW), no_factor);
    assert_eq!(turn_second_factor_on(&acting, on, 0, id, NOW), no_factor);
    let already = Decision::Return(TurnOnOutcome::AlreadyOn);
    assert_eq!(turn_second_factor_on(&acting, on, 1, id, NOW), already);

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
