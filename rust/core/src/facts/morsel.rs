//! From typed columns to plain arrays: keys, hashes, days and integer amounts, a morsel at a time.
//!
//! A morsel is small enough to stay in the first two cache levels, so each step is a simple loop
//! over one typed column, and no combination of types needs code of its own.

use std::ops::Range;
use std::sync::Arc;

use super::Returns;
use super::batch::{Batch, Column, IdValues};
use super::keys::Key;
use super::read_amounts::{check_sizes, read_amounts, read_signs};
use super::read_dates::read_dates;
use super::read_ids::{KeyArrays, ReadKey, Reading, Signedness};
use super::read_orders::{OrderReader, is_there};
use super::reason::{Reason, USED, mark};
use super::shapes::Shapes;
use crate::calendar::Clock;
use crate::error::Result;
use crate::money::Unit;

/// Lines in a morsel.
pub(super) const MORSEL: usize = 1024;

/// What turns columns into arrays, the same for every batch of a source.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub clock: Clock,
    pub unit: Unit,
    pub signedness: Signedness,
    /// The shapes of text ids that are read as words.
    pub shapes: Arc<Shapes>,
    /// Whether text ids with a shape are kept where their words were.
    pub by_shape: bool,
    /// Whether instants are looked at, and not only days.
    pub instants: bool,
    /// The last day whose lines are used.
    pub last_day: i32,
    pub returns: Returns,
    /// Whether text ids that are all plain integers come out as integers.
    pub plain_integer_ids: bool,
}

impl Rules {
    /// How the client column is read whose first buffer has this number.
    pub fn clients(&self, buffers: u32) -> Reading<'_> {
        Reading {
            signedness: self.signedness,
            buffers,
            shapes: &self.shapes,
            by_shape: self.by_shape,
            role: "client",
        }
    }

    /// How an order column is read.
    fn orders(&self, buffers: u32) -> Reading<'_> {
        let clients = self.clients(buffers);
        Reading { signedness: Signedness::Bits, by_shape: false, role: "order", ..clients }
    }
}

/// The arrays of one morsel, reused from morsel to morsel.
pub(super) struct Morsel<C: Key, O: Key> {
    pub client: Vec<C::Row>,
    pub hash: Vec<u64>,
    pub order: Vec<O::Row>,
    pub no_order: Vec<bool>,
    pub instant: Vec<i64>,
    pub day: Vec<i32>,
    pub amount: Vec<i64>,
    /// Whether the amount, before it is rounded, is below zero and that makes it a return.
    pub is_return: Vec<bool>,
    /// [`USED`] or a [`Reason`].
    pub fate: Vec<u8>,
    scratch_hash: Vec<u64>,
}

impl<C: ReadKey, O: ReadKey> Morsel<C, O> {
    pub fn new() -> Self {
        Self {
            client: vec![C::Row::default(); MORSEL],
            hash: vec![0; MORSEL],
            order: vec![O::Row::default(); MORSEL],
            no_order: vec![false; MORSEL],
            instant: vec![0; MORSEL],
            day: vec![0; MORSEL],
            amount: vec![0; MORSEL],
            is_return: vec![false; MORSEL],
            fate: vec![USED; MORSEL],
            scratch_hash: vec![0; MORSEL],
        }
    }

    /// Read lines `rows` of a batch into the front of the arrays.
    pub fn read(
        &mut self,
        batch: &Batch,
        rows: Range<usize>,
        rules: &Rules,
        client_buffers: u32,
        order: &mut OrderReader,
    ) -> Result<()> {
        let (n, batch_rows) = (rows.len(), rows.clone());
        self.read_keep(batch, &rows);
        C::read(
            &batch.client,
            rows.clone(),
            rules.clients(client_buffers),
            &mut KeyArrays {
                rows: &mut self.client[..n],
                hashes: &mut self.hash[..n],
                fate: &mut self.fate[..n],
            },
        )?;
        read_dates(
            &batch.date,
            rows.clone(),
            rules,
            &mut self.instant[..n],
            &mut self.day[..n],
            &mut self.fate[..n],
        )?;
        read_amounts(
            &batch.amount,
            rows.clone(),
            rules.unit,
            &mut self.amount[..n],
            &mut self.fate[..n],
        );
        let (days, last_day) = (&self.day[..n], rules.last_day);
        check_sizes(&batch.amount, rows.start, days, last_day, &mut self.fate[..n])?;
        if !batch.order.is_empty() {
            self.read_order(batch, rows, rules, order)?;
        }
        mark(&mut self.fate[..n], Reason::Future, |i| self.day[i] > rules.last_day);
        if rules.returns != Returns::Keep {
            read_signs(&batch.amount, batch_rows, &mut self.is_return[..n]);
        }
        if rules.returns == Returns::Drop {
            mark(&mut self.fate[..n], Reason::Return, |i| self.is_return[i]);
        }
        Ok(())
    }

    /// Read client ids alone.
    pub fn read_clients(
        &mut self,
        column: &Column<IdValues>,
        rows: Range<usize>,
        reading: Reading,
    ) -> Result<()> {
        let n = rows.len();
        self.fate[..n].fill(USED);
        let mut arrays = KeyArrays {
            rows: &mut self.client[..n],
            hashes: &mut self.hash[..n],
            fate: &mut self.fate[..n],
        };
        C::read(column, rows, reading, &mut arrays)
    }

    fn read_keep(&mut self, batch: &Batch, rows: &Range<usize>) {
        self.fate[..rows.len()].fill(USED);
        if let Some(keep) = &batch.keep {
            let kept = |i| keep.is_valid(rows.start + i) && keep.values.get(rows.start + i);
            mark(&mut self.fate[..rows.len()], Reason::Where, |i| !kept(i));
        }
    }

    fn read_order(
        &mut self,
        batch: &Batch,
        rows: Range<usize>,
        rules: &Rules,
        order: &mut OrderReader,
    ) -> Result<()> {
        let n = rows.len();
        for (i, missing) in self.no_order[..n].iter_mut().enumerate() {
            *missing = batch.order.iter().any(|column| !is_there(column, rows.start + i));
        }
        if order.encoded {
            let skipped = |i: usize| self.no_order[i] || self.fate[i] != USED;
            order.encode::<O>(batch, rows, &mut self.order[..n], skipped)
        } else {
            // A missing order is no reason to drop a line: its fate is read into a copy.
            let mut fate = [USED; MORSEL];
            fate[..n].copy_from_slice(&self.fate[..n]);
            O::read(
                &batch.order[0],
                rows,
                rules.orders(order.buffers),
                &mut KeyArrays {
                    rows: &mut self.order[..n],
                    hashes: &mut self.scratch_hash[..n],
                    fate: &mut fate[..n],
                },
            )
        }
    }
}
