//! Tests of [`auth_core::RelyingParty`] with generated keys, and with published vectors.

mod assertion;
mod authenticator;
mod browser;
mod properties;
mod public_key;
mod registration;
mod relying_party;
mod state;
mod vectors;
