//! The facts of one partition of the clients.
//!
//! Clients are spread over partitions by hash, so that the table of one partition stays in cache
//! while its lines of a batch are applied. Everything kept is a minimum, a maximum, a set or an
//! exact sum: the order in which lines arrive leaves no trace.

use super::basket::{Extra, Numbered, Seen};
use super::client::{Client, Core, Scoped};
use super::keys::{Buffers, Key};
use super::line::{IS_RETURN, Line, NO_ORDER, When, tag_of};
use super::near::{Near, Reach, code_of_day};
use super::numbers::{FREE, MOST, Numbers};
use super::order_log::{OrderLog, Table};
use super::orders::{DaySet, Orders};
use super::plan::Plan;
use super::short::ShortLine;
use crate::error::{Error, Result};
use crate::prefetch::{prefetch, prefetch_range};

/// Lines looked up together.
const GROUP: usize = 32;
/// Short lines written in full together: these fit the first cache level.
const IN_FULL: usize = 32 * GROUP;

/// Bytes of long text ids that can be pointed to in a buffer of texts.
pub(super) const MOST_BYTES: usize = if cfg!(test) { 1 << 16 } else { i32::MAX as usize };

/// One partition.
pub(super) struct Partition<C: Key, O: Key> {
    numbers: Numbers,
    pub clients: Vec<Client<C::Stored>>,
    /// The clients where their ids are numbers near each other; no others are kept then.
    pub near: Option<Near>,
    /// The bytes of long text ids.
    pub arena: Vec<u8>,
    pub scoped: Vec<Scoped>,
    /// Orders and their money, where that is asked for; their number alone stands in the log.
    pub orders: Orders<O>,
    pub log: OrderLog<O>,
    pub days: DaySet,
    /// Lines taken in.
    pub lines: u64,
    /// Rows and money of returns.
    pub returns: (u64, i128),
    pub rows_without_order: u64,
    /// Whether there were more clients than it has room for; what is kept then is of no use.
    overfull: bool,
    /// Which clients the base holds, as far as any does.
    in_base: Vec<bool>,
}

impl<C: Key, O: Key> Partition<C, O> {
    pub fn new(plan: &Plan) -> Self {
        Self {
            numbers: Numbers::new(),
            clients: Vec::new(),
            near: None,
            arena: Vec::new(),
            scoped: plan.scopes.iter().map(|_| Scoped::default()).collect(),
            orders: Orders::new(plan.scopes.iter().filter(|scope| scope.baskets).count()),
            log: OrderLog::default(),
            days: DaySet::default(),
            lines: 0,
            returns: (0, 0),
            rows_without_order: 0,
            overfull: false,
            in_base: Vec::new(),
        }
    }

    /// The number of the client of a row, who is entered if new.
    pub fn client(&mut self, id: C::Row, tag: u32, plan: &Plan, buffers: &Buffers) -> usize {
        let known = self.numbers.find(tag, |number| {
            self.clients
                .get(number as usize)
                .is_some_and(|client| C::matches(client.id, id, &self.arena, buffers))
        });
        match known {
            Some(number) => number as usize,
            None => self.enter(id, tag, plan, buffers),
        }
    }

    /// Note that the base holds a client.
    pub fn mark_in_base(&mut self, client: usize) {
        if self.in_base.len() <= client {
            self.in_base.resize(self.clients.len(), false);
        }
        self.in_base[client] = true;
    }

    /// The clients that the base does not hold.
    pub fn outside_base(&self) -> usize {
        self.clients.len() - self.in_base.iter().filter(|&&inside| inside).count()
    }

    #[cold]
    fn enter(&mut self, id: C::Row, tag: u32, plan: &Plan, buffers: &Buffers) -> usize {
        self.enter_stored(|arena| C::store(id, arena, buffers), tag, plan)
    }

    /// Enter a client whose id `store` keeps; where there is no room the number is that of another,
    /// and the run is to be given up (see [`Self::check`]).
    fn enter_stored(
        &mut self,
        store: impl FnOnce(&mut Vec<u8>) -> C::Stored,
        tag: u32,
        plan: &Plan,
    ) -> usize {
        let number = self.clients.len();
        if number == MOST as usize {
            self.overfull = true;
            return 0;
        }
        let id = store(&mut self.arena);
        self.clients.push(Client { id, core: Core::NONE });
        for (scope, kept) in plan.scopes.iter().zip(&mut self.scoped) {
            if !scope.is_all_time() {
                kept.core.push(Core::NONE);
            }
            if scope.extra {
                kept.extra.push(Extra::NONE);
            }
            if scope.orders {
                kept.orders.push(0);
            }
        }
        let (clients, arena) = (&self.clients, &self.arena);
        self.numbers.enter(number as u32, tag, |number| {
            tag_of(C::hash_stored(clients[number as usize].id, arena))
        });
        number
    }

    /// Whether all that was to be kept is kept.
    ///
    /// # Errors
    /// If there was no room for a client, or the ids are too long. An even spread leaves room for two
    /// thousand million clients, over all partitions, and for 256 GB of their ids.
    pub fn check(&self) -> Result<()> {
        if self.overfull {
            return Err(Error::Data(format!(
                "the client ids are spread so unevenly that more than {MOST} of them would have to be kept in one place: score the sales in several parts, each with clients of its own"
            )));
        }
        if self.arena.len() > MOST_BYTES {
            return Err(Error::Data(format!(
                "more than {MOST_BYTES} bytes of client ids would have to be kept in one place: take shorter ids"
            )));
        }
        Ok(())
    }

    /// The clients, by number.
    pub fn each_core(&self, mut with: impl FnMut(usize, Core)) {
        match &self.near {
            Some(near) => near.each(with),
            None => self.clients.iter().enumerate().for_each(|(i, client)| with(i, client.core)),
        }
    }

    /// The ids of clients that are numbers; `partition` is the number of this one.
    pub fn each_id(&self, partition: usize, mut with: impl FnMut(C::Stored)) {
        match &self.near {
            Some(near) => near.each(|place, _| {
                with(C::stored_of_number(near.number(place, partition)));
            }),
            None => self.clients.iter().for_each(|client| with(client.id)),
        }
    }

    /// The number of clients.
    pub fn count(&self) -> usize {
        self.near.as_ref().map_or(self.clients.len(), Near::count)
    }

    /// From now on keep clients, all of which are within reach, by the numbers that they are.
    pub fn keep_near(&mut self, reach: &Reach, plan: &Plan) {
        if let Some(mut near) = self.near.take() {
            let shift = near.widen(reach);
            self.renumber(near.len(), plan, |client| client as usize + shift);
            self.near = Some(near);
            return;
        }
        let mut near = Near::new(reach);
        let clients = std::mem::take(&mut self.clients);
        let place = |client: &Client<_>| near.place(C::number_of_stored(client.id));
        let places: Vec<usize> = clients.iter().map(place).collect();
        clients.iter().for_each(|client| near.put(C::number_of_stored(client.id), &client.core));
        self.numbers = Numbers::new();
        self.renumber(near.len(), plan, |client| places[client as usize]);
        self.near = Some(near);
    }

    /// Keep clients by hash again; `partition` is the number of this one.
    pub fn keep_by_hash(&mut self, partition: usize, plan: &Plan) {
        let Some(near) = self.near.take() else {
            return;
        };
        let log = std::mem::take(&mut self.log);
        let scoped = std::mem::take(&mut self.scoped);
        self.scoped = plan.scopes.iter().map(|_| Scoped::default()).collect();
        let mut numbers = vec![0_u32; near.len()];
        near.each(|place, core| {
            let id = C::stored_of_number(near.number(place, partition));
            let tag = tag_of(C::hash_stored(id, &[]));
            let client = self.enter_stored(|_| id, tag, plan);
            self.clients[client].core = core;
            numbers[place] = client as u32;
        });
        self.log = log;
        self.log.renumber(|place| numbers[place as usize]);
        for (now, before) in self.scoped.iter_mut().zip(&scoped) {
            near.each(|place, _| {
                if let Some(&orders) = before.orders.get(place) {
                    now.orders[numbers[place] as usize] = orders;
                }
            });
        }
    }

    /// The same clients by ids of another kind, which `id` keeps; no client is found by its id before
    /// [`Self::index`].
    pub fn with_ids<K: Key>(
        self,
        mut id: impl FnMut(C::Stored, &mut Vec<u8>) -> K::Stored,
    ) -> Partition<K, O> {
        let mut arena = Vec::new();
        let client =
            |client: Client<_>| Client { id: id(client.id, &mut arena), core: client.core };
        let clients = self.clients.into_iter().map(client).collect();
        Partition {
            numbers: Numbers::new(),
            clients,
            near: None,
            arena,
            scoped: self.scoped,
            orders: self.orders,
            log: self.log,
            days: self.days,
            lines: self.lines,
            returns: self.returns,
            rows_without_order: self.rows_without_order,
            overfull: self.overfull,
            in_base: self.in_base,
        }
    }

    /// Have clients found by their ids.
    pub fn index(&mut self) {
        let (clients, arena) = (&self.clients, &self.arena);
        let tag = |number: u32| tag_of(C::hash_stored(clients[number as usize].id, arena));
        (0..clients.len() as u32).for_each(|number| self.numbers.enter(number, tag(number), tag));
    }

    /// Move what is kept by the numbers of clients to other numbers, below `count`.
    fn renumber(&mut self, count: usize, plan: &Plan, number: impl Fn(u32) -> usize) {
        self.log.renumber(|client| number(client) as u32);
        for (_, scoped) in
            plan.scopes.iter().zip(&mut self.scoped).filter(|(scope, _)| scope.orders)
        {
            let mut orders = vec![0; count];
            for (client, &counted) in (0..).zip(&scoped.orders) {
                orders[number(client)] = counted;
            }
            scoped.orders = orders;
        }
    }

    /// Apply lines that touch cores only, and the log of orders where these are `NUMBERED`.
    /// The ids of all lines are within reach where clients are kept near each other.
    pub fn apply_plain<W: When, const NUMBERED: bool>(
        &mut self,
        lines: &[Line<C, O, W>],
        plan: &Plan,
        client_buffers: &Buffers,
        order_buffers: &Buffers,
        table: &mut Table<O>,
    ) {
        self.lines += lines.len() as u64;
        if let Some(mut near) = self.near.take() {
            for (i, line) in lines.iter().enumerate() {
                if i % GROUP == 0 {
                    ask_for_lines(lines, i + 12 * GROUP);
                }
                if let Some(later) = lines.get(i + GROUP) {
                    near.ask_for(C::number_of_row(later.client));
                }
                let client = near.place(C::number_of_row(line.client));
                if line.tag & IS_RETURN == 0 {
                    near.purchase(client, code_of_day(line.when.day()), line.amount);
                } else {
                    near.give_back(client, line.amount);
                }
                self.apply_rest::<W, NUMBERED>(line, client as u32, plan, order_buffers);
            }
            self.near = Some(near);
        } else {
            self.each_group(lines, plan, client_buffers, |partition, group, clients| {
                for (line, &client) in group.iter().zip(clients) {
                    let core = &mut partition.clients[client as usize].core;
                    if line.tag & IS_RETURN == 0 {
                        core.purchase(line.when.day(), line.amount);
                    } else {
                        core.give_back(line.amount);
                    }
                    partition.apply_rest::<W, NUMBERED>(line, client, plan, order_buffers);
                }
            });
        }
        self.log.tidy(table);
    }

    /// Apply short lines, the ids of all of which are within reach where clients are kept near each
    /// other; `full` is scratch memory.
    pub fn apply_short<W: When>(
        &mut self,
        lines: &[ShortLine],
        plan: &Plan,
        full: &mut Vec<Line<C, O, W>>,
        table: &mut Table<O>,
    ) {
        let Some(near) = &mut self.near else {
            for lines in lines.chunks(IN_FULL) {
                full.clear();
                full.extend(lines.iter().map(|line| line.in_full()));
                self.apply_plain::<W, false>(full, plan, &[], &[], table);
            }
            return;
        };
        self.lines += lines.len() as u64;
        for (i, line) in lines.iter().enumerate() {
            if i % GROUP == 0 {
                ask_for_lines(lines, i + 12 * GROUP);
            }
            if let Some(later) = lines.get(i + GROUP) {
                near.ask_for(later.number);
            }
            let client = near.place(line.number);
            if line.is_return() {
                near.give_back(client, line.amount());
                self.returns.0 += 1;
                self.returns.1 += i128::from(line.amount());
            } else {
                near.purchase(client, line.code(), line.amount());
            }
        }
    }

    /// Apply a line to what is kept beside the core of its client.
    #[inline]
    fn apply_rest<W: When, const NUMBERED: bool>(
        &mut self,
        line: &Line<C, O, W>,
        client: u32,
        plan: &Plan,
        order_buffers: &Buffers,
    ) {
        if line.tag & IS_RETURN != 0 {
            self.returns.0 += 1;
            self.returns.1 += i128::from(line.amount);
        } else if NUMBERED && line.tag & NO_ORDER == 0 {
            self.log.purchase(client, line.order, line.when.day(), order_buffers);
        } else if NUMBERED {
            self.rows_without_order += 1;
            if plan.scopes[0].orders {
                self.scoped[0].orders[client as usize] += 1;
            }
        }
    }

    /// Apply lines to everything that is kept.
    pub fn apply<W: When>(
        &mut self,
        lines: &[Line<C, O, W>],
        plan: &Plan,
        client_buffers: &Buffers,
        order_buffers: &Buffers,
        table: &mut Table<O>,
    ) {
        self.lines += lines.len() as u64;
        let mut orders = [FREE; GROUP];
        self.each_group(lines, plan, client_buffers, |partition, group, clients| {
            if partition.orders.keeps_baskets() {
                let ids = group.iter().zip(clients).map(|(line, &client)| (client, line.order));
                partition.orders.find(ids, &mut orders, order_buffers);
            }
            for ((line, &client), &order) in group.iter().zip(clients).zip(&orders) {
                partition.apply_line(line, client as usize, order, plan, order_buffers);
            }
        });
        self.log.tidy(table);
        for (scope, kept) in plan.scopes.iter().zip(&mut self.scoped) {
            kept.forget_outdated(scope, &self.clients);
        }
    }

    /// Find the clients of lines, entered if new, and hand both over a group at a time.
    ///
    /// What takes long is to wait for memory, so it is asked for ahead: the lines eight groups
    /// before they are needed, then the buckets of the table, then the clients whose numbers stand
    /// there, then the bytes of their ids where these are long.
    #[inline]
    fn each_group<W>(
        &mut self,
        lines: &[Line<C, O, W>],
        plan: &Plan,
        buffers: &Buffers,
        mut with: impl FnMut(&mut Self, &[Line<C, O, W>], &[u32]),
    ) {
        let group = |number: usize| {
            let start = (number * GROUP).min(lines.len());
            &lines[start..lines.len().min(start + GROUP)]
        };
        // The likely numbers of the clients of this group, of the next, and of the one after it.
        let mut likely = [[FREE; GROUP]; 3];
        (0..3).for_each(|number| self.ask_for_buckets(group(number), buffers));
        self.ask_for_clients(group(0), &mut likely[0]);
        self.ask_for_clients(group(1), &mut likely[1]);
        self.ask_for_ids(group(0), &likely[0]);
        for number in 0..lines.len().div_ceil(GROUP) {
            ask_for_lines(lines, (number + 8) * GROUP);
            self.ask_for_buckets(group(number + 3), buffers);
            self.ask_for_clients(group(number + 2), &mut likely[2]);
            self.ask_for_ids(group(number + 1), &likely[1]);
            let group = group(number);
            for (line, client) in group.iter().zip(&mut likely[0]) {
                let first = self.clients.get(*client as usize);
                let known = |first: &Client<C::Stored>| {
                    C::matches(first.id, line.client, &self.arena, buffers)
                };
                if !first.is_some_and(known) {
                    *client = self.client(line.client, line.tag, plan, buffers) as u32;
                }
            }
            with(self, group, &likely[0][..group.len()]);
            likely.rotate_left(1);
        }
    }

    #[inline]
    fn ask_for_buckets<W>(&self, group: &[Line<C, O, W>], buffers: &Buffers) {
        for line in group {
            self.numbers.ask_for(line.tag);
            C::ask_for_row(line.client, buffers);
        }
    }

    /// Read the numbers that lines most likely have, and ask for the clients of those numbers.
    #[inline]
    fn ask_for_clients<W>(&self, group: &[Line<C, O, W>], numbers: &mut [u32; GROUP]) {
        for (line, number) in group.iter().zip(numbers) {
            *number = self.numbers.likely(line.tag);
            prefetch(&self.clients, *number as usize);
        }
    }

    /// Ask for the bytes of the ids of clients.
    #[inline]
    fn ask_for_ids<W>(&self, group: &[Line<C, O, W>], numbers: &[u32; GROUP]) {
        for (_, &number) in group.iter().zip(numbers) {
            if let Some(client) = self.clients.get(number as usize) {
                C::ask_for_stored(client.id, &self.arena);
            }
        }
    }

    /// Apply one line; `order` is its order's number where that is known already.
    #[inline]
    fn apply_line<W: When>(
        &mut self,
        line: &Line<C, O, W>,
        client: usize,
        order: u32,
        plan: &Plan,
        buffers: &Buffers,
    ) {
        let numbered = match (plan.orders, line.tag & NO_ORDER == 0) {
            (false, _) => Numbered::No,
            (true, true) => Numbered::Yes,
            (true, false) => Numbered::Alone,
        };
        let (day, instant) = (line.when.day(), line.when.instant());
        let is_return = line.tag & IS_RETURN != 0;
        let seen = Seen { day, instant, amount: line.amount, is_return, numbered };
        if is_return {
            self.returns.0 += 1;
            self.returns.1 += i128::from(line.amount);
        } else {
            self.rows_without_order += u64::from(numbered == Numbered::Alone);
            if plan.days {
                self.days.insert(client as u32, day);
            }
        }
        let order = (numbered == Numbered::Yes && self.orders.keeps_baskets()).then(|| {
            let purchase = (!is_return).then_some(day);
            self.orders.line(client as u32, line.order, order, purchase, buffers)
        });
        if numbered == Numbered::Yes && order.is_none() && !is_return {
            self.log.purchase(client as u32, line.order, day, buffers);
        }
        self.apply_scopes(client, order, seen, plan);
    }

    /// Apply one line to each scope whose window holds it.
    #[inline]
    fn apply_scopes(&mut self, client: usize, order: Option<usize>, seen: Seen, plan: &Plan) {
        let mut basket = 0;
        for (scope, kept) in plan.scopes.iter().zip(&mut self.scoped) {
            let inside = scope.is_all_time() || seen.day > scope.after;
            if inside {
                let core = if scope.is_all_time() {
                    &mut self.clients[client].core
                } else {
                    &mut kept.core[client]
                };
                if scope.extra {
                    let extra = &mut kept.extra[client];
                    extra.line(core, seen);
                    if seen.is_return {
                        kept.pending.extend(extra.pending(core, client as u32, seen));
                    }
                }
                if seen.is_return {
                    core.give_back(seen.amount);
                } else {
                    core.purchase(seen.day, seen.amount);
                }
                if scope.orders && !seen.is_return && seen.numbered == Numbered::Alone {
                    kept.orders[client] += 1;
                }
                if let (Some(order), true) = (order, scope.baskets) {
                    self.orders.add(
                        order,
                        basket,
                        seen.amount,
                        (!seen.is_return).then_some(seen.instant),
                    );
                }
            }
            basket += usize::from(scope.baskets);
        }
    }
}

/// Ask for the cache lines of a group of lines.
#[inline]
fn ask_for_lines<T>(lines: &[T], first: usize) {
    prefetch_range(lines, first..first + GROUP);
}
