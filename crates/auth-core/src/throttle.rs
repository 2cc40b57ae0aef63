mod counter;
mod key;
mod limit;
mod network;

pub use counter::{Admission, CountOutcome, Counter};
pub use key::CounterKey;
pub use limit::{Limit, Quota};
pub use network::Network;
