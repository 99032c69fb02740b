//! A pass from its first batch on, which shows the types of its columns.

use std::path::Path;
use std::sync::Mutex;

use super::account::BehaviourAccount;
use super::batch::EventBatch;
use super::batch_dictionaries::BatchDictionaries;
use super::compiled_rules::CompiledRules;
use super::drop_reason::EventDropReason;
use super::event::{EventDictionaries, Flags};
use super::event_block::{read_clients, zone_of};
use super::event_id::{EventId, convert_id, read_event_id};
use super::event_reader::EventReader;
use super::event_tally::EventTally;
use super::options::BehaviourOptions;
use super::outcome::BehaviourOutcome;
use super::output::{ledger_columns, score_columns, state_columns};
use super::output_columns::StatePart;
use super::partition_scorer::{PartitionScorer, PartitionWork};
use super::partitioned_chunk::{PartitionEvents, PartitionSlice, PartitionedChunk};
use super::read_context::ReadContext;
use super::repeat_limiter::LocalDays;
use super::rules::RuleSet;
use super::saved_state::{StateBatch, StateEntry};
use super::scored_partition::ScoredPartition;
use super::scorer::ScoringDrops;
use super::seen_ids::SeenIds;
use super::spill::Spill;
use crate::calendar::{Clock, DAY, day_of_instant};
use crate::clients::{IdType, PARTITIONS, partition_of, read_chunks, sorted_ids};
use crate::columns::{Column, DateValues, IdValues};
use crate::dictionary::{MISSING, SharedDictionary};
use crate::error::{Error, Result};
use crate::stop::stop_if_asked;
use crate::threads::{Reused, lock, map_each};

/// A pass from its first batch on.
pub(super) struct ActivePass {
    context: ReadContext,
    pub readers: Vec<EventReader>,
    spill: Option<Spill>,
    /// The type of the ids of this run's own events; none where they have none.
    own_ids: Option<IdType>,
    /// What a saved state holds, by partition.
    saved: Vec<SavedPartition>,
    /// The earliest instant of a saved event or award.
    first_saved: i64,
}

impl ActivePass {
    /// A pass on so many threads, for batches like the first.
    pub fn new(
        options: &BehaviourOptions,
        clock: &Clock,
        threads: usize,
        first: &EventBatch,
    ) -> Result<Self> {
        let kinds = SharedDictionary::new("kind", u16::MAX.into());
        let kind_names = kind_names(&options.rules, &kinds)?;
        Ok(Self {
            context: ReadContext {
                clock: clock.clone(),
                zoned: None,
                as_of: i64::MAX,
                from: options.from.unwrap_or(i64::MIN),
                client_ids: IdType::of(&first.client.values),
                event_ids: event_id_type(first),
                kinds,
                kind_names,
                pages: SharedDictionary::new("page", u32::MAX),
                channels: SharedDictionary::new("channel", Flags::MAX_CHANNELS),
                messages: SharedDictionary::new("message", u32::MAX),
                clients: SharedDictionary::new("client", u32::MAX),
            },
            own_ids: event_id_type(first),
            readers: (0..threads).map(|_| EventReader::new()).collect(),
            spill: None,
            saved: (0..PARTITIONS).map(|_| SavedPartition::default()).collect(),
            first_saved: i64::MAX,
        })
    }

    /// Set whether timestamps have a zone, and `as_of`, which depends on it.
    fn set_zoned(&mut self, zoned: bool, options: &BehaviourOptions) {
        self.context.zoned = Some(zoned);
        self.context.as_of = as_of(options, &self.context.clock, zoned).unwrap_or(i64::MAX);
    }

    pub fn push(&mut self, batch: &EventBatch, options: &BehaviourOptions) -> Result<()> {
        let zoned = zone_of(&batch.timestamp, batch.rows);
        if let (None, Some(zoned)) = (self.context.zoned, zoned) {
            self.set_zoned(zoned, options);
        }
        let texts = matches!(batch.timestamp.values, DateValues::Texts(_));
        if !texts && zoned != self.context.zoned {
            return Err(Error::Column(
                "timestamps have a time zone in one place and none in another: cast the columns to one type".to_owned(),
            ));
        }
        if event_id_type(batch) != self.own_ids {
            return Err(Error::Column(
                "event ids are of one type in one place and of another, or missing, in another: cast the columns to one type".to_owned(),
            ));
        }
        self.read(batch)
    }

    /// Read a batch with all readers.
    fn read(&mut self, batch: &EventBatch) -> Result<()> {
        let dictionaries = BatchDictionaries::new(batch, &self.context)?;
        let context = &self.context;
        self.readers.iter_mut().for_each(EventReader::begin);
        read_chunks(batch.rows, &mut self.readers, |reader, rows| {
            reader.read(batch, &dictionaries, rows, context)
        })
    }

    pub fn bytes(&self) -> u64 {
        self.readers.iter().map(|reader| reader.bytes as u64).sum()
    }

    /// Move all events to the temporary file.
    pub fn spill(&mut self, directory: Option<&Path>) -> Result<()> {
        let chunks: Vec<PartitionedChunk> =
            self.readers.iter_mut().flat_map(EventReader::take).collect();
        let spill = match &mut self.spill {
            Some(spill) => spill,
            none => none.insert(Spill::new(directory)?),
        };
        for partition in 0..PARTITIONS {
            stop_if_asked();
            let slices: Vec<PartitionSlice> =
                chunks.iter().map(|chunk| chunk.slice(partition)).collect();
            spill.append(partition, &slices)?;
        }
        Ok(())
    }

    pub fn resume(&mut self, state: &StateBatch, rules: &RuleSet) -> Result<()> {
        let clients = read_clients(&state.client, state.part.len(), &self.context)?;
        for (row, client) in clients.into_iter().enumerate() {
            stop_if_asked();
            let seen = state.seen_ends[row] as usize..state.seen_ends[row + 1] as usize;
            let ids = seen.map(|row| self.id_of_state(&state.seen, row));
            let ids: Vec<EventId> = ids.filter_map(Result::transpose).collect::<Result<_>>()?;
            let id = self.id_of_state(&state.event_id, row)?;
            let saved = &mut self.saved[partition_of(client)];
            if !ids.is_empty() {
                saved.seen.push_client(client, ids.into_iter());
            }
            if state.part[row] == StatePart::Event as u8 {
                let event = state.event(row, client, &self.context)?;
                let message = state.message(row, &self.context)?;
                self.first_saved = self.first_saved.min(event.instant);
                let open = &mut saved.open;
                open.events.push(event);
                open.ids.push(id.map_or(0, |id| id.pack(&mut open.arena)));
                open.messages.push(message);
            } else {
                let entry = state.entry(row, rules, &self.context)?;
                if let StateEntry::Award { instant, .. } = entry {
                    self.first_saved = self.first_saved.min(instant);
                }
                saved.entries.push((client, entry));
            }
        }
        Ok(())
    }

    /// An id of a saved state, in the type of this run's own ids, or in that of the state if this run
    /// has none.
    fn id_of_state<'a>(
        &mut self,
        column: &'a Column<IdValues>,
        row: usize,
    ) -> Result<Option<EventId<'a>>> {
        let Some(id) = read_event_id(column, row)? else { return Ok(None) };
        let saved = IdType::of(&column.values);
        let run = *self.context.event_ids.get_or_insert(saved);
        convert_id(id, saved, run).map(Some)
    }

    pub fn finish(mut self, options: &BehaviourOptions) -> Result<BehaviourOutcome> {
        if self.context.zoned.is_none() {
            self.set_zoned(options.from_zoned, options);
        }
        let mut account = self.account();
        if options.as_of.is_none() {
            self.context.as_of = self.midnight_after(&account)?;
            account.as_of = self.context.as_of;
        }
        let (kinds, pages) = (self.context.kinds.read(), self.context.pages.read());
        let (channels, messages) = (self.context.channels.read(), self.context.messages.read());
        let dictionaries = EventDictionaries {
            kinds: &kinds,
            pages: &pages,
            channels: &channels,
            messages: &messages,
        };
        let oldest = self.oldest_award(&account);
        let partition_scorer = PartitionScorer {
            rules: &CompiledRules::new(&options.rules, &kinds, &pages, oldest)?,
            dictionaries,
            as_of: self.context.as_of,
            days: LocalDays { clock: self.is_zoned().then(|| self.context.clock.clone()) },
            text_ids: self.context.event_ids == Some(IdType::Text),
            ledger: options.ledger,
            state: options.state,
        };
        let chunks: Vec<PartitionedChunk> =
            self.readers.iter_mut().flat_map(EventReader::take).collect();
        let spill = self.spill.take();
        let parts = score_partitions(&partition_scorer, &chunks, spill, self.saved, &mut account)?;
        drop(chunks);
        let clients = self.context.clients.read();
        let client_ids = self.context.client_ids;
        let clients_of: Vec<&[u64]> = parts.iter().map(|part| part.clients.as_slice()).collect();
        let (ids, locations) =
            sorted_ids(&clients_of, client_ids, &clients, options.plain_integer_ids);
        let event_ids = self.context.event_ids;
        let ledger = options
            .ledger
            .then(|| ledger_columns(&parts, &ids, &locations, dictionaries, event_ids));
        let rules = &options.rules;
        let state = options
            .state
            .then(|| state_columns(&parts, &ids, &locations, dictionaries, event_ids, rules));
        let scores = score_columns(&parts, ids, &locations, options.rules.groups.len());
        Ok(BehaviourOutcome { scores, ledger, state, account })
    }

    /// The account so far: scoring adds what it drops.
    fn account(&self) -> BehaviourAccount {
        let mut account = BehaviourAccount {
            as_of: self.context.as_of,
            zoned: self.is_zoned(),
            spilled: self.spill.as_ref().map_or(0, Spill::bytes),
            pages: self.context.pages.read().codes() as u64 - 1,
            ..BehaviourAccount::default()
        };
        let kinds = self.context.kinds.read();
        let mut of_kind = vec![0; kinds.codes()];
        for reader in &self.readers {
            account.rows_read += reader.rows_read;
            for (sum, more) in account.dropped.iter_mut().zip(reader.dropped) {
                *sum += more;
            }
            for (sum, more) in of_kind.iter_mut().zip(&reader.of_kind) {
                *sum += more;
            }
            if let Some((first, last)) = reader.range {
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
    fn midnight_after(&self, account: &BehaviourAccount) -> Result<i64> {
        let (_, last) = account.range.ok_or_else(|| {
            Error::Data(
                "as_of cannot be the midnight after the last event, as no row can be used: give as_of"
                    .to_owned(),
            )
        })?;
        let clock = &self.context.clock;
        let wall = if self.is_zoned() { clock.wall(last) } else { last };
        let midnight = i64::from(day_of_instant(wall) + 1).saturating_mul(DAY);
        Ok(if self.is_zoned() { clock.instant(midnight) } else { midnight })
    }

    fn is_zoned(&self) -> bool {
        self.context.zoned == Some(true)
    }

    /// The greatest age of an award, in days.
    fn oldest_award(&self, account: &BehaviourAccount) -> u32 {
        let first = account.range.map_or(i64::MAX, |(first, _)| first).min(self.first_saved);
        let age = self.context.as_of.saturating_sub(first).max(0) / DAY;
        u32::try_from(age).unwrap_or(u32::MAX)
    }
}

/// The instant that ages count from, as timestamps are read.
fn as_of(options: &BehaviourOptions, clock: &Clock, zoned: bool) -> Option<i64> {
    options.as_of.map(|as_of| match (zoned, options.as_of_is_utc) {
        (true, false) => clock.instant(as_of),
        (false, true) => clock.wall(as_of),
        _ => as_of,
    })
}

/// By the code of a kind, the code of the kind that it is another name of.
///
/// All names get the first codes of the dictionary, so that events are read under the kinds' own.
///
/// # Errors
/// If the dictionary is full.
fn kind_names(rules: &RuleSet, kinds: &SharedDictionary) -> Result<Vec<u32>> {
    let mut codes = Vec::new();
    for (kind, others) in &rules.kind_names {
        let own = kinds.code(kind.as_bytes())?;
        for name in [kind].into_iter().chain(others) {
            let name = kinds.code(name.as_bytes())? as usize;
            codes.resize(codes.len().max(name + 1), MISSING);
            codes[name] = own;
        }
    }
    Ok(codes)
}

fn event_id_type(batch: &EventBatch) -> Option<IdType> {
    batch.event_id.as_ref().map(|column| IdType::of(&column.values))
}

/// What a saved state holds of the clients of a partition.
#[derive(Default)]
struct SavedPartition {
    entries: Vec<(u64, StateEntry)>,
    /// The events of visits that were open.
    open: PartitionEvents,
    /// The ids of all other events.
    seen: SeenIds,
}

/// Score all partitions, and add what is dropped to the account.
fn score_partitions(
    partition_scorer: &PartitionScorer,
    chunks: &[PartitionedChunk],
    spill: Option<Spill>,
    saved: Vec<SavedPartition>,
    account: &mut BehaviourAccount,
) -> Result<Vec<ScoredPartition>> {
    let spill = Mutex::new(spill);
    let reused: Reused<PartitionWork> = Reused::default();
    let score = |partition: usize, saved: SavedPartition| {
        let loaded = match lock(&spill).as_mut() {
            Some(spill) => spill.load(partition)?,
            None => Vec::new(),
        };
        let slices: Vec<PartitionSlice> = std::iter::once(saved.open.as_slice())
            .chain(loaded.iter().map(PartitionEvents::as_slice))
            .chain(chunks.iter().map(|chunk| chunk.slice(partition)))
            .filter(|slice| !slice.events.is_empty())
            .collect();
        Ok(reused.with(|work| partition_scorer.score(work, &slices, &saved.entries, &saved.seen)))
    };
    let results: Vec<Result<(ScoredPartition, u64, ScoringDrops)>> = map_each(saved, score);
    let mut parts = Vec::with_capacity(results.len());
    for result in results {
        let (part, duplicates, drops) = result?;
        account.dropped[EventDropReason::Duplicate as usize - 1] += duplicates;
        for reason in [EventDropReason::MachineOpen, EventDropReason::Bot] {
            account.dropped[reason as usize - 1] += drops.of(reason);
        }
        account.bot_visits += drops.bot_visits;
        account.clients += part.clients.len() as u64;
        parts.push(part);
    }
    let mut tally = EventTally::default();
    reused.into_all().iter().for_each(|work| tally.add(&work.tally));
    let EventDictionaries { kinds, pages, .. } = partition_scorer.dictionaries;
    account.unwon_pages = tally.unwon_pages(pages);
    account.unwon_kinds = tally.unwon_kinds(kinds);
    account.rules = tally.rules;
    Ok(parts)
}
