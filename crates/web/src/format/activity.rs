use api_types::{ActivityActor, ActivityEvent, ActivityKind};

/// Describes an audit event.
#[must_use]
pub fn activity(event: &ActivityEvent) -> &'static str {
    let by_operator = event.actor == ActivityActor::Operator;
    match event.kind {
        ActivityKind::AccountCreated if by_operator => "An administrator created the account",
        ActivityKind::AccountCreated => "Account created",
        ActivityKind::SignedIn => signed_in(&event.amr),
        ActivityKind::SignInFailed => "Log-in failed",
        ActivityKind::SignInsThrottled => {
            "Log-in temporarily blocked after too many failed attempts"
        }
        ActivityKind::SignInsUnlocked => "An administrator removed the block on log-ins",
        ActivityKind::PasswordCheckFailed => "Incorrect password entered in settings",
        ActivityKind::SignedOut => "Logged out",
        ActivityKind::SessionEnded => "Another session ended",
        ActivityKind::OtherSessionsEnded => "All other sessions ended",
        ActivityKind::AllSessionsEnded => "An administrator ended all sessions",
        ActivityKind::RefreshTokenRepeated => {
            "Session refreshed twice, usually by two tabs or after a lost connection"
        }
        ActivityKind::RefreshTokenReused => "Session ended because someone else may have used it",
        ActivityKind::PasswordChanged if by_operator => "An administrator set the password",
        ActivityKind::PasswordChanged => "Password changed",
        ActivityKind::EmailVerified if by_operator => {
            "An administrator confirmed the e-mail address"
        }
        ActivityKind::EmailVerified => "E-mail address confirmed",
        ActivityKind::EmailChangeRequested => "Change of e-mail address requested",
        ActivityKind::EmailChanged => "E-mail address changed",
        ActivityKind::PasswordResetRequested => "Password reset requested",
        ActivityKind::PasswordReset => "Password reset",
        ActivityKind::LogInCodeSent => "Log-in by e-mail requested",
        ActivityKind::SecondFactorOn => "Two-step log-in turned on",
        ActivityKind::SecondFactorOff => "Two-step log-in turned off",
        ActivityKind::SecondFactorFailed => "Incorrect code or passkey in two-step log-in",
        ActivityKind::SecondFactorReset => {
            "An administrator turned two-step log-in off and removed the passkeys"
        }
        ActivityKind::TotpReplaced => "Authenticator app replaced",
        ActivityKind::RecoveryCodeUsed => "Recovery code used",
        ActivityKind::RecoveryCodesRenewed => "Recovery codes replaced",
        ActivityKind::PasskeyAdded => "Passkey added",
        ActivityKind::PasskeyRemoved => "Passkey removed",
        ActivityKind::PasskeyCounterRegressed => {
            "Passkey rejected because someone else may have copied it"
        }
        ActivityKind::MailFailed => "An e-mail to you could not be delivered",
        ActivityKind::AccountDisabled => "An administrator disabled the account",
        ActivityKind::AccountEnabled => "An administrator enabled the account",
        ActivityKind::RoleGranted => "An administrator granted you a role",
        ActivityKind::RoleRevoked => "An administrator revoked one of your roles",
        ActivityKind::MetadataChanged => "Profile data changed",
        _ => "Unknown activity. Reload the page to see what it is.",
    }
}

/// Describes a log-in by its methods (RFC 8176).
fn signed_in(amr: &[String]) -> &'static str {
    let has = |method: &str| amr.iter().any(|it| it == method);
    match (has("pwd"), has("pop"), has("otp")) {
        (true, true, _) => "Logged in with a password and a passkey",
        (true, _, true) => "Logged in with a password and a code",
        (false, true, _) => "Logged in with a passkey",
        (false, false, true) => "Logged in by e-mail",
        (true, false, false) | (false, false, false) => "Logged in",
    }
}
