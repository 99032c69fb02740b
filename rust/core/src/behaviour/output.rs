//! From partitions to columns: one row a client, ascending by id; ledgers and states likewise.

use rayon::prelude::*;

use super::client::{Carried, Score};
use super::columns::{
    EventIdColumn, LedgerColumns, ScoreColumns, StateColumns, StatePart, TextColumn,
};
use super::dictionary::Words;
use super::event::Event;
use super::event_ids::EventIds;
use super::morsel::ClientIds;
use super::seen::SeenIds;
use super::timeline::Id;
use crate::columns::{Ids, plain_integer};

/// What one partition gave.
#[derive(Debug, Default)]
pub(super) struct Scored {
    pub clients: Vec<u64>,
    pub scores: Vec<Score>,
    /// The sums of the groups, all of one client together.
    pub sums: Vec<f64>,
    pub ledger: Vec<LedgerRow>,
    /// Where the ledger of each client ends.
    pub ledger_ends: Vec<usize>,
    pub state: Vec<StateRow>,
    pub state_ends: Vec<usize>,
    /// For a state: the ids of the settled events, by client.
    pub seen: SeenIds,
}

impl Scored {
    /// Room for so many clients, with the sums of so many groups each.
    pub fn with_room(clients: usize, groups: usize) -> Self {
        Self {
            clients: Vec::with_capacity(clients),
            scores: Vec::with_capacity(clients),
            sums: Vec::with_capacity(clients * groups),
            ..Self::default()
        }
    }
}

/// An event's id, kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum OwnedId {
    Number(u64),
    Text(Box<[u8]>),
}

impl From<Id<'_>> for OwnedId {
    fn from(id: Id<'_>) -> Self {
        match id {
            Id::Number(number) => Self::Number(number),
            Id::Text(text) => Self::Text(text.into()),
        }
    }
}

impl OwnedId {
    fn as_id(&self) -> Id<'_> {
        match self {
            Self::Number(number) => Id::Number(*number),
            Self::Text(text) => Id::Text(text),
        }
    }
}

/// A line of a ledger.
#[derive(Debug)]
pub(super) struct LedgerRow {
    pub event: Event,
    /// Among the events of the client; none for what an earlier run awarded.
    pub place: Option<u32>,
    pub instant: Option<i64>,
    pub id: Option<OwnedId>,
    /// From 1; none outside visits, as the rest of a visit is.
    pub visit: Option<u32>,
    pub visit_dwell: Option<i64>,
    pub visit_clicks: Option<u64>,
    pub visit_passed: Option<bool>,
    pub rule: Option<u32>,
    pub group: Option<u32>,
    pub outcome: u8,
    pub weight: f64,
    pub contribution: f64,
}

/// A line of a state: what is known, or an event as it is.
#[derive(Debug)]
pub(super) enum StateRow {
    Known(Carried),
    Event(Event, Option<OwnedId>),
}

/// Where a client's results are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    partition: u32,
    row: u32,
}

/// The client ids in ascending order, and where each client's results are.
pub(super) fn sorted_ids(
    parts: &[Scored],
    ids: ClientIds,
    names: &Words,
    plain_integers: bool,
) -> (Ids, Vec<Place>) {
    let mut keyed: Vec<(u64, Place)> = parts
        .par_iter()
        .enumerate()
        .flat_map_iter(|(partition, part)| {
            part.clients
                .iter()
                .zip(0..)
                .map(move |(&client, row)| (client, Place { partition: partition as u32, row }))
        })
        .collect();
    let text = |client: u64| names.get(client as u32).unwrap_or_default();
    if ids != ClientIds::Texts {
        keyed.par_sort_unstable_by_key(|pair| pair.0);
        return (integer_ids(&keyed, ids), keyed.into_iter().map(|pair| pair.1).collect());
    }
    let number = |client: u64| plain_integer(text(client));
    if plain_integers && keyed.par_iter().all(|pair| number(pair.0).is_some()) {
        for pair in &mut keyed {
            pair.0 = number(pair.0).unwrap_or(0) as u64 ^ 1 << 63;
        }
        keyed.par_sort_unstable_by_key(|pair| pair.0);
        let ids = integer_ids(&keyed, ClientIds::Signed);
        return (ids, keyed.into_iter().map(|pair| pair.1).collect());
    }
    // The first 16 bytes as one number order most texts without a look at the rest.
    let head = |client: u64| {
        let mut bytes = [0; 16];
        let text = text(client);
        let length = text.len().min(16);
        bytes[..length].copy_from_slice(&text[..length]);
        u128::from_be_bytes(bytes)
    };
    let mut headed: Vec<(u128, u64, Place)> =
        keyed.par_iter().map(|&(client, place)| (head(client), client, place)).collect();
    headed.par_sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| text(a.1).cmp(text(b.1))));
    let mut column = TextColumn::default();
    let views = headed.iter().map(|row| column.view(text(row.1))).collect();
    let ids = Ids::Texts { views, buffers: column.buffers };
    (ids, headed.into_iter().map(|row| row.2).collect())
}

fn integer_ids(keyed: &[(u64, Place)], ids: ClientIds) -> Ids {
    match ids {
        ClientIds::Unsigned => Ids::Unsigned(keyed.iter().map(|pair| pair.0).collect()),
        _ => Ids::Signed(keyed.iter().map(|pair| (pair.0 ^ 1 << 63) as i64).collect()),
    }
}

/// Ids, each as often as said.
fn repeated(ids: &Ids, times: impl Fn(usize) -> usize) -> Ids {
    fn each<T: Copy>(ids: &[T], times: impl Fn(usize) -> usize) -> Vec<T> {
        ids.iter().enumerate().flat_map(|(i, &id)| std::iter::repeat_n(id, times(i))).collect()
    }
    match ids {
        Ids::Signed(ids) => Ids::Signed(each(ids, times)),
        Ids::Unsigned(ids) => Ids::Unsigned(each(ids, times)),
        Ids::Texts { views, buffers } => {
            Ids::Texts { views: each(views, times), buffers: buffers.clone() }
        }
    }
}

/// Clients whose rows are written together: what is gathered of them stays in cache.
const BLOCK: usize = 1024;

/// The rows of some clients in all columns, to be written.
struct Block<'a> {
    places: &'a [Place],
    score: &'a mut [f64],
    groups: Vec<&'a mut [f64]>,
    phase: &'a mut [u8],
    last_event: &'a mut [i64],
    visits: &'a mut [u32],
    dense_visits: &'a mut [u32],
    hits: [&'a mut [u32]; 3],
}

impl Block<'_> {
    fn write(self, parts: &[Scored], gathered: &mut Vec<Score>) {
        let part = |place: &Place| &parts[place.partition as usize];
        // Clients lie anywhere in memory, and a loop that does nothing but load waits for many of
        // them at a time.
        gathered.clear();
        gathered.extend(self.places.iter().map(|place| part(place).scores[place.row as usize]));
        let groups = self.groups.len();
        for (group, sums) in self.groups.into_iter().enumerate() {
            for (sum, place) in sums.iter_mut().zip(self.places) {
                *sum = part(place).sums[place.row as usize * groups + group];
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

/// The scores in the order of places.
pub(super) fn score_columns(
    parts: &[Scored],
    ids: Ids,
    places: &[Place],
    groups: usize,
) -> ScoreColumns {
    let n = places.len();
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
    let block = |places| {
        Some(Block {
            places,
            score: score.next()?,
            groups: sums.iter_mut().filter_map(Iterator::next).collect(),
            phase: phase.next()?,
            last_event: last_event.next()?,
            visits: visits.next()?,
            dense_visits: dense_visits.next()?,
            hits: [hot.next()?, warm.next()?, eliminatory.next()?],
        })
    };
    let blocks: Vec<Block> = places.chunks(BLOCK).filter_map(block).collect();
    blocks.into_par_iter().for_each_init(Vec::new, |gathered, block| block.write(parts, gathered));
    columns
}

/// The rows of a client among those of its partition.
fn own_rows(ends: &[usize], row: usize) -> std::ops::Range<usize> {
    let start = row.checked_sub(1).map_or(0, |before| ends[before]);
    start..ends[row]
}

/// The texts that columns are made of.
pub(super) struct Names<'a> {
    pub kinds: &'a Words,
    pub pages: &'a Words,
    pub channels: &'a Words,
    pub event_ids: EventIds,
}

/// The ledgers in the order of places.
pub(super) fn ledger_columns(
    parts: &[Scored],
    ids: &Ids,
    places: &[Place],
    names: &Names,
) -> LedgerColumns {
    let rows_of = |place: &Place| {
        let part = &parts[place.partition as usize];
        &part.ledger[own_rows(&part.ledger_ends, place.row as usize)]
    };
    let rows: Vec<&LedgerRow> = places.iter().flat_map(rows_of).collect();
    let mut event_id = EventIdColumn::new(names.event_ids);
    rows.iter().for_each(|row| event_id.push(row.id.as_ref().map(OwnedId::as_id)));
    LedgerColumns {
        ids: repeated(ids, |i| rows_of(&places[i]).len()),
        instant: rows.iter().map(|row| row.instant).collect(),
        event: rows.iter().map(|row| row.place.map(|place| place + 1)).collect(),
        event_id,
        kind: TextColumn::of_codes(names.kinds, rows.iter().map(|row| row.event.kind.into())),
        page: TextColumn::of_codes(names.pages, rows.iter().map(|row| row.event.page)),
        channel: TextColumn::of_codes(
            names.channels,
            rows.iter().map(|row| row.event.flags.channel()),
        ),
        dwell: rows.iter().map(|row| row.event.measures.dwell()).collect(),
        clicks: rows
            .iter()
            .map(|row| row.place.map(|_| row.event.measures.clicks() as u32))
            .collect(),
        visit: rows.iter().map(|row| row.visit).collect(),
        visit_dwell: rows.iter().map(|row| row.visit_dwell).collect(),
        visit_clicks: rows.iter().map(|row| row.visit_clicks).collect(),
        visit_passed: rows.iter().map(|row| row.visit_passed).collect(),
        rule: rows.iter().map(|row| row.rule).collect(),
        group: rows.iter().map(|row| row.group).collect(),
        outcome: rows.iter().map(|row| row.outcome).collect(),
        weight: rows.iter().map(|row| row.rule.map(|_| row.weight)).collect(),
        contribution: rows.iter().map(|row| row.contribution).collect(),
    }
}

/// The states in the order of places.
pub(super) fn state_columns(
    parts: &[Scored],
    ids: &Ids,
    places: &[Place],
    names: &Names,
) -> StateColumns {
    let rows_of = |place: &Place| {
        let part = &parts[place.partition as usize];
        &part.state[own_rows(&part.state_ends, place.row as usize)]
    };
    let rows: Vec<&StateRow> = places.iter().flat_map(rows_of).collect();
    let mut event_id = EventIdColumn::new(names.event_ids);
    for row in &rows {
        let id = if let StateRow::Event(_, id) = row { id.as_ref() } else { None };
        event_id.push(id.map(OwnedId::as_id));
    }
    let mut seen = EventIdColumn::new(names.event_ids);
    let mut seen_ends = Vec::with_capacity(rows.len());
    for place in places {
        let of_part = &parts[place.partition as usize].seen;
        for row in rows_of(place) {
            if matches!(row, StateRow::Known(Carried::Counts { .. })) {
                let own = of_part.of_client(place.row as usize, names.event_ids == EventIds::Texts);
                own.iter().for_each(|id| seen.push(Some(id)));
            }
            seen_ends.push(seen.len());
        }
    }
    let fields: Vec<_> = rows.iter().map(|row| state_fields(row)).collect();
    let event = |row: &&StateRow| {
        if let StateRow::Event(event, _) = row { *event } else { Event::default() }
    };
    StateColumns {
        ids: repeated(ids, |i| rows_of(&places[i]).len()),
        part: fields.iter().map(|fields| fields.0 as u8).collect(),
        instant: fields.iter().map(|fields| fields.1).collect(),
        code: fields.iter().map(|fields| fields.2).collect(),
        number: fields.iter().map(|fields| fields.3).collect(),
        value: fields.iter().map(|fields| fields.4).collect(),
        kind: TextColumn::of_codes(names.kinds, rows.iter().map(|row| event(row).kind.into())),
        page: TextColumn::of_codes(names.pages, rows.iter().map(|row| event(row).page)),
        event_id,
        seen,
        seen_ends,
    }
}

fn state_fields(row: &StateRow) -> (StatePart, i64, u32, u64, f64) {
    match *row {
        StateRow::Known(Carried::Counts { last_event, visits, dense }) => {
            (StatePart::Counts, last_event, visits, dense.into(), 0.0)
        }
        StateRow::Known(Carried::Sum { group, sum }) => (StatePart::Sum, 0, group, 0, sum),
        StateRow::Known(Carried::Award { instant, rule, in_visit }) => {
            (StatePart::Award, instant, rule, in_visit.into(), 0.0)
        }
        StateRow::Known(Carried::Sign { instant, sign }) => {
            (StatePart::Sign, instant, 0, sign.to_word(), 0.0)
        }
        StateRow::Event(event, _) => {
            (StatePart::Event, event.instant, event.flags.0.into(), event.measures.0, 0.0)
        }
    }
}
