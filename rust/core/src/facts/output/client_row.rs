//! A client on the way to its row.

use crate::facts::store::ClientState;

/// Where a client is kept: its partition, and its slot there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientRef {
    pub partition: u32,
    pub slot: u32,
}

/// A client on the way to its row, and what rows are sorted by.
#[derive(Debug, Clone, Copy)]
pub struct ClientRow<K> {
    pub key: K,
    pub state: ClientState,
    pub client: ClientRef,
}
