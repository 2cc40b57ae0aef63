use auth_core::{PasskeyState, PasskeyStateError, VerifiedAssertion};

fn state(sign_count: u32, backup_eligible: bool, backed_up: bool) -> PasskeyState {
    PasskeyState { sign_count, backup_eligible, backed_up }
}

#[test]
fn the_counter_must_increase_unless_the_authenticator_does_not_count() {
    for (stored, next, accepted) in [
        (0, 0, true),
        (0, 1, true),
        (1, 2, true),
        (1, u32::MAX, true),
        (1, 1, false),
        (2, 1, false),
        (1, 0, false),
        (u32::MAX, 0, false),
    ] {
        let (stored, next) = (state(stored, false, false), state(next, false, false));
        let expected = if accepted { Ok(next) } else { Err(PasskeyStateError::CounterRegressed) };
        assert_eq!(stored.accept(&VerifiedAssertion { state: next }), expected);
    }
}

#[test]
fn backup_eligibility_may_be_gained_but_not_lost() {
    for (stored, next, accepted) in [
        ((false, false), (false, false), true),
        ((false, false), (true, false), true),
        ((false, false), (true, true), true),
        ((true, false), (true, true), true),
        ((true, true), (true, false), true),
        ((true, false), (false, false), false),
        ((true, true), (false, false), false),
    ] {
        let (stored, next) = (state(0, stored.0, stored.1), state(0, next.0, next.1));
        let expected =
            if accepted { Ok(next) } else { Err(PasskeyStateError::BackupEligibilityLost) };
        assert_eq!(stored.accept(&VerifiedAssertion { state: next }), expected);
    }
}
