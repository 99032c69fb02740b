//! From typed columns to plain arrays, a morsel at a time.

use std::ops::Range;

use super::batch::{EventBatch, TextValues};
use super::dictionary::{Dictionary, MISSING, Recent};
use super::event::Measures;
use super::event_ids::{EventIds, SIGN};
use super::numbers::{read_clicks, read_dwell};
use super::reason::{Reason, USED};
use crate::calendar::{Clock, DAY, read_moment};
use crate::columns::{
    Column, DateValues, IdValues, Integers, Texts, mixed_ids, mixed_signs, to_micros, whole, widen,
};
use crate::error::{Error, Result};

/// Events in a morsel: its arrays stay in the first cache levels.
pub(super) const MORSEL: usize = if cfg!(test) { 8 } else { 1024 };

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

/// The arrays of one morsel, reused from morsel to morsel.
#[derive(Debug)]
pub(super) struct Morsel {
    pub client: Vec<u64>,
    pub instant: Vec<i64>,
    wide: Vec<i64>,
    pub kind: Vec<u32>,
    pub page: Vec<u32>,
    pub channel: Vec<u32>,
    pub measures: Vec<Measures>,
    /// Dwell in microseconds plus one, 0 where unknown.
    dwell: Vec<i64>,
    pub fate: Vec<u8>,
    pub recent: [Recent; 3],
}

/// The rows of a range, a morsel at a time.
pub(super) fn morsels(rows: &Range<usize>) -> impl Iterator<Item = Range<usize>> + use<> {
    let end = rows.end;
    rows.clone().step_by(MORSEL).map(move |start| start..(start + MORSEL).min(end))
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

impl Morsel {
    pub fn new() -> Self {
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
    pub fn begin(
        &mut self,
        batch: &EventBatch,
        rows: Range<usize>,
        reading: &Reading,
    ) -> Result<()> {
        let n = rows.len();
        self.fate[..n].fill(USED);
        if let Some(keep) = &batch.keep {
            let kept = |i| keep.is_valid(rows.start + i) && keep.values.get(rows.start + i);
            self.mark(n, Reason::Where, |i| !kept(i));
        }
        self.read_clients(&batch.client, rows, reading)
    }

    /// Read everything else of the rows.
    pub fn read(
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
        // Most morsels have no odd row: each is asked, as that is faster than to stop early.
        let mut odd = 0;
        for (&kind, &instant) in self.kind[..n].iter().zip(&self.instant) {
            odd |= u8::from(kind == MISSING);
            odd |= u8::from(instant > reading.as_of);
            odd |= u8::from(instant <= reading.from);
        }
        if odd != 0 {
            mark_odd(&mut self.fate[..n], &self.kind, &self.instant, reading);
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
        let (dwell, fate) = (&mut self.dwell[..n], &self.fate[..n]);
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

/// Give their reason to events without a kind, or out of the time of the run.
fn mark_odd(fates: &mut [u8], kinds: &[u32], instants: &[i64], reading: &Reading) {
    for (fate, (&kind, &instant)) in fates.iter_mut().zip(kinds.iter().zip(instants)) {
        if *fate == USED {
            if kind == MISSING {
                *fate = Reason::Kind as u8;
            } else if instant > reading.as_of {
                *fate = Reason::Future as u8;
            } else if instant <= reading.from && reading.from != i64::MIN {
                *fate = Reason::BeforeState as u8;
            }
        }
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
