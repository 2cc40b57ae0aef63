//! Formats devices, IP addresses, times, audit events, secrets and recovery codes for users.

mod activity;
mod count;
mod device;
mod in_groups;
mod ip;
mod recovery_codes;
mod time_ago;

pub use activity::activity;
pub(crate) use count::count;
pub use device::device;
pub use in_groups::in_groups;
pub use ip::ip;
pub use recovery_codes::recovery_codes;
pub use time_ago::time_ago;
