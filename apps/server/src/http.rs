//! Connections, and what every answer has: nothing of what is served is known here.

mod accept;
mod body;
mod envelope;
mod headers;

pub(crate) use accept::serve;
pub(crate) use envelope::Envelope;
