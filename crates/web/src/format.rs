//! Formats devices, IP addresses, times and audit events for users.

mod activity;
mod count;
mod device;
mod ip;
mod time_ago;

pub use activity::activity;
pub(crate) use count::count;
pub use device::device;
pub use ip::ip;
pub use time_ago::time_ago;
