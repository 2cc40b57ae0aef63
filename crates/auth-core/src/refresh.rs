mod state;
mod token;

pub use state::{RefreshState, RefreshUse, ReplacedToken, ReuseReason};
pub use token::{
    FamilyHash, InvalidRefreshToken, InvalidStoredToken, RefreshToken, RefreshTokenHash,
    SuccessorSalt,
};
