//! Clients found by a hash of their ids.

use super::client_state::ClientState;
use super::hash_index::{HashIndex, MOST_CLIENTS, NO_CLIENT};
use crate::error::{Error, Result};
use crate::facts::key::{Buffers, Key};
use crate::facts::line::{GROUP, Line, prefetch_lines, tag_of};
use crate::prefetch::prefetch;

/// Bytes of long text ids that can be pointed to in a buffer of texts.
pub const MOST_BYTES: usize = if cfg!(test) { 1 << 16 } else { i32::MAX as usize };

/// A client's id and what is kept of it.
#[derive(Debug, Clone, Copy)]
pub struct ClientEntry<S> {
    pub id: S,
    pub state: ClientState,
}

/// The clients of a partition and the index in which they are found.
pub struct HashedStore<K: Key> {
    index: HashIndex,
    pub clients: Vec<ClientEntry<K::Stored>>,
    /// The bytes of long text ids.
    pub arena: Vec<u8>,
    /// Whether there were more clients than it has room for; what is kept then is of no use.
    overfull: bool,
}

impl<K: Key> HashedStore<K> {
    pub fn new() -> Self {
        Self { index: HashIndex::new(), clients: Vec::new(), arena: Vec::new(), overfull: false }
    }

    /// The client of a row, who is entered if new.
    pub fn client(&mut self, id: K::Row, tag: u32, buffers: &Buffers) -> usize {
        let known = self.index.find(tag, |client| {
            self.clients
                .get(client as usize)
                .is_some_and(|client| K::matches(client.id, id, &self.arena, buffers))
        });
        match known {
            Some(client) => client as usize,
            None => self.insert_row(id, tag, buffers),
        }
    }

    #[cold]
    fn insert_row(&mut self, id: K::Row, tag: u32, buffers: &Buffers) -> usize {
        self.insert(|arena| K::store(id, arena, buffers), tag)
    }

    /// Enter a client whose id `store` keeps; where there is no room another client is given, and the
    /// run is to be given up (see [`Self::check`]).
    pub fn insert(&mut self, store: impl FnOnce(&mut Vec<u8>) -> K::Stored, tag: u32) -> usize {
        let client = self.clients.len();
        if client == MOST_CLIENTS as usize {
            self.overfull = true;
            return 0;
        }
        let id = store(&mut self.arena);
        self.clients.push(ClientEntry { id, state: ClientState::NONE });
        let (clients, arena) = (&self.clients, &self.arena);
        self.index.insert(client as u32, tag, |client| {
            tag_of(K::hash_stored(clients[client as usize].id, arena))
        });
        client
    }

    /// Whether all that was to be kept is kept.
    ///
    /// # Errors
    /// If there was no room for a client, or the ids are too long. An even spread leaves room for two
    /// thousand million clients, over all partitions, and for 256 GB of their ids.
    pub fn check(&self) -> Result<()> {
        if self.overfull {
            return Err(Error::Data(format!(
                "the client ids are spread so unevenly that more than {MOST_CLIENTS} of them would have to be kept in one place: score the sales in several parts, each with clients of its own"
            )));
        }
        if self.arena.len() > MOST_BYTES {
            return Err(Error::Data(format!(
                "more than {MOST_BYTES} bytes of client ids would have to be kept in one place: take shorter ids"
            )));
        }
        Ok(())
    }

    /// The same clients by ids of another kind, which `id` keeps; no client is found by its id before
    /// [`Self::reindex`].
    pub fn with_ids<T: Key>(
        self,
        mut id: impl FnMut(K::Stored, &mut Vec<u8>) -> T::Stored,
    ) -> HashedStore<T> {
        let mut arena = Vec::new();
        let entry = |client: ClientEntry<_>| ClientEntry {
            id: id(client.id, &mut arena),
            state: client.state,
        };
        let clients = self.clients.into_iter().map(entry).collect();
        HashedStore { index: HashIndex::new(), clients, arena, overfull: self.overfull }
    }

    /// Have clients found by their ids.
    pub fn reindex(&mut self) {
        let (clients, arena) = (&self.clients, &self.arena);
        let tag = |client: u32| tag_of(K::hash_stored(clients[client as usize].id, arena));
        (0..clients.len() as u32).for_each(|client| self.index.insert(client, tag(client), tag));
    }

    /// Find the clients of lines, entered if new, and hand both over a group at a time.
    ///
    /// What takes long is to wait for memory, so it is prefetched: the lines eight groups before they
    /// are needed, then the buckets of the index, then the clients that stand there, then the bytes of
    /// their ids where these are long.
    #[inline]
    pub fn each_group<O: Key, W>(
        &mut self,
        lines: &[Line<K, O, W>],
        buffers: &Buffers,
        mut with: impl FnMut(&mut [ClientEntry<K::Stored>], &[Line<K, O, W>], &[u32]),
    ) {
        let group = |number: usize| {
            let start = (number * GROUP).min(lines.len());
            &lines[start..lines.len().min(start + GROUP)]
        };
        // The likely clients of this group, of the next, and of the one after it.
        let mut likely = [[NO_CLIENT; GROUP]; 3];
        (0..3).for_each(|number| self.prefetch_buckets(group(number), buffers));
        self.prefetch_clients(group(0), &mut likely[0]);
        self.prefetch_clients(group(1), &mut likely[1]);
        self.prefetch_ids(group(0), &likely[0]);
        for number in 0..lines.len().div_ceil(GROUP) {
            prefetch_lines(lines, (number + 8) * GROUP);
            self.prefetch_buckets(group(number + 3), buffers);
            self.prefetch_clients(group(number + 2), &mut likely[2]);
            self.prefetch_ids(group(number + 1), &likely[1]);
            let group = group(number);
            for (line, client) in group.iter().zip(&mut likely[0]) {
                let first = self.clients.get(*client as usize);
                let known = |first: &ClientEntry<K::Stored>| {
                    K::matches(first.id, line.client, &self.arena, buffers)
                };
                if !first.is_some_and(known) {
                    *client = self.client(line.client, line.tag, buffers) as u32;
                }
            }
            with(&mut self.clients, group, &likely[0][..group.len()]);
            likely.rotate_left(1);
        }
    }

    #[inline]
    fn prefetch_buckets<O: Key, W>(&self, group: &[Line<K, O, W>], buffers: &Buffers) {
        for line in group {
            self.index.prefetch(line.tag);
            K::prefetch_row(line.client, buffers);
        }
    }

    /// Read which clients lines most likely have, and prefetch these.
    #[inline]
    fn prefetch_clients<O: Key, W>(&self, group: &[Line<K, O, W>], clients: &mut [u32; GROUP]) {
        for (line, client) in group.iter().zip(clients) {
            *client = self.index.likely(line.tag);
            prefetch(&self.clients, *client as usize);
        }
    }

    /// Prefetch the bytes of the ids of clients.
    #[inline]
    fn prefetch_ids<O: Key, W>(&self, group: &[Line<K, O, W>], clients: &[u32; GROUP]) {
        for (_, &client) in group.iter().zip(clients) {
            if let Some(client) = self.clients.get(client as usize) {
                K::prefetch_stored(client.id, &self.arena);
            }
        }
    }
}
