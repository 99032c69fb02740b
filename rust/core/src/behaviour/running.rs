//! A run once the first batch has shown the types of its columns.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;

use super::batch::EventBatch;
use super::book::Book;
use super::builder::{Account, Options, Outcome};
use super::chunk::{Block, Chunk, EventId, PARTITIONS, keep_text, partition_of};
use super::client::{Carried, SetAside};
use super::columns::StatePart;
use super::dictionary::Dictionary;
use super::event::{Event, Flags, Texts};
use super::event_ids::{EventIds, event_id};
use super::limits::Days;
use super::morsel::{ClientIds, CodedColumns, Reading, read_clients, zone_of};
use super::order::Grouped;
use super::output::{Names, Scored, ledger_columns, score_columns, sorted_ids, state_columns};
use super::reason::Reason;
use super::resume::{StateBatch, carried_event, known_row, matching};
use super::scheme::Scheme;
use super::scoring::Scoring;
use super::seen::SeenIds;
use super::spill::{Loaded, Spill};
use super::timeline::Id;
use super::worker::{Worker, chunk_rows};
use crate::calendar::{Clock, DAY, day_of_instant};
use crate::columns::{Column, DateValues, IdValues, Integers};
use crate::error::{Error, Result};

/// What is known once the first batch has shown the types of its columns.
pub(super) struct Running {
    reading: Reading,
    pub workers: Vec<Worker>,
    spill: Option<Spill>,
    /// What the ids of this run's own events are.
    own_ids: EventIds,
    /// By partition: what a saved state knows.
    carried: Vec<CarriedPart>,
    first_carried: i64,
}

impl Running {
    /// A run on so many threads, for batches like the first.
    pub fn new(options: &Options, clock: &Clock, threads: usize, first: &EventBatch) -> Self {
        let ids = match &first.client.values {
            IdValues::Integers(Integers::U64(_)) => ClientIds::Unsigned,
            IdValues::Integers(_) | IdValues::Floats(_) => ClientIds::Signed,
            IdValues::Texts(_) => ClientIds::Texts,
        };
        Self {
            reading: Reading {
                clock: clock.clone(),
                zoned: None,
                as_of: i64::MAX,
                from: options.from.unwrap_or(i64::MIN),
                ids,
                event_ids: event_ids(first),
                kinds: Dictionary::new("kind", u16::MAX.into()),
                pages: Dictionary::new("page", u32::MAX),
                channels: Dictionary::new("channel", Flags::MOST_CHANNELS),
                clients: Dictionary::new("client", u32::MAX),
            },
            own_ids: event_ids(first),
            workers: (0..threads).map(|_| Worker::new()).collect(),
            spill: None,
            carried: (0..PARTITIONS).map(|_| CarriedPart::default()).collect(),
            first_carried: i64::MAX,
        }
    }

    /// Take the zone over that timestamps turn out to have, and `as_of` with it.
    fn see_zone(&mut self, zoned: bool, options: &Options) {
        self.reading.zoned = Some(zoned);
        self.reading.as_of = as_of(options, &self.reading.clock, zoned).unwrap_or(i64::MAX);
    }

    pub fn push(&mut self, batch: &EventBatch, options: &Options) -> Result<()> {
        let zoned = zone_of(&batch.timestamp, batch.rows);
        if let (None, Some(zoned)) = (self.reading.zoned, zoned) {
            self.see_zone(zoned, options);
        }
        let texts = matches!(batch.timestamp.values, DateValues::Texts(_));
        if !texts && zoned != self.reading.zoned {
            return Err(Error::Column(
                "timestamps have a time zone in one place and none in another: cast the columns to one type".to_owned(),
            ));
        }
        if event_ids(batch) != self.own_ids {
            return Err(Error::Column(
                "event ids are of one type in one place and of another, or missing, in another: cast the columns to one type".to_owned(),
            ));
        }
        let coded = CodedColumns::new(batch, &self.reading)?;
        let reading = &self.reading;
        let workers = self.workers.len();
        let next = AtomicUsize::new(0); // the first row that nobody has been given
        let chunk = |start: usize| start + chunk_rows(batch.rows - start, batch.rows, workers);
        let read = |worker: &mut Worker| {
            worker.begin();
            loop {
                let more = |start| (start < batch.rows).then(|| chunk(start));
                let start = next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
                if let Err(error) = worker.read(batch, &coded, start..chunk(start), reading) {
                    next.store(batch.rows, Ordering::Relaxed); // nobody begins another
                    return Some((start, error));
                }
            }
        };
        // Chunks before the first that is wrong were begun before it: its error is the one.
        let wrong: Vec<(usize, Error)> = self.workers.par_iter_mut().filter_map(read).collect();
        match wrong.into_iter().min_by_key(|(start, _)| *start) {
            Some((_, error)) => Err(error),
            None => Ok(()),
        }
    }

    pub fn bytes(&self) -> u64 {
        self.workers.iter().map(|worker| worker.bytes as u64).sum()
    }

    fn take_chunks(&mut self) -> Vec<Chunk> {
        self.workers.iter_mut().flat_map(Worker::take).collect()
    }

    /// Bring all events to the temporary file.
    pub fn spill(&mut self, directory: Option<&std::path::Path>) -> Result<()> {
        let chunks = self.take_chunks();
        let spill = match &mut self.spill {
            Some(spill) => spill,
            none => none.insert(Spill::new(directory)?),
        };
        for partition in 0..PARTITIONS {
            let blocks: Vec<Block> = chunks.iter().map(|chunk| chunk.block(partition)).collect();
            spill.append(partition, &blocks)?;
        }
        Ok(())
    }

    pub fn resume(&mut self, state: &StateBatch, scheme: &Scheme) -> Result<()> {
        let clients = read_clients(&state.client, state.part.len(), &self.reading)?;
        for (row, client) in clients.into_iter().enumerate() {
            let seen = state.seen_ends[row] as usize..state.seen_ends[row + 1] as usize;
            let ids = seen.map(|place| self.id_of_state(&state.seen, place));
            let ids: Vec<Id> = ids.filter_map(Result::transpose).collect::<Result<_>>()?;
            let id = self.id_of_state(&state.event_id, row)?;
            let part = &mut self.carried[partition_of(client)];
            if !ids.is_empty() {
                part.seen.push_client(client, ids.into_iter());
            }
            if state.part[row] == StatePart::Event as u8 {
                let event = carried_event(state, row, client, &self.reading)?;
                self.first_carried = self.first_carried.min(event.instant);
                part.events.push(event);
                let id = match id {
                    None => 0,
                    Some(Id::Number(number)) => number.into(),
                    Some(Id::Text(text)) => keep_text(text, &mut part.arena),
                };
                part.ids.push(id);
            } else {
                let known = known_row(state, row, scheme)?;
                if let Carried::Award { instant, .. } = known {
                    self.first_carried = self.first_carried.min(instant);
                }
                part.known.push((client, known));
            }
        }
        Ok(())
    }

    /// An id of a saved state, in the type of this run's own, which has those of the state if it
    /// has none.
    fn id_of_state<'a>(
        &mut self,
        column: &'a Column<IdValues>,
        row: usize,
    ) -> Result<Option<Id<'a>>> {
        let Some(id) = event_id(column, row)? else { return Ok(None) };
        if self.reading.event_ids == EventIds::None {
            self.reading.event_ids = EventIds::of(&column.values);
        }
        matching(id, &column.values, self.reading.event_ids).map(Some)
    }

    pub fn finish(mut self, options: &Options) -> Result<Outcome> {
        if self.reading.zoned.is_none() {
            self.see_zone(options.from_zoned, options);
        }
        let mut account = self.account();
        if options.as_of.is_none() {
            self.reading.as_of = self.midnight_after(&account)?;
            account.as_of = self.reading.as_of;
        }
        let oldest = self.oldest(&account);
        let carried = std::mem::take(&mut self.carried);
        let chunks = self.take_chunks();
        let spill = Mutex::new(self.spill.take());
        let reused: Mutex<Vec<Grouped>> = Mutex::default();
        let (kinds, pages) = (self.reading.kinds.words(), self.reading.pages.words());
        let channels = self.reading.channels.words();
        let book = Book::new(&options.scheme, &kinds, &pages, oldest)?;
        let scoring = Scoring {
            book: &book,
            texts: Texts { kinds: &kinds, pages: &pages, channels: &channels },
            as_of: self.reading.as_of,
            days: Days { clock: self.is_zoned().then(|| self.reading.clock.clone()) },
            text_ids: self.reading.event_ids == EventIds::Texts,
            ledger: options.ledger,
            state: options.state,
        };
        let results: Vec<(Scored, u64, SetAside)> = carried
            .into_par_iter()
            .enumerate()
            .map(|(partition, carried)| {
                // Arrays that are reused: fresh memory costs more than the work done in it.
                let mut grouped = lock(&reused).pop().unwrap_or_default();
                let loaded = match lock(&spill).as_mut() {
                    Some(spill) => spill.load(partition)?,
                    None => Vec::new(),
                };
                let blocks: Vec<Block> = std::iter::once(carried.block())
                    .chain(loaded.iter().map(Loaded::block))
                    .chain(chunks.iter().map(|chunk| chunk.block(partition)))
                    .filter(|block| !block.events.is_empty())
                    .collect();
                let scored = scoring.score(&mut grouped, &blocks, &carried.known, &carried.seen);
                lock(&reused).push(grouped);
                Ok(scored)
            })
            .collect::<Result<_>>()?;
        drop(chunks);
        let mut parts = Vec::with_capacity(results.len());
        for (part, duplicates, aside) in results {
            account.dropped[Reason::Duplicate as usize - 1] += duplicates;
            for reason in [Reason::MachineOpen, Reason::Bot] {
                account.dropped[reason as usize - 1] += aside.of(reason);
            }
            account.bot_visits += aside.bot_visits;
            account.clients += part.clients.len() as u64;
            parts.push(part);
        }
        let clients = self.reading.clients.words();
        let (ids, places) =
            sorted_ids(&parts, self.reading.ids, &clients, options.plain_integer_ids);
        let event_ids = self.reading.event_ids;
        let names = Names { kinds: &kinds, pages: &pages, channels: &channels, event_ids };
        let ledger = options.ledger.then(|| ledger_columns(&parts, &ids, &places, &names));
        let state = options.state.then(|| state_columns(&parts, &ids, &places, &names));
        let scores = score_columns(&parts, ids, &places, book.groups.len());
        Ok(Outcome { scores, ledger, state, account })
    }

    fn account(&self) -> Account {
        let mut account = Account {
            as_of: self.reading.as_of,
            zoned: self.is_zoned(),
            spilled: self.spill.as_ref().map_or(0, Spill::bytes),
            pages: self.reading.pages.words().codes() as u64 - 1,
            ..Account::default()
        };
        let kinds = self.reading.kinds.words();
        let mut of_kind = vec![0; kinds.codes()];
        for worker in &self.workers {
            account.rows_read += worker.rows_read;
            for (sum, more) in account.dropped.iter_mut().zip(worker.dropped) {
                *sum += more;
            }
            for (sum, more) in of_kind.iter_mut().zip(&worker.of_kind) {
                *sum += more;
            }
            if let Some((first, last)) = worker.range {
                let (a, b) = account.range.unwrap_or((first, last));
                account.range = Some((a.min(first), b.max(last)));
            }
        }
        account.kinds = (0..)
            .zip(of_kind)
            .filter(|&(_, events)| events > 0)
            .map(|(code, events)| {
                let name = kinds.get(code).unwrap_or_default();
                (String::from_utf8_lossy(name).into_owned(), events)
            })
            .collect();
        account.kinds.sort();
        account
    }

    /// The first midnight after the last event.
    fn midnight_after(&self, account: &Account) -> Result<i64> {
        let (_, last) = account.range.ok_or_else(|| {
            Error::Data(
                "as_of cannot be the midnight after the last event, as no row can be used: give as_of"
                    .to_owned(),
            )
        })?;
        let clock = &self.reading.clock;
        let wall = if self.is_zoned() { clock.wall(last) } else { last };
        let midnight = i64::from(day_of_instant(wall) + 1).saturating_mul(DAY);
        Ok(if self.is_zoned() { clock.instant(midnight) } else { midnight })
    }

    fn is_zoned(&self) -> bool {
        self.reading.zoned == Some(true)
    }

    /// The greatest age of an award, in days.
    fn oldest(&self, account: &Account) -> u32 {
        let first = account.range.map_or(i64::MAX, |(first, _)| first).min(self.first_carried);
        let age = self.reading.as_of.saturating_sub(first).max(0) / DAY;
        u32::try_from(age).unwrap_or(u32::MAX)
    }
}

/// The instant that ages count from, as timestamps are read.
fn as_of(options: &Options, clock: &Clock, zoned: bool) -> Option<i64> {
    options.as_of.map(|as_of| match (zoned, options.as_of_is_utc) {
        (true, false) => clock.instant(as_of),
        (false, true) => clock.wall(as_of),
        _ => as_of,
    })
}

fn event_ids(batch: &EventBatch) -> EventIds {
    batch.event_id.as_ref().map_or(EventIds::None, |column| EventIds::of(&column.values))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a saved state knows of the clients of a partition.
#[derive(Default)]
struct CarriedPart {
    known: Vec<(u64, Carried)>,
    /// The events of visits that were open, with their ids.
    events: Vec<Event>,
    ids: Vec<EventId>,
    arena: Vec<u8>,
    /// The ids of all others.
    seen: SeenIds,
}

impl CarriedPart {
    fn block(&self) -> Block<'_> {
        Block { events: &self.events, ids: &self.ids, arena: &self.arena }
    }
}
