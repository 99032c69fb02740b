//! The scores of one partition: its events are grouped, and each client's scored in turn.

use super::compiled_rules::CompiledRules;
use super::event::{Event, EventDictionaries};
use super::event_id::EventId;
use super::event_tally::EventTally;
use super::grouped_events::GroupedEvents;
use super::ledger::{LedgerEntry, NoLedger};
use super::partitioned_chunk::PartitionSlice;
use super::repeat_limiter::LocalDays;
use super::saved_state::StateEntry;
use super::scored_partition::{LedgerRow, ScoredPartition, StateRow};
use super::scorer::{ClientScore, Scorer, ScoringDrops};
use super::seen_ids::{ClientSeenIds, SeenIds};
use crate::stop::stop_if_asked;

/// What scores partitions.
pub(super) struct PartitionScorer<'a> {
    pub rules: &'a CompiledRules,
    pub dictionaries: EventDictionaries<'a>,
    pub as_of: i64,
    pub days: LocalDays,
    pub text_ids: bool,
    pub ledger: bool,
    pub state: bool,
}

/// What the partitions that one thread scores share, one after another.
#[derive(Debug, Default)]
pub(super) struct PartitionWork {
    grouped: GroupedEvents,
    /// What the rules did so far.
    pub tally: EventTally,
}

impl PartitionScorer<'_> {
    /// Score the clients of a partition; also how many duplicates and other events were dropped.
    pub fn score(
        &self,
        PartitionWork { grouped, tally }: &mut PartitionWork,
        slices: &[PartitionSlice],
        saved: &[(u64, StateEntry)],
        seen: &SeenIds,
    ) -> (ScoredPartition, u64, ScoringDrops) {
        let saved_clients = saved.iter().map(|(client, _)| *client);
        grouped.group(slices, saved_clients.chain(seen.clients()), self.text_ids);
        let mut seen_numbers = vec![None; grouped.clients().len()];
        for (n, client) in seen.clients().enumerate() {
            seen_numbers[grouped.number_of(client) as usize] = Some(n);
        }
        let mut numbered: Vec<(u32, StateEntry)> =
            saved.iter().map(|&(client, entry)| (grouped.number_of(client), entry)).collect();
        numbered.sort_by_key(|(number, _)| *number); // stable: a client's entries keep their order
        let entries: Vec<StateEntry> = numbered.iter().map(|(_, entry)| *entry).collect();
        let EventDictionaries { kinds, pages, .. } = self.dictionaries;
        tally.prepare(self.rules.rules.len(), pages.codes(), kinds.codes());
        let mut scorer = Scorer::new(self.rules, self.as_of, self.days.clone(), self.state, tally);
        let mut out = ScoredPartition::with_room(grouped.clients().len(), self.rules.groups.len());
        let (mut duplicates, mut first) = (0, 0);
        for (client, n) in seen_numbers.into_iter().enumerate() {
            stop_if_asked();
            let own_seen =
                n.map_or_else(ClientSeenIds::default, |n| seen.of_client(n, self.text_ids));
            duplicates += grouped.make_timeline(client, self.dictionaries, &own_seen);
            let is_own = |(number, _): &&(u32, StateEntry)| *number as usize == client;
            let last = first + numbered[first..].iter().take_while(is_own).count();
            let own_saved = &entries[first..last];
            first = last;
            let score = self.score_client(&mut scorer, (own_saved, &own_seen), grouped, &mut out);
            out.clients.push(grouped.clients()[client]);
            out.scores.push(score);
            out.sums.extend_from_slice(&scorer.sums);
        }
        (out, duplicates, scorer.drops)
    }

    /// Score the client whose timeline was made last, and write the ledger and the state.
    fn score_client(
        &self,
        scorer: &mut Scorer,
        (saved, seen): (&[StateEntry], &ClientSeenIds),
        grouped: &GroupedEvents,
        out: &mut ScoredPartition,
    ) -> ClientScore {
        let timeline = &grouped.timeline;
        let events = timeline.events.as_slice();
        let client = grouped.clients()[out.clients.len()];
        let owned_id = |index: usize| timeline.id(index).map(Into::into);
        let (state, seen_later) = (&mut out.state, &mut out.seen);
        let save = |entries: &[StateEntry], first_open: usize| {
            state.extend(entries.iter().map(|entry| StateRow::Entry(*entry)));
            let open = events.iter().enumerate().skip(first_open);
            state.extend(open.map(|(index, event)| {
                StateRow::Event(*event, owned_id(index), timeline.message(index))
            }));
            let closed = (0..first_open).filter_map(|index| timeline.id(index));
            let mut ids: Vec<EventId> = seen.iter().chain(closed).collect();
            ids.sort_unstable();
            seen_later.push_client(client, ids.into_iter());
        };
        let score = if self.ledger {
            let mut entries: Vec<LedgerEntry> = Vec::new();
            let score = scorer.score(saved, timeline, &mut entries, save);
            let rows = entries.into_iter().map(|entry| LedgerRow {
                entry,
                event: entry.index.map_or_else(Event::default, |index| events[index]),
                id: entry.index.and_then(owned_id),
                visit: entry.index.and_then(|index| scorer.numbered_visit(index)),
            });
            out.ledger.extend(rows);
            out.ledger_ends.push(out.ledger.len());
            score
        } else {
            scorer.score(saved, timeline, &mut NoLedger, save)
        };
        if self.state {
            out.state_ends.push(out.state.len());
        }
        score
    }
}
