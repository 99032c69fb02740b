//! However clients come to be kept, and kept otherwise, their facts are those of a map.
//!
//! In these tests the partitions take lines a few at a time, and few clients fill a range.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::key::{NoId, Word};
use super::line::{Day, Line, When};
use super::orders::OrderSet;
use super::partition::{ApplyLines, Flush, Partition};
use super::spec::{AggregateSpec, Scope};
use super::store::partitioning::{BLOCK_BITS, STRIPE_BITS, partition_of_block};
use super::store::{ClientState, ClientStore, MOST_BYTES, MOST_CLIENTS, StripeRange};
use super::{
    Batch, Fact, FactColumn, FactsAccount, FactsOptions, FactsPass, Request, Returns, Values,
};
use crate::bitmap::Bitmap;
use crate::columns::{AmountValues, Column, DateValues, IdValues, Ids, Integers, Texts, view_of};
use crate::error::{Error, Result};
use crate::threads::alone;

/// Client, day, amount and order.
type Sale = (i64, i32, i64, i64);

/// First and last purchase, orders, lines, and total.
type Kept = (i32, i32, u32, u32, i128);

fn ids(ids: &[i64]) -> Column<'_, IdValues<'_>> {
    Column { values: IdValues::Integers(Integers::I64(ids)), validity: None }
}

fn facts_of(pushes: &[Vec<Sale>], by_order: bool, threads: usize) -> Vec<(i64, Kept)> {
    try_facts_of(pushes, by_order, threads).unwrap()
}

fn try_facts_of(pushes: &[Vec<Sale>], by_order: bool, threads: usize) -> Result<Vec<(i64, Kept)>> {
    let facts = [Fact::FirstPurchase, Fact::LastPurchase, Fact::Orders, Fact::Lines, Fact::Total];
    let mut pass = FactsPass::new(FactsOptions {
        facts: facts.map(|fact| Request { fact, window: None }).to_vec(),
        as_of: None,
        returns: Returns::Net,
        order: by_order,
        money_scale: 0,
        timezone: "UTC".to_owned(),
        plain_integer_ids: false,
        threads: Some(threads),
    })
    .unwrap();
    for sales in pushes {
        let clients: Vec<i64> = sales.iter().map(|sale| sale.0).collect();
        let days: Vec<i32> = sales.iter().map(|sale| sale.1).collect();
        let amounts: Vec<i128> = sales.iter().map(|sale| i128::from(sale.2)).collect();
        let orders: Vec<i64> = sales.iter().map(|sale| sale.3).collect();
        let batch = Batch {
            rows: sales.len(),
            client: ids(&clients),
            date: Column { values: DateValues::Days(&days), validity: None },
            amount: Column { values: AmountValues::Decimals(&amounts, 0), validity: None },
            order: if by_order { vec![ids(&orders)] } else { Vec::new() },
            keep: None,
        };
        pass.push(vec![batch])?;
    }
    let outcome = pass.finish(true, false)?;
    let Ids::Signed(ids) = outcome.ids else { panic!("ids of signed integers come out as such") };
    let [first, last, orders, lines, totals] = &outcome.facts[..] else { panic!("five facts") };
    let kept = |row: usize| {
        let bought =
            lines.validity.as_ref().is_none_or(|there| there[row]) && count(lines, row) > 0;
        let day = |column: &FactColumn| {
            let Values::Dates(days) = &column.values else { panic!("dates") };
            if bought { days[row] } else { 0 }
        };
        let Values::Decimals(totals, 0) = &totals.values else { panic!("decimals") };
        (day(first), day(last), count(orders, row), count(lines, row), totals[row])
    };
    Ok(ids.iter().enumerate().map(|(row, &id)| (id, kept(row))).collect())
}

fn count(column: &FactColumn, row: usize) -> u32 {
    let Values::Counts(counts) = &column.values else { panic!("counts") };
    if column.validity.as_ref().is_none_or(|there| there[row]) { counts[row] } else { 0 }
}

fn expected(pushes: &[Vec<Sale>], by_order: bool) -> Vec<(i64, Kept)> {
    let mut clients: BTreeMap<i64, Vec<&Sale>> = BTreeMap::new();
    for sale in pushes.iter().flatten() {
        clients.entry(sale.0).or_default().push(sale);
    }
    let kept = |sales: &[&Sale]| {
        let bought: Vec<&&Sale> = sales.iter().filter(|sale| sale.2 >= 0).collect();
        let days = || bought.iter().map(|sale| sale.1);
        let orders: BTreeSet<i64> = bought.iter().map(|sale| sale.3).collect();
        let orders = if by_order { orders.len() } else { bought.len() };
        (
            days().min().unwrap_or(0),
            days().max().unwrap_or(0),
            orders as u32,
            bought.len() as u32,
            sales.iter().map(|sale| i128::from(sale.2)).sum(),
        )
    };
    clients.iter().map(|(&id, sales)| (id, kept(sales))).collect()
}

/// Ids close together, now and then one far away, at the ends of their range, or below all others.
fn client() -> impl Strategy<Value = i64> {
    prop_oneof![
        60 => 0_i64..300,
        20 => 60_000_i64..600_000,
        5 => -70_000_i64..0,
        1 => prop_oneof![Just(i64::MIN), Just(i64::MAX), any::<i64>()],
    ]
}

/// Mostly days of this century, which all ways of keeping clients hold.
fn day() -> impl Strategy<Value = i32> {
    prop_oneof![500 => 10_000..12_000, 1 => prop_oneof![-16_390..-16_380, 49_140..49_160]]
}

/// Mostly small; the largest overflow 64 bits when two of them meet.
fn amount() -> impl Strategy<Value = i64> {
    prop_oneof![20 => -50_i64..1000, 1 => prop_oneof![Just(i64::MAX), Just(i64::MIN)]]
}

proptest! {
    #[test]
    fn facts_are_those_of_a_map_however_clients_are_kept(
        pushes in prop::collection::vec(
            prop::collection::vec((client(), day(), amount(), 0_i64..5), 0..150), 1..8,
        ),
        by_order: bool,
        threads in 1_usize..4,
        is_alone: bool,
    ) {
        let facts = || facts_of(&pushes, by_order, threads);
        let facts = if is_alone { alone(facts) } else { facts() };
        prop_assert_eq!(facts, expected(&pushes, by_order));
    }
}

proptest! {
    /// Of many clients that are kept by their numbers, in a range that grows to both sides.
    #[test]
    fn totals_beyond_64_bits_are_exact_whoever_they_are_of(
        pushes in prop::collection::vec(
            prop::collection::vec((-300_i64..300, prop_oneof![any::<i64>(), Just(i64::MAX)]), 50..150),
            1..6,
        ),
    ) {
        let sales = |(push, sales): (usize, &Vec<(i64, i64)>)| {
            let spread = 1 + 400 * push as i64;
            sales.iter().map(|&(id, amount)| (id * spread, 12_000, amount, 0)).collect()
        };
        let pushes: Vec<Vec<Sale>> = pushes.iter().enumerate().map(sales).collect();
        prop_assert_eq!(facts_of(&pushes, false, 2), expected(&pushes, false));
    }
}

/// Ids that one partition keeps, in blocks far from each other.
fn crowded(count: usize) -> Vec<i64> {
    let numbers = (0..1 << BLOCK_BITS).collect::<Vec<u64>>();
    let blocks = (0_u64..).map(|block| {
        let stripe = block << 20;
        stripe << STRIPE_BITS | (partition_of_block(stripe, 77) as u64) << BLOCK_BITS
    });
    let ids = blocks.flat_map(|block| numbers.iter().map(move |number| block | number));
    ids.map(|id| (id ^ 1 << 63) as i64).take(count).collect()
}

#[test]
fn clients_that_crowd_into_one_partition_are_refused_where_it_is_full() {
    let full = MOST_CLIENTS as usize;
    for (count, by_order) in [(full, false), (full, true), (full + 1, false), (full + 1, true)] {
        let sales: Vec<Sale> = crowded(count).iter().map(|&id| (id, 12_000, 1, 1)).collect();
        for pushes in [vec![sales.clone()], sales.chunks(full - 10).map(<[Sale]>::to_vec).collect()]
        {
            match try_facts_of(&pushes, by_order, 2) {
                Ok(facts) => assert_eq!((facts.len(), count), (full, full)),
                Err(Error::Data(sentence)) => {
                    assert!(count > full && sentence.contains("spread so unevenly"), "{sentence}");
                }
                Err(other) => panic!("{other}"),
            }
        }
    }
}

/// The text of a client (none if it is missing), day, amount and order.
type TextSale = (Option<String>, i32, i64, i64);

fn with_texts<T>(texts: &[Option<String>], with: impl FnOnce(Column<IdValues>) -> T) -> T {
    let mut bytes = Vec::new();
    let mut there = vec![0_u8; texts.len().div_ceil(8)];
    let mut view = |(row, text): (usize, &Option<String>)| {
        let text = text.as_ref()?;
        there[row / 8] |= 1 << (row % 8);
        let start = bytes.len() as u32;
        bytes.extend(text.as_bytes());
        Some(view_of(text.as_bytes(), 0, start))
    };
    let views: Vec<u128> =
        texts.iter().enumerate().map(|text| view(text).unwrap_or(u128::MAX)).collect();
    let values = IdValues::Texts(Texts { views: &views, buffers: vec![&bytes] });
    with(Column { values, validity: Some(Bitmap { bytes: &there, offset: 0 }) })
}

/// The rows of the facts of text ids, in words, and the account.
fn rows_of_texts(
    pushes: &[Vec<TextSale>],
    base: &[Option<String>],
    plain: bool,
    by_order: bool,
    threads: usize,
) -> (Vec<String>, FactsAccount) {
    try_rows_of_texts(pushes, base, plain, by_order, threads).unwrap()
}

fn try_rows_of_texts(
    pushes: &[Vec<TextSale>],
    base: &[Option<String>],
    plain: bool,
    by_order: bool,
    threads: usize,
) -> Result<(Vec<String>, FactsAccount)> {
    let named = Fact::NAMES.iter().filter(|(_, fact)| !plain || *fact == Fact::Lines);
    let windows = [None, Some("100d".to_owned())];
    let windows = &windows[..if plain { 1 } else { 2 }];
    let facts = named.flat_map(|(_, fact)| {
        windows.iter().map(|window| Request { fact: *fact, window: window.clone() })
    });
    let mut pass = FactsPass::new(FactsOptions {
        facts: facts.chain([Request { fact: Fact::Total, window: None }]).collect(),
        as_of: Some(12_000),
        returns: Returns::Net,
        order: by_order,
        money_scale: 0,
        timezone: "UTC".to_owned(),
        plain_integer_ids: true,
        threads: Some(threads),
    })
    .unwrap();
    for (number, sales) in pushes.iter().enumerate() {
        let clients: Vec<Option<String>> = sales.iter().map(|sale| sale.0.clone()).collect();
        let days: Vec<i32> = sales.iter().map(|sale| sale.1).collect();
        let amounts: Vec<i64> = sales.iter().map(|sale| sale.2).collect();
        let orders: Vec<i64> = sales.iter().map(|sale| sale.3).collect();
        with_texts(&clients, |client| {
            let batch = Batch {
                rows: sales.len(),
                client,
                date: Column { values: DateValues::Days(&days), validity: None },
                amount: Column {
                    values: AmountValues::Integers(Integers::I64(&amounts)),
                    validity: None,
                },
                order: if by_order { vec![ids(&orders)] } else { Vec::new() },
                keep: None,
            };
            pass.push(vec![batch])
        })?;
        if number == pushes.len() / 2 && !base.is_empty() {
            with_texts(base, |base| pass.add_clients(&[base]).unwrap());
        }
    }
    let outcome = pass.finish(true, !base.is_empty())?;
    let ids: Vec<String> = match &outcome.ids {
        Ids::Signed(ids) => ids.iter().map(i64::to_string).collect(),
        Ids::Unsigned(_) => panic!("texts come out as texts or signed integers"),
        Ids::Texts { views, buffers } => {
            let texts = Texts { views, buffers: buffers.iter().map(Vec::as_slice).collect() };
            let text = |row| String::from_utf8(texts.get(row).to_vec()).unwrap();
            (0..views.len()).map(text).collect()
        }
    };
    let cell = |column: &FactColumn, row: usize| {
        if column.validity.as_ref().is_some_and(|there| !there[row]) {
            return "none".to_owned();
        }
        match &column.values {
            Values::Dates(values) | Values::Days(values) => values[row].to_string(),
            Values::Counts(values) => values[row].to_string(),
            Values::Floats(values) => values[row].to_string(),
            Values::Decimals(values, _) => values[row].to_string(),
        }
    };
    let row = |(row, id): (usize, &String)| {
        let cells: Vec<String> = outcome.facts.iter().map(|column| cell(column, row)).collect();
        let status = outcome.status.as_ref().map(|status| status[row]);
        format!("{id} {status:?}: {}", cells.join(" "))
    };
    Ok((ids.iter().enumerate().map(row).collect(), outcome.account))
}

/// Texts of one template, of many, and without one; the same numbers are plain integers now and then.
fn text_id(kind: u8, id: i64) -> Option<String> {
    match kind {
        0 => None,
        1..10 => Some(format!("C{id:05}")),
        10..12 => Some(id.to_string()),
        12 => Some(format!("{:x}-{id}", id * 7_919)),
        13 => Some(format!("{id}@mail")),
        _ => Some(format!("https://shop.example/{}/u", id * 104_729)),
    }
}

fn text_sales(kinds: std::ops::Range<u8>) -> impl Strategy<Value = Vec<TextSale>> {
    let sale = (kinds, 0_i64..60, 11_850..12_002, -5_i64..30, 0_i64..4);
    let sale =
        sale.prop_map(|(kind, id, day, amount, order)| (text_id(kind, id), day, amount, order));
    prop::collection::vec(sale, 0..250)
}

proptest! {
    /// A pass that goes over to texts half-way, or begins without any, knows what one knows that
    /// sees all lines at once, and takes their ids for texts from the start.
    #[test]
    fn facts_are_the_same_whatever_ids_come_first(
        pushes in prop::collection::vec(
            prop_oneof![text_sales(0..1), text_sales(1..10), text_sales(10..12), text_sales(0..16), text_sales(12..16)],
            1..8,
        ),
        base in prop_oneof![Just(Vec::new()), prop::collection::vec((0_u8..16, 0_i64..80), 1..50)],
        forced: bool,
        plain: bool,
        by_order: bool,
        threads in 1_usize..4,
    ) {
        let base: Vec<_> = base.into_iter().map(|(kind, id)| text_id(kind, id)).collect();
        // Lines that are all too late, and make the other pass take ids for texts from the start.
        let late = vec![(Some("-".to_owned()), 13_000, 0, 0); if forced { 100 } else { 0 }];
        let all = [late.clone(), pushes.concat()];
        let pushes = [pushes, vec![late]].concat();
        let expected = rows_of_texts(&all, &base, plain, by_order, 1);
        prop_assert_eq!(rows_of_texts(&pushes, &base, plain, by_order, threads), expected);
    }
}

proptest! {
    #[test]
    fn an_empty_text_is_no_id(
        pushes in prop::collection::vec(prop_oneof![text_sales(0..3), text_sales(0..16)], 1..5),
        base in prop_oneof![Just(Vec::new()), prop::collection::vec((0_u8..16, 0_i64..80), 1..50)],
        plain: bool,
        threads in 1_usize..4,
    ) {
        let base: Vec<_> = base.into_iter().map(|(kind, id)| text_id(kind, id)).collect();
        let or_empty = |id: &Option<String>| Some(id.clone().unwrap_or_default());
        let emptied = |sale: &TextSale| (or_empty(&sale.0), sale.1, sale.2, sale.3);
        let empty_pushes: Vec<Vec<TextSale>> =
            pushes.iter().map(|sales| sales.iter().map(emptied).collect()).collect();
        let empty_base: Vec<_> = base.iter().map(or_empty).collect();
        prop_assert_eq!(
            rows_of_texts(&empty_pushes, &empty_base, plain, false, threads),
            rows_of_texts(&pushes, &base, plain, false, threads)
        );
    }
}

#[test]
fn ids_are_refused_where_their_bytes_cannot_be_pointed_to() {
    for others in [0, 200] {
        let coded = (0..others).map(|id| (text_id(1, id), 12_000, 1, 0));
        for (length, fits) in [(MOST_BYTES, true), (MOST_BYTES + 1, false)] {
            let long = (Some("x".repeat(length)), 12_000, 1, 0);
            let sales: Vec<TextSale> = coded.clone().chain([long]).collect();
            match try_rows_of_texts(&[sales], &[], true, false, 2) {
                Ok((rows, _)) => assert!(fits && rows.len() == others as usize + 1),
                Err(Error::Data(sentence)) => {
                    assert!(!fits && sentence.contains("shorter ids"), "{sentence}");
                }
                Err(other) => panic!("{other}"),
            }
        }
    }
}

#[test]
fn a_client_of_more_lines_than_can_be_counted_is_refused() {
    let spec = AggregateSpec {
        scopes: vec![Scope {
            after: i32::MIN,
            extra: false,
            orders: false,
            baskets: false,
            log_gaps: false,
        }],
        orders: false,
        days: false,
    };
    let flush = Flush { spec: &spec, client_buffers: &[], order_buffers: &[] };
    for (lines, more, fits) in
        [(u32::MAX - 2, 2, true), (u32::MAX - 2, 3, false), (u32::MAX, 7, false)]
    {
        for direct in [false, true] {
            let mut partition = Partition::<Word, NoId>::new(0, &spec);
            partition.aggregates.lines = lines.into();
            let ClientStore::Hashed(hashed) = &mut partition.clients else {
                panic!("clients are found by hash at first")
            };
            let client = hashed.client(0, 0, &[]);
            hashed.clients[client].state =
                ClientState { lines, first: 12_000, last: 12_000, ..ClientState::NONE };
            if direct {
                partition.store_direct(&StripeRange::of(0, 0), &spec);
            }
            let when = Day::new(12_000, 0);
            let line = |_| Line { client: 0, order: (), amount: 1, when, tag: 0 };
            let lines: Vec<Line<Word, NoId, Day>> = (0..more).map(line).collect();
            let mut set = OrderSet::default();
            Day::apply(&mut partition, &lines, &flush, &mut set);
            match partition.finalize(&spec, false, &mut set) {
                Ok(found) => assert!(fits && found.account.clients == [1, 0, 0]),
                Err(error) => assert!(!fits && error.to_string().contains("4294967295")),
            }
        }
    }
}
