//! From typed columns to events, a morsel at a time.

use std::ops::Range;

use super::batch::{EventBatch, TextValues};
use super::chunk::{Chunk, Draft, PARTITIONS, partition_of};
use super::dictionary::{Dictionary, MISSING, Recent};
use super::event::{Event, Flags, Measures};
use super::numbers::{read_clicks, read_dwell};
use super::timeline::Id;
use crate::calendar::{Clock, DAY, read_moment};
use crate::error::{Error, Result};
use crate::facts::{
    Column, DateValues, IdValues, Integers, Texts, mixed_ids, mixed_signs, to_micros, whole, widen,
};

/// Events in a morsel: its arrays stay in the first cache levels.
const MORSEL: usize = if cfg!(test) { 8 } else { 256 };
/// The most rows of a chunk: each partition gets some hundred events of them.
const CHUNK: usize = if cfg!(test) { 64 } else { 1 << 16 };
/// The fewest, but for the last of a batch: a partition gets some ten events.
const FEWEST: usize = CHUNK / 16;

/// Why an event is not used, in the order in which reasons win.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Reason {
    /// The `where` condition is false or missing.
    Where = 1,
    /// No client.
    Client,
    /// No timestamp.
    Timestamp,
    /// No kind.
    Kind,
    /// Later than `as_of`.
    Future,
    /// Not later than the saved state that the run goes on from.
    BeforeState,
    /// An event of the same client and id came before.
    Duplicate,
    /// An open by a machine.
    MachineOpen,
    /// Part of a visit by a program.
    Bot,
}

impl Reason {
    /// Every reason, in order.
    pub const ALL: [Self; 9] = [
        Self::Where,
        Self::Client,
        Self::Timestamp,
        Self::Kind,
        Self::Future,
        Self::BeforeState,
        Self::Duplicate,
        Self::MachineOpen,
        Self::Bot,
    ];

    /// The reason's name in the account.
    pub fn name(self) -> &'static str {
        match self {
            Self::Where => "where",
            Self::Client => "client",
            Self::Timestamp => "timestamp",
            Self::Kind => "kind",
            Self::Future => "future",
            Self::BeforeState => "before_state",
            Self::Duplicate => "duplicate",
            Self::MachineOpen => "machine_open",
            Self::Bot => "bot",
        }
    }
}

/// The fate of an event that is used.
const USED: u8 = 0;

/// What turns columns into events, the same for every batch.
#[derive(Debug)]
pub(super) struct Reading {
    pub clock: Clock,
    /// Whether timestamps have a zone; none as long as no text has shown it.
    pub zoned: Option<bool>,
    /// The instant after which events are not used.
    pub as_of: i64,
    /// The instant up to which a saved state has them already.
    pub from: i64,
    pub ids: ClientIds,
    /// Whether events have ids, and of which kind.
    pub event_ids: EventIds,
    pub kinds: Dictionary,
    pub pages: Dictionary,
    pub channels: Dictionary,
    pub clients: Dictionary,
}

/// How client ids become words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClientIds {
    /// Integers with the sign bit flipped, so that words order as they do.
    Signed,
    /// Integers as they are.
    Unsigned,
    /// The codes of texts.
    Texts,
}

/// What the ids of events are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EventIds {
    /// There are none.
    None,
    /// Integers with a sign.
    Signed,
    /// Integers without.
    Unsigned,
    /// Texts.
    Texts,
}

impl EventIds {
    /// What those of a column are.
    pub fn of(values: &IdValues) -> Self {
        match values {
            IdValues::Texts(_) => Self::Texts,
            IdValues::Integers(Integers::U64(_)) => Self::Unsigned,
            IdValues::Integers(_) | IdValues::Floats(_) => Self::Signed,
        }
    }
}

/// What is flipped in a signed integer, so that words order as the integers do.
pub(super) const SIGN: u64 = 1 << 63;

/// The rows of each chunk of a batch: as many for each worker as for the others, if there are some.
pub(super) fn chunk_rows(rows: usize, workers: usize) -> usize {
    let chunks = rows.div_ceil(CHUNK).max(1).next_multiple_of(workers);
    rows.div_ceil(chunks).next_multiple_of(MORSEL).clamp(FEWEST, CHUNK)
}

/// What one worker has read.
#[derive(Debug)]
pub(super) struct Worker {
    chunks: Vec<Chunk>,
    /// Bytes that they take.
    pub bytes: usize,
    pub rows_read: u64,
    pub dropped: [u64; Reason::ALL.len()],
    /// Events of each kind that are not dropped for a reason that a row shows by itself.
    pub of_kind: Vec<u64>,
    /// The first and last instant of those.
    pub range: Option<(i64, i64)>,
    morsel: Morsel,
    /// The clients of the chunk at hand, and what is known of the fates of its rows by then.
    client: Vec<u64>,
    fate: Vec<u8>,
}

#[derive(Debug)]
struct Morsel {
    client: Vec<u64>,
    instant: Vec<i64>,
    wide: Vec<i64>,
    kind: Vec<u32>,
    page: Vec<u32>,
    channel: Vec<u32>,
    measures: Vec<Measures>,
    /// Dwell in microseconds plus one, 0 where unknown.
    dwell: Vec<i64>,
    fate: Vec<u8>,
    recent: [Recent; 3],
}

/// The words of a whole column of client ids, none of which is missing.
pub(super) fn read_clients(
    column: &Column<IdValues>,
    rows: usize,
    reading: &Reading,
) -> Result<Vec<u64>> {
    let mut morsel = Morsel::new();
    let mut words = Vec::with_capacity(rows);
    for rows in morsels(&(0..rows)) {
        morsel.fate.fill(USED);
        morsel.read_clients(column, rows.clone(), reading)?;
        words.extend_from_slice(&morsel.client[..rows.len()]);
    }
    Ok(words)
}

impl Worker {
    pub fn new() -> Self {
        Self {
            chunks: Vec::new(),
            bytes: 0,
            rows_read: 0,
            dropped: [0; Reason::ALL.len()],
            of_kind: Vec::new(),
            range: None,
            morsel: Morsel::new(),
            client: vec![0; CHUNK],
            fate: vec![USED; CHUNK],
        }
    }

    /// Hand over what was read.
    pub fn take(&mut self) -> Vec<Chunk> {
        self.bytes = 0;
        std::mem::take(&mut self.chunks)
    }

    /// Begin another batch.
    pub fn begin(&mut self) {
        self.morsel.recent.iter_mut().for_each(Recent::clear);
    }

    /// Read rows of a batch, at most a chunk.
    ///
    /// Clients are read first, and counted by partition: the events can then be written where they
    /// will stay.
    pub fn read(
        &mut self,
        batch: &EventBatch,
        coded: &CodedColumns,
        rows: Range<usize>,
        reading: &Reading,
    ) -> Result<()> {
        let mut most = [0; PARTITIONS];
        for morsel in morsels(&rows) {
            self.morsel.begin(batch, morsel.clone(), reading)?;
            let places = morsel.start - rows.start..morsel.end - rows.start;
            let clients = &self.morsel.client[..places.len()];
            let fates = &self.morsel.fate[..places.len()];
            for (&client, &fate) in clients.iter().zip(fates) {
                most[partition_of(client)] += u32::from(fate == USED);
            }
            self.client[places.clone()].copy_from_slice(clients);
            self.fate[places].copy_from_slice(fates);
        }
        let mut draft = Draft::new(&most);
        for morsel in morsels(&rows) {
            let places = morsel.start - rows.start..morsel.end - rows.start;
            self.morsel.fate[..places.len()].copy_from_slice(&self.fate[places.clone()]);
            self.morsel.read(batch, coded, morsel.clone(), reading)?;
            self.of_kind.resize(self.of_kind.len().max(reading.kinds.words().codes()), 0);
            self.place(batch, morsel, places.start, &mut draft)?;
        }
        self.rows_read += rows.len() as u64;
        if let Some(chunk) = draft.finish() {
            self.bytes += chunk.bytes();
            self.chunks.push(chunk);
        }
        Ok(())
    }

    /// Put the events of the morsel into a draft; its clients begin at a place of the chunk.
    fn place(
        &mut self,
        batch: &EventBatch,
        rows: Range<usize>,
        start: usize,
        draft: &mut Draft,
    ) -> Result<()> {
        let plain = batch.machine_open.is_none() && batch.channel.is_none();
        let all_used = self.morsel.fate[..rows.len()].iter().all(|&fate| fate == USED);
        if plain && all_used && batch.event_id.is_none() {
            self.place_plain(start..start + rows.len(), draft);
            return Ok(());
        }
        for (i, row) in rows.enumerate() {
            let morsel = &self.morsel;
            if morsel.fate[i] != USED {
                self.dropped[morsel.fate[i] as usize - 1] += 1;
                continue;
            }
            let event = Event {
                client: self.client[start + i],
                instant: morsel.instant[i],
                measures: morsel.measures[i],
                page: morsel.page[i],
                kind: morsel.kind[i] as u16,
                flags: flags(batch, row, morsel.channel[i]),
            };
            self.of_kind[event.kind as usize] += 1;
            self.note_range(event.instant, event.instant);
            let partition = partition_of(event.client);
            match &batch.event_id {
                Some(column) => push_with_id(draft, partition, event, column, row)?,
                None => {
                    draft.push(partition, event);
                }
            }
        }
        Ok(())
    }

    /// The same where every row is used, and has nothing but what every event has.
    fn place_plain(&mut self, places: Range<usize>, draft: &mut Draft) {
        let (n, morsel) = (places.len(), &self.morsel);
        let (mut first, mut last) = (i64::MAX, i64::MIN);
        let columns = morsel.instant[..n].iter().zip(&morsel.measures[..n]);
        let codes = morsel.page[..n].iter().zip(&morsel.kind[..n]);
        for ((&client, (&instant, &measures)), (&page, &kind)) in
            self.client[places].iter().zip(columns).zip(codes)
        {
            self.of_kind[kind as usize] += 1;
            (first, last) = (first.min(instant), last.max(instant));
            let flags = Flags::default();
            let event = Event { client, instant, measures, page, kind: kind as u16, flags };
            draft.push(partition_of(client), event);
        }
        self.note_range(first, last);
    }

    /// Take in the first and last instant of events that are used.
    fn note_range(&mut self, first: i64, last: i64) {
        let (a, b) = self.range.unwrap_or((first, last));
        self.range = Some((a.min(first), b.max(last)));
    }
}

/// The rows of a range, a morsel at a time.
fn morsels(rows: &Range<usize>) -> impl Iterator<Item = Range<usize>> + use<> {
    let end = rows.end;
    rows.clone().step_by(MORSEL).map(move |start| start..(start + MORSEL).min(end))
}

#[inline]
fn flags(batch: &EventBatch, row: usize, channel: u32) -> Flags {
    let machine = batch
        .machine_open
        .as_ref()
        .is_some_and(|column| column.is_valid(row) && column.values.get(row));
    Flags(if machine { Flags::MACHINE } else { 0 }).with_channel(channel)
}

/// Put an event into a draft with its id.
fn push_with_id(
    draft: &mut Draft,
    partition: usize,
    mut event: Event,
    column: &Column<IdValues>,
    row: usize,
) -> Result<()> {
    let id = event_id(column, row)?;
    event.flags.0 |= if id.is_some() { Flags::HAS_ID } else { 0 };
    let place = draft.push(partition, event);
    match id {
        None => draft.push_number(place, 0),
        Some(Id::Number(number)) => draft.push_number(place, number),
        Some(Id::Text(text)) => draft.push_text(place, text),
    }
    Ok(())
}

/// The id of a row; an empty text is none.
///
/// # Errors
/// If it is a number that is not whole.
pub(super) fn event_id<'a>(column: &'a Column<IdValues>, row: usize) -> Result<Option<Id<'a>>> {
    if !column.is_valid(row) {
        return Ok(None);
    }
    Ok(match &column.values {
        IdValues::Texts(texts) => Some(texts.get(row)).filter(|id| !id.is_empty()).map(Id::Text),
        IdValues::Floats(values) if values[row].is_nan() => None,
        IdValues::Floats(values) => Some(Id::Number(whole(values[row], "event_id")? as u64 ^ SIGN)),
        IdValues::Integers(values) => {
            let mut wide = [0];
            widen(*values, row..row + 1, &mut wide);
            let flip = if matches!(values, Integers::U64(_)) { 0 } else { SIGN };
            Some(Id::Number(wide[0] as u64 ^ flip))
        }
    })
}

/// The codes of the texts that the coded columns of a batch list.
pub(super) struct CodedColumns {
    kind: Option<Vec<u32>>,
    page: Option<Vec<u32>>,
    channel: Option<Vec<u32>>,
}

impl CodedColumns {
    /// Enter the lists of a batch into the dictionaries.
    pub fn new(batch: &EventBatch, reading: &Reading) -> Result<Self> {
        let list = |column: Option<&Column<TextValues>>, dictionary: &Dictionary| {
            let Some(Column { values: TextValues::Coded { values, .. }, .. }) = column else {
                return Ok(None);
            };
            let mut codes = vec![MISSING; values.views.len()];
            dictionary.encode(|i| Some(values.get(i)), &mut codes)?;
            Ok(Some(codes))
        };
        Ok(Self {
            kind: list(Some(&batch.kind), &reading.kinds)?,
            page: list(batch.page.as_ref(), &reading.pages)?,
            channel: list(batch.channel.as_ref(), &reading.channels)?,
        })
    }
}

impl Morsel {
    fn new() -> Self {
        Self {
            client: vec![0; MORSEL],
            instant: vec![0; MORSEL],
            wide: vec![0; MORSEL],
            kind: vec![MISSING; MORSEL],
            page: vec![MISSING; MORSEL],
            channel: vec![MISSING; MORSEL],
            measures: vec![Measures::default(); MORSEL],
            dwell: vec![0; MORSEL],
            fate: vec![USED; MORSEL],
            recent: std::array::from_fn(|_| Recent::new()),
        }
    }

    /// Read which rows are wanted, and their clients.
    fn begin(&mut self, batch: &EventBatch, rows: Range<usize>, reading: &Reading) -> Result<()> {
        let n = rows.len();
        self.fate[..n].fill(USED);
        if let Some(keep) = &batch.keep {
            let kept = |i| keep.is_valid(rows.start + i) && keep.values.get(rows.start + i);
            self.mark(n, Reason::Where, |i| !kept(i));
        }
        self.read_clients(&batch.client, rows, reading)
    }

    /// Read everything else of the rows.
    fn read(
        &mut self,
        batch: &EventBatch,
        coded: &CodedColumns,
        rows: Range<usize>,
        reading: &Reading,
    ) -> Result<()> {
        let n = rows.len();
        self.read_instants(&batch.timestamp, rows.clone(), reading.zoned)?;
        let wide = &mut self.wide;
        let [kinds, pages, channels] = &mut self.recent;
        encode(
            &batch.kind,
            coded.kind.as_deref(),
            rows.clone(),
            (&reading.kinds, kinds),
            &mut self.kind[..n],
            wide,
        )?;
        for i in 0..n {
            if self.fate[i] == USED {
                if self.kind[i] == MISSING {
                    self.fate[i] = Reason::Kind as u8;
                } else if self.instant[i] > reading.as_of {
                    self.fate[i] = Reason::Future as u8;
                } else if self.instant[i] <= reading.from && reading.from != i64::MIN {
                    self.fate[i] = Reason::BeforeState as u8;
                }
            }
        }
        for (column, codes, dictionary, out) in [
            (&batch.page, &coded.page, (&reading.pages, pages), &mut self.page),
            (&batch.channel, &coded.channel, (&reading.channels, channels), &mut self.channel),
        ] {
            match column {
                Some(column) => {
                    encode(
                        column,
                        codes.as_deref(),
                        rows.clone(),
                        dictionary,
                        &mut out[..n],
                        wide,
                    )?;
                }
                None => out[..n].fill(MISSING),
            }
        }
        self.read_measures(batch, rows)
    }

    /// Give a reason to the events that have none yet.
    fn mark(&mut self, n: usize, reason: Reason, drops: impl Fn(usize) -> bool) {
        for (i, fate) in self.fate[..n].iter_mut().enumerate() {
            if *fate == USED && drops(i) {
                *fate = reason as u8;
            }
        }
    }

    fn read_clients(
        &mut self,
        column: &Column<IdValues>,
        rows: Range<usize>,
        reading: &Reading,
    ) -> Result<()> {
        let n = rows.len();
        if column.validity.is_some() {
            self.mark(n, Reason::Client, |i| !column.is_valid(rows.start + i));
        }
        match (&column.values, reading.ids) {
            (IdValues::Texts(texts), ClientIds::Texts) => {
                let text =
                    |i: usize| column.is_valid(rows.start + i).then(|| texts.get(rows.start + i));
                // Their codes stand in the page array for a moment: it is read later.
                reading.clients.encode(text, &mut self.page[..n])?;
                for (client, &code) in self.client.iter_mut().zip(&self.page[..n]) {
                    *client = code.into();
                }
                return Ok(());
            }
            (IdValues::Texts(_), _) | (_, ClientIds::Texts) => return Err(mixed_ids()),
            (IdValues::Integers(values), _) => widen(*values, rows.clone(), &mut self.wide[..n]),
            (IdValues::Floats(values), _) => {
                self.mark(n, Reason::Client, |i| values[rows.start + i].is_nan());
                for (i, &value) in values[rows.clone()].iter().enumerate() {
                    self.wide[i] = if self.fate[i] == USED { whole(value, "client")? } else { 0 };
                }
            }
        }
        let unsigned = matches!(&column.values, IdValues::Integers(Integers::U64(_)));
        let flip = if reading.ids == ClientIds::Signed { SIGN } else { 0 };
        let differ = unsigned != (reading.ids == ClientIds::Unsigned);
        for i in 0..n {
            if differ && self.wide[i] < 0 && self.fate[i] == USED {
                return Err(mixed_signs());
            }
            self.client[i] = self.wide[i] as u64 ^ flip;
        }
        Ok(())
    }

    fn read_instants(
        &mut self,
        column: &Column<DateValues>,
        rows: Range<usize>,
        zoned: Option<bool>,
    ) -> Result<()> {
        let n = rows.len();
        if column.validity.is_some() {
            self.mark(n, Reason::Timestamp, |i| !column.is_valid(rows.start + i));
        }
        match &column.values {
            DateValues::Days(values) => {
                for (instant, &day) in self.instant.iter_mut().zip(&values[rows]) {
                    *instant = i64::from(day).saturating_mul(DAY);
                }
            }
            DateValues::Instants { values, per_second, .. } => {
                to_micros(&values[rows], *per_second, &mut self.instant[..n]);
            }
            DateValues::Texts(texts) => {
                for i in 0..n {
                    let row = rows.start + i;
                    let wanted = self.fate[i] == USED || self.fate[i] == Reason::Client as u8;
                    self.instant[i] = if wanted && column.is_valid(row) {
                        read_text(texts, row, zoned)?
                    } else {
                        0
                    };
                }
            }
        }
        Ok(())
    }

    fn read_measures(&mut self, batch: &EventBatch, rows: Range<usize>) -> Result<()> {
        if batch.dwell.is_none() && batch.clicks.is_none() {
            self.measures[..rows.len()].fill(Measures::new(None, 1));
            return Ok(());
        }
        let n = rows.len();
        let (dwell, fate) = (&mut self.dwell[..n], &self.fate);
        let used = |i: usize| fate[i] == USED;
        match &batch.dwell {
            Some(column) => read_dwell(column, rows.clone(), used, dwell)?,
            None => dwell.fill(0),
        }
        let (measures, dwell) = (&mut self.measures[..n], &*dwell);
        match &batch.clicks {
            Some(column) => read_clicks(column, rows, used, dwell, measures)?,
            None => {
                for (measures, &dwell) in measures.iter_mut().zip(dwell) {
                    *measures = Measures::from_parts(dwell, 1);
                }
            }
        }
        Ok(())
    }
}

/// Whether timestamps have a zone: their type says so, or the first text.
pub(super) fn zone_of(column: &Column<DateValues>, rows: usize) -> Option<bool> {
    match &column.values {
        DateValues::Days(_) => Some(false),
        DateValues::Instants { zoned, .. } => Some(*zoned),
        DateValues::Texts(texts) => (0..rows)
            .filter(|&row| column.is_valid(row))
            .find_map(|row| read_moment(&String::from_utf8_lossy(texts.get(row))).ok())
            .map(|(_, zoned)| zoned),
    }
}

fn read_text(texts: &Texts, row: usize, zoned: Option<bool>) -> Result<i64> {
    let text = String::from_utf8_lossy(texts.get(row));
    match read_moment(&text) {
        Ok((_, its)) if zoned.is_some_and(|zoned| zoned != its) => Err(Error::Value {
            message: format!(
                "the timestamp \"{text}\" {} and others have {}: write all of them alike",
                if its { "has a time zone" } else { "has no time zone" },
                if its { "none" } else { "one" },
            ),
            role: "timestamp",
            value: text.into_owned(),
        }),
        Ok((instant, _)) => Ok(instant),
        Err(Error::Value { message, value, .. }) => {
            Err(Error::Value { message, role: "timestamp", value })
        }
        Err(other) => Err(other),
    }
}

/// Turn a column of texts into codes.
fn encode(
    column: &Column<TextValues>,
    coded: Option<&[u32]>,
    rows: Range<usize>,
    (dictionary, recent): (&Dictionary, &mut Recent),
    out: &mut [u32],
    wide: &mut [i64],
) -> Result<()> {
    match &column.values {
        TextValues::Plain(texts) => {
            let (views, text) = (&texts.views[rows.clone()], |i| texts.get(rows.start + i));
            if column.validity.is_none() {
                dictionary.encode_views(views, |_| true, text, recent, out)
            } else {
                let there = |i| column.is_valid(rows.start + i);
                dictionary.encode_views(views, there, text, recent, out)
            }
        }
        TextValues::Coded { codes, .. } => {
            let n = out.len();
            widen(*codes, rows.clone(), &mut wide[..n]);
            let list = coded.unwrap_or_default();
            for (i, out) in out.iter_mut().enumerate() {
                *out = if column.is_valid(rows.start + i) {
                    list.get(wide[i] as usize).copied().unwrap_or(MISSING)
                } else {
                    MISSING
                };
            }
            Ok(())
        }
    }
}
