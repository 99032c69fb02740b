//! What events are read with, the same for every batch.

use crate::calendar::Clock;
use crate::clients::IdType;
use crate::dictionary::SharedDictionary;

/// What turns columns into events.
#[derive(Debug)]
pub(super) struct ReadContext {
    pub clock: Clock,
    /// Whether timestamps have a zone; none as long as no text has shown it.
    pub zoned: Option<bool>,
    /// The instant after which events are not used.
    pub as_of: i64,
    /// The instant up to which a saved state has them already.
    pub from: i64,
    pub client_ids: IdType,
    /// None where events have no ids.
    pub event_ids: Option<IdType>,
    pub kinds: SharedDictionary,
    pub pages: SharedDictionary,
    pub channels: SharedDictionary,
    pub messages: SharedDictionary,
    /// By the code of a kind, the kind that events of it are read as, where it is another name.
    pub kind_names: Vec<u32>,
    pub clients: SharedDictionary,
}
