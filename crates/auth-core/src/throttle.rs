mod counter;
mod key;
mod limit;

pub use counter::{Admission, CountOutcome, Counter};
pub use key::CounterKey;
pub use limit::Limit;
