//! Profiles: neither the order of rows, nor batches or threads change a count, and all of them add up.

use grc_core::bitmap::Bitmap;
use grc_core::columns::{Column, IdValues, Integers};
use grc_core::profile::{
    ProfileColumns, ProfileOptions, ProfilePass, PurchaseBatch, SidedEventBatch,
};

use crate::bytes::{Bytes, TextData, on_threads, packed};

const LABELS: [&str; 4] = ["", "a", "ab", "a label of a long name"];

/// A line of sales or an event, by what it has beside its client and instant.
#[derive(Debug, Clone)]
enum Row {
    Line { order: [Option<String>; 2], labels: [Option<String>; 2], promo: Option<bool> },
    Event([Option<bool>; 2]),
}

type Rows = Vec<(i64, i64, Row)>;

/// Count purchases and events in two ways.
pub fn profile(data: &[u8]) {
    on_threads(data, |threads| check(data, threads));
}

fn check(data: &[u8], threads: usize) {
    let mut bytes = Bytes(data);
    let orders = bytes.below(3);
    let rows = rows(&mut bytes);
    let once = pass(&rows, orders, rows.len().max(1), 1);
    let mut turned = rows.clone();
    turned.reverse();
    let again = pass(&turned, orders, 3, threads);
    assert_eq!(format!("{once:?}"), format!("{again:?}"), "{rows:?}");
    let total = |axis: usize, count: usize| {
        once.halves[axis][count].iter().map(|&count| count as usize).sum::<usize>()
    };
    let lines = rows.iter().filter(|row| matches!(row.2, Row::Line { .. })).count();
    let sides = |axis: usize| {
        let counts = |row: &&(i64, i64, Row)| matches!(&row.2, Row::Event(s) if s[axis].is_some());
        rows.iter().filter(counts).count()
    };
    let (active, relational) = (total(1, 0) - sides(0), total(2, 0) - sides(1));
    assert!(active <= lines && relational <= active, "{once:?}");
    assert!(orders > 0 || active == lines, "each line is an order: {once:?}");
    assert!(total(0, 0) <= active);
    for axis in &once.halves {
        for row in 0..axis[0].len() {
            let [events, hits, events_odd, hits_odd] = axis.each_ref().map(|column| column[row]);
            assert!(hits <= events && events_odd <= events, "{once:?}");
            assert!(hits_odd <= hits.min(events_odd), "{once:?}");
        }
    }
    for entropies in &once.entropies {
        let is_possible = |&entropy: &f64| entropy.is_nan() || (0.0..8.0).contains(&entropy);
        assert!(entropies.iter().all(is_possible), "{once:?}");
    }
}

fn rows(bytes: &mut Bytes) -> Rows {
    let mut rows = Vec::new();
    while !bytes.is_empty() && rows.len() < 300 {
        let flags = bytes.byte();
        let side = |bit: u32| [None, None, Some(false), Some(true)][usize::from(flags >> bit & 3)];
        let (client, instant) = (bytes.integer() >> 3, bytes.integer());
        let row = if flags & 7 == 7 {
            Row::Event([side(3), side(5)])
        } else {
            let mut label = || match bytes.below(6) {
                5 => None,
                4 => Some(bytes.text(20)),
                known => Some(LABELS[known].to_owned()),
            };
            Row::Line { order: [label(), label()], labels: [label(), label()], promo: side(3) }
        };
        let instant =
            if flags & 128 == 0 { instant } else { instant.saturating_mul(86_400_000_000) };
        rows.push((client, instant, row));
    }
    rows
}

fn pass(rows: &[(i64, i64, Row)], orders: usize, batch: usize, threads: usize) -> ProfileColumns {
    let options = ProfileOptions { plain_integer_ids: false, threads: Some(threads) };
    let mut pass = ProfilePass::new(options);
    for rows in rows.chunks(batch) {
        let (events, lines): (Rows, Rows) =
            rows.iter().cloned().partition(|row| matches!(row.2, Row::Event(_)));
        push_lines(&mut pass, &lines, orders);
        push_events(&mut pass, &events);
    }
    pass.finish().expect("rows of one type are counted")
}

fn push_lines(pass: &mut ProfilePass, rows: &Rows, orders: usize) {
    let (clients, instants) = keys(rows);
    let text = |part: usize| {
        TextData::new(rows.iter().map(|row| match &row.2 {
            Row::Line { order, labels, .. } => [order, labels][part / 2][part % 2].as_deref(),
            Row::Event(_) => None,
        }))
    };
    let texts = [text(0), text(1), text(2), text(3)];
    let promos = rows.iter().map(|row| match row.2 {
        Row::Line { promo, .. } => promo,
        Row::Event(_) => None,
    });
    let (promo, has_promo) = bits(promos);
    let order = |part: usize| Column {
        values: IdValues::Texts(texts[part].texts()),
        validity: Some(texts[part].validity()),
    };
    pass.push_purchases(&[PurchaseBatch {
        client: ids(&clients),
        instant: &instants,
        order: (0..orders).map(order).collect(),
        category: Some(texts[2].column()),
        channel: Some(texts[3].column()),
        promo: Some(flags(&promo, &has_promo)),
    }])
    .expect("lines of one type are taken in");
}

fn push_events(pass: &mut ProfilePass, rows: &Rows) {
    let (clients, instants) = keys(rows);
    let [active, relational] = [0, 1].map(|axis| {
        bits(rows.iter().map(|row| match row.2 {
            Row::Event(sides) => sides[axis],
            Row::Line { .. } => None,
        }))
    });
    pass.push_events(&[SidedEventBatch {
        client: ids(&clients),
        instant: &instants,
        active: flags(&active.0, &active.1),
        relational: flags(&relational.0, &relational.1),
    }])
    .expect("events of one type are taken in");
}

fn keys(rows: &Rows) -> (Vec<i64>, Vec<i64>) {
    rows.iter().map(|row| (row.0, row.1)).unzip()
}

fn ids(clients: &[i64]) -> Column<'_, IdValues<'_>> {
    Column { values: IdValues::Integers(Integers::I64(clients)), validity: None }
}

/// Values that may be missing, and which are there.
fn bits(values: impl Iterator<Item = Option<bool>> + Clone) -> (Vec<u8>, Vec<u8>) {
    (packed(values.clone().map(|value| value == Some(true))), packed(values.map(|v| v.is_some())))
}

fn flags<'a>(values: &'a [u8], there: &'a [u8]) -> Column<'a, Bitmap<'a>> {
    let bitmap = |bytes: &'a [u8]| Bitmap { bytes, offset: 0 };
    Column { values: bitmap(values), validity: Some(bitmap(there)) }
}
