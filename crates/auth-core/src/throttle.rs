#[cfg(feature = "factors")]
mod code_failures;
mod counter;
mod key;
mod limit;
mod network;

#[cfg(feature = "factors")]
pub use code_failures::{CodeFailureOutcome, CodeFailures, CodeLimit};
pub use counter::{Admission, CountOutcome, Counter};
pub use key::CounterKey;
pub use limit::{Limit, Quota};
pub use network::Network;
