//! Decisions about metadata.

use auth_core::Timestamp;

use crate::audit::{Event, EventKind};
use crate::metadata::{Metadata, MetadataChange, MetadataKind, SetMetadataOutcome};
use crate::rules::decision::Decision;

/// The metadata to save, and the event to record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MetadataWrite {
    pub(crate) metadata: Metadata,
    pub(crate) event: Event,
}

/// Decides whether a value is replaced. `stored` is the metadata of the account, if it exists.
pub(crate) fn set_metadata(
    change: &MetadataChange,
    stored: Option<Metadata>,
    now: Timestamp,
) -> Decision<MetadataWrite, SetMetadataOutcome> {
    let MetadataChange { user, kind, value } = change;
    let Some(before) = stored else { return Decision::Return(SetMetadataOutcome::NotFound) };
    let value = value.clone();
    let metadata = match kind {
        MetadataKind::Public => Metadata { public: value, ..before.clone() },
        MetadataKind::Private => Metadata { private: value, ..before.clone() },
    };
    if metadata == before {
        return Decision::Return(SetMetadataOutcome::Set);
    }
    let event = Event::by_operator(EventKind::MetadataChanged, now).about(*user);
    Decision::Write(MetadataWrite { metadata, event: event.with_detail(kind.as_str()) })
}
