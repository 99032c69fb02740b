//! Ids of events that earlier runs have seen: what comes with one of them again is a duplicate.

use std::ops::Range;

use super::chunk::{EventId, keep_text, kept_text};
use super::timeline::Id;

/// Ids of events of many clients, those of one client together and ascending.
#[derive(Debug, Default)]
pub(super) struct SeenIds {
    ids: Vec<EventId>,
    arena: Vec<u8>,
    /// Whose ids end where.
    ends: Vec<(u64, usize)>,
}

impl SeenIds {
    /// Take in the ids of one more client, ascending.
    pub fn push_client<'a>(&mut self, client: u64, ids: impl Iterator<Item = Id<'a>>) {
        for id in ids {
            let kept = match id {
                Id::Number(number) => number.into(),
                Id::Text(text) => keep_text(text, &mut self.arena),
            };
            self.ids.push(kept);
        }
        self.ends.push((client, self.ids.len()));
    }

    /// The clients, in the order in which they came.
    pub fn clients(&self) -> impl ExactSizeIterator<Item = u64> {
        self.ends.iter().map(|&(client, _)| client)
    }

    /// The ids of the client that came at a place, from 0.
    pub fn of_client(&self, place: usize, texts: bool) -> Seen<'_> {
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before].1);
        Seen { all: Some(self), range: start..self.ends[place].1, texts }
    }
}

/// The ids of one client.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen<'a> {
    all: Option<&'a SeenIds>,
    range: Range<usize>,
    texts: bool,
}

impl<'a> Seen<'a> {
    pub fn is_empty(&self) -> bool {
        self.range.is_empty()
    }

    /// The ids, ascending.
    pub fn iter(&self) -> impl Iterator<Item = Id<'a>> {
        let (all, texts) = (self.all, self.texts);
        let ids = all.map_or(&[][..], |all| &all.ids[self.range.clone()]);
        ids.iter().map(move |&id| id_of(id, all, texts))
    }

    /// Whether an id is among them.
    pub fn has(&self, id: Id) -> bool {
        self.all.is_some_and(|all| {
            let own = &all.ids[self.range.clone()];
            own.binary_search_by(|&kept| id_of(kept, self.all, self.texts).cmp(&id)).is_ok()
        })
    }
}

fn id_of(id: EventId, all: Option<&SeenIds>, texts: bool) -> Id<'_> {
    match all {
        Some(all) if texts => Id::Text(kept_text(id, &all.arena)),
        _ => Id::Number(id as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_their_client() {
        let texts: [&[u8]; 3] = [b"", b"a", b"an id that is longer"];
        let mut seen = SeenIds::default();
        seen.push_client(7, texts.iter().map(|text| Id::Text(text)));
        seen.push_client(8, std::iter::empty());
        seen.push_client(9, [Id::Text(b"b")].into_iter());
        assert_eq!(seen.clients().collect::<Vec<_>>(), [7, 8, 9]);
        assert_eq!(seen.of_client(0, true).iter().count(), 3);
        for text in texts {
            assert!(seen.of_client(0, true).has(Id::Text(text)));
            assert!(!seen.of_client(2, true).has(Id::Text(text)));
        }
        assert!(seen.of_client(1, true).is_empty() && !Seen::default().has(Id::Number(0)));
        let mut numbers = SeenIds::default();
        numbers.push_client(1, [0, 5, u64::MAX].map(Id::Number).into_iter());
        assert!(numbers.of_client(0, false).has(Id::Number(u64::MAX)));
        assert!(!numbers.of_client(0, false).has(Id::Number(6)));
    }
}
