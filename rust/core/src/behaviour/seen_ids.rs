//! Ids of events that earlier runs have seen: what comes with one of them again is a duplicate.

use std::ops::Range;

use super::event_id::{EventId, PackedId};

/// Ids of events of many clients, those of one client together and ascending.
#[derive(Debug, Default)]
pub(super) struct SeenIds {
    ids: Vec<PackedId>,
    arena: Vec<u8>,
    /// Each client, and where its ids end.
    ends: Vec<(u64, usize)>,
}

impl SeenIds {
    /// Add the ids of one more client, ascending.
    pub fn push_client<'a>(&mut self, client: u64, ids: impl Iterator<Item = EventId<'a>>) {
        self.ids.extend(ids.map(|id| id.pack(&mut self.arena)));
        self.ends.push((client, self.ids.len()));
    }

    /// The clients, in the order in which they were added.
    pub fn clients(&self) -> impl ExactSizeIterator<Item = u64> {
        self.ends.iter().map(|&(client, _)| client)
    }

    /// The ids of the client that was added as the `n`th, from 0.
    pub fn of_client(&self, n: usize, are_texts: bool) -> ClientSeenIds<'_> {
        let start = n.checked_sub(1).map_or(0, |before| self.ends[before].1);
        ClientSeenIds { all: Some(self), range: start..self.ends[n].1, are_texts }
    }
}

/// The ids of one client.
#[derive(Debug, Clone, Default)]
pub(super) struct ClientSeenIds<'a> {
    all: Option<&'a SeenIds>,
    range: Range<usize>,
    are_texts: bool,
}

impl<'a> ClientSeenIds<'a> {
    pub fn is_empty(&self) -> bool {
        self.range.is_empty()
    }

    /// The ids, ascending.
    pub fn iter(&self) -> impl Iterator<Item = EventId<'a>> {
        let (all, are_texts) = (self.all, self.are_texts);
        let ids = all.map_or(&[][..], |all| &all.ids[self.range.clone()]);
        let arena = all.map_or(&[][..], |all| &all.arena);
        ids.iter().map(move |&id| EventId::unpack(id, arena, are_texts))
    }

    /// Whether an id is among them.
    pub fn contains(&self, id: EventId) -> bool {
        self.all.is_some_and(|all| {
            let unpacked = |&seen: &PackedId| EventId::unpack(seen, &all.arena, self.are_texts);
            all.ids[self.range.clone()].binary_search_by(|seen| unpacked(seen).cmp(&id)).is_ok()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_their_client() {
        let texts: [&[u8]; 3] = [b"", b"a", b"an id that is longer"];
        let mut seen = SeenIds::default();
        seen.push_client(7, texts.iter().map(|text| EventId::Text(text)));
        seen.push_client(8, std::iter::empty());
        seen.push_client(9, [EventId::Text(b"b")].into_iter());
        assert_eq!(seen.clients().collect::<Vec<_>>(), [7, 8, 9]);
        assert_eq!(seen.of_client(0, true).iter().count(), 3);
        for text in texts {
            assert!(seen.of_client(0, true).contains(EventId::Text(text)));
            assert!(!seen.of_client(2, true).contains(EventId::Text(text)));
        }
        let nobody = ClientSeenIds::default();
        assert!(seen.of_client(1, true).is_empty() && !nobody.contains(EventId::Number(0)));
        let mut numbers = SeenIds::default();
        numbers.push_client(1, [0, 5, u64::MAX].map(EventId::Number).into_iter());
        assert!(numbers.of_client(0, false).contains(EventId::Number(u64::MAX)));
        assert!(!numbers.of_client(0, false).contains(EventId::Number(6)));
    }
}
