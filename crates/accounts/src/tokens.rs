//! Issued tokens and signing keys.

mod issuer;
mod key_ring;

pub use issuer::{IssuedRefreshToken, IssuedTokens};

pub(crate) use issuer::TokenIssuer;
pub(crate) use key_ring::{KeyRing, KeyRingError, TokenVerification, UnknownKidError};
