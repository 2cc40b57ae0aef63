mod state;
mod token;

pub use state::{RefreshState, RefreshUse, Replaced};
pub use token::{
    FamilyHash, InvalidRefreshToken, InvalidStoredToken, RefreshToken, RefreshTokenHash,
    SuccessorSalt,
};
