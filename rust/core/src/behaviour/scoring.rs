//! The scores of one partition: its events are grouped, and each client's are read in turn.

use super::book::Book;
use super::chunk::Block;
use super::client::{Carried, Entry, Nobody, Player, Score, SetAside, Witness};
use super::event::{Event, Texts};
use super::limits::{Days, NO_VISIT};
use super::order::Grouped;
use super::output::{LedgerRow, Scored, StateRow};
use super::seen::{Seen, SeenIds};
use super::timeline::Id;

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
        carried: &[(u64, Carried)],
        seen: &SeenIds,
    ) -> (Scored, u64, SetAside) {
        let known_clients = carried.iter().map(|(client, _)| *client);
        grouped.group(blocks, known_clients.chain(seen.clients()), self.text_ids);
        let mut seen_places = vec![None; grouped.clients.len()];
        for (place, client) in seen.clients().enumerate() {
            seen_places[grouped.number(client) as usize] = Some(place);
        }
        let mut known: Vec<(u32, Carried)> =
            carried.iter().map(|&(client, row)| (grouped.number(client), row)).collect();
        known.sort_by_key(|(number, _)| *number); // stable: the rows of a client keep their order
        let known_rows: Vec<Carried> = known.iter().map(|(_, row)| *row).collect();
        let mut player = Player::new(self.book, self.as_of, self.days.clone(), self.state);
        let mut out = Scored::with_room(grouped.clients.len(), self.book.groups.len());
        let (mut duplicates, mut first) = (0, 0);
        for (client, place) in seen_places.into_iter().enumerate() {
            let own_seen =
                place.map_or_else(Seen::default, |place| seen.of_client(place, self.text_ids));
            duplicates += grouped.arrange(client, self.texts, &own_seen);
            let last =
                first + known[first..].iter().take_while(|(n, _)| *n as usize == client).count();
            let client_known = &known_rows[first..last];
            first = last;
            let score = self.play(&mut player, (client_known, &own_seen), grouped, &mut out);
            out.clients.push(grouped.clients[client]);
            out.scores.push(score);
            out.sums.extend_from_slice(&player.sums);
        }
        (out, duplicates, player.set_aside)
    }

    fn play(
        &self,
        player: &mut Player,
        (known, seen): (&[Carried], &Seen),
        grouped: &Grouped,
        out: &mut Scored,
    ) -> Score {
        let events = grouped.own.events.as_slice();
        let client = grouped.clients[out.clients.len()];
        let id = |place: usize| grouped.own.id(place);
        let owned_id = |place: usize| id(place).map(Into::into);
        let (state, now_seen) = (&mut out.state, &mut out.seen);
        let save = |rows: &[Carried], begin: usize| {
            state.extend(rows.iter().map(|row| StateRow::Known(*row)));
            let left = events[begin..].iter().zip(begin..);
            state.extend(left.map(|(event, place)| StateRow::Event(*event, owned_id(place))));
            let mut ids: Vec<Id> = seen.iter().chain((0..begin).filter_map(id)).collect();
            ids.sort_unstable();
            now_seen.push_client(client, ids.into_iter());
        };
        let score = if self.ledger {
            let mut lines = Lines::default();
            let score = player.play(known, events, &mut lines, save);
            out.ledger.extend(lines.0.iter().map(|entry| {
                let number = entry.place.map(|place| player.visits.marks[place].visit);
                let number = number.filter(|&number| number != NO_VISIT);
                let visit = number.map(|number| &player.visits.all[number as usize]);
                let event = entry.place.map_or_else(Event::default, |place| events[place]);
                LedgerRow {
                    event,
                    place: entry.place.map(|place| place as u32),
                    instant: entry.instant,
                    id: entry.place.and_then(owned_id),
                    visit: number.map(|number| player.visit_number(number)),
                    visit_dwell: visit.map(|visit| i64::try_from(visit.dwell).unwrap_or(i64::MAX)),
                    visit_clicks: visit.map(|visit| visit.clicks),
                    visit_passed: visit.map(|visit| visit.passed),
                    rule: entry.rule,
                    group: entry.group.map(|group| group as u32),
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
