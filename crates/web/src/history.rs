//! The addresses that a tab visits, and what a page was told on the way to it.
//!
//! Six addresses without parameters take no library of routes: this is what is left of one.

mod location;
mod visits;

pub use location::Location;
pub use visits::current;
pub(crate) use visits::{push, replace, use_visits};
