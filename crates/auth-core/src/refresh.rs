mod state;
mod token;

pub use state::{RefreshState, RefreshUse, ReplacedToken, ReuseReason};
pub use token::{FamilyHash, InvalidRefreshToken, RefreshToken, RefreshTokenHash, SuccessorSalt};
