//! What one thread reads, and the inboxes that it sorts lines into.

use std::ops::Range;

use super::batch::{Batch, Column, IdValues};
use super::builder::Account;
use super::ids::plain_integer;
use super::line::{IS_RETURN, Line, NO_ORDER, When, tag_of};
use super::morsel::{MORSEL, Morsel, Rules};
use super::read_ids::ReadKey;
use super::read_orders::OrderReader;
use super::reason::USED;
use super::short::{ShortLine, pack};
use super::spread::{PARTITIONS, partition_of_number};
use crate::error::Result;

/// One worker: the arrays it reads into, its inboxes, and its part of the account.
pub(super) struct Worker<C: ReadKey, O: ReadKey, W> {
    pub morsel: Morsel<C, O>,
    pub inboxes: Vec<Vec<Line<C, O, W>>>,
    /// The same for lines that are short.
    pub short: Box<[Vec<ShortLine>; PARTITIONS]>,
    pub order_bytes: Vec<u8>,
    pub account: Account,
    /// The least and the most of the numbers of clients read.
    pub numbers: (u64, u64),
    /// Whether the text ids of all lines dropped so far are plain integers.
    pub plain_ids: bool,
}

/// How lines travel.
#[derive(Debug, Clone, Copy)]
pub(super) struct Travel {
    /// Without a hash, as clients are kept by their numbers.
    pub near: bool,
    /// As short lines, if they fit.
    pub short: bool,
}

/// The numbers of no client.
pub(super) const NO_NUMBERS: (u64, u64) = (u64::MAX, 0);

/// A morsel of a batch, by number and rows.
pub(super) type Piece = (usize, Range<usize>);

/// Cut batches into morsels.
pub(super) fn pieces(lengths: impl Iterator<Item = usize>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for (batch, rows) in lengths.enumerate() {
        pieces.extend(
            (0..rows).step_by(MORSEL).map(|start| (batch, start..rows.min(start + MORSEL))),
        );
    }
    pieces
}

/// The byte buffers of several columns in one list, and where each column's begin.
pub(super) fn gather_buffers<'a>(
    columns: impl Iterator<Item = &'a Column<'a, IdValues<'a>>>,
) -> (Vec<&'a [u8]>, Vec<u32>) {
    let (mut buffers, mut starts) = (Vec::new(), Vec::new());
    for column in columns {
        starts.push(buffers.len() as u32);
        if let IdValues::Texts(texts) = &column.values {
            buffers.extend_from_slice(&texts.buffers);
        }
    }
    (buffers, starts)
}

/// Where the buffers of each batch begin.
pub(super) struct Starts {
    pub clients: Vec<u32>,
    pub orders: Vec<u32>,
}

impl<C: ReadKey, O: ReadKey, W: When> Worker<C, O, W> {
    pub fn new() -> Self {
        Self {
            morsel: Morsel::new(),
            inboxes: (0..PARTITIONS).map(|_| Vec::new()).collect(),
            short: Box::new(std::array::from_fn(|_| Vec::new())),
            order_bytes: Vec::new(),
            account: Account::default(),
            numbers: NO_NUMBERS,
            plain_ids: true,
        }
    }

    /// Read one morsel and put its lines into the inboxes.
    fn read(
        &mut self,
        batch: &Batch,
        rows: Range<usize>,
        rules: &Rules,
        client_buffers: u32,
        order: &mut OrderReader,
        mode: Travel,
    ) -> Result<()> {
        let (n, first_row) = (rows.len(), rows.start);
        self.morsel.read(batch, rows, rules, client_buffers, order)?;
        self.account.rows_read += n as u64;
        let all_used = self.morsel.fate[..n].iter().fold(0, |any, &fate| any | fate) == USED;
        if all_used {
            self.account.see_days(&self.morsel.day[..n]);
            self.account.rows_used += n as u64;
            if mode.short && self.put_short(n, batch, first_row + MORSEL) {
                return Ok(());
            }
        }
        let morsel = &self.morsel;
        if !all_used {
            if let (true, IdValues::Texts(texts)) = (rules.plain_integer_ids, &batch.client.values)
            {
                let dropped = (0..n).filter(|&i| morsel.fate[i] != USED).map(|i| first_row + i);
                let mut present = dropped.filter(|&row| batch.client.is_valid(row));
                self.plain_ids &= present.all(|row| plain_integer(texts.get(row)).is_some());
            }
            self.account.see_fates(&morsel.fate[..n], &morsel.day[..n], &morsel.amount[..n]);
        }
        let numbered = !batch.order.is_empty();
        let (mut least, mut most) = self.numbers;
        for i in 0..n {
            if !all_used && morsel.fate[i] != USED {
                continue;
            }
            let hash = if C::IS_NUMBER {
                let number = C::number_of_row(morsel.client[i]);
                least = least.min(number);
                most = most.max(number);
                if mode.short
                    && let Some(line) =
                        ShortLine::new(number, morsel.day[i], morsel.amount[i], morsel.is_return[i])
                {
                    self.short[partition_of_number(number)].push(line);
                    continue;
                }
                if mode.near { 0 } else { C::hash_row(morsel.client[i], &[]) }
            } else {
                morsel.hash[i]
            };
            let inbox = &mut self.inboxes[C::partition(morsel.client[i], hash)];
            inbox.push(Line {
                client: morsel.client[i],
                order: morsel.order[i],
                amount: morsel.amount[i],
                when: W::new(morsel.day[i], morsel.instant[i]),
                tag: tag_of(hash)
                    | (u32::from(!numbered || morsel.no_order[i]) * NO_ORDER)
                    | (u32::from(morsel.is_return[i]) * IS_RETURN),
            });
        }
        self.numbers = (least, most);
        Ok(())
    }

    /// Put the first lines of the morsel, all of them used, into the inboxes of short lines, if all
    /// of them are short.
    fn put_short(&mut self, n: usize, batch: &Batch, next: usize) -> bool {
        let Morsel { client, day, amount, is_return, hash: words, .. } = &mut self.morsel;
        if !pack(&day[..n], &amount[..n], &is_return[..n], &mut words[..n]) {
            return false;
        }
        let (mut least, mut most) = self.numbers;
        for (i, (&client, &word)) in client[..n].iter().zip(words.iter()).enumerate() {
            if i % 8 == 0 {
                batch.ask_for(next + i);
            }
            let number = C::number_of_row(client);
            least = least.min(number);
            most = most.max(number);
            let inbox = &mut self.short[partition_of_number(number)];
            inbox.push(ShortLine { number, word });
        }
        self.numbers = (least, most);
        true
    }

    /// Read a share of the morsels; each worker's encoded orders are a buffer of its number.
    pub fn read_share(
        &mut self,
        number: usize,
        share: &[Piece],
        batches: &[Batch],
        rules: &Rules,
        starts: &Starts,
        mode: Travel,
    ) -> Result<()> {
        // Room for an even spread and a quarter more: growing would copy lines and touch fresh memory.
        let lines: usize = share.iter().map(|(_, rows)| rows.len()).sum();
        let room = lines.div_ceil(PARTITIONS) * 5 / 4;
        if mode.short {
            self.short.iter_mut().for_each(|inbox| inbox.reserve(room));
        } else {
            self.inboxes.iter_mut().for_each(|inbox| inbox.reserve(room));
        }
        let mut bytes = std::mem::take(&mut self.order_bytes);
        bytes.clear();
        let encoded = batches[0].order.len() > 1;
        let mut order = OrderReader { encoded, buffers: number as u32, bytes };
        let result = share.iter().try_for_each(|(batch, rows)| {
            if !encoded && !starts.orders.is_empty() {
                order.buffers = starts.orders[*batch];
            }
            self.read(
                &batches[*batch],
                rows.clone(),
                rules,
                starts.clients[*batch],
                &mut order,
                mode,
            )
        });
        self.order_bytes = order.bytes;
        result
    }
}
