//! Chunks of rows, partitioned by client.

use super::history_row::HistoryRow;
use crate::clients::PARTITIONS;

/// Rows of one partition, and the orders of them; no orders where no row has one.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct HistorySlice<'a> {
    pub rows: &'a [HistoryRow],
    pub orders: &'a [u64],
}

/// The rows of a range, in the order of their partitions.
#[derive(Debug)]
pub(super) struct HistoryChunk {
    rows: Vec<HistoryRow>,
    orders: Vec<u64>,
    /// Where the rows of each partition end; while the chunk is made, where the next one goes.
    ends: Box<[u32; PARTITIONS]>,
}

impl HistoryChunk {
    /// A chunk for so many rows of each partition, all of which must then be written.
    pub fn new(counts: &[u32; PARTITIONS], with_orders: bool) -> Self {
        let mut ends = Box::new([0; PARTITIONS]);
        let mut rows = 0;
        for (end, count) in ends.iter_mut().zip(counts) {
            *end = rows as u32;
            rows += *count as usize;
        }
        Self {
            rows: vec![HistoryRow::default(); rows],
            orders: vec![0; if with_orders { rows } else { 0 }],
            ends,
        }
    }

    /// Write a row of a partition, and its order if it has one.
    #[inline]
    pub fn push(&mut self, partition: usize, row: HistoryRow, order: Option<u64>) {
        let index = self.ends[partition] as usize;
        self.ends[partition] += 1;
        self.rows[index] = row;
        if let Some(order) = order {
            self.orders[index] = order;
        }
    }

    /// The rows of a partition.
    pub fn slice(&self, partition: usize) -> HistorySlice<'_> {
        let start = partition.checked_sub(1).map_or(0, |before| self.ends[before]);
        let range = start as usize..self.ends[partition] as usize;
        HistorySlice {
            rows: &self.rows[range.clone()],
            orders: self.orders.get(range).unwrap_or_default(),
        }
    }
}
