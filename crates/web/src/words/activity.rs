use api_types::{ActivityActor, ActivityEvent, ActivityKind};

/// What has happened, as its user would say it.
#[must_use]
pub fn activity(event: &ActivityEvent) -> &'static str {
    let by_operator = event.actor == ActivityActor::Operator;
    match event.kind {
        ActivityKind::AccountCreated if by_operator => "An administrator made the account",
        ActivityKind::AccountCreated => "The account was made",
        ActivityKind::SignedIn => "Logged in",
        ActivityKind::SignInFailed => "A log-in failed",
        ActivityKind::SignInsThrottled => "Too many log-ins failed: the next had to wait",
        ActivityKind::PasswordCheckFailed => "A wrong password was given in the settings",
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
        _ => "Something that this page does not know: reload it",
    }
}
