//! The scores of one partition: its events are grouped, and each client's are read in turn.

use std::ops::Range;

use super::book::Book;
use super::client::{Carried, Entry, Nobody, Player, Score, SetAside, Witness};
use super::event::Texts;
use super::limits::Days;
use super::order::Grouped;
use super::output::{LedgerRow, Scored, StateRow};
use super::store::Block;

/// What scores partitions.
pub(super) struct Scoring<'a> {
    pub book: &'a Book,
    pub texts: Texts<'a>,
    pub as_of: i64,
    pub days: Days,
    pub text_ids: bool,
    pub ledger: bool,
    pub state: bool,
}

impl Scoring<'_> {
    /// Score the clients of a partition; also the duplicates dropped and what was set aside.
    pub fn score(
        &self,
        grouped: &mut Grouped,
        blocks: &[Block],
        carried: Vec<(u64, Carried)>,
    ) -> (Scored, u64, SetAside) {
        grouped.group(blocks, carried.iter().map(|(client, _)| *client));
        let mut known: Vec<(u32, Carried)> =
            carried.into_iter().map(|(client, row)| (grouped.number(client), row)).collect();
        known.sort_by_key(|(number, _)| *number); // stable: the rows of a client keep their order
        let known_rows: Vec<Carried> = known.iter().map(|(_, row)| *row).collect();
        let mut player = Player::new(self.book, self.as_of, self.days.clone(), self.state);
        let mut out = Scored::default();
        let (mut duplicates, mut first) = (0, 0);
        for client in 0..grouped.clients.len() {
            let (range, dropped) = grouped.arrange(client, self.texts, self.text_ids);
            duplicates += dropped;
            let last =
                first + known[first..].iter().take_while(|(n, _)| *n as usize == client).count();
            let client_known = &known_rows[first..last];
            first = last;
            let score = self.play(&mut player, client_known, grouped, range, &mut out);
            out.clients.push(grouped.clients[client]);
            out.scores.push(score);
            out.sums.extend_from_slice(&player.sums);
        }
        (out, duplicates, player.set_aside)
    }

    fn play(
        &self,
        player: &mut Player,
        known: &[Carried],
        grouped: &Grouped,
        range: Range<usize>,
        out: &mut Scored,
    ) -> Score {
        let events = &grouped.events[range.clone()];
        let owned_id =
            |place: usize| grouped.id(range.start + place, self.text_ids).map(Into::into);
        let state = &mut out.state;
        let save = |rows: &[Carried], begin: usize| {
            state.extend(rows.iter().map(|row| StateRow::Known(*row)));
            let left = events[begin..].iter().zip(begin..);
            state.extend(left.map(|(event, place)| StateRow::Event(*event, owned_id(place))));
        };
        let score = if self.ledger {
            let mut lines = Lines::default();
            let score = player.play(known, events, &mut lines, save);
            out.ledger.extend(lines.0.iter().map(|entry| {
                let visit = player.visits.of_event[entry.place];
                let place = player.visits.all.get(visit as usize);
                LedgerRow {
                    event: events[entry.place],
                    id: owned_id(entry.place),
                    visit: visit.wrapping_add(1),
                    visit_dwell: place.map_or(0, |visit| visit.dwell),
                    visit_clicks: place.map_or(0, |visit| visit.clicks),
                    visit_passed: place.is_some_and(|visit| visit.passed),
                    rule: entry.rule,
                    outcome: entry.outcome as u8,
                    weight: entry.weight,
                    contribution: entry.contribution,
                }
            }));
            out.ledger_ends.push(out.ledger.len());
            score
        } else {
            player.play(known, events, &mut Nobody, save)
        };
        if self.state {
            out.state_ends.push(out.state.len());
        }
        score
    }
}

/// The entries of one client.
#[derive(Default)]
struct Lines(Vec<Entry>);

impl Witness for Lines {
    fn see(&mut self, entry: Entry) {
        self.0.push(entry);
    }
}
