//! What is counted is what a plain walk over sorted maps counts, however rows come.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::{
    ENTROPIES, HALVES, Halves, ProfileOptions, ProfilePass, PurchaseBatch, SidedEventBatch,
};
use crate::bitmap::Bitmap;
use crate::calendar::DAY;
use crate::columns::{Column, IdValues, Ids, Integers, Texts, append_text};
use crate::error::Error;

/// A line of sales.
#[derive(Debug, Clone)]
struct Sold {
    client: i64,
    instant: i64,
    till: Option<&'static str>,
    ticket: Option<i64>,
    category: Option<&'static str>,
    channel: Option<&'static str>,
    promo: Option<bool>,
}

/// An event: client, instant, and its sides on the axes active and relational.
type Done = (i64, i64, [Option<bool>; 2]);

/// How rows are handed in.
#[derive(Debug, Clone, Copy)]
struct Way {
    order: OrderColumns,
    text_clients: bool,
    threads: usize,
    rows_a_batch: usize,
}

/// Which columns the id of an order has.
#[derive(Debug, Clone, Copy, PartialEq)]
enum OrderColumns {
    None,
    Ticket,
    Till,
    Both,
}

/// What is counted of a client.
type Counted = ([Halves; HALVES], [f64; ENTROPIES]);

// The definitions, over sorted maps

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum OrderId {
    Own(usize),
    Of(Option<&'static str>, Option<i64>),
}

fn order_id(columns: OrderColumns, row: usize, sold: &Sold) -> OrderId {
    match columns {
        OrderColumns::Ticket if sold.ticket.is_some() => OrderId::Of(None, sold.ticket),
        OrderColumns::Till if sold.till.is_some() => OrderId::Of(sold.till, None),
        OrderColumns::Both if sold.till.is_some() && sold.ticket.is_some() => {
            OrderId::Of(sold.till, sold.ticket)
        }
        _ => OrderId::Own(row),
    }
}

fn entropy(labels: &[&str]) -> f64 {
    let distinct: BTreeSet<&str> = labels.iter().copied().collect();
    let (mut sum, total) = (0.0, labels.len() as f64);
    for label in distinct {
        let share = labels.iter().filter(|&&other| other == label).count() as f64 / total;
        sum -= share * share.ln();
    }
    if labels.is_empty() { f64::NAN } else { sum }
}

/// The entropies of labels with their places: over all, those of odd and those of even places.
fn entropies(labels: &[(usize, &str)]) -> [f64; 3] {
    let of = |is_in: &dyn Fn(usize) -> bool| {
        let chosen = labels.iter().filter(|(place, _)| is_in(*place));
        entropy(&chosen.map(|(_, label)| *label).collect::<Vec<_>>())
    };
    [of(&|_| true), of(&|place| place % 2 == 1), of(&|place| place % 2 == 0)]
}

/// Events with the number of the half that they are in, odd or not.
fn halves(events: &[(bool, bool)]) -> Halves {
    let count = |is: &dyn Fn(bool, bool) -> bool| {
        events.iter().filter(|&&(is_odd, is_hit)| is(is_odd, is_hit)).count() as u32
    };
    Halves {
        events: count(&|_, _| true),
        hits: count(&|_, is_hit| is_hit),
        events_odd: count(&|is_odd, _| is_odd),
        hits_odd: count(&|is_odd, is_hit| is_odd && is_hit),
    }
}

fn by_days(events: &[(i64, bool)]) -> Halves {
    let days: BTreeSet<i64> = events.iter().map(|event| event.0.div_euclid(DAY)).collect();
    let number = |instant: i64| days.range(..instant.div_euclid(DAY)).count() + 1;
    let numbered = events.iter().map(|&(instant, is_hit)| (number(instant) % 2 == 1, is_hit));
    halves(&numbered.collect::<Vec<_>>())
}

fn by_hand(sold: &[Sold], done: &[Done], columns: OrderColumns) -> BTreeMap<i64, Counted> {
    let mut clients: BTreeMap<i64, BTreeMap<OrderId, Vec<&Sold>>> = BTreeMap::new();
    for (row, line) in sold.iter().enumerate() {
        let orders = clients.entry(line.client).or_default();
        orders.entry(order_id(columns, row, line)).or_default().push(line);
    }
    for (client, ..) in done {
        clients.entry(*client).or_default();
    }
    let mut found = BTreeMap::new();
    for (client, orders) in clients {
        let mut in_time: Vec<_> = orders
            .iter()
            .map(|(id, lines)| {
                let id = Some(id).filter(|id| !matches!(id, OrderId::Own(_)));
                let categories: BTreeSet<_> =
                    lines.iter().filter_map(|line| line.category).collect();
                let channel = lines.iter().filter_map(|line| line.channel).min();
                let promo = lines.iter().all(|line| line.promo == Some(true));
                let instant = lines.iter().map(|line| line.instant).min();
                (instant, id, categories.first().copied(), channel, promo, categories)
            })
            .collect();
        in_time.sort();
        let (mut bought, mut after) = (BTreeSet::new(), Vec::new());
        let (mut labels, mut channels) = (Vec::new(), Vec::new());
        let with_category = in_time.iter().filter(|order| !order.5.is_empty());
        for (place, order) in (1_usize..).zip(with_category) {
            if place > 3 {
                after.push((place % 2 == 1, !order.5.is_subset(&bought)));
            }
            labels.extend(order.5.iter().map(|&category| (place, category)));
            bought.extend(order.5.iter().copied());
        }
        for (place, channel) in (1..).zip(in_time.iter().filter_map(|order| order.3)) {
            channels.push((place, channel));
        }
        let (mut active, mut relational) = (Vec::new(), Vec::new());
        for order in &in_time {
            let instant = order.0.unwrap();
            active.push((instant, true));
            relational.extend(order.4.then_some((instant, false)));
        }
        for (_, instant, sides) in done.iter().filter(|event| event.0 == client) {
            active.extend(sides[0].map(|is_hit| (*instant, is_hit)));
            relational.extend(sides[1].map(|is_hit| (*instant, is_hit)));
        }
        let both = [entropies(&labels), entropies(&channels)];
        let counts = [halves(&after), by_days(&active), by_days(&relational)];
        found.insert(client, (counts, std::array::from_fn(|i| both[i / 3][i % 3])));
    }
    found
}

// Columns as the pass takes them

fn packed(bits: impl Iterator<Item = bool>) -> Vec<u8> {
    let bits: Vec<bool> = bits.collect();
    bits.chunks(8)
        .map(|byte| byte.iter().rev().fold(0, |byte, &bit| byte << 1 | u8::from(bit)))
        .collect()
}

/// Texts with their validity.
struct OwnTexts {
    views: Vec<u128>,
    buffers: Vec<Vec<u8>>,
    validity: Vec<u8>,
}

impl OwnTexts {
    fn new<T: AsRef<str>>(texts: impl Iterator<Item = Option<T>> + Clone) -> Self {
        let mut buffers = Vec::new();
        let mut view = |text: Option<T>| {
            let text = text.as_ref().map_or("", AsRef::as_ref);
            append_text(text.as_bytes(), &mut buffers)
        };
        let views = texts.clone().map(&mut view).collect();
        Self { views, buffers, validity: packed(texts.map(|text| text.is_some())) }
    }

    fn texts(&self) -> Texts<'_> {
        Texts { views: &self.views, buffers: self.buffers.iter().map(Vec::as_slice).collect() }
    }

    fn column(&self) -> Column<'_, Texts<'_>> {
        Column { values: self.texts(), validity: Some(bitmap(&self.validity)) }
    }
}

fn bitmap(bytes: &[u8]) -> Bitmap<'_> {
    Bitmap { bytes, offset: 0 }
}

fn name(client: i64) -> String {
    // Some of them longer than a view holds, and in another order than the numbers.
    format!("{} is the name", -client)
}

/// Ids of both kinds, of which one is used.
struct OwnClients(Vec<i64>, OwnTexts, bool);

impl OwnClients {
    fn new(clients: impl Iterator<Item = i64> + Clone, are_texts: bool) -> Self {
        Self(clients.clone().collect(), OwnTexts::new(clients.map(|id| Some(name(id)))), are_texts)
    }

    fn column(&self) -> Column<'_, IdValues<'_>> {
        let integers = IdValues::Integers(Integers::I64(&self.0));
        let values = if self.2 { IdValues::Texts(self.1.texts()) } else { integers };
        Column { values, validity: None }
    }
}

fn push_purchases(pass: &mut ProfilePass, sold: &[Sold], way: Way) -> Result<(), Error> {
    let clients = OwnClients::new(sold.iter().map(|line| line.client), way.text_clients);
    let instants: Vec<i64> = sold.iter().map(|line| line.instant).collect();
    let tickets: Vec<i64> = sold.iter().map(|line| line.ticket.unwrap_or(-7)).collect();
    let has_ticket = packed(sold.iter().map(|line| line.ticket.is_some()));
    let tills = OwnTexts::new(sold.iter().map(|line| line.till));
    let ticket = Column {
        values: IdValues::Integers(Integers::I64(&tickets)),
        validity: Some(bitmap(&has_ticket)),
    };
    let till = Column { values: IdValues::Texts(tills.texts()), validity: tills.column().validity };
    let categories = OwnTexts::new(sold.iter().map(|line| line.category));
    let channels = OwnTexts::new(sold.iter().map(|line| line.channel));
    let promos = packed(sold.iter().map(|line| line.promo == Some(true)));
    let has_promo = packed(sold.iter().map(|line| line.promo.is_some()));
    pass.push_purchases(&[PurchaseBatch {
        client: clients.column(),
        instant: &instants,
        order: match way.order {
            OrderColumns::None => vec![],
            OrderColumns::Ticket => vec![ticket],
            OrderColumns::Till => vec![till],
            OrderColumns::Both => vec![till, ticket],
        },
        category: Some(categories.column()),
        channel: Some(channels.column()),
        promo: Some(Column { values: bitmap(&promos), validity: Some(bitmap(&has_promo)) }),
    }])
}

fn push_events(pass: &mut ProfilePass, done: &[Done], way: Way) -> Result<(), Error> {
    let clients = OwnClients::new(done.iter().map(|event| event.0), way.text_clients);
    let instants: Vec<i64> = done.iter().map(|event| event.1).collect();
    let hits = [0, 1].map(|axis| packed(done.iter().map(|event| event.2[axis] == Some(true))));
    let counts = [0, 1].map(|axis| packed(done.iter().map(|event| event.2[axis].is_some())));
    let side =
        |axis: usize| Column { values: bitmap(&hits[axis]), validity: Some(bitmap(&counts[axis])) };
    pass.push_events(&[SidedEventBatch {
        client: clients.column(),
        instant: &instants,
        active: side(0),
        relational: side(1),
    }])
}

fn counted(sold: &[Sold], done: &[Done], way: Way) -> (Ids, Vec<Counted>) {
    let mut pass =
        ProfilePass::new(ProfileOptions { plain_integer_ids: false, threads: Some(way.threads) });
    // Events come between the sales.
    for (number, sold) in sold.chunks(way.rows_a_batch).enumerate() {
        push_purchases(&mut pass, sold, way).unwrap();
        if number == 0 {
            done.chunks(way.rows_a_batch)
                .for_each(|done| push_events(&mut pass, done, way).unwrap());
        }
    }
    if sold.is_empty() {
        push_events(&mut pass, done, way).unwrap();
    }
    let columns = pass.finish().unwrap();
    let rows = columns.entropies[0].len();
    let halves = |row: usize| {
        columns.halves.each_ref().map(|axis| Halves {
            events: axis[0][row],
            hits: axis[1][row],
            events_odd: axis[2][row],
            hits_odd: axis[3][row],
        })
    };
    let entropies = |row: usize| columns.entropies.each_ref().map(|column| column[row]);
    let found = (0..rows).map(|row| (halves(row), entropies(row))).collect();
    (columns.ids, found)
}

/// The same, entropies by their bits.
fn bits(found: &[Counted]) -> Vec<([Halves; HALVES], [u64; ENTROPIES])> {
    found.iter().map(|(halves, entropies)| (*halves, entropies.map(f64::to_bits))).collect()
}

fn label(names: [&'static str; 5]) -> impl Strategy<Value = Option<&'static str>> {
    prop_oneof![1 => Just(None), 4 => proptest::sample::select(names.to_vec()).prop_map(Some)]
}

/// Few instants, so that many are alike, before and after 1970.
fn instant() -> impl Strategy<Value = i64> {
    (-3..6_i64, prop_oneof![4 => Just(0), 1 => 0..DAY]).prop_map(|(day, time)| day * DAY + time)
}

fn sold() -> impl Strategy<Value = Sold> {
    let labels = (
        label(["", "an apple of the longer kind", "b", "bb", "ba"]),
        label(["web", "store", "a channel with a long name", "app", "b"]),
        proptest::option::of(any::<bool>()),
    );
    let order = (
        label(["till", "", "t\0", "t", "a till with a long name"]),
        proptest::option::of(-3..4_i64),
    );
    (-2..4_i64, instant(), order, labels).prop_map(
        |(client, instant, (till, ticket), (category, channel, promo))| Sold {
            client,
            instant,
            till,
            ticket,
            category,
            channel,
            promo,
        },
    )
}

fn way() -> impl Strategy<Value = Way> {
    let order = proptest::sample::select(vec![
        OrderColumns::None,
        OrderColumns::Ticket,
        OrderColumns::Till,
        OrderColumns::Both,
    ]);
    (order, any::<bool>(), 1..4_usize, 1..200_usize).prop_map(
        |(order, text_clients, threads, rows_a_batch)| Way {
            order,
            text_clients,
            threads,
            rows_a_batch,
        },
    )
}

fn shuffled<T: Clone + std::fmt::Debug>(rows: &[T]) -> impl Strategy<Value = Vec<T>> + use<T> {
    Just(rows.to_vec()).prop_shuffle()
}

type Tables = (Vec<Sold>, Vec<Done>);

fn tables() -> impl Strategy<Value = (Tables, Tables)> {
    let side = || proptest::option::of(any::<bool>());
    let done = (-2..5_i64, instant(), [side(), side()]);
    (proptest::collection::vec(sold(), 0..150), proptest::collection::vec(done, 0..40))
        .prop_flat_map(|(sold, done)| {
            let mixed = (shuffled(&sold), shuffled(&done));
            (Just((sold, done)), mixed)
        })
}

proptest! {
    #[test]
    fn counts_are_those_of_a_walk_over_sorted_maps(((sold, done), mixed) in tables(), way in way()) {
        let expected = by_hand(&sold, &done, way.order);

        let (ids, found) = counted(&mixed.0, &mixed.1, way);

        let mut clients: Vec<i64> = expected.keys().copied().collect();
        if way.text_clients {
            clients.sort_by_key(|&client| name(client));
            let names: Vec<String> = clients.iter().map(|&client| name(client)).collect();
            let Ids::Texts { views, buffers } = &ids else { panic!("texts come out as such") };
            let texts = Texts { views, buffers: buffers.iter().map(Vec::as_slice).collect() };
            for (row, name) in names.iter().enumerate() {
                prop_assert_eq!(texts.get(row), name.as_bytes());
            }
        } else if !clients.is_empty() {
            prop_assert_eq!(ids, Ids::Signed(clients.clone()));
        }
        prop_assert_eq!(found.len(), clients.len());
        for (client, (halves, entropies)) in clients.iter().zip(found) {
            let (expected_halves, expected_entropies) = expected[client];
            prop_assert_eq!(halves, expected_halves, "client {}", client);
            for (entropy, expected) in entropies.into_iter().zip(expected_entropies) {
                let are_equal = (entropy - expected).abs() < 1e-8;
                prop_assert!(are_equal || (entropy.is_nan() && expected.is_nan()), "client {}", client);
            }
        }
    }

    #[test]
    fn no_bit_depends_on_the_order_of_rows_batches_or_threads(
        ((sold, done), mixed) in tables(), one in way(), other in way(),
    ) {
        let other = Way { order: one.order, text_clients: one.text_clients, ..other };
        let (ids, found) = counted(&sold, &done, one);
        let (mixed_ids, mixed_found) = counted(&mixed.0, &mixed.1, other);
        prop_assert_eq!(ids, mixed_ids);
        prop_assert_eq!(bits(&found), bits(&mixed_found));
    }
}

#[test]
fn ids_of_two_kinds_are_refused() {
    let line = Sold {
        client: 1,
        instant: 0,
        till: Some("a"),
        ticket: Some(1),
        category: None,
        channel: None,
        promo: None,
    };
    let of = |order| Way { order, text_clients: false, threads: 1, rows_a_batch: 1 };
    let ticket = of(OrderColumns::Ticket);
    for (first, other) in [
        (ticket, Way { text_clients: true, ..ticket }),
        (ticket, of(OrderColumns::Till)),
        (ticket, of(OrderColumns::None)),
        (of(OrderColumns::Till), of(OrderColumns::Both)),
        (of(OrderColumns::Both), of(OrderColumns::Till)),
    ] {
        let mut pass = ProfilePass::new(ProfileOptions::default());
        push_purchases(&mut pass, std::slice::from_ref(&line), first).unwrap();
        let refused = push_purchases(&mut pass, std::slice::from_ref(&line), other);
        assert!(matches!(refused, Err(Error::Column(_))), "{first:?}, {other:?}");
    }
}

#[test]
fn no_rows_are_no_clients() {
    let columns = ProfilePass::new(ProfileOptions::default()).finish().unwrap();
    assert_eq!(columns.ids, Ids::Signed(vec![]));
    assert!(columns.entropies.iter().all(Vec::is_empty));
}
