use api_types::{ActivityActor, ActivityEvent, ActivityKind};

/// Describes an audit event.
#[must_use]
pub fn activity(event: &ActivityEvent) -> &'static str {
    let by_operator = event.actor == ActivityActor::Operator;
    match event.kind {
        ActivityKind::AccountCreated if by_operator => "An administrator created the account",
        ActivityKind::AccountCreated => "Account created",
        ActivityKind::SignedIn => "Logged in",
        ActivityKind::SignInFailed => "Log-in failed",
        ActivityKind::SignInsThrottled => {
            "Log-in temporarily blocked after too many failed attempts"
        }
        ActivityKind::PasswordCheckFailed => "A wrong password was entered in the settings",
        ActivityKind::SignedOut => "Logged out",
        ActivityKind::SessionEnded => "Another session was ended",
        ActivityKind::OtherSessionsEnded => "All other sessions were ended",
        ActivityKind::AllSessionsEnded => "An administrator ended all sessions",
        ActivityKind::RefreshTokenReused => {
            "A session was ended because a copy of it may have been used"
        }
        ActivityKind::PasswordChanged if by_operator => "An administrator set the password",
        ActivityKind::PasswordChanged => "The password was changed",
        ActivityKind::AccountDisabled => "An administrator disabled the account",
        ActivityKind::AccountEnabled => "An administrator enabled the account again",
        _ => "Unknown activity. Reload this page.",
    }
}
