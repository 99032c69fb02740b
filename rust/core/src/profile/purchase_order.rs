//! The orders of one client, in the order of time.

use std::cmp::Ordering;
use std::ops::Range;

use super::history_row::HistoryRow;
use super::order_keys::OrderKeys;
use crate::clients::{SmallSort, sort};
use crate::dictionary::{MISSING, TextDictionary};
use crate::stop::Call;

/// An order, or a line without one, which is an order of its own.
#[derive(Debug, Clone)]
pub(super) struct PurchaseOrder {
    /// That of its first line.
    pub instant: i64,
    /// Its id as a word, if it has one.
    id: Option<u64>,
    /// The first of its channels in the alphabet.
    pub channel: u32,
    /// Whether every line was on promotion.
    pub promo: bool,
    /// Where its categories are.
    categories: Range<usize>,
}

/// A line of an order that has an id; lines sort by their orders, and there by their categories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct OrderLine {
    id: u64,
    category: u32,
    channel: u32,
    instant: i64,
    promo: bool,
}

/// What is read with the rows of every client.
#[derive(Debug, Clone, Copy)]
pub(super) struct Labels<'a> {
    /// By the code of a category, its place in the alphabet from 1.
    pub categories: &'a [u32],
    /// The same of channels.
    pub channels: &'a [u32],
    pub order_keys: OrderKeys,
    pub order_texts: &'a TextDictionary,
}

/// The orders of the client that was read last; its arrays are reused from client to client.
#[derive(Debug, Default)]
pub(super) struct PurchaseOrders {
    orders: Vec<PurchaseOrder>,
    /// The categories of each order, ascending.
    categories: Vec<u32>,
    /// Lines of orders that have an id.
    lines: Vec<OrderLine>,
    sort: SmallSort,
    /// The places of orders in `orders`, in the order of time.
    in_time: Vec<u32>,
}

impl PurchaseOrders {
    /// Read the lines of a client, `orders` beside them, and join those of each order; events are left
    /// out.
    pub fn read(&mut self, rows: &[HistoryRow], orders: &[u64], labels: Labels) {
        self.orders.clear();
        self.categories.clear();
        self.lines.clear();
        for (i, row) in rows.iter().enumerate() {
            if row.marks.is_event() {
                continue;
            }
            let category = labels.categories[row.category as usize];
            let channel = labels.channels[row.marks.channel() as usize];
            let promo = row.marks.promo();
            if row.marks.has_order() {
                let (id, instant) = (orders[i], row.instant);
                self.lines.push(OrderLine { id, category, channel, instant, promo });
            } else {
                let start = self.categories.len();
                self.categories.extend(Some(category).filter(|&category| category != MISSING));
                let categories = start..self.categories.len();
                let instant = row.instant;
                self.orders.push(PurchaseOrder { instant, id: None, channel, promo, categories });
            }
        }
        self.join_lines();
        self.sort_in_time(labels);
    }

    /// Make orders of the lines that have an id.
    fn join_lines(&mut self) {
        if !self.lines.is_sorted() {
            sort(&mut self.lines);
        }
        for lines in self.lines.chunk_by(|a, b| a.id == b.id) {
            let start = self.categories.len();
            let known = lines.iter().map(|line| line.category).filter(|&label| label != MISSING);
            self.categories.extend(known);
            let mut kept = start;
            for i in start..self.categories.len() {
                if kept == start || self.categories[i] != self.categories[kept - 1] {
                    self.categories[kept] = self.categories[i];
                    kept += 1;
                }
            }
            self.categories.truncate(kept);
            let channels = lines.iter().map(|line| line.channel);
            self.orders.push(PurchaseOrder {
                instant: lines.iter().map(|line| line.instant).min().unwrap_or_default(),
                id: Some(lines[0].id),
                channel: channels.filter(|&label| label != MISSING).min().unwrap_or(MISSING),
                promo: lines.iter().all(|line| line.promo),
                categories: start..kept,
            });
        }
    }

    fn sort_in_time(&mut self, labels: Labels) {
        let tied = self.sort.sort(self.orders.iter().map(|order| order.instant));
        self.in_time.clear();
        self.in_time.extend(self.sort.indices().map(|index| index as u32));
        if !tied {
            return;
        }
        let Self { orders, categories, in_time, .. } = self;
        let order = |index: u32| &orders[index as usize];
        let call = Call::current();
        for same in in_time.chunk_by_mut(|&a, &b| order(a).instant == order(b).instant) {
            same.sort_unstable_by(|&a, &b| {
                call.check();
                compare(order(a), order(b), categories, labels)
            });
        }
    }

    /// The orders in the order of time, with their categories.
    pub fn in_time(&self) -> impl Iterator<Item = (&PurchaseOrder, &[u32])> {
        self.in_time.iter().map(|&index| {
            let order = &self.orders[index as usize];
            (order, &self.categories[order.categories.clone()])
        })
    }
}

/// The order of two orders of one instant: by their ids, those without one first, and by what they
/// hold. Two of which neither comes first are alike.
fn compare(a: &PurchaseOrder, b: &PurchaseOrder, all: &[u32], labels: Labels) -> Ordering {
    let ids = match (a.id, b.id) {
        (Some(one), Some(other)) => labels.order_keys.compare(one, other, labels.order_texts),
        (one, other) => one.is_some().cmp(&other.is_some()),
    };
    let categories = |order: &PurchaseOrder| all[order.categories.clone()].first().copied();
    ids.then_with(|| categories(a).cmp(&categories(b)))
        .then(a.channel.cmp(&b.channel))
        .then(a.promo.cmp(&b.promo))
}
