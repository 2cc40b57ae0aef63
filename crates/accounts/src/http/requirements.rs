use api_types::ErrorCode;
use http::HeaderMap;

use super::error::ApiError;
use super::headers::bearer_token;
use crate::accounts::Accounts;
use crate::authenticate::SignedIn;
use crate::mail::MailMode;

/// The requirements on the user who sends a request. They are checked right after the access token,
/// in the order of the fields.
#[derive(Debug, Clone, Copy)]
pub struct Requirements {
    /// The requirement on the time of the log-in.
    pub freshness: Freshness,
    /// The requirement on the email address.
    pub email: EmailRequirement,
    /// The requirement on the second factor.
    pub enrolment: Enrolment,
}

/// The requirement on the time of the log-in ([`SignedIn::is_fresh`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// The log-in can have any age.
    NotRequired,
    /// The log-in must be recent.
    Required,
    /// The log-in must be recent if the second factor of the user is on.
    RequiredWithSecondFactor,
}

/// The requirement on the email address of the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmailRequirement {
    /// The email address does not have to be verified.
    None,
    /// It must be verified.
    Verified,
    /// It must be verified if mail is on. Otherwise, users cannot verify it.
    VerifiedWithMail,
}

/// The effect of a required second factor on a user who has not turned it on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enrolment {
    /// The user must turn it on first.
    Required,
    /// The user can send the request without it.
    Exempt,
}

impl Requirements {
    /// The requirements on all users.
    pub const DEFAULT: Self = Self {
        freshness: Freshness::NotRequired,
        email: EmailRequirement::None,
        enrolment: Enrolment::Required,
    };

    /// Checks the requirements.
    ///
    /// # Errors
    ///
    /// The response to a user who does not meet them.
    pub fn check(self, user: &SignedIn, accounts: &Accounts) -> Result<(), ApiError> {
        let must_be_fresh = match self.freshness {
            Freshness::NotRequired => false,
            Freshness::Required => true,
            Freshness::RequiredWithSecondFactor => user.has_second_factor(),
        };
        if must_be_fresh && !user.is_fresh(accounts.now()) {
            return Err(ApiError::StepUpRequired);
        }
        let must_be_verified = match self.email {
            EmailRequirement::None => false,
            EmailRequirement::Verified => true,
            EmailRequirement::VerifiedWithMail => accounts.mail() == MailMode::On,
        };
        if must_be_verified && user.email_verified_at().is_none() {
            return Err(ApiError::EmailUnverified);
        }
        if self.enrolment == Enrolment::Required && user.needs_enrolment() {
            return Err(ApiError::SecondFactorEnrolmentRequired);
        }
        Ok(())
    }
}

impl Freshness {
    /// Returns the errors of this requirement.
    #[must_use]
    pub const fn errors(self) -> &'static [ErrorCode] {
        match self {
            Self::NotRequired => &[],
            Self::Required | Self::RequiredWithSecondFactor => &[ErrorCode::StepUpRequired],
        }
    }
}

impl EmailRequirement {
    /// Returns the errors of this requirement.
    #[must_use]
    pub const fn errors(self) -> &'static [ErrorCode] {
        match self {
            Self::None => &[],
            Self::Verified | Self::VerifiedWithMail => &[ErrorCode::EmailUnverified],
        }
    }
}

impl Enrolment {
    /// Returns the errors of this requirement.
    #[must_use]
    pub const fn errors(self) -> &'static [ErrorCode] {
        match self {
            Self::Required => &[ErrorCode::SecondFactorEnrolmentRequired],
            Self::Exempt => &[],
        }
    }
}

/// Returns the user whose access token the request carries, if the user meets the requirements.
///
/// # Errors
///
/// The response to the request.
pub async fn authenticate(
    headers: &HeaderMap,
    accounts: &Accounts,
    requirements: Requirements,
) -> Result<SignedIn, ApiError> {
    let token = bearer_token(headers)?;
    let user = accounts.authenticate(token).await?;
    requirements.check(&user, accounts)?;
    Ok(user)
}
