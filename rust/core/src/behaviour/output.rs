//! Scored partitions made into columns: one row a client, ascending by id; ledgers and states likewise.

use super::event::{Event, EventDictionaries};
use super::event_id::OwnedEventId;
use super::output_columns::{
    EventIdColumn, LedgerColumns, ScoreColumns, StateColumns, StatePart, TextColumn,
};
use super::rules::{Repeat, RuleSet};
use super::saved_state::StateEntry;
use super::scored_partition::{LedgerRow, ScoredPartition, StateRow};
use super::scorer::ClientScore;
use crate::clients::{IdType, RowLocation};
use crate::columns::Ids;
use crate::dictionary::MISSING;
use crate::stop::stop_if_asked;
use crate::threads::{Reused, for_each};

/// Ids, each as often as said.
fn repeated(ids: &Ids, times: impl Fn(usize) -> usize) -> Ids {
    fn each<T: Copy>(ids: &[T], times: impl Fn(usize) -> usize) -> Vec<T> {
        ids.iter().enumerate().flat_map(|(i, &id)| std::iter::repeat_n(id, times(i))).collect()
    }
    stop_if_asked();
    match ids {
        Ids::Signed(ids) => Ids::Signed(each(ids, times)),
        Ids::Unsigned(ids) => Ids::Unsigned(each(ids, times)),
        Ids::Texts { views, buffers } => {
            Ids::Texts { views: each(views, times), buffers: buffers.clone() }
        }
    }
}

/// Clients whose rows are written together, so that their scores stay in cache.
const BLOCK: usize = 1024;

/// A block of rows of all score columns, to be written.
struct ScoreBlock<'a> {
    locations: &'a [RowLocation],
    score: &'a mut [f64],
    groups: Vec<&'a mut [f64]>,
    phase: &'a mut [u8],
    last_event: &'a mut [i64],
    visits: &'a mut [u32],
    dense_visits: &'a mut [u32],
    hits: [&'a mut [u32]; 3],
}

impl ScoreBlock<'_> {
    fn write(self, parts: &[ScoredPartition], gathered: &mut Vec<ClientScore>) {
        let part = |location: &RowLocation| &parts[location.partition as usize];
        // Scores lie anywhere in memory, and a loop that only loads has many loads in flight at once.
        gathered.clear();
        gathered.extend(self.locations.iter().map(|at| part(at).scores[at.row as usize]));
        let groups = self.groups.len();
        for (group, sums) in self.groups.into_iter().enumerate() {
            for (sum, at) in sums.iter_mut().zip(self.locations) {
                *sum = part(at).sums[at.row as usize * groups + group];
            }
        }
        let [hot, warm, eliminatory] = self.hits;
        for (i, score) in gathered.iter().enumerate() {
            self.score[i] = score.points;
            self.phase[i] = score.phase as u8;
            self.last_event[i] = score.last_event;
            self.visits[i] = score.visits;
            self.dense_visits[i] = score.dense_visits;
            [hot[i], warm[i], eliminatory[i]] = score.hits;
        }
    }
}

/// The scores in the order of `locations`.
pub(super) fn score_columns(
    parts: &[ScoredPartition],
    ids: Ids,
    locations: &[RowLocation],
    groups: usize,
) -> ScoreColumns {
    let n = locations.len();
    let mut columns = ScoreColumns {
        ids,
        score: vec![0.0; n],
        groups: vec![vec![0.0; n]; groups],
        phase: vec![0; n],
        last_event: vec![0; n],
        visits: vec![0; n],
        dense_visits: vec![0; n],
        hits: [(); 3].map(|()| vec![0; n]),
    };
    let mut score = columns.score.chunks_mut(BLOCK);
    let mut sums: Vec<_> = columns.groups.iter_mut().map(|sums| sums.chunks_mut(BLOCK)).collect();
    let mut phase = columns.phase.chunks_mut(BLOCK);
    let mut last_event = columns.last_event.chunks_mut(BLOCK);
    let mut visits = columns.visits.chunks_mut(BLOCK);
    let mut dense_visits = columns.dense_visits.chunks_mut(BLOCK);
    let [mut hot, mut warm, mut eliminatory] =
        columns.hits.each_mut().map(|hits| hits.chunks_mut(BLOCK));
    let block = |locations| {
        Some(ScoreBlock {
            locations,
            score: score.next()?,
            groups: sums.iter_mut().filter_map(Iterator::next).collect(),
            phase: phase.next()?,
            last_event: last_event.next()?,
            visits: visits.next()?,
            dense_visits: dense_visits.next()?,
            hits: [hot.next()?, warm.next()?, eliminatory.next()?],
        })
    };
    let reused = Reused::default();
    for_each(locations.chunks(BLOCK).filter_map(block), |_, block| {
        reused.with(|gathered| block.write(parts, gathered));
    });
    columns
}

/// The rows of a client among those of its partition.
fn own_rows(ends: &[usize], row: usize) -> std::ops::Range<usize> {
    let start = row.checked_sub(1).map_or(0, |before| ends[before]);
    start..ends[row]
}

/// The ledgers in the order of `locations`.
pub(super) fn ledger_columns(
    parts: &[ScoredPartition],
    ids: &Ids,
    locations: &[RowLocation],
    dictionaries: EventDictionaries,
    event_ids: Option<IdType>,
) -> LedgerColumns {
    fn each<T>(rows: &[&LedgerRow], value: impl Fn(&LedgerRow) -> T) -> Vec<T> {
        stop_if_asked();
        rows.iter().map(|row| value(row)).collect()
    }
    let rows_of = |at: &RowLocation| {
        let part = &parts[at.partition as usize];
        &part.ledger[own_rows(&part.ledger_ends, at.row as usize)]
    };
    let rows: Vec<&LedgerRow> = locations.iter().flat_map(rows_of).collect();
    let EventDictionaries { kinds, pages, channels, .. } = dictionaries;
    let mut event_id = EventIdColumn::new(event_ids);
    for row in &rows {
        event_id.push(row.id.as_ref().map(OwnedEventId::as_id));
    }
    let micros = |dwell: u64| i64::try_from(dwell).unwrap_or(i64::MAX);
    LedgerColumns {
        ids: repeated(ids, |i| rows_of(&locations[i]).len()),
        instant: each(&rows, |row| row.entry.instant),
        event: each(&rows, |row| row.entry.index.map(|index| index as u32 + 1)),
        event_id,
        kind: TextColumn::of_codes(kinds, rows.iter().map(|row| row.event.kind.into())),
        page: TextColumn::of_codes(pages, rows.iter().map(|row| row.event.page)),
        channel: TextColumn::of_codes(channels, rows.iter().map(|row| row.event.flags.channel())),
        dwell: each(&rows, |row| row.event.measures.dwell()),
        clicks: each(&rows, |row| row.entry.index.map(|_| row.event.measures.clicks() as u32)),
        visit: each(&rows, |row| row.visit.map(|(number, _)| number)),
        visit_dwell: each(&rows, |row| row.visit.map(|(_, visit)| micros(visit.dwell))),
        visit_clicks: each(&rows, |row| row.visit.map(|(_, visit)| visit.clicks)),
        visit_passed: each(&rows, |row| row.visit.map(|(_, visit)| visit.passed)),
        rule: each(&rows, |row| row.entry.rule),
        group: each(&rows, |row| row.entry.group.map(|group| group as u32)),
        outcome: each(&rows, |row| row.entry.outcome as u8),
        weight: each(&rows, |row| row.entry.rule.map(|_| row.entry.weight)),
        contribution: each(&rows, |row| row.entry.contribution),
    }
}

/// The states in the order of `locations`.
pub(super) fn state_columns(
    parts: &[ScoredPartition],
    ids: &Ids,
    locations: &[RowLocation],
    dictionaries: EventDictionaries,
    event_ids: Option<IdType>,
    rules: &RuleSet,
) -> StateColumns {
    let rows_of = |at: &RowLocation| {
        let part = &parts[at.partition as usize];
        &part.state[own_rows(&part.state_ends, at.row as usize)]
    };
    let rows: Vec<&StateRow> = locations.iter().flat_map(rows_of).collect();
    let mut event_id = EventIdColumn::new(event_ids);
    for row in &rows {
        let id = if let StateRow::Event(_, id, _) = row { id.as_ref() } else { None };
        event_id.push(id.map(OwnedEventId::as_id));
    }
    let mut seen = EventIdColumn::new(event_ids);
    let mut seen_ends = Vec::with_capacity(rows.len());
    for location in locations {
        let seen_ids = &parts[location.partition as usize].seen;
        for row in rows_of(location) {
            if matches!(row, StateRow::Entry(StateEntry::Counts { .. })) {
                let own =
                    seen_ids.of_client(location.row as usize, event_ids == Some(IdType::Text));
                own.iter().for_each(|id| seen.push(Some(id)));
            }
            seen_ends.push(seen.len());
        }
    }
    let fields: Vec<_> = rows.iter().map(|row| state_fields(row)).collect();
    let event = |row: &&StateRow| {
        if let StateRow::Event(event, ..) = row { *event } else { Event::default() }
    };
    // What awards are remembered by has the column of what it is.
    let remembered = |row: &&StateRow, wanted: Repeat| match **row {
        StateRow::Entry(StateEntry::Award { rule, code, .. })
            if rules.rules[rule as usize].repeat == wanted =>
        {
            code
        }
        _ => MISSING,
    };
    let page = |row: &&StateRow| event(row).page | remembered(row, Repeat::OncePerPage);
    let message = |row: &&StateRow| match row {
        StateRow::Event(_, _, message) => *message,
        StateRow::Entry(_) => remembered(row, Repeat::OncePerMessage),
    };
    StateColumns {
        ids: repeated(ids, |i| rows_of(&locations[i]).len()),
        part: fields.iter().map(|fields| fields.0 as u8).collect(),
        instant: fields.iter().map(|fields| fields.1).collect(),
        code: fields.iter().map(|fields| fields.2).collect(),
        number: fields.iter().map(|fields| fields.3).collect(),
        value: fields.iter().map(|fields| fields.4).collect(),
        kind: TextColumn::of_codes(
            dictionaries.kinds,
            rows.iter().map(|row| event(row).kind.into()),
        ),
        page: TextColumn::of_codes(dictionaries.pages, rows.iter().map(page)),
        message: TextColumn::of_codes(dictionaries.messages, rows.iter().map(message)),
        event_id,
        seen,
        seen_ends,
    }
}

fn state_fields(row: &StateRow) -> (StatePart, i64, u32, u64, f64) {
    match *row {
        StateRow::Entry(StateEntry::Counts { last_event, visits, dense }) => {
            (StatePart::Counts, last_event, visits, dense.into(), 0.0)
        }
        StateRow::Entry(StateEntry::Sum { group, sum }) => (StatePart::Sum, 0, group, 0, sum),
        StateRow::Entry(StateEntry::Award { instant, rule, in_visit, .. }) => {
            (StatePart::Award, instant, rule, in_visit.into(), 0.0)
        }
        StateRow::Entry(StateEntry::Signal { instant, signal }) => {
            (StatePart::Signal, instant, 0, signal.to_word(), 0.0)
        }
        StateRow::Event(event, ..) => {
            (StatePart::Event, event.instant, event.flags.0.into(), event.measures.0, 0.0)
        }
    }
}
