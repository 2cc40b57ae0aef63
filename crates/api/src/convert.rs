//! Conversions to the wire types.

use std::time::Duration;

use accounts::{
    Actor, Event, EventKind, IssuedTokens, SessionRecord, SignedIn, Timestamp, User, UserData,
};
use api_types::{
    ActivityActor, ActivityEvent, ActivityKind, Export, ExportedPassword, ExportedSession,
    ExportedUser, MailRequested, Me, Session, TokenResponse, TokenType,
};

use crate::cookie::Cookies;
use crate::output::JsonAndCookies;

pub(crate) fn tokens(issued: &IssuedTokens, cookies: &Cookies) -> JsonAndCookies<TokenResponse> {
    let body = TokenResponse {
        access_token: issued.access.token.as_str().to_owned(),
        token_type: TokenType::Bearer,
        expires_in: issued.access.expires_in.as_secs(),
    };
    let mut set = vec![cookies.set_refresh(&issued.refresh)];
    if let Some(device) = &issued.device {
        set.push(cookies.set_device(device));
    }
    JsonAndCookies { body, cookies: set }
}

pub(crate) fn user(user: &User) -> api_types::User {
    api_types::User {
        id: user.id.to_string(),
        email: user.email.as_str().to_owned(),
        created_at: user.created_at.to_string(),
    }
}

/// Returns the account of a signed-in user. `account` is newer than the user in `signed_in` if the
/// request has changed it.
pub(crate) fn me(account: &User, signed_in: &SignedIn, now: Timestamp) -> Me {
    let api_types::User { id, email, created_at } = user(account);
    let remaining = signed_in.session().idle_expires_at.duration_since(now).as_secs();
    let email_verified_at = account.email_verified_at.map(|at| at.to_string());
    let session_expires_in = u64::try_from(remaining).unwrap_or(0);
    Me {
        id,
        email,
        created_at,
        email_verified_at,
        second_factor: false,
        second_factor_enrolment_required: false,
        session_expires_in,
    }
}

pub(crate) const fn mail_requested(expires_in: Duration) -> MailRequested {
    MailRequested { expires_in: expires_in.as_secs() }
}

pub(crate) fn session(record: &SessionRecord, viewer: &SignedIn) -> Session {
    let SessionRecord { session, client } = record;
    Session {
        id: session.id.to_string(),
        current: session.id == viewer.session().id,
        created_at: session.created_at.to_string(),
        last_seen_at: session.last_used_at.to_string(),
        user_agent: client.user_agent().map(str::to_owned),
        ip: client.ip().map(|ip| ip.to_string()),
    }
}

pub(crate) fn export(data: &UserData, viewer: &SignedIn, now: Timestamp) -> Export {
    let exported = |record: &SessionRecord| ExportedSession {
        session: session(record, viewer),
        remember: record.session.remember,
        idle_expires_at: record.session.idle_expires_at.to_string(),
        expires_at: record.session.expires_at.to_string(),
    };
    Export {
        exported_at: now.to_string(),
        user: ExportedUser {
            user: user(&data.user),
            email_verified_at: data.user.email_verified_at.map(|at| at.to_string()),
        },
        password: ExportedPassword {
            algorithm: data.password_hash.algorithm().to_owned(),
            iterations: data.password_hash.iterations(),
        },
        sessions: data.sessions.iter().map(exported).collect(),
        activity: data.events.iter().map(event).collect(),
    }
}

pub(crate) fn event(event: &Event) -> ActivityEvent {
    ActivityEvent {
        at: event.at.to_string(),
        kind: activity_kind(&event.kind),
        actor: match event.actor {
            Actor::User => ActivityActor::User,
            Actor::Operator => ActivityActor::Operator,
        },
        session_id: event.session.map(|id| id.to_string()),
        user_agent: event.client.user_agent().map(str::to_owned),
        ip: event.client.ip().map(|ip| ip.to_string()),
        amr: Vec::new(),
    }
}

/// Returns the kind of an event as in the API. Kinds that do not concern a single account, and
/// those that only a newer version knows, become `Other`.
const fn activity_kind(kind: &EventKind) -> ActivityKind {
    match kind {
        EventKind::AccountCreated => ActivityKind::AccountCreated,
        EventKind::SignedIn => ActivityKind::SignedIn,
        EventKind::SignInFailed => ActivityKind::SignInFailed,
        EventKind::SignInsThrottled => ActivityKind::SignInsThrottled,
        EventKind::SignInsUnlocked => ActivityKind::SignInsUnlocked,
        EventKind::PasswordCheckFailed => ActivityKind::PasswordCheckFailed,
        EventKind::SignedOut => ActivityKind::SignedOut,
        EventKind::SessionEnded => ActivityKind::SessionEnded,
        EventKind::OtherSessionsEnded => ActivityKind::OtherSessionsEnded,
        EventKind::AllSessionsEnded => ActivityKind::AllSessionsEnded,
        EventKind::RefreshTokenRepeated => ActivityKind::RefreshTokenRepeated,
        EventKind::RefreshTokenReused => ActivityKind::RefreshTokenReused,
        EventKind::PasswordChanged => ActivityKind::PasswordChanged,
        EventKind::EmailVerified => ActivityKind::EmailVerified,
        EventKind::EmailChangeRequested => ActivityKind::EmailChangeRequested,
        EventKind::EmailChanged => ActivityKind::EmailChanged,
        EventKind::PasswordResetRequested => ActivityKind::PasswordResetRequested,
        EventKind::PasswordReset => ActivityKind::PasswordReset,
        EventKind::LogInCodeSent => ActivityKind::LogInCodeSent,
        EventKind::MailFailed => ActivityKind::MailFailed,
        EventKind::AccountDisabled => ActivityKind::AccountDisabled,
        EventKind::AccountEnabled => ActivityKind::AccountEnabled,
        _ => ActivityKind::Other,
    }
}
