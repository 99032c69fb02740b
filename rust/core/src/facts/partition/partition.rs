//! The facts of one partition of the clients.
//!
//! Clients are spread over partitions, so that those of one stay in cache while its lines of a batch
//! are applied. Everything kept is a minimum, a maximum, a set or an exact sum: the order in which
//! lines arrive leaves no trace.

use super::aggregates::Aggregates;
use crate::error::Result;
use crate::facts::key::{Buffers, Key, Word};
use crate::facts::line::{Day, GROUP, IS_RETURN, Instant, Line, When, prefetch_lines};
use crate::facts::orders::OrderSet;
use crate::facts::packed_line::PackedLine;
use crate::facts::spec::AggregateSpec;
use crate::facts::states::StateColumns;
use crate::facts::store::{
    ClientEntry, ClientKey, ClientStore, DirectStore, DirectTable, HashedStore, StripeRange,
    code_of_day,
};

/// Packed lines that are unpacked together: these fit the first cache level.
const UNPACKED: usize = 32 * GROUP;

/// What applying lines needs beside them.
pub struct Flush<'a> {
    pub spec: &'a AggregateSpec,
    pub client_buffers: &'a Buffers<'a>,
    pub order_buffers: &'a Buffers<'a>,
}

/// One partition.
pub struct Partition<C: ClientKey, O: Key> {
    /// Its number among all partitions.
    number: usize,
    pub clients: ClientStore<C>,
    pub aggregates: Aggregates<O>,
    /// Which clients the base holds, as far as any does.
    in_base: Vec<bool>,
}

/// How lines are applied that remember so much of their date.
pub trait ApplyLines: When {
    /// Apply lines, the clients of all of which are within the range of a direct store.
    fn apply<C: ClientKey, O: Key>(
        partition: &mut Partition<C, O>,
        lines: &[Line<C, O, Self>],
        flush: &Flush,
        set: &mut OrderSet<O>,
    ) where
        Self: Sized;
}

impl ApplyLines for Day {
    fn apply<C: ClientKey, O: Key>(
        partition: &mut Partition<C, O>,
        lines: &[Line<C, O, Self>],
        flush: &Flush,
        set: &mut OrderSet<O>,
    ) {
        if flush.spec.is_plain() {
            apply_plain(partition, lines, flush, set);
        } else {
            apply_to_all(partition, lines, flush, set);
        }
    }
}

/// Instants are asked for by facts that need more of a client than is always kept.
impl ApplyLines for Instant {
    fn apply<C: ClientKey, O: Key>(
        partition: &mut Partition<C, O>,
        lines: &[Line<C, O, Self>],
        flush: &Flush,
        set: &mut OrderSet<O>,
    ) {
        apply_to_all(partition, lines, flush, set);
    }
}

/// Apply lines that touch the state of their clients and the log of orders only.
fn apply_plain<C: ClientKey, O: Key>(
    partition: &mut Partition<C, O>,
    lines: &[Line<C, O, Day>],
    flush: &Flush,
    set: &mut OrderSet<O>,
) {
    let Partition { clients, aggregates, .. } = partition;
    aggregates.lines += lines.len() as u64;
    match clients {
        ClientStore::Direct(direct) => apply_direct(direct, aggregates, lines, flush),
        ClientStore::Hashed(hashed) => {
            hashed.each_group(lines, flush.client_buffers, |states, group, clients| {
                aggregates.grow(flush.spec, states.len());
                for (line, &client) in group.iter().zip(clients) {
                    let state = &mut states[client as usize].state;
                    if line.tag & IS_RETURN == 0 {
                        state.add_purchase(line.when.day(), line.amount);
                    } else {
                        state.add_return(line.amount);
                    }
                    aggregates.add_plain(line, client, flush.spec, flush.order_buffers);
                }
            });
        }
    }
    aggregates.log.compact(set);
}

fn apply_direct<C: ClientKey, O: Key>(
    direct: &mut C::Direct,
    aggregates: &mut Aggregates<O>,
    lines: &[Line<C, O, Day>],
    flush: &Flush,
) {
    for (i, line) in lines.iter().enumerate() {
        if i % GROUP == 0 {
            prefetch_lines(lines, i + 12 * GROUP);
        }
        if let Some(later) = lines.get(i + GROUP) {
            direct.prefetch(later.client);
        }
        let slot = direct.slot(line.client);
        if line.tag & IS_RETURN == 0 {
            direct.add_purchase(slot, code_of_day(line.when.day()), line.amount);
        } else {
            direct.add_return(slot, line.amount);
        }
        aggregates.add_plain(line, slot as u32, flush.spec, flush.order_buffers);
    }
}

/// Apply lines to everything that is kept; clients are then found by hash.
fn apply_to_all<C: ClientKey, O: Key, W: When>(
    partition: &mut Partition<C, O>,
    lines: &[Line<C, O, W>],
    flush: &Flush,
    set: &mut OrderSet<O>,
) {
    let mut hashed = partition.take_hashed(flush.spec);
    let aggregates = &mut partition.aggregates;
    aggregates.lines += lines.len() as u64;
    hashed.each_group(lines, flush.client_buffers, |states, group, clients| {
        aggregates.grow(flush.spec, states.len());
        aggregates.add_group(states, group, clients, flush.spec, flush.order_buffers);
    });
    aggregates.log.compact(set);
    for (scope, kept) in flush.spec.scopes.iter().zip(&mut aggregates.scopes) {
        kept.forget_outdated(scope, |client| hashed.clients[client].state);
    }
    partition.clients = ClientStore::Hashed(hashed);
}

impl<C: ClientKey, O: Key> Partition<C, O> {
    pub fn new(number: usize, spec: &AggregateSpec) -> Self {
        Self {
            number,
            clients: ClientStore::new(),
            aggregates: Aggregates::new(spec),
            in_base: Vec::new(),
        }
    }

    /// Enter a client of the base, found by hash.
    pub fn add_base_client(&mut self, id: C::Row, tag: u32, flush: &Flush) {
        let mut hashed = self.take_hashed(flush.spec);
        let client = hashed.client(id, tag, flush.client_buffers);
        if self.in_base.len() <= client {
            self.in_base.resize(hashed.clients.len(), false);
        }
        self.in_base[client] = true;
        self.clients = ClientStore::Hashed(hashed);
    }

    /// Take in the states of a client, found by hash, which stand in row `row`.
    pub fn add_states(
        &mut self,
        id: C::Row,
        tag: u32,
        states: &[StateColumns],
        row: usize,
        flush: &Flush,
    ) {
        let mut hashed = self.take_hashed(flush.spec);
        let client = hashed.client(id, tag, flush.client_buffers);
        self.aggregates.grow(flush.spec, hashed.clients.len());
        let state = &mut hashed.clients[client].state;
        self.aggregates.add_states(state, client, states, row, flush.spec);
        self.clients = ClientStore::Hashed(hashed);
    }

    /// The clients that the base does not hold.
    pub fn outside_base(&self) -> usize {
        self.clients.count() - self.in_base.iter().filter(|&&inside| inside).count()
    }

    /// Have clients found by hash from now on.
    pub fn store_hashed(&mut self, spec: &AggregateSpec) {
        self.clients = ClientStore::Hashed(self.take_hashed(spec));
    }

    /// The same clients, found by hash, under ids that `clients` gives them.
    pub fn with_clients<K: ClientKey>(
        mut self,
        clients: impl FnOnce(HashedStore<C>) -> HashedStore<K>,
        spec: &AggregateSpec,
    ) -> Partition<K, O> {
        let hashed = self.take_hashed(spec);
        Partition {
            number: self.number,
            clients: ClientStore::Hashed(clients(hashed)),
            aggregates: self.aggregates,
            in_base: self.in_base,
        }
    }

    /// Take the clients out of the partition, found by hash.
    fn take_hashed(&mut self, spec: &AggregateSpec) -> HashedStore<C> {
        match std::mem::replace(&mut self.clients, ClientStore::new()) {
            ClientStore::Hashed(hashed) => hashed,
            ClientStore::Direct(direct) => {
                let (hashed, clients) = direct.to_hashed(self.number);
                let slots = hashed.clients.len();
                self.aggregates.move_clients(spec, slots, |slot| clients[slot as usize] as usize);
                hashed
            }
        }
    }

    /// Whether all that was to be kept is kept.
    ///
    /// # Errors
    /// As [`HashedStore::check`].
    pub fn check(&self) -> Result<()> {
        self.clients.check()
    }
}

impl<O: Key> Partition<Word, O> {
    /// From now on keep clients, all of which are within a range, by direct address.
    pub fn store_direct(&mut self, range: &StripeRange, spec: &AggregateSpec) {
        match &mut self.clients {
            ClientStore::Direct(direct) => {
                let shift = direct.widen(range);
                let slots = direct.slots();
                self.aggregates.move_clients(spec, slots, |slot| slot as usize + shift);
            }
            ClientStore::Hashed(hashed) => {
                let mut direct = DirectTable::new(range);
                let insert = |client: &ClientEntry<u64>| direct.insert(client.id, &client.state);
                let slots: Vec<usize> = hashed.clients.iter().map(insert).collect();
                let count = direct.slots();
                self.aggregates.move_clients(spec, count, |client| slots[client as usize]);
                self.clients = ClientStore::Direct(direct);
            }
        }
    }

    /// Apply packed lines, the clients of all of which are within the range of a direct store; lines
    /// are unpacked into scratch memory where they are found by hash.
    pub fn apply_packed<W: ApplyLines>(
        &mut self,
        lines: &[PackedLine],
        flush: &Flush,
        unpacked: &mut Vec<Line<Word, O, W>>,
        set: &mut OrderSet<O>,
    ) {
        let ClientStore::Direct(direct) = &mut self.clients else {
            for lines in lines.chunks(UNPACKED) {
                unpacked.clear();
                unpacked.extend(lines.iter().map(|line| line.unpack()));
                W::apply(self, unpacked, flush, set);
            }
            return;
        };
        self.aggregates.lines += lines.len() as u64;
        for (i, line) in lines.iter().enumerate() {
            if i % GROUP == 0 {
                prefetch_lines(lines, i + 12 * GROUP);
            }
            if let Some(later) = lines.get(i + GROUP) {
                direct.prefetch(later.word);
            }
            let slot = direct.slot_of(line.word);
            if line.is_return() {
                direct.add_return(slot, line.amount());
                self.aggregates.count_return(line.amount());
            } else {
                direct.add_purchase(slot, line.day_code(), line.amount());
            }
        }
    }
}
