//! What a store by direct address does.

use super::client_state::ClientState;
use super::hashed::HashedStore;
use crate::facts::key::{Key, Text};
use crate::facts::line::tag_of;

/// Clients by direct address.
pub trait DirectStore<K: Key>: Send + Sync {
    /// The number of slots.
    fn slots(&self) -> usize;
    /// The number of clients.
    fn count(&self) -> usize;
    /// The id of a slot, in the partition of this number.
    fn id(&self, slot: usize, partition: usize) -> K::Stored;
    /// The slot of a row's id.
    fn slot(&self, row: K::Row) -> usize;
    /// Prefetch the client of a row.
    fn prefetch(&self, row: K::Row);
    /// The clients, by slot.
    fn each(&self, with: impl FnMut(usize, ClientState));
    /// Take a purchase in, on the day of a code.
    fn add_purchase(&mut self, slot: usize, code: u64, amount: i64);
    /// Take a return in, which leaves a mark that the client exists.
    fn add_return(&mut self, slot: usize, amount: i64);

    /// The same clients found by hash, and which of them the client of each slot is.
    fn to_hashed(&self, partition: usize) -> (HashedStore<K>, Vec<u32>) {
        let mut hashed = HashedStore::new();
        let mut clients = vec![0; self.slots()];
        self.each(|slot, state| {
            let id = self.id(slot, partition);
            let client = hashed.insert(|_| id, tag_of(K::hash_stored(id, &[])));
            hashed.clients[client].state = state;
            clients[slot] = client as u32;
        });
        (hashed, clients)
    }
}

/// No store at all: texts have no direct address.
pub enum Never {}

impl DirectStore<Text> for Never {
    fn slots(&self) -> usize {
        match *self {}
    }
    fn count(&self) -> usize {
        match *self {}
    }
    fn id(&self, _: usize, _: usize) -> u128 {
        match *self {}
    }
    fn slot(&self, _: u128) -> usize {
        match *self {}
    }
    fn prefetch(&self, _: u128) {
        match *self {}
    }
    fn each(&self, _: impl FnMut(usize, ClientState)) {
        match *self {}
    }
    fn add_purchase(&mut self, _: usize, _: u64, _: i64) {
        match *self {}
    }
    fn add_return(&mut self, _: usize, _: i64) {
        match *self {}
    }
}
