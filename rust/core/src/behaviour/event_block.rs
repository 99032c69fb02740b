//! Typed columns read into plain arrays, a block of rows at a time.

use std::ops::Range;

use super::batch::{EventBatch, TextValues};
use super::batch_dictionaries::BatchDictionaries;
use super::drop_reason::{EventDropReason, KEPT};
use super::event::Measures;
use super::read_context::ReadContext;
use super::read_measures::{read_clicks, read_dwell};
use crate::calendar::DAY;
use crate::clients::{BLOCK, IdType, blocks, read_integer_words};
use crate::columns::{Column, DateValues, IdValues, Texts, mixed_ids, to_micros, widen};
use crate::dictionary::{MISSING, SharedDictionary, ViewCache};
use crate::error::{Error, Result};
use crate::text_values::parse_instant;

/// The arrays of one block, reused from block to block.
#[derive(Debug)]
pub(super) struct EventBlock {
    pub client: Vec<u64>,
    pub instant: Vec<i64>,
    wide: Vec<i64>,
    pub kind: Vec<u32>,
    pub page: Vec<u32>,
    pub channel: Vec<u32>,
    pub message: Vec<u32>,
    pub measures: Vec<Measures>,
    /// Dwell in microseconds plus one, 0 where unknown.
    dwell: Vec<i64>,
    /// Why each row is dropped, or [`KEPT`].
    pub drop_reason: Vec<u8>,
    /// Of kinds, pages, channels and messages.
    pub caches: [ViewCache; 4],
}

/// The words of a column of client ids, none of which is missing.
pub(super) fn read_clients(
    column: &Column<IdValues>,
    rows: usize,
    context: &ReadContext,
) -> Result<Vec<u64>> {
    let mut block = EventBlock::new();
    let mut words = Vec::with_capacity(rows);
    for rows in blocks(&(0..rows)) {
        block.drop_reason.fill(KEPT);
        block.read_clients(column, rows.clone(), context)?;
        words.extend_from_slice(&block.client[..rows.len()]);
    }
    Ok(words)
}

impl EventBlock {
    pub fn new() -> Self {
        Self {
            client: vec![0; BLOCK],
            instant: vec![0; BLOCK],
            wide: vec![0; BLOCK],
            kind: vec![MISSING; BLOCK],
            page: vec![MISSING; BLOCK],
            channel: vec![MISSING; BLOCK],
            message: vec![MISSING; BLOCK],
            measures: vec![Measures::default(); BLOCK],
            dwell: vec![0; BLOCK],
            drop_reason: vec![KEPT; BLOCK],
            caches: std::array::from_fn(|_| ViewCache::new()),
        }
    }

    /// Read which rows are wanted, and their clients.
    pub fn read_keys(
        &mut self,
        batch: &EventBatch,
        rows: Range<usize>,
        context: &ReadContext,
    ) -> Result<()> {
        let n = rows.len();
        self.drop_reason[..n].fill(KEPT);
        if let Some(keep) = &batch.keep {
            let kept = |i| keep.is_valid(rows.start + i) && keep.values.get(rows.start + i);
            self.mark(n, EventDropReason::Where, |i| !kept(i));
        }
        self.read_clients(&batch.client, rows, context)
    }

    /// Read the other columns of the rows.
    pub fn read_rest(
        &mut self,
        batch: &EventBatch,
        dictionaries: &BatchDictionaries,
        rows: Range<usize>,
        context: &ReadContext,
    ) -> Result<()> {
        let n = rows.len();
        self.read_instants(&batch.timestamp, rows.clone(), context.zoned)?;
        let wide = &mut self.wide;
        let [kinds, pages, channels, messages] = &mut self.caches;
        encode(
            &batch.kind,
            dictionaries.kind.as_deref(),
            rows.clone(),
            (&context.kinds, kinds),
            &mut self.kind[..n],
            wide,
        )?;
        if !context.kind_names.is_empty() {
            for kind in &mut self.kind[..n] {
                *kind = context.kind_names.get(*kind as usize).copied().unwrap_or(*kind);
            }
        }
        // Most blocks have no such row, and a loop without a way out is faster than one that stops.
        let mut any_dropped = 0;
        for (&kind, &instant) in self.kind[..n].iter().zip(&self.instant) {
            any_dropped |= u8::from(kind == MISSING);
            any_dropped |= u8::from(instant > context.as_of);
            any_dropped |= u8::from(instant <= context.from);
        }
        if any_dropped != 0 {
            mark_rows(&mut self.drop_reason[..n], &self.kind, &self.instant, context);
        }
        if let Some(consented) = &batch.consented {
            let may =
                |i| consented.is_valid(rows.start + i) && consented.values.get(rows.start + i);
            for (i, own) in self.drop_reason[..n].iter_mut().enumerate() {
                if *own == KEPT && !may(i) {
                    *own = EventDropReason::Tracking as u8;
                }
            }
        }
        for (column, codes, dictionary, out) in [
            (&batch.page, &dictionaries.page, (&context.pages, pages), &mut self.page),
            (
                &batch.channel,
                &dictionaries.channel,
                (&context.channels, channels),
                &mut self.channel,
            ),
            (
                &batch.message,
                &dictionaries.message,
                (&context.messages, messages),
                &mut self.message,
            ),
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

    /// Set the reason of the rows that are kept so far.
    fn mark(&mut self, n: usize, reason: EventDropReason, drops: impl Fn(usize) -> bool) {
        for (i, own) in self.drop_reason[..n].iter_mut().enumerate() {
            if *own == KEPT && drops(i) {
                *own = reason as u8;
            }
        }
    }

    fn read_clients(
        &mut self,
        column: &Column<IdValues>,
        rows: Range<usize>,
        context: &ReadContext,
    ) -> Result<()> {
        let n = rows.len();
        if column.validity.is_some() {
            self.mark(n, EventDropReason::Client, |i| !column.is_valid(rows.start + i));
        }
        if context.client_ids == IdType::Text {
            let IdValues::Texts(texts) = &column.values else {
                return Err(mixed_ids());
            };
            let text =
                |i: usize| column.is_valid(rows.start + i).then(|| texts.get(rows.start + i));
            // The page array lends itself for their codes: it is filled later.
            context.clients.encode(text, &mut self.page[..n])?;
            for (client, &code) in self.client.iter_mut().zip(&self.page[..n]) {
                *client = code.into();
            }
            return Ok(());
        }
        if let IdValues::Floats(values) = &column.values {
            self.mark(n, EventDropReason::Client, |i| values[rows.start + i].is_nan());
        }
        let is_used = |i: usize| self.drop_reason[i] == KEPT;
        let (wide, words) = (&mut self.wide[..n], &mut self.client[..n]);
        read_integer_words(column, rows, context.client_ids, "client", is_used, wide, words)
    }

    fn read_instants(
        &mut self,
        column: &Column<DateValues>,
        rows: Range<usize>,
        zoned: Option<bool>,
    ) -> Result<()> {
        let n = rows.len();
        if column.validity.is_some() {
            self.mark(n, EventDropReason::Timestamp, |i| !column.is_valid(rows.start + i));
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
                    let wanted = self.drop_reason[i] == KEPT
                        || self.drop_reason[i] == EventDropReason::Client as u8;
                    self.instant[i] = if wanted && column.is_valid(row) {
                        read_timestamp(texts, row, zoned)?
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
        let (dwell, reasons) = (&mut self.dwell[..n], &self.drop_reason[..n]);
        let used = |i: usize| reasons[i] == KEPT;
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

/// Set the reason of events without a kind, or outside the time of the run.
fn mark_rows(reasons: &mut [u8], kinds: &[u32], instants: &[i64], context: &ReadContext) {
    for (own, (&kind, &instant)) in reasons.iter_mut().zip(kinds.iter().zip(instants)) {
        if *own == KEPT {
            if kind == MISSING {
                *own = EventDropReason::Kind as u8;
            } else if instant > context.as_of {
                *own = EventDropReason::Future as u8;
            } else if instant <= context.from && context.from != i64::MIN {
                *own = EventDropReason::BeforeState as u8;
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
            .find_map(|row| parse_instant(texts.get(row)).ok())
            .map(|(_, zoned)| zoned),
    }
}

fn read_timestamp(texts: &Texts, row: usize, zoned: Option<bool>) -> Result<i64> {
    match parse_instant(texts.get(row)) {
        Ok((_, has_zone)) if zoned.is_some_and(|zoned| zoned != has_zone) => {
            let text = String::from_utf8_lossy(texts.get(row));
            Err(Error::Value {
                message: format!(
                    "the timestamp \"{text}\" {} and others have {}: write all of them alike",
                    if has_zone { "has a time zone" } else { "has no time zone" },
                    if has_zone { "none" } else { "one" },
                ),
                role: "timestamp",
                value: text.into_owned(),
            })
        }
        Ok((instant, _)) => Ok(instant),
        Err(Error::Value { message, value, .. }) => {
            Err(Error::Value { message, role: "timestamp", value })
        }
        Err(other) => Err(other),
    }
}

/// Write the codes of a column of texts; `batch_codes` are those of its own dictionary, if it has one.
fn encode(
    column: &Column<TextValues>,
    batch_codes: Option<&[u32]>,
    rows: Range<usize>,
    (dictionary, cache): (&SharedDictionary, &mut ViewCache),
    out: &mut [u32],
    wide: &mut [i64],
) -> Result<()> {
    match &column.values {
        TextValues::Plain(texts) => {
            let (views, text) = (&texts.views[rows.clone()], |i| texts.get(rows.start + i));
            if column.validity.is_none() {
                dictionary.encode_views(views, |_| true, text, cache, out)
            } else {
                let is_valid = |i| column.is_valid(rows.start + i);
                dictionary.encode_views(views, is_valid, text, cache, out)
            }
        }
        TextValues::Dictionary { keys, .. } => {
            let n = out.len();
            widen(*keys, rows.clone(), &mut wide[..n]);
            let codes = batch_codes.unwrap_or_default();
            for (i, out) in out.iter_mut().enumerate() {
                *out = if column.is_valid(rows.start + i) {
                    codes.get(wide[i] as usize).copied().unwrap_or(MISSING)
                } else {
                    MISSING
                };
            }
            Ok(())
        }
    }
}
