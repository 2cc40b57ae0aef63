//! Conversions to the wire types.

use std::time::Duration;

use accounts::http::Cookies;
use accounts::{
    Actor, CredentialId, Event, EventKind, FactorKind, Factors, IssuedTokens, MetadataValue,
    Passkey, PasskeyAlgorithm, PasskeyOptions, PasskeyRegistrationOptions, PendingTotp,
    RecoveryCode, SecondFactorRequired, SessionRecord, SignedIn, Timestamp, User, UserData,
};
use api_types::{
    ActivityActor, ActivityEvent, ActivityKind, AuthenticatorSelection, CredentialDescriptor,
    CredentialParameters, Export, ExportedPassword, ExportedSession, ExportedUser, MailRequested,
    Me, PublicKeyCredentialCreationOptions, PublicKeyCredentialRequestOptions, RecoveryCodeCount,
    RecoveryCodes, RelyingPartyEntity, Session, TokenResponse, TokenType, Totp, UserEntity,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

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

pub(crate) fn second_factor_required(
    required: &SecondFactorRequired,
) -> api_types::SecondFactorRequired {
    let kind = |kind: &FactorKind| match kind {
        FactorKind::Totp => api_types::FactorKind::Totp,
        FactorKind::Passkey => api_types::FactorKind::Passkey,
        FactorKind::RecoveryCode => api_types::FactorKind::RecoveryCode,
    };
    api_types::SecondFactorRequired {
        ticket: required.ticket.to_string(),
        factors: required.factors.iter().map(kind).collect(),
        expires_in: required.expires_in.as_secs(),
    }
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
    let second_factor = account.second_factor_at.is_some();
    Me {
        id,
        email,
        created_at,
        email_verified_at,
        second_factor,
        second_factor_enrolment_required: signed_in.needs_enrolment() && !second_factor,
        session_expires_in,
        roles: roles(account),
    }
}

fn roles(user: &User) -> Vec<String> {
    user.roles.iter().map(str::to_owned).collect()
}

/// Returns metadata as JSON: `null` if there is none.
pub(crate) fn metadata(value: Option<&MetadataValue>) -> Value {
    value.and_then(|value| value.get().ok()).unwrap_or_default()
}

pub(crate) const fn mail_requested(expires_in: Duration) -> MailRequested {
    MailRequested { expires_in: expires_in.as_secs() }
}

pub(crate) fn factors(factors: &Factors) -> api_types::Factors {
    api_types::Factors {
        second_factor: factors.second_factor_at.is_some(),
        totp: factors.totp.as_ref().map(|totp| Totp {
            created_at: totp.created_at.to_string(),
            last_used_at: totp.last_used_at.map(|at| at.to_string()),
        }),
        recovery_codes: factors.recovery_codes.as_ref().map(|codes| RecoveryCodeCount {
            left: codes.left,
            created_at: codes.created_at.to_string(),
        }),
        passkeys: factors.passkeys.iter().map(passkey).collect(),
    }
}

pub(crate) fn passkey(passkey: &Passkey) -> api_types::Passkey {
    api_types::Passkey {
        id: passkey.id.to_string(),
        name: passkey.name.as_str().to_owned(),
        created_at: passkey.created_at.to_string(),
        last_used_at: passkey.last_used_at.map(|at| at.to_string()),
        synced: passkey.state.backed_up,
        credential_id: passkey.credential_id.to_text(),
    }
}

pub(crate) fn pending_totp(pending: &PendingTotp) -> api_types::PendingTotp {
    api_types::PendingTotp {
        secret: pending.secret.to_base32().to_string(),
        uri: pending.uri.to_string(),
        expires_in: pending.expires_in.as_secs(),
    }
}

pub(crate) fn recovery_codes(codes: &[RecoveryCode]) -> RecoveryCodes {
    let recovery_codes = codes.iter().map(|code| code.to_text().to_string()).collect();
    RecoveryCodes { recovery_codes }
}

/// The time for which a browser lets the user choose a passkey, in milliseconds. The challenge
/// expires at the same time.
const PASSKEY_TIMEOUT: u64 = 300_000;

const PUBLIC_KEY: &str = "public-key";
const REQUIRED: &str = "required";

pub(crate) fn creation_options(
    options: PasskeyRegistrationOptions,
) -> PublicKeyCredentialCreationOptions {
    let parameters = |algorithm: PasskeyAlgorithm| CredentialParameters {
        kind: PUBLIC_KEY.to_owned(),
        alg: algorithm.cose_id(),
    };
    PublicKeyCredentialCreationOptions {
        rp: RelyingPartyEntity { id: options.rp_id, name: options.rp_name },
        user: UserEntity {
            id: base64url(&options.user_id),
            display_name: options.user_name.clone(),
            name: options.user_name,
        },
        challenge: base64url(&options.challenge),
        pub_key_cred_params: PasskeyAlgorithm::ALL.map(parameters).into(),
        timeout: PASSKEY_TIMEOUT,
        exclude_credentials: options.exclude.iter().map(descriptor).collect(),
        authenticator_selection: AuthenticatorSelection {
            resident_key: REQUIRED.to_owned(),
            require_resident_key: true,
            user_verification: REQUIRED.to_owned(),
        },
        attestation: "none".to_owned(),
    }
}

pub(crate) fn request_options(options: PasskeyOptions) -> PublicKeyCredentialRequestOptions {
    PublicKeyCredentialRequestOptions {
        challenge: base64url(&options.challenge),
        timeout: PASSKEY_TIMEOUT,
        rp_id: options.rp_id,
        allow_credentials: options.allow.iter().map(descriptor).collect(),
        user_verification: REQUIRED.to_owned(),
    }
}

fn descriptor(id: &CredentialId) -> CredentialDescriptor {
    CredentialDescriptor { kind: PUBLIC_KEY.to_owned(), id: id.to_text() }
}

fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
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
            roles: roles(&data.user),
        },
        metadata: metadata(data.public_metadata.as_ref()),
        password: ExportedPassword {
            algorithm: data.password_hash.algorithm().to_owned(),
            iterations: data.password_hash.iterations(),
        },
        factors: factors(&data.factors),
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
        amr: event.amr.map(|amr| amr.values().map(str::to_owned).collect()).unwrap_or_default(),
        detail: event.detail.clone(),
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
        EventKind::SecondFactorOn => ActivityKind::SecondFactorOn,
        EventKind::SecondFactorOff => ActivityKind::SecondFactorOff,
        EventKind::SecondFactorFailed => ActivityKind::SecondFactorFailed,
        EventKind::SecondFactorReset => ActivityKind::SecondFactorReset,
        EventKind::TotpReplaced => ActivityKind::TotpReplaced,
        EventKind::RecoveryCodeUsed => ActivityKind::RecoveryCodeUsed,
        EventKind::RecoveryCodesRenewed => ActivityKind::RecoveryCodesRenewed,
        EventKind::PasskeyAdded => ActivityKind::PasskeyAdded,
        EventKind::PasskeyRemoved => ActivityKind::PasskeyRemoved,
        EventKind::PasskeyCounterRegressed => ActivityKind::PasskeyCounterRegressed,
        EventKind::MailFailed => ActivityKind::MailFailed,
        EventKind::AccountDisabled => ActivityKind::AccountDisabled,
        EventKind::AccountEnabled => ActivityKind::AccountEnabled,
        EventKind::RoleGranted => ActivityKind::RoleGranted,
        EventKind::RoleRevoked => ActivityKind::RoleRevoked,
        EventKind::MetadataChanged => ActivityKind::MetadataChanged,
        _ => ActivityKind::Other,
    }
}
