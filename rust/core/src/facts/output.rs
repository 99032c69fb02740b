//! From partitions to columns: one row a client, ascending by id.

use std::cmp::Ordering;
use std::mem::take;

use rayon::prelude::*;

use super::batch::view_bytes;
use super::keys::{Integer, Key, Text, view_of};
use super::near::Page;
use super::normalise::Signedness;
use super::ordering::{Buckets, Order, Place, Row, RowKey};
use super::partition::{Core, Partition, Plan, Scoped, Settled};
use super::shapes::Shapes;
use super::{Fact, Request};
use crate::money::Unit;

/// Client ids, ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ids {
    /// Signed integers.
    Signed(Vec<i64>),
    /// Unsigned integers.
    Unsigned(Vec<u64>),
    /// Texts as string views, with the buffers of those above 12 bytes.
    Texts {
        /// The views.
        views: Vec<u128>,
        /// The buffers.
        buffers: Vec<Vec<u8>>,
    },
}

/// The values of a fact.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Days since 1970-01-01.
    Dates(Vec<i32>),
    /// A number of days.
    Days(Vec<i32>),
    /// Counts.
    Counts(Vec<u32>),
    /// Money, or means, as floats.
    Floats(Vec<f64>),
    /// Money of a decimal source, unscaled, and its scale.
    Decimals(Vec<i128>, i8),
}

/// A fact of every client.
#[derive(Debug, Clone, PartialEq)]
pub struct FactColumn {
    /// The values.
    pub values: Values,
    /// Which are there; none where all are.
    pub validity: Option<Vec<bool>>,
}

/// What is known of a client of the base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    /// There is a purchase.
    Bought = 0,
    /// There are returns, and no purchase.
    ReturnsOnly = 1,
    /// There is no line at all.
    NeverBought = 2,
}

/// Decimal places that a mean of decimals has beyond those of the decimals.
pub const MEAN_PLACES: i8 = 4;

/// How ids come out.
#[derive(Debug, Clone, Copy)]
pub(super) struct IdOutput<'a> {
    pub signedness: Signedness,
    /// The shapes of text ids that were read as words.
    pub shapes: &'a Shapes,
    /// Whether texts that are all plain integers become integers.
    pub plain_integers: bool,
}

/// Ids, statuses where they are asked for, and facts: row by row, ascending by id.
pub(super) type Columns = (Ids, Option<Vec<u8>>, Vec<FactColumn>);

/// How the ids of a kind are ordered and shown.
pub(super) trait SortKey: Key {
    /// Write the rows of all clients that are shown.
    fn columns<O: Key>(
        partitions: &mut [Partition<Self, O>],
        asked: &Asked,
        output: IdOutput,
    ) -> Columns
    where
        Self: Sized;
}

impl SortKey for Integer {
    fn columns<O: Key>(
        partitions: &mut [Partition<Self, O>],
        asked: &Asked,
        output: IdOutput,
    ) -> Columns {
        match output.signedness {
            Signedness::Signed => {
                let (ids, status, facts) = number_columns(partitions, asked, signed);
                (Ids::Signed(ids), status, facts)
            }
            Signedness::Unsigned | Signedness::Bits => {
                let (ids, status, facts) = number_columns(partitions, asked, |number| number);
                (Ids::Unsigned(ids), status, facts)
            }
        }
    }
}

/// The rows of clients whose ids are numbers, ascending, each with what `id` makes of its number.
pub(super) fn number_columns<C: Key<Stored = u64>, O: Key, T: Copy + Default + Send>(
    partitions: &mut [Partition<C, O>],
    asked: &Asked,
    id: impl Fn(u64) -> T + Sync,
) -> (Vec<T>, Option<Vec<u8>>, Vec<FactColumn>) {
    if let Some(near) = partitions.first().and_then(|partition| partition.near.as_ref()) {
        return write_pages(partitions, asked, &near.pages().collect::<Vec<_>>(), id);
    }
    let rows = Buckets::fill(partitions, false, |core| asked.shows(core), |_, number| number);
    write_rows(partitions, asked, &rows, |_, _| Ordering::Equal, |row| id(row.key))
}

/// The rows of clients whose ids all stand for an integer, ascending by it.
pub(super) fn integer_columns<C: Key, O: Key>(
    partitions: &mut [Partition<C, O>],
    asked: &Asked,
    integer: impl Fn(&Partition<C, O>, C::Stored) -> Option<i64> + Sync,
) -> Columns {
    let key = |partition: &_, id| integer(partition, id).unwrap_or(0) as u64 ^ 1 << 63;
    let rows = Buckets::fill(partitions, false, |core| asked.shows(core), key);
    let (ids, status, facts) =
        write_rows(partitions, asked, &rows, |_, _| Ordering::Equal, |row| signed(row.key));
    (Ids::Signed(ids), status, facts)
}

/// The signed integer of a key whose sign bit is flipped.
fn signed(key: u64) -> i64 {
    (key ^ 1 << 63) as i64
}

impl SortKey for Text {
    fn columns<O: Key>(
        partitions: &mut [Partition<Self, O>],
        asked: &Asked,
        output: IdOutput,
    ) -> Columns {
        // Of every client, shown or not: the type of the ids must not depend on who is.
        let plain = output.plain_integers
            && partitions.par_iter().all(|partition| {
                partition.clients.iter().all(|client| number_of(partition, client.id).is_some())
            });
        if plain {
            return integer_columns(partitions, asked, number_of);
        }
        let shared = shared_prefix(partitions);
        let rows = Buckets::fill(
            partitions,
            true,
            |core| asked.shows(core),
            |partition, id| text_key(&bytes_of(&id, &partition.arena)[shared..]),
        );
        let id_at = |place: Place| {
            let partition = &partitions[place.partition as usize];
            (partition.clients[place.client as usize].id, partition)
        };
        let long_at = |place: Place| {
            let (id, partition) = id_at(place);
            Text::long(id, &partition.arena)
        };
        let (views, status, facts) = write_rows(
            partitions,
            asked,
            &rows,
            |a, b| long_at(a).cmp(long_at(b)),
            |row| {
                let (id, partition) = id_at(row.place);
                if id as u32 <= 12 {
                    return id;
                }
                view_of(Text::long(id, &partition.arena), row.place.partition, (id >> 64) as u32)
            },
        );
        // A partition's arena becomes the buffer of the same number.
        let buffers = partitions.iter_mut().map(|partition| take(&mut partition.arena)).collect();
        (Ids::Texts { views, buffers }, status, facts)
    }
}

/// The bytes of a kept text.
#[inline]
fn bytes_of<'a>(id: &'a u128, arena: &'a [u8]) -> &'a [u8] {
    if *id as u32 <= 12 {
        &view_bytes(id)[4..4 + *id as u32 as usize]
    } else {
        Text::long(*id, arena)
    }
}

/// How many bytes the texts of all clients begin with in common.
fn shared_prefix<O: Key>(partitions: &[Partition<Text, O>]) -> usize {
    let Some((partition, client)) = partitions
        .iter()
        .find_map(|partition| partition.clients.first().map(|client| (partition, client)))
    else {
        return 0;
    };
    let first = bytes_of(&client.id, &partition.arena);
    let shared_with_first = |partition: &Partition<Text, O>| {
        partition.clients.iter().fold(first.len(), |shared, client| {
            let text = bytes_of(&client.id, &partition.arena);
            if text.starts_with(&first[..shared]) {
                return shared;
            }
            first.iter().zip(text).take_while(|(a, b)| a == b).count()
        })
    };
    partitions.par_iter().map(shared_with_first).min().unwrap_or(0)
}

/// In place of the length of a text of which more than twelve bytes are left.
const LONG: u32 = u32::MAX;

/// The first twelve bytes that are left of a text, then how many are left: as numbers, these order
/// texts of up to twelve bytes as their bytes do, and before the longer that begin with them.
fn text_key(rest: &[u8]) -> u128 {
    let mut key = [0; 16];
    let inline = rest.len().min(12);
    key[..inline].copy_from_slice(&rest[..inline]);
    let length = if rest.len() <= 12 { inline as u32 } else { LONG };
    key[12..].copy_from_slice(&length.to_be_bytes());
    u128::from_be_bytes(key)
}

/// The number of a text id that is a plain integer.
fn number_of<O: Key>(partition: &Partition<Text, O>, id: u128) -> Option<i64> {
    plain_integer(bytes_of(&id, &partition.arena))
}

/// A text such as `-12` or `0`, of which each number has exactly one.
pub(crate) fn plain_integer(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let plain = match digits {
        [b'0'] => text.len() == 1,
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if plain { std::str::from_utf8(text).ok()?.parse().ok() } else { None }
}

/// What is asked of the columns.
pub(super) struct Asked<'a> {
    pub settled: &'a [Settled],
    pub plan: &'a Plan,
    pub requests: &'a [(Request, usize)],
    pub unit: Unit,
    pub as_of: i32,
    /// Whether every client has a row, and a status.
    pub base: bool,
    /// Whether clients with returns only have a row.
    pub returns_only: bool,
}

impl Asked<'_> {
    /// Whether a client has a row.
    pub fn shows(&self, core: &Core) -> bool {
        let status = core.status();
        status == Status::Bought
            || self.base
            || (self.returns_only && status == Status::ReturnsOnly)
    }

    /// Whether a fact may be missing for a client that is shown.
    fn may_be_missing(&self, fact: Fact, scope: usize) -> bool {
        let all_bought = self.plan.scopes[scope].is_all_time() && !self.base && !self.returns_only;
        fact.may_be_missing() && (fact == Fact::MeanGap || !all_bought)
    }
}

/// What the facts of a client are computed from.
struct Reading<'a, C: Key, O: Key> {
    partitions: &'a [Partition<C, O>],
    asked: &'a Asked<'a>,
}

/// A run of rows of one column being written.
enum Slots<'a> {
    I32(&'a mut [i32]),
    U32(&'a mut [u32]),
    F64(&'a mut [f64]),
    I128(&'a mut [i128]),
}

/// The same, and which of its rows are there.
type BlockColumn<'a> = (Slots<'a>, Option<&'a mut [bool]>);

/// Where the rows of a block go.
struct Block<'a, T> {
    ids: &'a mut [T],
    status: Option<&'a mut [u8]>,
    columns: Vec<BlockColumn<'a>>,
}

/// The rows of a block, as they are brought together.
struct Gathered<'a, T> {
    ids: std::slice::IterMut<'a, T>,
    places: Vec<Place>,
    cores: Vec<Core>,
}

impl<T> Gathered<'_, T> {
    #[inline]
    fn push(&mut self, id: T, place: Place, core: Core) {
        *self.ids.next().expect("a block has as many ids as rows") = id;
        self.places.push(place);
        self.cores.push(core);
    }
}

/// Pages whose rows are written together.
const PAGES_A_BLOCK: usize = 8;

/// Write the rows of clients that are kept by their numbers, page by page.
fn write_pages<C: Key<Stored = u64>, O: Key, T: Copy + Default + Send>(
    partitions: &[Partition<C, O>],
    asked: &Asked,
    pages: &[Page],
    id: impl Fn(u64) -> T + Sync,
) -> (Vec<T>, Option<Vec<u8>>, Vec<FactColumn>) {
    let count = |pages: &&[Page]| {
        let near = |page: &Page| partitions[page.partition].near.as_ref();
        let count =
            |page| near(page).map_or(0, |near| near.count_of_page(page.start, asked.returns_only));
        pages.iter().map(count).sum()
    };
    let blocks: Vec<&[Page]> = pages.chunks(PAGES_A_BLOCK).collect();
    let counts: Vec<usize> = blocks.par_iter().map(count).collect();
    let blocks = blocks.into_iter().zip(counts).collect();
    write_blocks(partitions, asked, blocks, |(): &mut (), pages, rows| {
        for page in pages {
            each_client(partitions, page, |place, core| {
                if asked.shows(&core) {
                    let number = page.number + (place - page.start) as u64;
                    let place = Place { partition: page.partition as u32, client: place as u32 };
                    rows.push(id(number), place, core);
                }
            });
        }
    })
}

/// The clients of a page. None of them is shown for being of the base alone: where that is given,
/// clients are kept by hash.
#[inline]
fn each_client<C: Key, O: Key>(
    partitions: &[Partition<C, O>],
    page: &Page,
    with: impl FnMut(usize, Core),
) {
    if let Some(near) = &partitions[page.partition].near {
        near.each_of_page(page.start, with);
    }
}

/// Sort each bucket of rows and write it, while it is in cache, to all columns.
fn write_rows<C: Key, O: Key, K: RowKey, T: Copy + Default + Send>(
    partitions: &[Partition<C, O>],
    asked: &Asked,
    rows: &Buckets<K>,
    tie: impl Fn(Place, Place) -> Ordering + Sync,
    id: impl Fn(&Row<K>) -> T + Sync,
) -> (Vec<T>, Option<Vec<u8>>, Vec<FactColumn>) {
    let buckets = rows.iter().map(|bucket| (bucket, bucket.len())).collect();
    write_blocks(partitions, asked, buckets, |order: &mut Order<K>, bucket, rows| {
        order.each(bucket, &tie, |row| rows.push(id(row), row.place, row.core));
    })
}

/// Write blocks of a known number of rows each, which `gather` brings together, to all columns.
fn write_blocks<C: Key, O: Key, B: Send, S: Default, T: Copy + Default + Send>(
    partitions: &[Partition<C, O>],
    asked: &Asked,
    blocks: Vec<(B, usize)>,
    gather: impl Fn(&mut S, B, &mut Gathered<T>) + Sync,
) -> (Vec<T>, Option<Vec<u8>>, Vec<FactColumn>) {
    let n = blocks.iter().map(|block| block.1).sum();
    let mut ids = vec![T::default(); n];
    let mut status = asked.base.then(|| vec![0; n]);
    let mut columns: Vec<FactColumn> = asked
        .requests
        .iter()
        .map(|(request, scope)| FactColumn {
            values: empty_values(request.fact, asked.unit, n),
            validity: asked.may_be_missing(request.fact, *scope).then(|| vec![true; n]),
        })
        .collect();
    let mut rest = Rest {
        ids: &mut ids,
        status: status.as_deref_mut(),
        columns: columns
            .iter_mut()
            .map(|column| (slots_of(&mut column.values), column.validity.as_deref_mut()))
            .collect(),
    };
    let blocks: Vec<(B, Block<T>)> =
        blocks.into_iter().map(|(block, rows)| (block, rest.take(rows))).collect();
    let reading = Reading { partitions, asked };
    blocks.into_par_iter().for_each_init(
        || (S::default(), Vec::new(), Vec::new()),
        |(scratch, places, cores), (block, out)| {
            let mut rows =
                Gathered { ids: out.ids.iter_mut(), places: take(places), cores: take(cores) };
            rows.places.clear();
            rows.cores.clear();
            gather(scratch, block, &mut rows);
            if let Some(status) = out.status {
                fill(status, rows.cores.iter(), |core| core.status() as u8);
            }
            reading.write(&rows.places, &rows.cores, out.columns);
            (*places, *cores) = (rows.places, rows.cores); // to be reused
        },
    );
    for column in &mut columns {
        if column.validity.as_ref().is_some_and(|bits| bits.iter().all(|&bit| bit)) {
            column.validity = None;
        }
    }
    (ids, status, columns)
}

/// The rows of all columns that no bucket has been given yet.
struct Rest<'a, T> {
    ids: &'a mut [T],
    status: Option<&'a mut [u8]>,
    columns: Vec<BlockColumn<'a>>,
}

impl<'a, T> Rest<'a, T> {
    /// Take the next `n` rows off the front.
    fn take(&mut self, n: usize) -> Block<'a, T> {
        Block {
            ids: front(&mut self.ids, n),
            status: self.status.as_mut().map(|status| front(status, n)),
            columns: self
                .columns
                .iter_mut()
                .map(|(slots, validity)| {
                    (slots.front(n), validity.as_mut().map(|validity| front(validity, n)))
                })
                .collect(),
        }
    }
}

/// Take `n` items off the front of a slice.
#[expect(clippy::mut_mut, reason = "it is the slice itself that becomes shorter")]
fn front<'a, T>(slice: &mut &'a mut [T], n: usize) -> &'a mut [T] {
    slice.split_off_mut(..n).expect("columns are as long as there are rows")
}

impl<'a> Slots<'a> {
    fn front(&mut self, n: usize) -> Slots<'a> {
        match self {
            Self::I32(slots) => Slots::I32(front(slots, n)),
            Self::U32(slots) => Slots::U32(front(slots, n)),
            Self::F64(slots) => Slots::F64(front(slots, n)),
            Self::I128(slots) => Slots::I128(front(slots, n)),
        }
    }
}

fn empty_values(fact: Fact, unit: Unit, n: usize) -> Values {
    match fact {
        Fact::FirstPurchase | Fact::LastPurchase => Values::Dates(vec![0; n]),
        Fact::Recency => Values::Days(vec![0; n]),
        Fact::Orders | Fact::Lines | Fact::ActiveDays => Values::Counts(vec![0; n]),
        Fact::MeanGap => Values::Floats(vec![0.0; n]),
        Fact::Total
        | Fact::MeanBasket
        | Fact::LastBasket
        | Fact::MaxBasket
        | Fact::FirstDayTotal
        | Fact::ReturnsTotal => match unit {
            Unit::Decimal(scale) if fact == Fact::MeanBasket => {
                Values::Decimals(vec![0; n], scale + MEAN_PLACES)
            }
            Unit::Decimal(scale) => Values::Decimals(vec![0; n], scale),
            Unit::Rounded(_) | Unit::Whole => Values::Floats(vec![0.0; n]),
        },
    }
}

fn slots_of(values: &mut Values) -> Slots<'_> {
    match values {
        Values::Dates(v) | Values::Days(v) => Slots::I32(v),
        Values::Counts(v) => Slots::U32(v),
        Values::Floats(v) => Slots::F64(v),
        Values::Decimals(v, _) => Slots::I128(v),
    }
}

impl<C: Key, O: Key> Reading<'_, C, O> {
    /// Write the facts of a block of clients.
    ///
    /// Their cores of a window are copied together first: clients lie anywhere in memory, and a
    /// loop that does nothing but load waits for many of them at a time.
    fn write(&self, places: &[Place], cores: &[Core], columns: Vec<BlockColumn>) {
        let mut windows: Vec<Option<Vec<Core>>> = vec![None; self.asked.plan.scopes.len()];
        for ((request, scope), (slots, validity)) in self.asked.requests.iter().zip(columns) {
            let cores = if self.asked.plan.scopes[*scope].is_all_time() {
                cores
            } else {
                windows[*scope].get_or_insert_with(|| {
                    let core =
                        |&place: &Place| self.scoped(*scope, place).core[place.client as usize];
                    places.iter().map(core).collect()
                })
            };
            if let Some(validity) = validity {
                // A mean gap needs two active days, and those of a client are not all of one day.
                let gap = request.fact == Fact::MeanGap;
                fill(validity, cores.iter(), |core| {
                    core.lines > 0 && !(gap && core.first == core.last)
                });
            }
            self.write_column(request.fact, *scope, places, cores, slots);
        }
    }

    /// Write one fact of a block of clients; what stands where a client has none is unspecified.
    fn write_column(
        &self,
        fact: Fact,
        scope: usize,
        places: &[Place],
        cores: &[Core],
        slots: Slots,
    ) {
        let clients = || places.iter().copied().zip(cores);
        match (fact, slots) {
            (Fact::FirstPurchase, Slots::I32(out)) => fill(out, cores, |core| core.first),
            (Fact::LastPurchase, Slots::I32(out)) => fill(out, cores, |core| core.last),
            (Fact::Recency, Slots::I32(out)) => {
                fill(out, cores, |core| self.asked.as_of.wrapping_sub(core.last));
            }
            (Fact::Orders, Slots::U32(out)) => {
                fill(out, clients(), |(place, core)| self.orders(scope, place, core));
            }
            (Fact::Lines, Slots::U32(out)) => fill(out, cores, |core| core.lines),
            (Fact::ActiveDays, Slots::U32(out)) => {
                fill(out, places, |&place| self.active_days(scope, place));
            }
            (Fact::MeanGap, Slots::F64(out)) => fill(out, clients(), |(place, core)| {
                let gaps = self.active_days(scope, place).saturating_sub(1);
                f64::from(core.last.wrapping_sub(core.first)) / f64::from(gaps)
            }),
            (Fact::MeanBasket, Slots::F64(out)) => fill(out, clients(), |(place, core)| {
                let orders = f64::from(self.orders(scope, place, core));
                core.total.value() as f64 / (orders * self.asked.unit.per_one())
            }),
            (Fact::MeanBasket, Slots::I128(out)) => fill(out, clients(), |(place, core)| {
                let orders = i128::from(self.orders(scope, place, core));
                if orders == 0 { 0 } else { divide_half_even(core.total.value() * 10_000, orders) }
            }),
            (Fact::Total, Slots::F64(out)) => {
                fill(out, cores, |core| self.total(scope, core) as f64 / self.asked.unit.per_one());
            }
            (_, Slots::F64(out)) => fill(out, clients(), |(place, core)| {
                self.money(fact, scope, place, core) as f64 / self.asked.unit.per_one()
            }),
            (_, Slots::I128(out)) => {
                fill(out, clients(), |(place, core)| self.money(fact, scope, place, core));
            }
            (_, Slots::I32(_) | Slots::U32(_)) => unreachable!("columns are made for their facts"),
        }
    }

    fn scoped(&self, scope: usize, place: Place) -> &Scoped {
        &self.partitions[place.partition as usize].scoped[scope]
    }

    fn orders(&self, scope: usize, place: Place, core: &Core) -> u32 {
        if self.asked.plan.orders {
            self.scoped(scope, place).orders[place.client as usize]
        } else {
            core.lines
        }
    }

    fn active_days(&self, scope: usize, place: Place) -> u32 {
        self.asked.settled[place.partition as usize].active_days[scope][place.client as usize]
    }

    /// A client without a purchase in a window has no money in it, whatever was given back.
    fn total(&self, scope: usize, core: &Core) -> i128 {
        let counts = core.lines > 0 || self.asked.plan.scopes[scope].is_all_time();
        if counts { core.total.value() } else { 0 }
    }

    fn money(&self, fact: Fact, scope: usize, place: Place, core: &Core) -> i128 {
        if fact == Fact::Total {
            return self.total(scope, core);
        }
        let extra = &self.scoped(scope, place).extra[place.client as usize];
        match fact {
            Fact::ReturnsTotal => extra.returns.value(),
            _ if core.lines == 0 => 0,
            Fact::LastBasket => extra.last_basket,
            Fact::MaxBasket => extra.max_basket,
            _ => extra.first_day.value(),
        }
    }
}

/// Write what a function gives for each of some items.
#[inline]
fn fill<T, I>(out: &mut [T], items: impl IntoIterator<Item = I>, value: impl Fn(I) -> T) {
    for (out, item) in out.iter_mut().zip(items) {
        *out = value(item);
    }
}

/// Divide exactly, then round half to even.
fn divide_half_even(dividend: i128, divisor: i128) -> i128 {
    let (quotient, rest) = (dividend.div_euclid(divisor), dividend.rem_euclid(divisor));
    match (2 * rest).cmp(&divisor) {
        Ordering::Less => quotient,
        Ordering::Equal => quotient + (quotient & 1),
        Ordering::Greater => quotient + 1,
    }
}
