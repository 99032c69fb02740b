//! One partition: its rows are grouped by client, and each client's are counted in turn.

use super::client_counts::{ClientCounts, Halves};
use super::day_halves::DayHalves;
use super::history_chunk::HistorySlice;
use super::history_row::HistoryRow;
use super::label_counts::LabelCounts;
use super::purchase_order::{Labels, PurchaseOrders};
use crate::clients::ClientGroups;
use crate::dictionary::MISSING;
use crate::stop::{Call, stop_if_asked};

/// In the first purchases everything is new.
const FIRST: u32 = 3;

/// The clients of a partition, and what was counted of each.
#[derive(Debug, Default)]
pub(super) struct CountedPartition {
    pub clients: Vec<u64>,
    pub counts: Vec<ClientCounts>,
}

/// Counts partitions, one after another; its arrays are reused.
#[derive(Debug)]
pub(super) struct PartitionCounter {
    groups: ClientGroups,
    /// The rows, client after client; what is beyond them is left from earlier partitions.
    rows: Vec<HistoryRow>,
    /// Their orders, if any row may have one.
    order_ids: Vec<u64>,
    orders: PurchaseOrders,
    categories: LabelCounts,
    channels: LabelCounts,
    active: DayHalves,
    relational: DayHalves,
}

impl PartitionCounter {
    /// A counter of rows with some labels.
    pub fn new(labels: Labels) -> Self {
        Self {
            groups: ClientGroups::default(),
            rows: Vec::new(),
            order_ids: Vec::new(),
            orders: PurchaseOrders::default(),
            categories: LabelCounts::new(labels.categories.len()),
            channels: LabelCounts::new(labels.channels.len()),
            active: DayHalves::default(),
            relational: DayHalves::default(),
        }
    }

    /// Count the rows of a partition.
    pub fn count(&mut self, slices: &[HistorySlice], labels: Labels) -> CountedPartition {
        self.group(slices);
        let clients = std::mem::take(&mut self.groups.clients);
        let count = |client| {
            stop_if_asked();
            self.count_client(client, labels)
        };
        let counts = (0..clients.len()).map(count).collect();
        CountedPartition { clients, counts }
    }

    fn group(&mut self, slices: &[HistorySlice]) {
        let rows: Vec<&[HistoryRow]> = slices.iter().map(|slice| slice.rows).collect();
        self.groups.group(&rows, |row| row.client, std::iter::empty());
        if self.rows.len() < self.groups.rows() {
            self.rows.resize(self.groups.rows(), HistoryRow::default());
        }
        self.groups.scatter(&rows, |rows| rows.len(), |rows, i, to| self.rows[to] = rows[i]);
        self.order_ids.clear();
        if slices.iter().any(|slice| !slice.orders.is_empty()) {
            self.order_ids.resize(self.groups.rows(), 0);
            self.groups.scatter(
                slices,
                |slice| slice.rows.len(),
                |slice, i, to| self.order_ids[to] = slice.orders.get(i).copied().unwrap_or(0),
            );
        }
    }

    fn count_client(&mut self, client: usize, labels: Labels) -> ClientCounts {
        let range = self.groups.range(client);
        let rows = &self.rows[range.clone()];
        let order_ids = self.order_ids.get(range).unwrap_or_default();
        self.orders.read(rows, order_ids, labels);
        for row in rows.iter().filter(|row| row.marks.is_event()) {
            let [active, relational] = row.marks.sides();
            active.into_iter().for_each(|is_hit| self.active.push(row.instant, is_hit));
            relational.into_iter().for_each(|is_hit| self.relational.push(row.instant, is_hit));
        }
        let mut open = Halves::default();
        // Places among the orders with a category, and among those with a channel.
        let (mut place, mut channel_place) = (0, 0);
        let call = Call::current();
        for (order, categories) in self.orders.in_time() {
            call.check();
            self.active.push(order.instant, true);
            if order.promo {
                self.relational.push(order.instant, false);
            }
            if order.channel != MISSING {
                channel_place += 1;
                self.channels.add(order.channel, channel_place % 2 == 1);
            }
            if !categories.is_empty() {
                place += 1;
                let is_odd = place % 2 == 1;
                let mut is_new = false;
                for &category in categories {
                    is_new |= self.categories.add(category, is_odd);
                }
                if place > FIRST {
                    open.add(is_new, is_odd);
                }
            }
        }
        let [whole, odd, even] = self.categories.take_entropies();
        let [channel_whole, channel_odd, channel_even] = self.channels.take_entropies();
        ClientCounts {
            halves: [open, self.active.take(), self.relational.take()],
            entropies: [whole, odd, even, channel_whole, channel_odd, channel_even],
        }
    }
}
