use serde::{Deserialize, Serialize};

/// The response to `GET /api/me/activity`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Activity {
    /// The latest audit events of the account, newest first. There are at most 50.
    pub events: Vec<ActivityEvent>,
}

/// An audit event of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ActivityEvent {
    /// When the event happened (RFC 3339, UTC).
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub at: String,
    /// The kind of the event.
    pub kind: ActivityKind,
    /// The person who caused the event.
    pub actor: ActivityActor,
    /// The session that was opened or ended, or the session of the request.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "uuid")))]
    pub session_id: Option<String>,
    /// The user agent of the client.
    pub user_agent: Option<String>,
    /// The IP address of the client.
    pub ip: Option<String>,
    /// The methods of the log-in (RFC 8176), if the kind is `signed_in`. Otherwise absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// The role, if the kind is `role_granted` or `role_revoked`, or `public` or `private`, if it
    /// is `metadata_changed`. Otherwise absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

named! {
    /// The person who caused an event.
    pub enum ActivityActor {
        /// The user, or a person who tried to log in as the user.
        User = "user",
        /// An operator of the service.
        Operator = "operator",
    }
}

named! {
    /// The kind of an event.
    #[derive(Hash)]
    #[non_exhaustive]
    pub enum ActivityKind {
        /// The account was created.
        AccountCreated = "account_created",
        /// The user logged in.
        SignedIn = "signed_in",
        /// A log-in failed.
        SignInFailed = "sign_in_failed",
        /// Logging in was blocked for some time after too many failed attempts.
        SignInsThrottled = "sign_ins_throttled",
        /// An operator ended the block on logging in, and failed attempts no longer count.
        SignInsUnlocked = "sign_ins_unlocked",
        /// The current password was wrong in a request that requires it.
        PasswordCheckFailed = "password_check_failed",
        /// The user logged out.
        SignedOut = "signed_out",
        /// The user ended another session.
        SessionEnded = "session_ended",
        /// The user ended all other sessions.
        OtherSessionsEnded = "other_sessions_ended",
        /// An operator ended all sessions.
        AllSessionsEnded = "all_sessions_ended",
        /// A replaced refresh token was used once more, by a second tab or after a lost response.
        /// At most one such event a day is recorded for each session and IP address.
        RefreshTokenRepeated = "refresh_token_repeated",
        /// A replaced refresh token was used in a way that suggests a copy. Its session was ended.
        RefreshTokenReused = "refresh_token_reused",
        /// The password was changed.
        PasswordChanged = "password_changed",
        /// The email address was verified.
        EmailVerified = "email_verified",
        /// A change of the email address was requested.
        EmailChangeRequested = "email_change_requested",
        /// The email address was changed.
        EmailChanged = "email_changed",
        /// A mail to reset the password was requested.
        PasswordResetRequested = "password_reset_requested",
        /// The password was reset with a token from a mail.
        PasswordReset = "password_reset",
        /// A mail with a code for logging in was requested.
        LogInCodeSent = "log_in_code_sent",
        /// From now on, logging in requires a second factor.
        SecondFactorOn = "second_factor_on",
        /// Logging in no longer requires a second factor.
        SecondFactorOff = "second_factor_off",
        /// The second factor of a log-in was wrong.
        SecondFactorFailed = "second_factor_failed",
        /// An operator removed all second factors and passkeys.
        SecondFactorReset = "second_factor_reset",
        /// The authenticator app was replaced.
        TotpReplaced = "totp_replaced",
        /// A recovery code was used to log in.
        RecoveryCodeUsed = "recovery_code_used",
        /// The recovery codes were replaced.
        RecoveryCodesRenewed = "recovery_codes_renewed",
        /// A passkey was added.
        PasskeyAdded = "passkey_added",
        /// A passkey was removed.
        PasskeyRemoved = "passkey_removed",
        /// A passkey was refused, because its signature counter suggests a copy.
        PasskeyCounterRegressed = "passkey_counter_regressed",
        /// A mail to the account was rejected for good.
        MailFailed = "mail_failed",
        /// An operator disabled the account.
        AccountDisabled = "account_disabled",
        /// An operator enabled the account again.
        AccountEnabled = "account_enabled",
        /// An operator granted a role to the user.
        RoleGranted = "role_granted",
        /// An operator revoked a role of the user.
        RoleRevoked = "role_revoked",
        /// The public or the private metadata was changed.
        MetadataChanged = "metadata_changed",
        /// An event that this version does not know.
        Other = "other",
    }
    unknown = Other
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_kind_is_other_and_an_unknown_actor_is_an_error() {
        let kind = |json| serde_json::from_str::<ActivityKind>(json).ok();
        assert_eq!(kind(r#""signed_in""#), Some(ActivityKind::SignedIn));
        assert_eq!(kind(r#""signed\u005fin""#), Some(ActivityKind::SignedIn));
        assert_eq!(kind(r#""of_a_later_version""#), Some(ActivityKind::Other));
        assert_eq!(kind("1"), None);
        let actor = |json| serde_json::from_str::<ActivityActor>(json).ok();
        assert_eq!(actor(r#""operator""#), Some(ActivityActor::Operator));
        assert_eq!(actor(r#""robot""#), None);
        for kind in ActivityKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }
}
