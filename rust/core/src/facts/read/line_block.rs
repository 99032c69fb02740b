//! From typed columns to plain arrays: keys, hashes, days and integer amounts, a block at a time.
//!
//! A block is small enough to stay in the first two cache levels, so each step is a simple loop
//! over one typed column, and no combination of types needs code of its own.

use std::ops::Range;

use super::amounts::{check_sizes, read_amounts, read_signs};
use super::dates::read_dates;
use super::ids::{KeyArrays, ReadKey};
use super::options::{IdReadOptions, ReadOptions};
use super::orders::{OrderReader, ReadOrders};
use crate::columns::{Column, IdValues};
use crate::error::Result;
use crate::facts::batch::Batch;
use crate::facts::drop_reason::{LineDropReason, USED, mark};
use crate::facts::key::Key;
use crate::facts::options::Returns;

/// Lines in a block.
pub const BLOCK: usize = 1024;

/// The arrays of one block, reused from block to block.
pub struct LineBlock<C: Key, O: Key> {
    pub client: Vec<C::Row>,
    pub hash: Vec<u64>,
    pub order: Vec<O::Row>,
    pub no_order: Vec<bool>,
    pub instant: Vec<i64>,
    pub day: Vec<i32>,
    pub amount: Vec<i64>,
    /// Whether the amount, before it is rounded, is below zero and that makes it a return.
    pub is_return: Vec<bool>,
    /// [`USED`] or a [`LineDropReason`].
    pub drops: Vec<u8>,
    scratch_hash: Vec<u64>,
}

impl<C: ReadKey, O: ReadOrders> LineBlock<C, O> {
    pub fn new() -> Self {
        Self {
            client: vec![C::Row::default(); BLOCK],
            hash: vec![0; BLOCK],
            order: vec![O::Row::default(); BLOCK],
            no_order: vec![false; BLOCK],
            instant: vec![0; BLOCK],
            day: vec![0; BLOCK],
            amount: vec![0; BLOCK],
            is_return: vec![false; BLOCK],
            drops: vec![USED; BLOCK],
            scratch_hash: vec![0; BLOCK],
        }
    }

    /// Read lines `rows` of a batch into the front of the arrays.
    pub fn read(
        &mut self,
        batch: &Batch,
        rows: Range<usize>,
        options: &ReadOptions,
        client_buffers: u32,
        order: &mut OrderReader,
    ) -> Result<()> {
        let (n, batch_rows) = (rows.len(), rows.clone());
        self.read_keep(batch, &rows);
        C::read(
            &batch.client,
            rows.clone(),
            options.clients(client_buffers),
            &mut KeyArrays {
                rows: &mut self.client[..n],
                hashes: &mut self.hash[..n],
                drops: &mut self.drops[..n],
            },
        )?;
        read_dates(
            &batch.date,
            rows.clone(),
            options,
            &mut self.instant[..n],
            &mut self.day[..n],
            &mut self.drops[..n],
        )?;
        read_amounts(
            &batch.amount,
            rows.clone(),
            options.unit,
            &mut self.amount[..n],
            &mut self.drops[..n],
        );
        let (days, last_day) = (&self.day[..n], options.last_day);
        check_sizes(&batch.amount, rows.start, days, last_day, &mut self.drops[..n])?;
        if !batch.order.is_empty() {
            self.read_order(batch, rows, options, order)?;
        }
        mark(&mut self.drops[..n], LineDropReason::Future, |i| self.day[i] > options.last_day);
        if options.returns != Returns::Keep {
            read_signs(&batch.amount, batch_rows, &mut self.is_return[..n]);
        }
        if options.returns == Returns::Drop {
            mark(&mut self.drops[..n], LineDropReason::Return, |i| self.is_return[i]);
        }
        Ok(())
    }

    /// Read client ids alone.
    pub fn read_clients(
        &mut self,
        column: &Column<IdValues>,
        rows: Range<usize>,
        options: IdReadOptions,
    ) -> Result<()> {
        let n = rows.len();
        self.drops[..n].fill(USED);
        let mut arrays = KeyArrays {
            rows: &mut self.client[..n],
            hashes: &mut self.hash[..n],
            drops: &mut self.drops[..n],
        };
        C::read(column, rows, options, &mut arrays)
    }

    fn read_keep(&mut self, batch: &Batch, rows: &Range<usize>) {
        self.drops[..rows.len()].fill(USED);
        if let Some(keep) = &batch.keep {
            let kept = |i| keep.is_valid(rows.start + i) && keep.values.get(rows.start + i);
            mark(&mut self.drops[..rows.len()], LineDropReason::Where, |i| !kept(i));
        }
    }

    fn read_order(
        &mut self,
        batch: &Batch,
        rows: Range<usize>,
        options: &ReadOptions,
        order: &mut OrderReader,
    ) -> Result<()> {
        let n = rows.len();
        for (i, missing) in self.no_order[..n].iter_mut().enumerate() {
            *missing = batch.order.iter().any(|column| !column.has_id(rows.start + i));
        }
        // A missing order is no reason to drop a line: reasons are read into a copy.
        let mut drops = [USED; BLOCK];
        drops[..n].copy_from_slice(&self.drops[..n]);
        O::read_orders(
            batch,
            rows,
            options.orders(order.buffers),
            order,
            &self.no_order[..n],
            &mut KeyArrays {
                rows: &mut self.order[..n],
                hashes: &mut self.scratch_hash[..n],
                drops: &mut drops[..n],
            },
        )
    }
}
