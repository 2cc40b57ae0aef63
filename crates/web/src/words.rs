//! What machines say of each other, in words for a person: devices, addresses and times.

mod activity;
mod ago;
mod device;
mod place;

pub use activity::activity;
pub use ago::ago;
pub use device::device;
pub use place::place;
