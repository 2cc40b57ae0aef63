use super::*;

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
