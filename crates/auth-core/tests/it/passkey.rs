//! Tests of [`auth_core::RelyingParty`] with keys of the test itself, and with published vectors.

mod assertion;
mod authenticator;
mod browser;
mod properties;
mod public_key;
mod registration;
mod relying_party;
mod state;
mod vectors;
