//! From partitions to columns: one row a client, ascending by id.

use rayon::prelude::*;

use super::keys::{Integer, Key, Text, view_of};
use super::normalise::Signedness;
use super::partition::{Core, Partition, Plan, Settled};
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

/// A client's place: its partition and number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub partition: u32,
    pub client: u32,
}

/// How the ids of a kind are sorted and shown.
pub(super) trait SortKey: Key {
    /// Sort places by the ids that stand there, and give the ids in that order.
    fn sort<O: Key>(
        partitions: &mut [Partition<Self, O>],
        places: &mut Vec<Place>,
        output: IdOutput,
    ) -> Ids
    where
        Self: Sized;
}

/// How ids come out.
#[derive(Debug, Clone, Copy)]
pub(super) struct IdOutput {
    pub signedness: Signedness,
    /// Whether texts that are all plain integers become integers.
    pub plain_integers: bool,
}

impl SortKey for Integer {
    fn sort<O: Key>(
        partitions: &mut [Partition<Self, O>],
        places: &mut Vec<Place>,
        output: IdOutput,
    ) -> Ids {
        let keys = sort_by_word(places, |place| id_at(partitions, place));
        match output.signedness {
            Signedness::Signed => {
                Ids::Signed(keys.into_par_iter().map(|key| (key ^ 1 << 63) as i64).collect())
            }
            Signedness::Unsigned | Signedness::Bits => Ids::Unsigned(keys),
        }
    }
}

impl SortKey for Text {
    fn sort<O: Key>(
        partitions: &mut [Partition<Self, O>],
        places: &mut Vec<Place>,
        output: IdOutput,
    ) -> Ids {
        if output.plain_integers {
            let numbers = |place: Place| plain_integer(&text_at(partitions, place));
            // Of every client, shown or not: the type of the ids must not depend on who is.
            let plain = (0..partitions.len() as u32).into_par_iter().all(|partition| {
                (0..partitions[partition as usize].clients.len() as u32)
                    .all(|client| numbers(Place { partition, client }).is_some())
            });
            if plain {
                let keys =
                    sort_by_word(places, |place| numbers(place).unwrap_or(0) as u64 ^ 1 << 63);
                return Ids::Signed(
                    keys.into_par_iter().map(|key| (key ^ 1 << 63) as i64).collect(),
                );
            }
        }
        sort_texts(partitions, places);
        // A partition's arena becomes the buffer of the same number.
        let views = places
            .par_iter()
            .map(|&place| {
                let id = id_at(partitions, place);
                if id as u32 <= 12 {
                    id
                } else {
                    let partition = &partitions[place.partition as usize];
                    view_of(Text::long(id, &partition.arena), place.partition, (id >> 64) as u32)
                }
            })
            .collect();
        let buffers =
            partitions.iter_mut().map(|partition| std::mem::take(&mut partition.arena)).collect();
        Ids::Texts { views, buffers }
    }
}

fn id_at<C: Key, O: Key>(partitions: &[Partition<C, O>], place: Place) -> C::Stored {
    partitions[place.partition as usize].clients[place.client as usize].id
}

/// The bytes of a text id.
fn text_at<O: Key>(partitions: &[Partition<Text, O>], place: Place) -> std::borrow::Cow<'_, [u8]> {
    let id = id_at(partitions, place);
    if id as u32 <= 12 {
        id.to_le_bytes()[4..4 + id as u32 as usize].to_vec().into()
    } else {
        Text::long(id, &partitions[place.partition as usize].arena).into()
    }
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

/// Sort places by a 64-bit key, and give the keys in order.
///
/// A counting pass over the highest bits that vary cuts the keys into runs of a few thousand,
/// which are then sorted in cache, in parallel. Keys are distinct, so nothing depends on the
/// algorithm.
fn sort_by_word(places: &mut Vec<Place>, key: impl Fn(Place) -> u64 + Sync) -> Vec<u64> {
    let mut pairs: Vec<(u64, Place)> =
        places.par_iter().map(|&place| (key(place), place)).collect();
    let (least, most) = pairs
        .par_iter()
        .map(|&(key, _)| (key, key))
        .reduce(|| (u64::MAX, 0), |a, b| (a.0.min(b.0), a.1.max(b.1)));
    let runs = (pairs.len() / 2048).next_power_of_two();
    let varying = 64 - most.wrapping_sub(least).leading_zeros();
    let shift = varying.saturating_sub(runs.trailing_zeros());
    if runs > 1 && most > least {
        let run_of = |key: u64| ((key - least) >> shift) as usize;
        let mut starts = vec![0_usize; run_of(most) + 2];
        for &(key, _) in &pairs {
            starts[run_of(key) + 1] += 1;
        }
        for run in 1..starts.len() {
            starts[run] += starts[run - 1];
        }
        let mut next = starts.clone();
        let mut sorted = vec![(0, Place { partition: 0, client: 0 }); pairs.len()];
        for &pair in &pairs {
            let place = &mut next[run_of(pair.0)];
            sorted[*place] = pair;
            *place += 1;
        }
        pairs = sorted;
        let mut rest = pairs.as_mut_slice();
        let mut slices = Vec::with_capacity(starts.len());
        for ends in starts.windows(2) {
            let (run, after) = rest.split_at_mut(ends[1] - ends[0]);
            slices.push(run);
            rest = after;
        }
        slices.into_par_iter().for_each(|run| run.sort_unstable_by_key(|pair| pair.0));
    } else {
        pairs.sort_unstable_by_key(|pair| pair.0);
    }
    places.clear();
    places.extend(pairs.iter().map(|pair| pair.1));
    pairs.into_par_iter().map(|pair| pair.0).collect()
}

/// Sort places by the bytes of their texts.
fn sort_texts<O: Key>(partitions: &[Partition<Text, O>], places: &mut Vec<Place>) {
    // The first twelve bytes as one big-endian number order most texts without a look at the rest.
    let head = |id: u128| -> u128 {
        let view = id.to_le_bytes();
        let mut head = [0; 16];
        let inline = (id as u32 as usize).min(12);
        head[..inline].copy_from_slice(&view[4..4 + inline]);
        u128::from_be_bytes(head)
    };
    let mut keyed: Vec<(u128, Place)> = places
        .par_iter()
        .map(|&place| {
            let id = id_at(partitions, place);
            if id as u32 <= 12 {
                return (head(id), place);
            }
            let mut first = [0; 16];
            first[..12].copy_from_slice(&text_at(partitions, place)[..12]);
            (u128::from_be_bytes(first), place)
        })
        .collect();
    keyed.par_sort_unstable_by(|a, b| {
        a.0.cmp(&b.0).then_with(|| text_at(partitions, a.1).cmp(&text_at(partitions, b.1)))
    });
    places.clear();
    places.extend(keyed.into_iter().map(|pair| pair.1));
}

/// What the facts of a client are computed from.
struct Reading<'a, C: Key, O: Key> {
    partitions: &'a [Partition<C, O>],
    settled: &'a [Settled],
    plan: &'a Plan,
    unit: Unit,
    as_of: i32,
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

/// Rows written at a time: their cores are read once for all columns and stay in cache.
const BLOCK: usize = 4096;

/// Compute the facts asked for, for the clients at the places given, in that order.
pub(super) fn columns<C: Key, O: Key>(
    partitions: &[Partition<C, O>],
    settled: &[Settled],
    places: &[Place],
    plan: &Plan,
    requests: &[(Request, usize)],
    unit: Unit,
    as_of: i32,
) -> Vec<FactColumn> {
    let reading = Reading { partitions, settled, plan, unit, as_of };
    let n = places.len();
    let mut columns: Vec<FactColumn> = requests
        .iter()
        .map(|(request, _)| FactColumn {
            values: empty_values(request.fact, unit, n),
            validity: request.fact.may_be_missing().then(|| vec![true; n]),
        })
        .collect();
    let mut blocks: Vec<(&[Place], Vec<BlockColumn>)> =
        places.chunks(BLOCK).map(|places| (places, Vec::with_capacity(requests.len()))).collect();
    for column in &mut columns {
        let mut validity = column.validity.as_mut().map(|bits| bits.chunks_mut(BLOCK));
        for (block, slots) in blocks.iter_mut().zip(slots_of(&mut column.values)) {
            block.1.push((slots, validity.as_mut().and_then(Iterator::next)));
        }
    }
    blocks.into_par_iter().for_each(|(places, columns)| reading.write(places, requests, columns));
    for column in &mut columns {
        if column.validity.as_ref().is_some_and(|bits| bits.iter().all(|&bit| bit)) {
            column.validity = None;
        }
    }
    columns
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

fn slots_of(values: &mut Values) -> Box<dyn Iterator<Item = Slots<'_>> + '_> {
    match values {
        Values::Dates(v) | Values::Days(v) => Box::new(v.chunks_mut(BLOCK).map(Slots::I32)),
        Values::Counts(v) => Box::new(v.chunks_mut(BLOCK).map(Slots::U32)),
        Values::Floats(v) => Box::new(v.chunks_mut(BLOCK).map(Slots::F64)),
        Values::Decimals(v, _) => Box::new(v.chunks_mut(BLOCK).map(Slots::I128)),
    }
}

impl<C: Key, O: Key> Reading<'_, C, O> {
    /// Write the facts of a block of clients.
    ///
    /// Their cores are copied together first: clients lie anywhere in memory, and a loop that does
    /// nothing but load waits for many of them at a time.
    fn write(&self, places: &[Place], requests: &[(Request, usize)], columns: Vec<BlockColumn>) {
        let mut scopes: Vec<Option<Vec<Core>>> = vec![None; self.plan.scopes.len()];
        for ((request, scope), (slots, validity)) in requests.iter().zip(columns) {
            let cores = scopes[*scope].get_or_insert_with(|| {
                places.iter().map(|&place| self.core(*scope, place)).collect()
            });
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
                fill(out, cores, |core| self.as_of.wrapping_sub(core.last));
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
                core.total.value() as f64 / (orders * self.unit.per_one())
            }),
            (Fact::MeanBasket, Slots::I128(out)) => fill(out, clients(), |(place, core)| {
                let orders = i128::from(self.orders(scope, place, core));
                if orders == 0 { 0 } else { divide_half_even(core.total.value() * 10_000, orders) }
            }),
            (Fact::Total, Slots::F64(out)) => {
                fill(out, cores, |core| self.total(scope, core) as f64 / self.unit.per_one());
            }
            (_, Slots::F64(out)) => fill(out, clients(), |(place, core)| {
                self.money(fact, scope, place, core) as f64 / self.unit.per_one()
            }),
            (_, Slots::I128(out)) => {
                fill(out, clients(), |(place, core)| self.money(fact, scope, place, core));
            }
            (_, Slots::I32(_) | Slots::U32(_)) => unreachable!("columns are made for their facts"),
        }
    }

    fn core(&self, scope: usize, place: Place) -> Core {
        let partition = &self.partitions[place.partition as usize];
        partition.scoped[scope].core_of(
            &self.plan.scopes[scope],
            &partition.clients,
            place.client as usize,
        )
    }

    fn orders(&self, scope: usize, place: Place, core: &Core) -> u32 {
        if self.plan.orders {
            self.partitions[place.partition as usize].scoped[scope].orders[place.client as usize]
        } else {
            core.lines
        }
    }

    fn active_days(&self, scope: usize, place: Place) -> u32 {
        self.settled[place.partition as usize].active_days[scope][place.client as usize]
    }

    /// A client without a purchase in a window has no money in it, whatever was given back.
    fn total(&self, scope: usize, core: &Core) -> i128 {
        let counts = core.lines > 0 || self.plan.scopes[scope].is_all_time();
        if counts { core.total.value() } else { 0 }
    }

    fn money(&self, fact: Fact, scope: usize, place: Place, core: &Core) -> i128 {
        if fact == Fact::Total {
            return self.total(scope, core);
        }
        let extra =
            &self.partitions[place.partition as usize].scoped[scope].extra[place.client as usize];
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
        std::cmp::Ordering::Less => quotient,
        std::cmp::Ordering::Equal => quotient + (quotient & 1),
        std::cmp::Ordering::Greater => quotient + 1,
    }
}
