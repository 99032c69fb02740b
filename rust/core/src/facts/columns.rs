//! The columns of facts, written block by block of rows.

use std::cmp::Ordering;
use std::mem::take;

use rayon::prelude::*;

use super::Fact;
use super::client::{Core, Scoped};
use super::keys::Key;
use super::near::Page;
use super::ordering::{Buckets, Order, Place, Row, RowKey};
use super::output::{Asked, FactColumn, MEAN_PLACES, Values};
use super::partition::Partition;
use crate::money::Unit;

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
pub(super) fn write_pages<C: Key<Stored = u64>, O: Key, T: Copy + Default + Send>(
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
pub(super) fn write_rows<C: Key, O: Key, K: RowKey, T: Copy + Default + Send>(
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
