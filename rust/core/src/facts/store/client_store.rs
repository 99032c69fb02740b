//! The clients of a partition, kept in one of two ways.

use super::client_state::ClientState;
use super::direct::DirectTable;
use super::direct_store::{DirectStore, Never};
use super::hashed::HashedStore;
use crate::error::Result;
use crate::facts::key::{Key, Text, Word};

/// The clients of a partition.
pub enum ClientStore<K: ClientKey> {
    /// Found by a hash of their ids.
    Hashed(HashedStore<K>),
    /// In the slots that their ids say.
    Direct(K::Direct),
}

/// A kind of id that clients have.
pub trait ClientKey: Key + Sized {
    /// How clients are kept by direct address, if their ids allow it.
    type Direct: DirectStore<Self>;

    /// Whether ids are words.
    const IS_WORD: bool;

    /// The word that a row's id is; none of a text.
    fn word(row: Self::Row) -> Option<u64>;
}

impl ClientKey for Word {
    type Direct = DirectTable;

    const IS_WORD: bool = true;

    #[inline]
    fn word(row: u64) -> Option<u64> {
        Some(row)
    }
}

impl ClientKey for Text {
    type Direct = Never;

    const IS_WORD: bool = false;

    #[inline]
    fn word(_: u128) -> Option<u64> {
        None
    }
}

impl<K: ClientKey> ClientStore<K> {
    pub fn new() -> Self {
        Self::Hashed(HashedStore::new())
    }

    /// The number of clients.
    pub fn count(&self) -> usize {
        match self {
            Self::Hashed(hashed) => hashed.clients.len(),
            Self::Direct(direct) => direct.count(),
        }
    }

    /// The number of slots that what is kept beside clients has to have.
    pub fn slots(&self) -> usize {
        match self {
            Self::Hashed(hashed) => hashed.clients.len(),
            Self::Direct(direct) => direct.slots(),
        }
    }

    /// The clients: slot, id and state; `partition` is the number of this one.
    #[inline]
    pub fn each(&self, partition: usize, mut with: impl FnMut(usize, K::Stored, ClientState)) {
        match self {
            Self::Hashed(hashed) => {
                let clients = hashed.clients.iter().enumerate();
                clients.for_each(|(slot, client)| with(slot, client.id, client.state));
            }
            Self::Direct(direct) => {
                direct.each(|slot, state| with(slot, direct.id(slot, partition), state));
            }
        }
    }

    /// What is kept of the clients.
    pub fn each_state(&self, mut with: impl FnMut(ClientState)) {
        match self {
            Self::Hashed(hashed) => hashed.clients.iter().for_each(|client| with(client.state)),
            Self::Direct(direct) => direct.each(|_, state| with(state)),
        }
    }

    /// Whether all that was to be kept is kept.
    ///
    /// # Errors
    /// As [`HashedStore::check`].
    pub fn check(&self) -> Result<()> {
        match self {
            Self::Hashed(hashed) => hashed.check(),
            Self::Direct(_) => Ok(()),
        }
    }
}

impl ClientStore<Text> {
    /// The clients, of whom none has a direct address.
    pub fn hashed(&self) -> &HashedStore<Text> {
        match self {
            Self::Hashed(hashed) => hashed,
            Self::Direct(never) => match *never {},
        }
    }

    /// The same, to be changed.
    pub fn hashed_mut(&mut self) -> &mut HashedStore<Text> {
        match self {
            Self::Hashed(hashed) => hashed,
            Self::Direct(never) => match *never {},
        }
    }
}
