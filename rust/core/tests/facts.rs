//! The pass over sales against an oracle that goes over all lines, fact by fact.
//!
//! Lines are written down once as [`Sale`]s. They reach the builder as columns of many types, in
//! many batches and orders; the oracle reads them as they are.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use grc_core::Error;
use grc_core::bitmap::Bitmap;
use grc_core::columns::{AmountValues, Column, DateValues, IdValues, Ids, Integers, Texts};
use grc_core::facts::{
    Batch, ClientStates, Fact, FactColumn, FactsAccount, FactsOptions, FactsPass, FactsTable,
    MEAN_PLACES, Request, Returns, StateBatch, Status, Values,
};
use proptest::prelude::*;
use proptest::sample::select;

const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;

/// Two hours east of Greenwich, always. (The sign of these names is that of POSIX.)
const ZONE: &str = "Etc/GMT-2";
const ZONE_OFFSET: i64 = 2 * HOUR;

fn hash(seed: u64, i: u64) -> u64 {
    let mut z = (seed ^ i.wrapping_mul(0x9E37_79B9_7F4A_7C15)).wrapping_add(0x1234_5678_9ABC_DEF1);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Divide, and round half to even.
fn half_even(dividend: i128, divisor: i128) -> i128 {
    let (quotient, rest) = (dividend / divisor, dividend % divisor);
    match (2 * rest.abs()).cmp(&divisor) {
        Ordering::Less => quotient,
        Ordering::Equal if quotient % 2 == 0 => quotient,
        Ordering::Equal | Ordering::Greater => quotient + dividend.signum(),
    }
}

// ---------------------------------------------------------------------------------------------
// Lines, and the types of the columns that they are written into
// ---------------------------------------------------------------------------------------------

/// A client, or one part of the number of an order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Id {
    Number(i128),
    Text(String),
}

impl Id {
    fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    fn number(&self) -> i128 {
        let Self::Number(number) = self else { panic!("{self:?} is no number") };
        *number
    }

    fn as_text(&self) -> &str {
        let Self::Text(text) = self else { panic!("{self:?} is no text") };
        text
    }
}

/// An amount as it is written: what `Raw` counts depends on [`AmountKind`].
#[derive(Debug, Clone, Copy)]
enum Amount {
    Missing,
    NotFinite(f64),
    Raw(i64),
}

/// A sales line.
#[derive(Debug, Clone)]
struct Sale {
    keep: Option<bool>,
    client: Option<Id>,
    /// Microseconds since 1970-01-01.
    instant: Option<i64>,
    amount: Amount,
    /// A part a column.
    order: Vec<Option<Id>>,
}

/// A line of a client with a number, so many hours after 1970-01-01.
fn sale(client: i64, hour: i64, amount: i64) -> Sale {
    Sale {
        keep: Some(true),
        client: Some(Id::Number(client.into())),
        instant: Some(hour * HOUR),
        amount: Amount::Raw(amount),
        order: Vec::new(),
    }
}

impl Sale {
    fn of_order(mut self, order: Option<i128>) -> Self {
        self.order.push(order.map(Id::Number));
        self
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum IdKind {
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    Float,
    Text,
    /// Texts that are plain integers.
    NumberText,
    /// Texts of one shape: a prefix and a number of a fixed length.
    Code,
    /// Texts of several shapes with a number at their end, and few without.
    Codes,
}

const ID_KINDS: [IdKind; 13] = [
    IdKind::I8,
    IdKind::I16,
    IdKind::I32,
    IdKind::I64,
    IdKind::U8,
    IdKind::U16,
    IdKind::U32,
    IdKind::U64,
    IdKind::Float,
    IdKind::Text,
    IdKind::NumberText,
    IdKind::Code,
    IdKind::Codes,
];

impl IdKind {
    /// The id of number `k`: the ends of the type, and texts of every awkward length.
    fn id(self, k: u64) -> Id {
        const EXACT: i128 = 1 << 53;
        let n = i128::from(k);
        Id::Number(match self {
            Self::I8 => n % 256 - 128,
            Self::I16 => n * 5 - 100,
            Self::I32 => i128::from(i32::MIN) + n * 700_000,
            Self::I64 => match k {
                0 => i64::MIN.into(),
                1 => i64::MAX.into(),
                _ if k.is_multiple_of(2) => -n,
                _ => n << 40,
            },
            Self::U8 => n % 256,
            Self::U16 => n,
            Self::U32 => i128::from(u32::MAX) - n,
            Self::U64 => i128::from(u64::MAX) - (n << 50),
            Self::Float => match k {
                0 => EXACT,
                1 => -EXACT,
                _ => n * 3 - 20,
            },
            Self::NumberText => return Id::text((n * 13 - 40).to_string()),
            Self::Code => return Id::text(format!("customer-{k:011}")),
            Self::Codes => {
                return Id::text(match k % 32 {
                    0..8 => format!("C{k}"),
                    8..14 => format!("FR-{k:04}"),
                    14..20 => format!("{:0width$}", k % 3, width = (k % 21) as usize),
                    20..25 => format!("9250{k:016}"),
                    25..28 => format!("é{k:030}"),
                    28..30 => format!("carte de fidélité {k:04}"),
                    30 => format!("a client of the shop in town {k:016}"),
                    _ => format!("{k}é"),
                });
            }
            Self::Text => {
                return Id::text(match k % 6 {
                    0 => format!("{k}"),
                    1 => format!("{k:012}"),
                    2 => format!("client-{k:06}"),
                    3 => format!("client of the shop number {k}"),
                    4 => format!("é{k}\0"),
                    _ => "ab".repeat(12)[..(k % 24) as usize].to_owned(),
                });
            }
        })
    }
}

#[derive(Debug, Clone, Copy)]
enum DateKind {
    Days,
    Instants {
        per_second: i64,
        zoned: bool,
    },
    /// `2026-11-21`
    DateTexts,
    /// `2026-11-21T10:00:00`
    TimeTexts,
    /// `2026-11-21T10:00:00Z`
    ZuluTexts,
}

const DATE_KINDS: [DateKind; 9] = [
    DateKind::Days,
    DateKind::Instants { per_second: 1, zoned: false },
    DateKind::Instants { per_second: 1_000, zoned: true },
    DateKind::Instants { per_second: 1_000_000, zoned: false },
    DateKind::Instants { per_second: 1_000_000, zoned: true },
    DateKind::Instants { per_second: 1_000_000_000, zoned: false },
    DateKind::DateTexts,
    DateKind::TimeTexts,
    DateKind::ZuluTexts,
];

impl DateKind {
    /// The least number of microseconds between two of its values.
    fn tick(self) -> i64 {
        match self {
            Self::Days | Self::DateTexts => DAY,
            Self::Instants { per_second, .. } => (SECOND / per_second).max(1),
            Self::TimeTexts | Self::ZuluTexts => SECOND,
        }
    }

    fn day(self, instant: i64) -> i32 {
        let offset = match self {
            Self::ZuluTexts | Self::Instants { zoned: true, .. } => ZONE_OFFSET,
            _ => 0,
        };
        (instant + offset).div_euclid(DAY) as i32
    }

    fn text(self, instant: i64) -> String {
        let (mut day, time) = (instant.div_euclid(DAY), instant.rem_euclid(DAY) / SECOND);
        let (mut year, mut month) = (1970, 1);
        while day < 0 {
            year -= 1;
            day += days_of_year(year);
        }
        while day >= days_of_year(year) {
            day -= days_of_year(year);
            year += 1;
        }
        while day >= days_of_month(year, month) {
            day -= days_of_month(year, month);
            month += 1;
        }
        let mut text = format!("{year}-{month:02}-{:02}", day + 1);
        if !matches!(self, Self::DateTexts) {
            write!(text, "T{:02}:{:02}:{:02}", time / 3600, time / 60 % 60, time % 60).unwrap();
        }
        if matches!(self, Self::ZuluTexts) {
            text.push('Z');
        }
        text
    }
}

fn days_of_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn days_of_year(year: i64) -> i64 {
    (1..=12).map(|month| days_of_month(year, month)).sum()
}

/// The type of the amounts. Floats are counted in halves of sixteenths, which are exact in binary
/// and often lie half way between two decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AmountKind {
    F64,
    F32,
    I32,
    I64,
    U32,
    U64,
    Decimal(i8),
}

const AMOUNT_KINDS: [AmountKind; 8] = [
    AmountKind::F64,
    AmountKind::F32,
    AmountKind::I32,
    AmountKind::I64,
    AmountKind::U32,
    AmountKind::U64,
    AmountKind::Decimal(0),
    AmountKind::Decimal(2),
];

const FLOAT_PARTS: i64 = 32;

impl AmountKind {
    fn is_float(self) -> bool {
        matches!(self, Self::F64 | Self::F32)
    }

    /// Decimal places of the integers that are summed.
    fn places(self, money_scale: u8) -> i8 {
        match self {
            Self::F64 | Self::F32 => money_scale as i8,
            Self::Decimal(scale) => scale,
            Self::I32 | Self::I64 | Self::U32 | Self::U64 => 0,
        }
    }

    fn units(self, raw: i64, money_scale: u8) -> i64 {
        if self.is_float() {
            let scaled = i128::from(raw) * 10_i128.pow(money_scale.into());
            half_even(scaled, FLOAT_PARTS.into()) as i64
        } else {
            raw
        }
    }

    /// An amount of this type, small, or so large that sums wrap and floats leave the quick path.
    fn amount(self, h: u64) -> Amount {
        let (small, large) = ((h >> 8) as i64 % 3000, h % 16 == 1);
        let small = if h % 64 == 2 { 0 } else { small.abs() };
        let sign = if h % 8 > 5 { -1 } else { 1 };
        Amount::Raw(match self {
            Self::F64 | Self::F32 if h % 64 == 3 => {
                return Amount::NotFinite([f64::NAN, f64::INFINITY][(h >> 8) as usize % 2]);
            }
            Self::F64 | Self::F32 if large => (sign * (small % 5)) << 40,
            Self::I64 | Self::Decimal(_) if large => {
                [i64::MAX, i64::MAX - 1, i64::MIN, i64::MIN + 1][(h >> 8) as usize % 4]
            }
            Self::U64 if large => i64::MAX,
            Self::U32 | Self::U64 => small,
            Self::F64 | Self::F32 | Self::I32 | Self::I64 | Self::Decimal(_) => sign * small,
        })
    }
}

/// The types of the columns.
#[derive(Debug, Clone)]
struct Layout {
    client: IdKind,
    date: DateKind,
    amount: AmountKind,
    order: Vec<IdKind>,
    /// Whether there is a column of the lines to keep.
    filtered: bool,
}

impl Layout {
    /// Numbered clients, instants, cents.
    fn plain() -> Self {
        Self {
            client: IdKind::I64,
            date: DateKind::Instants { per_second: 1_000_000, zoned: false },
            amount: AmountKind::Decimal(2),
            order: Vec::new(),
            filtered: false,
        }
    }

    fn with_order(mut self, kinds: &[IdKind]) -> Self {
        self.order = kinds.to_vec();
        self
    }
}

// ---------------------------------------------------------------------------------------------
// Columns
// ---------------------------------------------------------------------------------------------

/// Packed bits, with others before and after them that must not be seen.
#[derive(Debug)]
struct Bits {
    bytes: Vec<u8>,
    offset: usize,
}

impl Bits {
    fn new(bits: impl ExactSizeIterator<Item = bool>, offset: usize) -> Self {
        let mut bytes = vec![0b1010_0110; (offset + bits.len()).div_ceil(8)];
        for (i, bit) in bits.enumerate() {
            let (byte, mask) = ((offset + i) / 8, 1 << ((offset + i) % 8));
            bytes[byte] = if bit { bytes[byte] | mask } else { bytes[byte] & !mask };
        }
        Self { bytes, offset }
    }

    fn bitmap(&self) -> Bitmap<'_> {
        Bitmap { bytes: &self.bytes, offset: self.offset }
    }
}

/// Values, and which of them are there.
#[derive(Debug)]
struct Nullable<V> {
    values: V,
    valid: Option<Bits>,
}

impl<V> Nullable<V> {
    /// All there.
    fn full(values: V) -> Self {
        Self { values, valid: None }
    }

    /// A bitmap where a value is missing, and now and then where none is.
    fn new<T>(values: V, cells: &[Option<T>], seed: u64) -> Self {
        let bits = cells.iter().any(Option::is_none) || seed.is_multiple_of(3);
        let valid =
            bits.then(|| Bits::new(cells.iter().map(Option::is_some), (seed % 19) as usize));
        Self { values, valid }
    }

    fn column<'a, B>(&'a self, borrow: impl Fn(&'a V) -> B) -> Column<'a, B> {
        let validity = self.valid.as_ref().map(Bits::bitmap);
        Column { values: borrow(&self.values), validity }
    }
}

/// String views and their buffers.
#[derive(Debug)]
struct TextData {
    views: Vec<u128>,
    buffers: Vec<Vec<u8>>,
}

impl TextData {
    /// Missing texts are views of nowhere, which must not be followed.
    fn new<'a>(texts: impl Iterator<Item = Option<&'a str>>) -> Self {
        let mut buffers = vec![b"unseen".to_vec(), Vec::new(), b"?".to_vec()];
        let view = |text: Option<&str>| {
            let Some(text) = text else {
                return u128::MAX;
            };
            let mut bytes = [0; 16];
            bytes[..4].copy_from_slice(&(text.len() as u32).to_le_bytes());
            if text.len() <= 12 {
                bytes[4..4 + text.len()].copy_from_slice(text.as_bytes());
            } else {
                let buffer = text.len() % buffers.len();
                bytes[4..8].copy_from_slice(&text.as_bytes()[..4]);
                bytes[8..12].copy_from_slice(&(buffer as u32).to_le_bytes());
                bytes[12..].copy_from_slice(&(buffers[buffer].len() as u32).to_le_bytes());
                buffers[buffer].extend(text.as_bytes());
            }
            u128::from_le_bytes(bytes)
        };
        let views = texts.map(view).collect();
        Self { views, buffers }
    }

    fn of(texts: &[&str]) -> Self {
        Self::new(texts.iter().copied().map(Some))
    }

    fn borrow(&self) -> Texts<'_> {
        Texts { views: &self.views, buffers: self.buffers.iter().map(Vec::as_slice).collect() }
    }
}

#[derive(Debug)]
enum IdData {
    I8(Vec<i8>),
    I16(Vec<i16>),
    I32(Vec<i32>),
    I64(Vec<i64>),
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
    U64(Vec<u64>),
    Float(Vec<f64>),
    Text(TextData),
}

/// A column of ids; what stands under the missing ones is none.
fn id_column(kind: IdKind, ids: &[Option<Id>], seed: u64) -> Nullable<IdData> {
    let number = |id: &Option<Id>| id.as_ref().map_or(99, Id::number);
    macro_rules! integers {
        ($kind:ident, $type:ty) => {
            IdData::$kind(ids.iter().map(|id| <$type>::try_from(number(id)).unwrap()).collect())
        };
    }
    let values = match kind {
        IdKind::I8 => integers!(I8, i8),
        IdKind::I16 => integers!(I16, i16),
        IdKind::I32 => integers!(I32, i32),
        IdKind::I64 => integers!(I64, i64),
        IdKind::U8 => integers!(U8, u8),
        IdKind::U16 => integers!(U16, u16),
        IdKind::U32 => integers!(U32, u32),
        IdKind::U64 => integers!(U64, u64),
        IdKind::Float => {
            // Floats are missing by a bit or by being no number.
            let by_bit = seed.is_multiple_of(2);
            let missing = if by_bit { 0.5 } else { f64::NAN };
            let floats =
                ids.iter().map(|id| id.as_ref().map_or(missing, |id| id.number() as f64)).collect();
            if !by_bit {
                return Nullable::full(IdData::Float(floats));
            }
            IdData::Float(floats)
        }
        IdKind::Text | IdKind::NumberText | IdKind::Code | IdKind::Codes => {
            IdData::Text(TextData::new(ids.iter().map(|id| id.as_ref().map(Id::as_text))))
        }
    };
    Nullable::new(values, ids, seed)
}

impl IdData {
    fn borrow(&self) -> IdValues<'_> {
        IdValues::Integers(match self {
            Self::I8(values) => Integers::I8(values),
            Self::I16(values) => Integers::I16(values),
            Self::I32(values) => Integers::I32(values),
            Self::I64(values) => Integers::I64(values),
            Self::U8(values) => Integers::U8(values),
            Self::U16(values) => Integers::U16(values),
            Self::U32(values) => Integers::U32(values),
            Self::U64(values) => Integers::U64(values),
            Self::Float(values) => return IdValues::Floats(values),
            Self::Text(texts) => return IdValues::Texts(texts.borrow()),
        })
    }
}

#[derive(Debug)]
enum DateData {
    Days(Vec<i32>),
    Instants(Vec<i64>, i64, bool),
    Texts(TextData),
}

fn date_column(kind: DateKind, instants: &[Option<i64>], seed: u64) -> Nullable<DateData> {
    let values = match kind {
        DateKind::Days => DateData::Days(
            instants.iter().map(|instant| instant.map_or(-9_999_999, |i| kind.day(i))).collect(),
        ),
        DateKind::Instants { per_second, zoned } => {
            let written = |(row, instant): (usize, &Option<i64>)| match *instant {
                None => i64::MAX,
                // Nanoseconds are cut.
                Some(instant) if per_second > SECOND => instant * 1000 + row as i64 % 1000,
                Some(instant) => instant / kind.tick(),
            };
            DateData::Instants(
                instants.iter().enumerate().map(written).collect(),
                per_second,
                zoned,
            )
        }
        DateKind::DateTexts | DateKind::TimeTexts | DateKind::ZuluTexts => {
            let texts: Vec<Option<String>> =
                instants.iter().map(|instant| instant.map(|i| kind.text(i))).collect();
            DateData::Texts(TextData::new(texts.iter().map(Option::as_deref)))
        }
    };
    Nullable::new(values, instants, seed)
}

impl DateData {
    fn borrow(&self) -> DateValues<'_> {
        match self {
            Self::Days(days) => DateValues::Days(days),
            Self::Instants(values, per_second, zoned) => {
                DateValues::Instants { values, per_second: *per_second, zoned: *zoned }
            }
            Self::Texts(texts) => DateValues::Texts(texts.borrow()),
        }
    }
}

#[derive(Debug)]
enum AmountData {
    F64(Vec<f64>),
    F32(Vec<f32>),
    I32(Vec<i32>),
    I64(Vec<i64>),
    U32(Vec<u32>),
    U64(Vec<u64>),
    Decimal(Vec<i128>, i8),
}

fn amount_column(kind: AmountKind, amounts: &[Amount], seed: u64) -> Nullable<AmountData> {
    let cells: Vec<Option<Amount>> = amounts
        .iter()
        .map(|&amount| (!matches!(amount, Amount::Missing)).then_some(amount))
        .collect();
    let float = |amount: &Amount| match *amount {
        Amount::Missing => 1e300,
        Amount::NotFinite(value) => value,
        Amount::Raw(0) => -0.0,
        Amount::Raw(raw) => raw as f64 / FLOAT_PARTS as f64,
    };
    let integer = |amount: &Amount, missing| match *amount {
        Amount::Missing => missing,
        Amount::NotFinite(_) => panic!("only floats are not finite"),
        Amount::Raw(raw) => i128::from(raw),
    };
    macro_rules! integers {
        ($kind:ident, $type:ty, $missing:expr) => {
            AmountData::$kind(
                amounts
                    .iter()
                    .map(|amount| <$type>::try_from(integer(amount, $missing)).unwrap())
                    .collect(),
            )
        };
    }
    let values = match kind {
        AmountKind::F64 => AmountData::F64(amounts.iter().map(float).collect()),
        AmountKind::F32 => AmountData::F32(amounts.iter().map(|a| float(a) as f32).collect()),
        AmountKind::I32 => integers!(I32, i32, -7),
        AmountKind::I64 => integers!(I64, i64, i64::MIN.into()),
        AmountKind::U32 => integers!(U32, u32, u32::MAX.into()),
        AmountKind::U64 => integers!(U64, u64, u64::MAX.into()),
        AmountKind::Decimal(scale) => {
            AmountData::Decimal(amounts.iter().map(|a| integer(a, i128::MIN)).collect(), scale)
        }
    };
    Nullable::new(values, &cells, seed)
}

impl AmountData {
    fn borrow(&self) -> AmountValues<'_> {
        match self {
            Self::F64(values) => AmountValues::F64(values),
            Self::F32(values) => AmountValues::F32(values),
            Self::I32(values) => AmountValues::Integers(Integers::I32(values)),
            Self::I64(values) => AmountValues::Integers(Integers::I64(values)),
            Self::U32(values) => AmountValues::Integers(Integers::U32(values)),
            Self::U64(values) => AmountValues::Integers(Integers::U64(values)),
            Self::Decimal(values, scale) => AmountValues::Decimals(values, *scale),
        }
    }
}

/// The columns of a batch.
#[derive(Debug)]
struct Table {
    rows: usize,
    client: Nullable<IdData>,
    date: Nullable<DateData>,
    amount: Nullable<AmountData>,
    order: Vec<Nullable<IdData>>,
    keep: Option<Nullable<Bits>>,
}

impl Table {
    fn new(layout: &Layout, sales: &[Sale], seed: u64) -> Self {
        let ids = |of: &dyn Fn(&Sale) -> Option<Id>| sales.iter().map(of).collect::<Vec<_>>();
        let seed_of = |column| hash(seed, column);
        let instants: Vec<Option<i64>> = sales.iter().map(|sale| sale.instant).collect();
        let amounts: Vec<Amount> = sales.iter().map(|sale| sale.amount).collect();
        let order = layout.order.iter().enumerate().map(|(part, &kind)| {
            id_column(kind, &ids(&|sale| sale.order[part].clone()), seed_of(part as u64))
        });
        let keep = layout.filtered.then(|| {
            let cells: Vec<Option<bool>> = sales.iter().map(|sale| sale.keep).collect();
            let bits = Bits::new(cells.iter().map(|keep| keep.unwrap_or(true)), 5);
            Nullable::new(bits, &cells, seed_of(10))
        });
        Self {
            rows: sales.len(),
            client: id_column(layout.client, &ids(&|sale| sale.client.clone()), seed_of(11)),
            date: date_column(layout.date, &instants, seed_of(12)),
            amount: amount_column(layout.amount, &amounts, seed_of(13)),
            order: order.collect(),
            keep,
        }
    }

    fn batch(&self) -> Batch<'_> {
        Batch {
            rows: self.rows,
            client: self.client.column(IdData::borrow),
            date: self.date.column(DateData::borrow),
            amount: self.amount.column(AmountData::borrow),
            order: self.order.iter().map(|column| column.column(IdData::borrow)).collect(),
            keep: self.keep.as_ref().map(|keep| keep.column(Bits::bitmap)),
        }
    }
}

// ---------------------------------------------------------------------------------------------
// Questions, ways to ask them, and answers
// ---------------------------------------------------------------------------------------------

/// A window, and the day before its first.
type Window = (&'static str, i32);

/// What is asked of a pass.
#[derive(Debug, Clone)]
struct Question {
    facts: Vec<(Fact, Option<Window>)>,
    as_of: Option<i32>,
    returns: Returns,
    order: bool,
    money_scale: u8,
    plain_integer_ids: bool,
    returns_only: bool,
    base: Option<Vec<Option<Id>>>,
}

impl Question {
    /// Of all time, up to the last day.
    fn of(facts: &[Fact]) -> Self {
        Self {
            facts: facts.iter().map(|&fact| (fact, None)).collect(),
            as_of: None,
            returns: Returns::Net,
            order: false,
            money_scale: 4,
            plain_integer_ids: false,
            returns_only: false,
            base: None,
        }
    }

    fn every_fact() -> Self {
        Self::of(&Fact::NAMES.map(|(_, fact)| fact))
    }

    fn with_order(mut self) -> Self {
        self.order = true;
        self
    }

    fn returning(mut self, returns: Returns) -> Self {
        self.returns = returns;
        self
    }

    fn options(&self, threads: usize) -> FactsOptions {
        let request = |(fact, window): &(Fact, Option<Window>)| Request {
            fact: *fact,
            window: window.map(|(text, _)| text.to_owned()),
        };
        FactsOptions {
            facts: self.facts.iter().map(request).collect(),
            as_of: self.as_of,
            returns: self.returns,
            order: self.order,
            money_scale: self.money_scale,
            timezone: ZONE.to_owned(),
            plain_integer_ids: self.plain_integer_ids,
            threads: Some(threads),
        }
    }

    /// Whether the lines of an order are told from those of another.
    fn tells_orders(&self) -> bool {
        self.order
    }
}

/// How lines reach the builder.
#[derive(Debug, Clone, Copy)]
struct Way {
    threads: usize,
    /// What lines are shuffled by; none to leave them as they are.
    shuffle: Option<u64>,
    /// Lines a batch.
    batch: usize,
    /// Batches a push.
    push: usize,
    /// Whether the base comes after the first push, and not after the last.
    base_early: bool,
}

const WAYS: [Way; 5] = [
    Way { threads: 1, shuffle: None, batch: usize::MAX, push: 1, base_early: false },
    Way { threads: 1, shuffle: Some(1), batch: 1, push: 1, base_early: true },
    Way { threads: 2, shuffle: None, batch: 3, push: 2, base_early: true },
    Way { threads: 2, shuffle: Some(2), batch: 64, push: 3, base_early: false },
    Way { threads: 7, shuffle: Some(3), batch: 7, push: usize::MAX, base_early: false },
];

/// One value of a fact. Floats are compared by their bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cell {
    Null,
    Date(i32),
    Days(i32),
    Count(u32),
    Float(u64),
    Decimal(i128, i8),
}

fn float(value: f64) -> Cell {
    Cell::Float(value.to_bits())
}

/// An outcome without what carries no meaning: views, buffers, and values under nulls.
#[derive(Debug, PartialEq)]
struct Answer {
    id_type: &'static str,
    ids: Vec<Id>,
    status: Option<Vec<u8>>,
    /// Fact by fact, client by client.
    facts: Vec<Vec<Cell>>,
    account: FactsAccount,
}

impl From<FactsTable> for Answer {
    fn from(outcome: FactsTable) -> Self {
        let (id_type, ids): (_, Vec<Id>) = match &outcome.ids {
            Ids::Signed(ids) => ("signed", ids.iter().map(|&id| Id::Number(id.into())).collect()),
            Ids::Unsigned(ids) => {
                ("unsigned", ids.iter().map(|&id| Id::Number(id.into())).collect())
            }
            Ids::Texts { views, buffers } => {
                let buffers = buffers.iter().map(Vec::as_slice).collect();
                let texts = Texts { views, buffers };
                let text = |i| Id::text(std::str::from_utf8(texts.get(i)).unwrap());
                ("texts", (0..views.len()).map(text).collect())
            }
        };
        let facts = outcome.facts.iter().map(cells).collect();
        Self { id_type, ids, status: outcome.status, facts, account: outcome.account }
    }
}

fn cells(column: &FactColumn) -> Vec<Cell> {
    let mut cells: Vec<Cell> = match &column.values {
        Values::Dates(values) => values.iter().map(|&value| Cell::Date(value)).collect(),
        Values::Days(values) => values.iter().map(|&value| Cell::Days(value)).collect(),
        Values::Counts(values) => values.iter().map(|&value| Cell::Count(value)).collect(),
        Values::Floats(values) => values.iter().map(|&value| float(value)).collect(),
        Values::Decimals(values, scale) => {
            values.iter().map(|&value| Cell::Decimal(value, *scale)).collect()
        }
    };
    if let Some(validity) = &column.validity {
        assert_eq!(validity.len(), cells.len());
        assert!(validity.contains(&false), "a column without nulls has no validity");
        for (cell, _) in cells.iter_mut().zip(validity).filter(|(_, there)| !**there) {
            *cell = Cell::Null;
        }
    }
    cells
}

/// Enter the base in two columns.
fn add_base(builder: &mut FactsPass, layout: &Layout, base: &[Option<Id>]) {
    let halves = base.split_at(base.len() / 2);
    let columns =
        [halves.0, halves.1].map(|ids| id_column(layout.client, ids, 3 * ids.len() as u64));
    let columns: Vec<_> = columns.iter().map(|column| column.column(IdData::borrow)).collect();
    builder.add_clients(&columns).unwrap();
}

/// Put sales through a builder.
fn run(layout: &Layout, question: &Question, sales: &[Sale], way: Way) -> Answer {
    let mut sales: Vec<(u64, &Sale)> = (0..).zip(sales).collect();
    if let Some(seed) = way.shuffle {
        sales.sort_by_key(|&(row, _)| hash(seed, row));
    }
    let sales: Vec<Sale> = sales.into_iter().map(|(_, sale)| sale.clone()).collect();
    let seed = way.shuffle.unwrap_or(0);
    let mut tables: Vec<Table> = (0..)
        .zip(sales.chunks(way.batch))
        .map(|(number, sales)| Table::new(layout, sales, hash(!seed, number)))
        .collect();
    tables.insert(tables.len() / 2, Table::new(layout, &[], seed));
    let mut builder = FactsPass::new(question.options(way.threads)).unwrap();
    for (number, tables) in tables.chunks(way.push).enumerate() {
        builder.push(tables.iter().map(Table::batch).collect()).unwrap();
        if let (0, true, Some(base)) = (number, way.base_early, &question.base) {
            add_base(&mut builder, layout, base);
        }
    }
    if let (false, Some(base)) = (way.base_early, &question.base) {
        add_base(&mut builder, layout, base);
    }
    assert_eq!(builder.rows_read(), sales.len() as u64);
    builder.finish(question.returns_only, question.base.is_some()).unwrap().into()
}

/// The answer in every way, which is that of the oracle.
fn answer(layout: &Layout, question: &Question, sales: &[Sale]) -> Answer {
    let expected = oracle(layout, question, sales);
    for way in WAYS {
        assert_eq!(run(layout, question, sales, way), expected, "{way:?}");
    }
    expected
}

// ---------------------------------------------------------------------------------------------
// The oracle
// ---------------------------------------------------------------------------------------------

/// A line that is used.
struct Used<'a> {
    day: i32,
    instant: i64,
    units: i128,
    is_return: bool,
    /// Its order, if it names one.
    order: Option<Vec<&'a Id>>,
}

/// Where each reason stands in the account.
const WHERE: usize = 0;
const CLIENT: usize = 1;
const DATE: usize = 2;
const AMOUNT: usize = 3;
const FUTURE: usize = 4;
const RETURN: usize = 5;

/// A line as it is used, or the reason why it is not.
/// An id that is there: an empty text is none.
fn present(id: Option<&Id>) -> Option<&Id> {
    id.filter(|id| !matches!(id, Id::Text(text) if text.is_empty()))
}

fn judge<'a>(layout: &Layout, question: &Question, sale: &'a Sale) -> Result<Used<'a>, usize> {
    if layout.filtered && sale.keep != Some(true) {
        return Err(WHERE);
    }
    if present(sale.client.as_ref()).is_none() {
        return Err(CLIENT);
    }
    let instant = sale.instant.ok_or(DATE)?;
    let Amount::Raw(raw) = sale.amount else {
        return Err(AMOUNT);
    };
    let day = layout.date.day(instant);
    if question.as_of.is_some_and(|as_of| day > as_of) {
        return Err(FUTURE);
    }
    if raw < 0 && question.returns == Returns::Drop {
        return Err(RETURN);
    }
    let parts = sale.order.iter().map(|part| present(part.as_ref())).collect();
    Ok(Used {
        day,
        instant,
        units: layout.amount.units(raw, question.money_scale).into(),
        is_return: raw < 0 && question.returns == Returns::Net,
        order: if question.tells_orders() && !layout.order.is_empty() { parts } else { None },
    })
}

/// The lines of a client, the account of all lines, and facts from both.
struct Oracle<'a> {
    layout: &'a Layout,
    question: &'a Question,
    clients: BTreeMap<&'a Id, Vec<Used<'a>>>,
    /// Every id there is, those of lines that are not used among them.
    ids: BTreeSet<&'a Id>,
    account: FactsAccount,
}

fn oracle(layout: &Layout, question: &Question, sales: &[Sale]) -> Answer {
    let mut oracle = Oracle {
        layout,
        question,
        clients: BTreeMap::new(),
        ids: sales.iter().filter_map(|sale| present(sale.client.as_ref())).collect(),
        account: FactsAccount::default(),
    };
    oracle.ids.extend(question.base.iter().flatten().filter_map(|id| present(id.as_ref())));
    sales.iter().for_each(|sale| oracle.see(sale));
    for id in question.base.iter().flatten() {
        match present(id.as_ref()) {
            Some(id) => _ = oracle.clients.entry(id).or_default(),
            None => oracle.account.base_rows_dropped += 1,
        }
    }
    oracle.close_account();
    oracle.answer()
}

impl<'a> Oracle<'a> {
    fn see(&mut self, sale: &'a Sale) {
        let account = &mut self.account;
        account.rows_read += 1;
        let judged = judge(self.layout, self.question, sale);
        if let (Ok(_) | Err(FUTURE), Some(instant)) = (&judged, sale.instant) {
            let day = self.layout.date.day(instant);
            account.first_day_read = Some(account.first_day_read.map_or(day, |d| d.min(day)));
        }
        match judged {
            Err(reason) => {
                account.dropped[reason].0 += 1;
                if let Amount::Raw(raw) = sale.amount {
                    account.dropped[reason].1 +=
                        i128::from(self.layout.amount.units(raw, self.question.money_scale));
                }
            }
            Ok(used) => {
                account.rows_used += 1;
                account.money_used += used.units;
                if used.is_return {
                    account.returns.0 += 1;
                    account.returns.1 += used.units;
                } else if self.question.tells_orders() && used.order.is_none() {
                    account.rows_without_order += 1;
                }
                let (first, last) = account.days.unwrap_or((used.day, used.day));
                account.days = Some((first.min(used.day), last.max(used.day)));
                self.clients.entry(sale.client.as_ref().unwrap()).or_default().push(used);
            }
        }
    }

    fn close_account(&mut self) {
        let account = &mut self.account;
        account.money_places = self.layout.amount.places(self.question.money_scale);
        account.as_of = self.question.as_of.or(account.days.map(|(_, last)| last + 1));
        if let Some(base) = &self.question.base {
            let base: BTreeSet<&Id> = base.iter().filter_map(|id| present(id.as_ref())).collect();
            let outside = self.clients.keys().filter(|id| !base.contains(*id)).count();
            account.clients_outside_base = outside as u64;
        }
        for lines in self.clients.values() {
            account.clients[status(lines) as usize] += 1;
            let mut days: BTreeMap<&Vec<&Id>, BTreeSet<i32>> = BTreeMap::new();
            for line in lines.iter().filter(|line| !line.is_return) {
                if let Some(order) = &line.order {
                    days.entry(order).or_default().insert(line.day);
                }
            }
            let on_two_dates = days.values().filter(|days| days.len() > 1).count();
            account.orders_on_two_dates += on_two_dates as u64;
        }
    }

    fn answer(self) -> Answer {
        let mut shown: Vec<(Id, &Vec<Used>)> = Vec::new();
        for (&id, lines) in &self.clients {
            let status = status(lines);
            if status == Status::Bought
                || self.question.base.is_some()
                || (self.question.returns_only && status == Status::ReturnsOnly)
            {
                shown.push((id.clone(), lines));
            }
        }
        let plain =
            |id: &Id| id.as_text().parse().ok().filter(|n: &i64| n.to_string() == id.as_text());
        let id_type = match self.layout.client {
            IdKind::Text | IdKind::NumberText | IdKind::Code | IdKind::Codes => {
                if self.question.plain_integer_ids && self.ids.iter().all(|id| plain(id).is_some())
                {
                    for (id, _) in &mut shown {
                        *id = Id::Number(plain(id).unwrap().into());
                    }
                    shown.sort_by_key(|(id, _)| id.number());
                    "signed"
                } else {
                    "texts"
                }
            }
            IdKind::U64 => "unsigned",
            _ => "signed",
        };
        let facts = self.question.facts.iter().map(|&(fact, window)| {
            shown.iter().map(|(_, lines)| self.fact(lines, fact, window)).collect()
        });
        Answer {
            id_type,
            status: self
                .question
                .base
                .is_some()
                .then(|| shown.iter().map(|(_, lines)| status(lines) as u8).collect()),
            facts: facts.collect(),
            ids: shown.into_iter().map(|(id, _)| id).collect(),
            account: self.account,
        }
    }

    fn money(&self, units: i128) -> Cell {
        match self.layout.amount {
            AmountKind::Decimal(scale) => Cell::Decimal(units, scale),
            _ => float(units as f64 / 10_f64.powi(self.account.money_places.into())),
        }
    }

    fn mean(&self, units: i128, count: usize) -> Cell {
        if let AmountKind::Decimal(scale) = self.layout.amount {
            return Cell::Decimal(half_even(units * 10_000, count as i128), scale + MEAN_PLACES);
        }
        let parts = count as f64 * 10_f64.powi(self.account.money_places.into());
        float(units as f64 / parts)
    }

    /// A fact of a client, from its lines of all time.
    fn fact(&self, lines: &[Used], fact: Fact, window: Option<Window>) -> Cell {
        let lines: Vec<&Used> = lines
            .iter()
            .filter(|line| window.is_none_or(|(_, before)| line.day > before))
            .collect();
        let purchases: Vec<&Used> = lines.iter().copied().filter(|line| !line.is_return).collect();
        let sum = |of: &dyn Fn(&Used) -> bool| -> i128 {
            lines.iter().filter(|line| of(line)).map(|line| line.units).sum()
        };
        match fact {
            Fact::Lines => return Cell::Count(purchases.len() as u32),
            Fact::Orders => return Cell::Count(baskets(&lines).len() as u32),
            // Returns alone are money of all time, and none of a window.
            Fact::Total if purchases.is_empty() && window.is_some() => return self.money(0),
            Fact::Total => return self.money(sum(&|_| true)),
            Fact::ReturnsTotal => return self.money(sum(&|line| line.is_return)),
            _ => {}
        }
        let days: BTreeSet<i32> = purchases.iter().map(|line| line.day).collect();
        let (Some(&first), Some(&last)) = (days.first(), days.last()) else {
            return match fact {
                Fact::ActiveDays => Cell::Count(0),
                Fact::LogGaps => float(0.0),
                Fact::FirstDayTotal => self.money(0),
                _ => Cell::Null,
            };
        };
        match fact {
            Fact::FirstPurchase => Cell::Date(first),
            Fact::LastPurchase => Cell::Date(last),
            Fact::Recency => Cell::Days(self.account.as_of.unwrap() - last),
            Fact::ActiveDays => Cell::Count(days.len() as u32),
            Fact::MeanGap if days.len() == 1 => Cell::Null,
            Fact::MeanGap => float(f64::from(last - first) / (days.len() - 1) as f64),
            Fact::LogGaps => {
                let days: Vec<i32> = days.into_iter().collect();
                let gaps = days.windows(2).map(|pair| f64::from(pair[1] - pair[0]));
                float(gaps.map(libm::log).fold(0.0, |sum, log| sum + log))
            }
            Fact::MeanBasket => self.mean(sum(&|_| true), baskets(&lines).len()),
            Fact::FirstDayTotal => self.money(sum(&|line| line.day == first)),
            Fact::MaxBasket => self.money(baskets(&lines).iter().map(|b| b.1).max().unwrap()),
            Fact::LastBasket if self.question.tells_orders() => {
                self.money(baskets(&lines).iter().max().unwrap().1)
            }
            Fact::LastBasket => {
                let last = purchases.iter().map(|line| line.instant).max().unwrap();
                self.money(sum(&|line| line.instant == last))
            }
            Fact::Lines | Fact::Orders | Fact::Total | Fact::ReturnsTotal => unreachable!(),
        }
    }
}

/// The orders with a purchase: the instant of its last, and the money. A purchase that names none
/// is an order of its own.
fn baskets(lines: &[&Used]) -> Vec<(i64, i128)> {
    let mut named: BTreeMap<&Vec<&Id>, (Option<i64>, i128)> = BTreeMap::new();
    let mut baskets = Vec::new();
    for line in lines {
        if let Some(order) = &line.order {
            let basket = named.entry(order).or_default();
            basket.1 += line.units;
            if !line.is_return {
                basket.0 = basket.0.max(Some(line.instant));
            }
        } else if !line.is_return {
            baskets.push((line.instant, line.units));
        }
    }
    baskets.extend(named.values().filter_map(|&(instant, units)| Some((instant?, units))));
    baskets
}

fn status(lines: &[Used]) -> Status {
    if lines.iter().any(|line| !line.is_return) {
        Status::Bought
    } else if lines.is_empty() {
        Status::NeverBought
    } else {
        Status::ReturnsOnly
    }
}

// ---------------------------------------------------------------------------------------------
// Random scenarios
// ---------------------------------------------------------------------------------------------

/// Days to count back from, with windows and the day before each begins, found in a calendar.
const ERAS: [(i32, [Window; 6]); 2] = [
    // 2024-03-31
    (
        19_813,
        [
            ("10d", 19_803),
            ("1w", 19_806),
            ("7d", 19_806),
            ("1mo", 19_782),
            ("1q", 19_722),
            ("1y", 19_447),
        ],
    ),
    // 1970-01-10
    (9, [("10d", -1), ("1w", 2), ("3w", -12), ("1mo", -22), ("1q", -83), ("1y", -356)]),
];

/// What sales are made of.
#[derive(Debug, Clone, Copy)]
struct Shop {
    seed: u64,
    rows: u64,
    clients: u64,
    /// Missing cells of a column, in 32.
    nulls: u64,
    /// The day that most sales lie before.
    today: i32,
}

impl Shop {
    fn sales(self, layout: &Layout) -> Vec<Sale> {
        (0..self.rows).map(|row| self.sale(layout, hash(self.seed, row))).collect()
    }

    fn sale(self, layout: &Layout, seed: u64) -> Sale {
        let missing = |column: u64| hash(seed, column) % 32 < self.nulls;
        let back = (hash(seed, 0) % 41) as i64;
        let day = i64::from(self.today) + 12 - back * back / 4;
        let time = (hash(seed, 1) % 5) as i64 * 5 * HOUR + (hash(seed, 1) >> 9) as i64 % 2;
        let instant = (day * DAY + time).div_euclid(layout.date.tick()) * layout.date.tick();
        // Orders depend on the day mostly, so that some lie on two.
        let order_of = |part: usize| hash(hash(seed, 2) % 3 + (day as u64 & 1), part as u64) % 7;
        let order = layout
            .order
            .iter()
            .enumerate()
            .map(|(part, kind)| (!missing(20 + part as u64)).then(|| kind.id(order_of(part))));
        Sale {
            keep: (!missing(10)).then_some(!hash(seed, 3).is_multiple_of(8)),
            client: (!missing(11)).then(|| layout.client.id(hash(seed, 4) % self.clients)),
            instant: (!missing(12)).then_some(instant),
            amount: if missing(13) { Amount::Missing } else { layout.amount.amount(hash(seed, 5)) },
            order: order.collect(),
        }
    }

    /// Some of the clients, some who never came, one twice, and rows without one.
    fn base(self, layout: &Layout) -> Vec<Option<Id>> {
        let ids = (0..self.clients * 2).filter(|&k| !k.is_multiple_of(3));
        let mut base: Vec<Option<Id>> = ids.map(|k| Some(layout.client.id(k))).collect();
        base.extend([None, Some(layout.client.id(0)), None, Some(layout.client.id(0))]);
        base
    }
}

fn layouts() -> impl Strategy<Value = Layout> {
    use IdKind::{Float, I32, I64, NumberText, Text, U8, U64};
    let orders: Vec<Vec<IdKind>> = vec![
        vec![],
        vec![I64],
        vec![U64],
        vec![U8],
        vec![Float],
        vec![Text],
        vec![NumberText],
        vec![Text, Text],
        vec![I32, Text],
        vec![Float, U64, Text],
    ];
    (
        select(&ID_KINDS[..]),
        select(&DATE_KINDS[..]),
        select(&AMOUNT_KINDS[..]),
        select(orders),
        any::<bool>(),
    )
        .prop_map(|(client, date, amount, order, filtered)| Layout {
            client,
            date,
            amount,
            order,
            filtered,
        })
}

/// Facts of all time and of two windows, as chosen by bits, in an order that varies.
fn facts_of(mask: u64, windows: &[Option<Window>], seed: u64) -> Vec<(Fact, Option<Window>)> {
    let pairs =
        windows.iter().flat_map(|&window| Fact::NAMES.iter().map(move |&(_, fact)| (fact, window)));
    let mut facts: Vec<(u64, (Fact, Option<Window>))> =
        (0..).zip(pairs).filter(|(bit, _)| mask >> bit & 1 == 1).collect();
    facts.sort_by_key(|&(bit, _)| hash(seed, bit));
    facts.into_iter().map(|(_, pair)| pair).collect()
}

fn questions() -> impl Strategy<Value = (Question, i32)> {
    let masks = prop_oneof![
        Just(u64::MAX),
        any::<u64>(),
        (any::<u64>(), any::<u64>(), any::<u64>()).prop_map(|(a, b, c)| a & b & c),
    ];
    let windows = (select(&ERAS[..]), 0..6_usize, 0..6_usize, any::<bool>());
    let returns = select(vec![Returns::Net, Returns::Net, Returns::Drop, Returns::Keep]);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    (masks, windows, returns, select(vec![0, 2, 4]), flags, any::<u64>()).prop_map(
        |(mask, ((as_of, windows), a, b, open), returns, money_scale, flags, seed)| {
            let windows =
                if open { vec![None] } else { vec![None, Some(windows[a]), Some(windows[b])] };
            let question = Question {
                facts: facts_of(mask, &windows, seed),
                as_of: (!open).then_some(as_of),
                returns,
                order: flags.0,
                money_scale,
                plain_integer_ids: flags.1,
                returns_only: flags.2,
                base: None,
            };
            (question, as_of)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_sales_in_any_pieces_give_the_facts_of_the_oracle(
        layout in layouts(),
        (mut question, today) in questions(),
        rows in 0..250_u64,
        clients in 1..30_u64,
        nulls in 0..4_u64,
        based in any::<bool>(),
        batch in 1..100_usize,
        push in 1..5_usize,
        seed in any::<u64>(),
    ) {
        let shop = Shop { seed, rows, clients, nulls, today };
        let sales = shop.sales(&layout);
        question.base = based.then(|| shop.base(&layout));
        let expected = oracle(&layout, &question, &sales);
        let ways = [
            WAYS[0],
            Way { threads: 2, shuffle: Some(seed), batch, push, base_early: true },
            Way { threads: 7, shuffle: Some(!seed), batch: batch * 3, push, base_early: false },
        ];
        for way in ways {
            prop_assert_eq!(&run(&layout, &question, &sales, way), &expected, "{:?}", way);
        }
    }
}

/// Put sales through passes over parts of them, and merge what these know of their clients.
fn run_in_parts(layout: &Layout, question: &Question, sales: &[Sale], parts: &[u64]) -> Answer {
    let of_part = |part: usize| {
        let own = (0..).zip(sales).filter(|&(row, _)| hash(7, row) as usize % parts.len() == part);
        let own: Vec<Sale> = own.map(|(_, sale)| sale.clone()).collect();
        let mut pass = FactsPass::new(question.options(1 + part % 2)).unwrap();
        pass.push(vec![Table::new(layout, &own, parts[part]).batch()]).unwrap();
        pass.finish_states().unwrap()
    };
    let mut states: Vec<ClientStates> = (0..parts.len()).map(of_part).collect();
    states.sort_by_key(|of_part| hash(parts[0], of_part.account.rows_used));
    let mut merged = FactsPass::new(question.options(2)).unwrap();
    merged.push(vec![Table::new(layout, &[], 0).batch()]).unwrap();
    let middle = states.len() / 2;
    merged.add_states(&states[..middle].iter().map(state_batch).collect::<Vec<_>>()).unwrap();
    if let Some(base) = &question.base {
        add_base(&mut merged, layout, base);
    }
    merged.add_states(&states[middle..].iter().map(state_batch).collect::<Vec<_>>()).unwrap();
    let mut answer =
        Answer::from(merged.finish(question.returns_only, question.base.is_some()).unwrap());
    // Lines are counted where they are read, and clients where all that is known of them meets.
    let of_lines = states.iter().fold(FactsAccount::default(), |sum, part| sum + &part.account);
    let of_clients = answer.account;
    answer.account = FactsAccount {
        clients: of_clients.clients,
        clients_outside_base: of_clients.clients_outside_base,
        base_rows_dropped: of_clients.base_rows_dropped,
        as_of: of_clients.as_of,
        money_places: of_clients.money_places,
        ..of_lines
    };
    answer
}

fn state_batch(states: &ClientStates) -> StateBatch<'_> {
    let values = match &states.ids {
        Ids::Signed(ids) => IdValues::Integers(Integers::I64(ids)),
        Ids::Unsigned(ids) => IdValues::Integers(Integers::U64(ids)),
        Ids::Texts { views, buffers } => {
            let buffers = buffers.iter().map(Vec::as_slice).collect();
            IdValues::Texts(Texts { views, buffers })
        }
    };
    StateBatch { client: Column { values, validity: None }, scopes: states.scopes.clone() }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_states_of_any_parts_merge_into_the_facts_of_all_sales(
        layout in layouts(),
        (mut question, today) in questions(),
        rows in 0..250_u64,
        clients in 1..30_u64,
        nulls in 0..4_u64,
        based in any::<bool>(),
        parts in prop::collection::vec(any::<u64>(), 1..6),
        seed in any::<u64>(),
    ) {
        let shop = Shop { seed, rows, clients, nulls, today };
        let sales = shop.sales(&layout);
        question.base = based.then(|| shop.base(&layout));
        question.as_of = Some(today);
        question.order = false;
        question.plain_integer_ids = false;
        question.facts.retain(|(fact, _)| {
            use Fact::{ActiveDays, FirstDayTotal, LastBasket, LogGaps, MeanGap};
            !matches!(fact, ActiveDays | MeanGap | LogGaps | LastBasket | FirstDayTotal)
        });
        let expected = oracle(&layout, &question, &sales);
        prop_assert_eq!(run_in_parts(&layout, &question, &sales, &parts), expected);
    }
}

#[test]
fn facts_that_compare_lines_have_no_states() {
    use Fact::{ActiveDays, FirstDayTotal, LastBasket, LogGaps, MeanGap};
    let layout = Layout::plain();
    let compared = [ActiveDays, FirstDayTotal, LastBasket, LogGaps, MeanGap];
    let mut questions = compared.map(|fact| Question::of(&[fact])).to_vec();
    questions.push(Question::of(&[Fact::Total]).with_order());
    for question in questions {
        let mut pass = FactsPass::new(question.options(1)).unwrap();
        pass.push(vec![Table::new(&layout, &[], 0).batch()]).unwrap();
        let Err(Error::Option(told)) = pass.add_states(&[]) else { panic!("{question:?}") };
        let Err(Error::Option(again)) = pass.finish_states() else { panic!("{question:?}") };
        assert_eq!(told, again);
    }
}

#[test]
fn states_of_other_facts_are_refused() {
    let layout = Layout::plain();
    let pass = |question: &Question| {
        let mut pass = FactsPass::new(question.options(1)).unwrap();
        pass.push(vec![Table::new(&layout, &[sale(1, 30, 5)], 0).batch()]).unwrap();
        pass
    };
    let rare = Question::of(&[Fact::MaxBasket]);
    let states = pass(&rare).finish_states().unwrap();
    let told = pass(&Question::of(&[Fact::Total])).add_states(&[state_batch(&states)]);
    assert!(matches!(told, Err(Error::Data(told)) if told.contains("of other facts or windows")));
    let mut negative = state_batch(&states);
    negative.scopes[0].lines[0] = -1;
    let told = pass(&rare).add_states(&[negative]);
    assert!(matches!(told, Err(Error::Data(told)) if told.contains("fewer than no lines")));
}

/// Pushes so long that every thread has a share, and clients so many that every table grows.
fn large(layout: &Layout, mut question: Question, rows: u64, clients: u64) {
    let (as_of, windows) = ERAS[0];
    let shop = Shop { seed: rows, rows, clients, nulls: 1, today: as_of };
    question.as_of = Some(as_of);
    question.facts.extend(
        [Fact::Orders, Fact::LastBasket, Fact::ActiveDays].map(|fact| (fact, Some(windows[3]))),
    );
    question.base = Some(shop.base(layout));
    let sales = shop.sales(layout);
    let expected = oracle(layout, &question, &sales);
    assert!(expected.ids.len() > 4096);
    for (threads, batch, push) in [(1, 9_999, 3), (2, 30_000, 2), (7, 25_000, usize::MAX)] {
        let way = Way { threads, shuffle: Some(7), batch, push, base_early: threads == 2 };
        assert!(run(layout, &question, &sales, way) == expected, "{way:?}");
    }
}

#[test]
fn long_pushes_of_numbers_are_shared_by_all_threads() {
    let layout = Layout { filtered: true, ..Layout::plain() };
    large(&layout, Question::every_fact(), 105_000, 3_000);
}

#[test]
fn long_pushes_of_texts_and_orders_are_shared_by_all_threads() {
    let layout = Layout { client: IdKind::Text, amount: AmountKind::F64, ..Layout::plain() };
    let layout = layout.with_order(&[IdKind::Text, IdKind::U64]);
    let facts = [Fact::Orders, Fact::LastBasket, Fact::MaxBasket, Fact::MeanBasket, Fact::MeanGap];
    large(&layout, Question::of(&facts).with_order(), 40_000, 4_000);
}

// ---------------------------------------------------------------------------------------------
// Facts in small, by hand
// ---------------------------------------------------------------------------------------------

/// Cents.
fn cents(units: i128) -> Cell {
    Cell::Decimal(units, 2)
}

#[test]
fn every_fact_of_one_client_by_hand() {
    let sales = [sale(1, 10, 500), sale(1, 10, 250), sale(1, 12, -50), sale(1, 72, 1000)];
    let answer = answer(&Layout::plain(), &Question::every_fact(), &sales);
    assert_eq!(
        answer.facts.concat(),
        [
            Cell::Date(0),
            Cell::Date(3),
            Cell::Days(1),
            Cell::Count(3),
            Cell::Count(3),
            Cell::Count(2),
            float(3.0),
            float(libm::log(3.0)),
            cents(1700),
            Cell::Decimal(5_666_667, 6),
            cents(1000),
            cents(1000),
            cents(700),
            cents(-50),
        ]
    );
    assert_eq!(answer.account.returns, (1, -50));
    assert_eq!((answer.account.days, answer.account.as_of), (Some((0, 3)), Some(4)));
}

#[test]
fn a_return_read_before_the_purchase_of_its_instant_lowers_it() {
    // As the first batches have it, each return precedes every purchase that it belongs to.
    let sales = [
        sale(1, 50, -30),
        sale(1, 2, -7),
        sale(1, 40, 10),
        sale(1, 1, 100),
        sale(1, 50, 80),
        sale(1, 49, -5),
        sale(2, 5, -1),
        sale(2, 6, -2),
        sale(2, 5, 9),
    ];
    let facts = [Fact::LastBasket, Fact::MaxBasket, Fact::FirstDayTotal, Fact::ReturnsTotal];
    let answer = answer(&Layout::plain(), &Question::of(&facts), &sales);
    assert_eq!(answer.facts[0], [cents(50), cents(8)]);
    assert_eq!(answer.facts[1], [cents(100), cents(9)]);
    assert_eq!(answer.facts[2], [cents(93), cents(6)]);
    assert_eq!(answer.facts[3], [cents(-42), cents(-3)]);
}

#[test]
fn thousands_of_returns_that_wait_are_settled_or_let_go() {
    // More than a partition keeps waiting, then purchases that leave all but a few behind.
    let mut sales: Vec<Sale> = (0..4_000).map(|hour| sale(1, hour, -1)).collect();
    sales.extend([sale(1, 3_000, 500), sale(1, 2_400, 300), sale(1, 3_001, 100)]);
    sales.extend((0..1_500).map(|_| sale(1, 3_001, -1)));
    sales.push(sale(1, 2_399, 50));
    let facts = [Fact::LastBasket, Fact::FirstDayTotal, Fact::Total];
    let (layout, question) = (Layout::plain(), Question::of(&facts));
    let expected = oracle(&layout, &question, &sales);
    assert_eq!(expected.facts[..2].concat(), [cents(100 - 1_501), cents(50 - 24)]);
    for (shuffle, batch) in [(None, 5_000), (None, 700), (Some(1), 700)] {
        let way = Way { shuffle, batch, ..WAYS[0] };
        assert_eq!(run(&layout, &question, &sales, way), expected, "{way:?}");
    }
}

#[test]
fn returns_are_netted_dropped_or_kept() {
    let layout = Layout { amount: AmountKind::F64, ..Layout::plain() };
    // 1 and −3 thirty-seconds; the second client only gives back, −1/32, which rounds to zero.
    let sales = [sale(1, 0, 64), sale(1, 30, -96), sale(2, 3, -1)];
    let question = Question { money_scale: 0, ..Question::of(&[Fact::Lines, Fact::Total]) };
    let [net, drop, keep] = [Returns::Net, Returns::Drop, Returns::Keep]
        .map(|returns| answer(&layout, &question.clone().returning(returns), &sales));
    assert_eq!(net.facts, [[Cell::Count(1)], [float(-1.0)]]);
    assert_eq!((net.account.returns, net.account.clients), ((2, -3), [1, 1, 0]));
    assert_eq!(drop.facts, [[Cell::Count(1)], [float(2.0)]]);
    assert_eq!((drop.account.dropped[RETURN], drop.account.clients), ((2, -3), [1, 0, 0]));
    assert_eq!(keep.facts, [[Cell::Count(2), Cell::Count(1)], [float(-1.0), float(0.0)]]);
    assert_eq!((keep.account.returns, keep.account.clients), ((0, 0), [2, 0, 0]));
}

#[test]
fn orders_are_distinct_within_a_client_and_null_ones_stand_alone() {
    let layout = Layout::plain().with_order(&[IdKind::I64]);
    let sales = [
        sale(1, 0, 10).of_order(Some(7)),
        sale(1, 50, 20).of_order(Some(7)),
        sale(2, 0, 40).of_order(Some(7)),
        sale(1, 9, 80).of_order(None),
        sale(1, 9, 5).of_order(None),
        sale(1, 60, -3).of_order(Some(7)),
        sale(1, 60, -1).of_order(None),
        sale(1, 61, -1).of_order(Some(8)),
    ];
    let facts = [Fact::Orders, Fact::LastBasket, Fact::MaxBasket, Fact::Total];
    let answer = answer(&layout, &Question::of(&facts).with_order(), &sales);
    assert_eq!(answer.facts[0], [Cell::Count(3), Cell::Count(1)]);
    assert_eq!(answer.facts[1], [cents(27), cents(40)]);
    assert_eq!(answer.facts[2], [cents(80), cents(40)]);
    assert_eq!(answer.facts[3], [cents(110), cents(40)]);
    assert_eq!((answer.account.orders_on_two_dates, answer.account.rows_without_order), (1, 2));
}

#[test]
fn the_columns_of_an_order_do_not_run_into_each_other() {
    let number = |n| Some(Id::Number(n));
    let text = |text: &str| Some(Id::text(text));
    let long = "a till with a long name";
    let cases = [
        (vec![IdKind::Text, IdKind::Text], vec![[text("a"), text("ba")], [text("ab"), text("a")]]),
        (vec![IdKind::Text, IdKind::Text], vec![[text("b"), text("a")], [text("a"), text("b")]]),
        (vec![IdKind::Text, IdKind::Text], vec![[text(long), text("b")], [text("b"), text(long)]]),
        (vec![IdKind::I64, IdKind::I64], vec![[number(1), number(23)], [number(12), number(3)]]),
        (vec![IdKind::I64, IdKind::I64], vec![[number(-1), number(0)], [number(0), number(-1)]]),
        (vec![IdKind::I64, IdKind::U64], vec![[number(64), number(0)], [number(0), number(64)]]),
        (vec![IdKind::U8, IdKind::Text], vec![[number(1), text("\u{1}")], [number(1), text("\0")]]),
    ];
    for (kinds, orders) in cases {
        let layout = Layout::plain().with_order(&kinds);
        let lines = [&orders[0], &orders[1], &orders[0]];
        let sales = lines.map(|order| Sale { order: order.to_vec(), ..sale(1, 0, 1) });
        let answer = answer(&layout, &Question::of(&[Fact::Orders]).with_order(), &sales);
        assert_eq!(answer.facts, [[Cell::Count(2)]], "{orders:?}");
    }
}

#[test]
fn a_null_order_after_a_long_one_of_an_earlier_push_is_no_order() {
    let layout = Layout::plain().with_order(&[IdKind::Text, IdKind::Text]);
    let long = Some(Id::text("longer than a view holds"));
    let sales = [
        Sale { order: vec![long.clone(), long], ..sale(1, 0, 1) },
        Sale { order: vec![None, None], ..sale(1, 0, 1) },
    ];
    let question = Question::of(&[Fact::Orders]).with_order();
    let way = Way { batch: 1, push: 1, ..WAYS[0] };
    let answer = run(&layout, &question, &sales, way);
    assert_eq!(answer, oracle(&layout, &question, &sales));
    assert_eq!(answer.facts, [[Cell::Count(2)]]);
}

#[test]
fn an_order_of_which_a_part_is_empty_is_no_order() {
    for order in [["a", ""], ["", "a"], ["", ""], ["a till with a long name", ""]] {
        let layout = Layout::plain().with_order(&[IdKind::Text, IdKind::Text]);
        let order = order.map(|part| Some(Id::text(part))).to_vec();
        let sales = [1, 2].map(|day| Sale { order: order.clone(), ..sale(1, day, 1) });
        let answer = answer(&layout, &Question::of(&[Fact::Orders]).with_order(), &sales);
        assert_eq!(answer.facts, [[Cell::Count(2)]], "{order:?}");
        assert_eq!(answer.account.rows_without_order, 2);
    }
}

#[test]
fn an_order_column_that_is_absent_or_not_asked_for_leaves_each_line_an_order() {
    let sales = [sale(1, 0, 1), sale(1, 0, 2)];
    let facts = Question::of(&[Fact::Orders, Fact::LastBasket, Fact::MaxBasket]);
    let absent = answer(&Layout::plain(), &facts.clone().with_order(), &sales);
    assert_eq!(absent.facts.concat(), [Cell::Count(2), cents(2), cents(2)]);
    assert_eq!(absent.account.rows_without_order, 2);
    let unasked = sales.map(|sale| sale.of_order(Some(4)));
    let unasked = answer(&Layout::plain().with_order(&[IdKind::U8]), &facts, &unasked);
    assert_eq!(unasked.facts.concat(), [Cell::Count(2), cents(3), cents(2)]);
    assert_eq!(unasked.account.rows_without_order, 0);
}

#[test]
fn a_line_is_counted_under_the_first_of_its_reasons() {
    let layout = Layout { filtered: true, ..Layout::plain() };
    // Each line has one fault fewer than the one before it.
    let mut worst = sale(1, 24 * 40, -8);
    (worst.keep, worst.client, worst.instant, worst.amount) =
        (Some(false), None, None, Amount::Missing);
    let unfiltered = Sale { keep: Some(true), ..worst.clone() };
    let of_client = Sale { client: Some(Id::Number(1)), ..unfiltered.clone() };
    let dated = Sale { instant: Some(40 * DAY), ..of_client.clone() };
    let paid = Sale { amount: Amount::Raw(-8), ..dated.clone() };
    let today = Sale { instant: Some(9 * DAY), ..paid.clone() };
    let bought = Sale { amount: Amount::Raw(8), ..today.clone() };
    let sales = [worst, unfiltered, of_client, dated, paid, today, bought];
    let question = Question { as_of: Some(9), ..Question::of(&[Fact::Total]) };
    let answer = answer(&layout, &question.returning(Returns::Drop), &sales);
    let account = answer.account;
    assert_eq!(account.dropped, [(1, 0), (1, 0), (1, 0), (1, 0), (1, -8), (1, -8)]);
    assert_eq!((account.rows_read, account.rows_used, account.money_used), (7, 1, 8));
    assert_eq!((account.days, account.first_day_read), (Some((9, 9)), Some(9)));
}

#[test]
fn what_the_filter_drops_is_counted_in_rows_and_money() {
    let layout = Layout { filtered: true, ..Layout::plain() };
    let keep = [Some(true), Some(false), None, Some(true)];
    let sales: Vec<Sale> =
        (1..).zip(keep).map(|(amount, keep)| Sale { keep, ..sale(1, 0, amount) }).collect();
    let answer = answer(&layout, &Question::of(&[Fact::Total]), &sales);
    assert_eq!(answer.facts, [[cents(5)]]);
    assert_eq!(answer.account.dropped[WHERE], (2, 5));
    assert_eq!([CLIENT, DATE, AMOUNT, FUTURE].map(|at| answer.account.dropped[at]), [(0, 0); 4]);
}

#[test]
fn an_amount_beyond_64_bits_counts_no_money_where_its_line_is_dropped() {
    let mut tables = Vec::new();
    for values in [
        AmountData::U64(vec![u64::MAX, 5]),
        AmountData::Decimal(vec![i128::MAX, 5], 0),
        AmountData::F64(vec![1e300, 5.0]),
    ] {
        let layout = Layout { filtered: true, ..Layout::plain() };
        let dropped = Sale { keep: Some(false), ..sale(1, 0, 0) };
        let mut table = Table::new(&layout, &[dropped, sale(1, 0, 0)], 1);
        table.amount = Nullable::full(values);
        tables.push(table);
    }
    let question = Question { money_scale: 0, ..Question::of(&[Fact::Total]) };
    for table in &tables {
        let mut builder = FactsPass::new(question.options(1)).unwrap();
        builder.push(vec![table.batch()]).unwrap();
        let account = builder.finish(false, false).unwrap().account;
        assert_eq!((account.dropped[WHERE], account.money_used), ((1, 0), 5), "{table:?}");
    }
}

#[test]
fn clients_of_the_base_have_rows_and_a_status() {
    let sales = [sale(5, 0, 10), sale(3, 1, -4), sale(8, 2, 6)];
    let id = |id| Some(Id::Number(id));
    let base = vec![id(9), id(5), None, id(3), id(5), id(-2)];
    let facts = [Fact::Lines, Fact::Total, Fact::LastPurchase, Fact::MeanBasket, Fact::MaxBasket];
    let question = Question { base: Some(base), ..Question::of(&facts) };
    let answer = answer(&Layout::plain(), &question, &sales);
    assert_eq!(answer.ids, [-2, 3, 5, 8, 9].map(Id::Number));
    let (bought, returned, never) =
        (Status::Bought as u8, Status::ReturnsOnly as u8, Status::NeverBought as u8);
    assert_eq!(answer.status, Some(vec![never, returned, bought, bought, never]));
    assert_eq!(answer.facts[0], [0, 0, 1, 1, 0].map(Cell::Count));
    assert_eq!(answer.facts[1], [0, -4, 10, 6, 0].map(cents));
    let (null, day) = (Cell::Null, Cell::Date(0));
    assert_eq!(answer.facts[2], [null, null, day, day, null]);
    assert_eq!(answer.facts[4], [null, null, cents(10), cents(6), null]);
    let account = answer.account;
    assert_eq!((account.clients, account.clients_outside_base), ([2, 1, 2], 1));
    assert_eq!(account.base_rows_dropped, 1);
}

#[test]
fn clients_with_returns_only_have_a_row_where_it_is_asked_for() {
    let sales = [sale(1, 0, 10), sale(2, 1, -4)];
    let question = Question::of(&[Fact::Total]);
    let without = answer(&Layout::plain(), &question, &sales);
    assert_eq!((without.ids, without.account.clients), (vec![Id::Number(1)], [1, 1, 0]));
    let with = answer(&Layout::plain(), &Question { returns_only: true, ..question }, &sales);
    assert_eq!((with.facts, with.status), (vec![vec![cents(10), cents(-4)]], None));
}

#[test]
fn sums_beyond_64_bits_are_exact() {
    let most = i128::from(i64::MAX);
    let sales: Vec<Sale> = (0..5)
        .map(|hour| sale(1, hour, i64::MAX))
        .chain((0..3).map(|_| sale(1, 30, i64::MAX)))
        .chain((0..4).map(|hour| sale(2, hour, i64::MIN)))
        .chain([sale(2, 3, 1), sale(1, 30, -1)])
        .map(|sale| sale.of_order(Some(1)))
        .collect();
    let facts = [
        Fact::Total,
        Fact::FirstDayTotal,
        Fact::ReturnsTotal,
        Fact::LastBasket,
        Fact::MaxBasket,
        Fact::MeanBasket,
    ];
    let layout = Layout::plain().with_order(&[IdKind::I8]);
    let lines = answer(&layout, &Question::of(&facts), &sales);
    let least = 4 * i128::from(i64::MIN);
    assert_eq!(lines.facts[0], [cents(8 * most - 1), cents(least + 1)]);
    assert_eq!(lines.facts[1], [cents(5 * most), cents(least + 1)]);
    assert_eq!(lines.facts[2], [cents(-1), cents(least)]);
    assert_eq!(lines.facts[3], [cents(3 * most - 1), cents(i128::from(i64::MIN) + 1)]);
    assert_eq!(lines.facts[4], [cents(most), cents(1)]);
    assert_eq!(lines.facts[5][1], Cell::Decimal((least + 1) * 10_000, 6));
    assert_eq!(lines.account.money_used, 8 * most + least);
    let orders = answer(&layout, &Question::of(&facts).with_order(), &sales);
    assert_eq!(orders.facts[3], [cents(8 * most - 1), cents(least + 1)]);
    assert_eq!(orders.facts[4], orders.facts[3]);
}

#[test]
fn floats_are_rounded_each_by_itself_half_to_even() {
    let layout = Layout { amount: AmountKind::F64, ..Layout::plain() };
    let total = |amounts: &[i64]| {
        let sales: Vec<Sale> = amounts.iter().map(|&amount| sale(1, 0, amount)).collect();
        answer(&layout, &Question::of(&[Fact::Total]), &sales).facts[0][0]
    };
    // 1/32 is 312.5 of a ten-thousandth.
    assert_eq!(total(&[1]), float(0.0312));
    assert_eq!(total(&[3]), float(0.0938));
    assert_eq!(total(&[1, 1, 1]), float(0.0936));
    assert_eq!(total(&[64, -1]), float(1.9688));
    assert_eq!(total(&[0]), float(0.0));
    assert_eq!(total(&[3 << 40, 1]), float(103_079_215_104.031_2));
}

#[test]
fn windows_begin_after_their_first_day_and_end_with_the_day_itself() {
    let (as_of, windows) = ERAS[0];
    for window in windows {
        let hour = |day: i32| i64::from(day) * 24;
        let sales = [
            sale(1, hour(window.1) + 23, 1),
            sale(1, hour(window.1 + 1), 10),
            sale(1, hour(as_of) + 23, 100),
            sale(1, hour(as_of + 1), 1000),
            sale(2, hour(window.1), 1),
        ];
        let mut question = Question { as_of: Some(as_of), ..Question::of(&[Fact::Total]) };
        for fact in [Fact::Total, Fact::Lines, Fact::Recency, Fact::MeanBasket] {
            question.facts.push((fact, Some(window)));
        }
        let answer = answer(&Layout::plain(), &question, &sales);
        assert_eq!(answer.facts[0], [cents(111), cents(1)], "{window:?}");
        assert_eq!(answer.facts[1], [cents(110), cents(0)], "{window:?}");
        assert_eq!(answer.facts[2], [Cell::Count(2), Cell::Count(0)], "{window:?}");
        assert_eq!(answer.facts[3], [Cell::Days(0), Cell::Null], "{window:?}");
        assert_eq!(answer.facts[4], [Cell::Decimal(550_000, 6), Cell::Null], "{window:?}");
        assert_eq!(answer.account.dropped[FUTURE], (1, 1000), "{window:?}");
    }
}

#[test]
fn a_window_with_returns_only_holds_no_purchase_and_no_money() {
    let mut question = Question { as_of: Some(9), ..Question::of(&[Fact::Total]) };
    for fact in [Fact::Total, Fact::Lines, Fact::MeanBasket, Fact::ReturnsTotal] {
        question.facts.push((fact, Some(ERAS[1].1[1])));
    }
    let answer = answer(&Layout::plain(), &question, &[sale(1, 0, 9), sale(1, 24 * 8, -4)]);
    assert_eq!(answer.facts.concat(), [cents(5), cents(0), Cell::Count(0), Cell::Null, cents(-4)]);
}

#[test]
fn what_stands_under_a_missing_date_is_never_looked_at() {
    for days in [[i32::MAX, 5], [i32::MIN, 5]] {
        let undated = Sale { instant: None, ..sale(1, 0, 1) };
        let mut table = Table::new(&Layout::plain(), &[undated, sale(1, 0, 2)], 1);
        table.date = Nullable { values: DateData::Days(days.to_vec()), valid: table.date.valid };
        let mut builder = FactsPass::new(Question::of(&[Fact::LastBasket]).options(1)).unwrap();
        builder.push(vec![table.batch()]).unwrap();
        let answer = Answer::from(builder.finish(false, false).unwrap());
        assert_eq!((answer.facts, answer.account.dropped[DATE]), (vec![vec![cents(2)]], (1, 1)));
    }
}

#[test]
fn instants_that_a_clock_shows_twice_are_told_apart() {
    // At 01:00 UTC on 2026-10-25, 03:00 in Paris becomes 02:00 once more.
    let day = 20_751 * DAY;
    let instants = vec![day + HOUR / 2, day + HOUR * 3 / 2, day + 23 * HOUR];
    let sales = [sale(1, 0, 10), sale(1, 0, 20), sale(2, 0, 40)];
    let mut table = Table::new(&Layout::plain(), &sales, 1);
    table.date = Nullable::full(DateData::Instants(instants, 1_000_000, true));
    let mut options = Question::of(&[Fact::LastBasket, Fact::LastPurchase]).options(1);
    options.timezone = "Europe/Paris".to_owned();
    let mut builder = FactsPass::new(options).unwrap();
    builder.push(vec![table.batch()]).unwrap();
    let answer = Answer::from(builder.finish(false, false).unwrap());
    assert_eq!(answer.facts[0], [cents(20), cents(40)]);
    assert_eq!(answer.facts[1], [Cell::Date(20_751), Cell::Date(20_752)]);
}

#[test]
fn ids_come_out_ascending_by_value_or_by_bytes() {
    let of = |ids: &[Id]| -> Vec<Sale> {
        ids.iter().map(|id| Sale { client: Some(id.clone()), ..sale(0, 0, 1) }).collect()
    };
    let texts = |texts: &[&str]| of(&texts.iter().map(|&text| Id::text(text)).collect::<Vec<_>>());
    let layout = |client| Layout { client, ..Layout::plain() };
    let question = Question { plain_integer_ids: true, ..Question::of(&[Fact::Lines]) };
    let signed = of(&[0, -1, i64::MIN, i64::MAX].map(|id| Id::Number(id.into())));
    let answer_of = |client, sales: &[Sale]| answer(&layout(client), &question, sales).ids;
    assert_eq!(answer_of(IdKind::I64, &signed)[0], Id::Number(i64::MIN.into()));
    let unsigned = of(&[u64::MAX, 0, 1 << 63].map(|id| Id::Number(id.into())));
    assert_eq!(answer_of(IdKind::U64, &unsigned)[2], Id::Number(u64::MAX.into()));
    let numbers = texts(&["10", "-3", "9", "0", "9223372036854775807"]);
    assert_eq!(answer_of(IdKind::Text, &numbers)[3], Id::Number(10));
    // One that is not the plain text of a number, and all stay texts.
    for odd in ["00123", "-0", "9223372036854775808", "+1", " 1", "1.0"] {
        let ids = answer_of(IdKind::Text, &texts(&["10", odd, "9"]));
        assert!(ids.is_sorted() && ids.contains(&Id::text(odd)), "{ids:?}");
        // So they do where that one's lines are not used.
        let mut sales = texts(&["10", odd, "9"]);
        sales[1].instant = None;
        assert_eq!(answer_of(IdKind::Text, &sales), ["10", "9"].map(Id::text));
    }
    // An empty text is no id.
    assert_eq!(answer_of(IdKind::Text, &texts(&["10", "", "9"])), [9, 10].map(Id::Number));
    let shared = ["twelve bytes", "twelve bytes\0", "twelve bytes and more", "twelve byte", "é"];
    let ids = answer_of(IdKind::Text, &texts(&shared));
    assert_eq!(ids, [3, 0, 1, 2, 4].map(|at| Id::text(shared[at])));
}

/// Enough clients for many buckets, with ids that an even cut would crowd into a few of them.
#[test]
fn ids_come_out_ascending_however_unevenly_they_are_spread() {
    let scattered = |number: i64| number.wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as i64);
    let spreads: [fn(i64) -> i64; 4] =
        [|n| n * 3, |n| n * n * n, |n| if n % 100 == 0 { i64::MAX - n } else { -n }, |n| n << 40];
    let layout = |client| Layout { client, ..Layout::plain() };
    let sales_of = |ids: &dyn Fn(i64) -> Id| -> Vec<Sale> {
        let shuffled = (0..20_000).map(|number| scattered(number).rem_euclid(20_000));
        shuffled.map(|number| Sale { client: Some(ids(number)), ..sale(0, 0, 1) }).collect()
    };
    let question = Question::of(&[Fact::Lines]);
    for spread in spreads {
        let sales = sales_of(&|number| Id::Number(spread(number).into()));
        let mut expected: Vec<Id> = sales.iter().filter_map(|sale| sale.client.clone()).collect();
        expected.sort();
        expected.dedup();
        assert_eq!(answer(&layout(IdKind::I64), &question, &sales).ids, expected);
    }
    let texts: [fn(i64) -> String; 7] = [
        |n| format!("C{n:08}"),
        |n| format!("customer-number-{n:08}"),
        |n| format!("customer number {:016}", n * n * n),
        |n| format!("C{n}"),
        |n| if n == 77 { "odd".to_owned() } else { format!("{n}") },
        |n| format!("{}-household-{n:04}", ["FR", "BE", "CH"][n as usize % 3]),
        |n| if n % 3 == 0 { format!("{n:x}") } else { format!("twelve bytes{n}") },
    ];
    for text in texts {
        let sales = sales_of(&|number| Id::text(text(number)));
        let mut expected: Vec<Id> = sales.iter().filter_map(|sale| sale.client.clone()).collect();
        expected.sort();
        expected.dedup();
        assert_eq!(answer(&layout(IdKind::Text), &question, &sales).ids, expected);
    }
}

#[test]
fn widths_of_ids_may_differ_from_batch_to_batch() {
    let sales = [sale(7, 0, 1), sale(120, 0, 2)];
    let kinds = [IdKind::U64, IdKind::I8, IdKind::U16, IdKind::I64, IdKind::Float];
    for first in 0..kinds.len() {
        let tables: Vec<Table> = (0..kinds.len())
            .map(|i| kinds[(first + i) % kinds.len()])
            .map(|client| Table::new(&Layout { client, ..Layout::plain() }, &sales, 1))
            .collect();
        let mut builder = FactsPass::new(Question::of(&[Fact::Total]).options(2)).unwrap();
        builder.push(tables.iter().map(Table::batch).collect()).unwrap();
        let answer = Answer::from(builder.finish(false, false).unwrap());
        assert_eq!(answer.id_type, if first == 0 { "unsigned" } else { "signed" });
        assert_eq!(answer.ids, [Id::Number(7), Id::Number(120)]);
        assert_eq!(answer.facts, [[cents(5), cents(10)]]);
    }
}

#[test]
fn a_pass_without_lines_has_no_clients() {
    for client in [IdKind::I64, IdKind::U64, IdKind::Text] {
        let layout = Layout { client, ..Layout::plain() };
        let empty = answer(&layout, &Question::every_fact(), &[]);
        assert_eq!((empty.ids, empty.account.as_of, empty.account.days), (vec![], None, None));
    }
}

// ---------------------------------------------------------------------------------------------
// What is refused
// ---------------------------------------------------------------------------------------------

/// The error of a table that cannot be read, the same for any number of threads.
fn refusal(tables: &[Table]) -> Error {
    let errors = [1, 2, 7].map(|threads| {
        let mut builder =
            FactsPass::new(Question::every_fact().with_order().options(threads)).unwrap();
        builder.push(tables.iter().map(Table::batch).collect()).unwrap_err()
    });
    assert!(errors.iter().all(|error| *error == errors[0]), "{errors:?}");
    errors.into_iter().next().unwrap()
}

/// A table of lines that are whole.
fn whole_table(rows: usize) -> Table {
    Table::new(&Layout::plain(), &vec![sale(1, 0, 1); rows], 1)
}

/// The role, the value and the sentence of an error about a value.
fn value_error(error: Error) -> (&'static str, String, String) {
    match error {
        Error::Value { role, value, message } => (role, value, message),
        other => panic!("{other:?} is not about a value"),
    }
}

#[test]
fn amounts_too_large_for_exact_sums_are_refused() {
    let cases = [
        (AmountData::F64(vec![1.0, 1e300]), "1e300".to_owned()),
        (AmountData::F64(vec![-1e15, 1.0]), "-1e15".to_owned()),
        (AmountData::F32(vec![1.0, -1e38]), "-1e38".to_owned()),
        (AmountData::U64(vec![1, u64::MAX]), "18446744073709551615".to_owned()),
        (AmountData::Decimal(vec![1 << 63, 0], 2), "9223372036854775808e-2".to_owned()),
    ];
    for (values, written) in cases {
        let mut table = whole_table(2);
        table.amount = Nullable::full(values);
        let (role, value, message) = value_error(refusal(&[table]));
        assert_eq!((role, &value), ("amount", &written));
        assert!(message.contains("too large") && message.contains(&value), "{message}");
    }
}

#[test]
fn unreadable_dates_are_refused_and_quoted() {
    for (text, reason) in
        [("11/12/2010", "ambiguous"), ("soon", "cannot be read"), ("2026-02-30", "cannot be read")]
    {
        let mut table = whole_table(2);
        table.date = Nullable::full(DateData::Texts(TextData::of(&["2026-01-01", text])));
        let (role, value, message) = value_error(refusal(&[table]));
        assert_eq!((role, value.as_str()), ("date", text));
        assert!(message.contains(reason), "{message}");
    }
}

#[test]
fn unreadable_dates_of_lines_that_are_filtered_out_are_not_read() {
    let layout = Layout { filtered: true, ..Layout::plain() };
    let dropped = Sale { keep: Some(false), ..sale(1, 0, 1) };
    let mut table = Table::new(&layout, &[dropped, sale(1, 0, 2)], 1);
    table.date = Nullable::full(DateData::Texts(TextData::of(&["soon", "2026-01-01"])));
    let mut builder = FactsPass::new(Question::of(&[Fact::Total]).options(1)).unwrap();
    builder.push(vec![table.batch()]).unwrap();
    let answer = Answer::from(builder.finish(false, false).unwrap());
    assert_eq!((answer.facts, answer.account.dropped[WHERE]), (vec![vec![cents(2)]], (1, 1)));
}

#[test]
fn ids_kept_as_floats_must_be_whole() {
    for id in [0.5, -1.25, 9_007_199_254_740_994.0, f64::INFINITY] {
        for role in ["client", "order"] {
            let mut table = whole_table(2);
            let column = Nullable::full(IdData::Float(vec![3.0, id]));
            if role == "client" {
                table.client = column;
            } else {
                table.order.push(column);
            }
            let (found, value, message) = value_error(refusal(&[table]));
            assert_eq!((found, value), (role, id.to_string()));
            assert!(message.contains("whole"), "{message}");
        }
    }
}

#[test]
fn the_first_wrong_line_is_quoted_whatever_the_threads() {
    let mut texts = vec!["2026-01-01"; 50_000];
    (texts[30_000], texts[49_999]) = ("first", "last");
    let mut late = whole_table(texts.len());
    late.date = Nullable::full(DateData::Texts(TextData::of(&texts)));
    let mut early = whole_table(1_000);
    early.date = Nullable::full(DateData::Texts(TextData::of(&texts[..1_000])));
    assert_eq!(value_error(refusal(&[early, late])).1, "first");
}

#[test]
fn columns_of_two_minds_are_refused() {
    let column_error = |tables: &[Table], part: &str| match refusal(tables) {
        Error::Column(message) => assert!(message.contains(part), "{message}"),
        other => panic!("{other:?}"),
    };
    let with = |client| Table { client, ..whole_table(1) };
    let text = || with(Nullable::full(IdData::Text(TextData::of(&["1"]))));
    column_error(&[whole_table(1), text()], "text in one place");
    column_error(&[text(), whole_table(1)], "text in one place");
    let negative = || with(Nullable::full(IdData::I8(vec![-1])));
    let unsigned = || with(Nullable::full(IdData::U64(vec![1])));
    let beyond = || with(Nullable::full(IdData::U64(vec![u64::MAX])));
    column_error(&[unsigned(), negative()], "no value in both");
    column_error(&[whole_table(1), beyond()], "no value in both");
    let scaled =
        Table { amount: Nullable::full(AmountData::Decimal(vec![1], 19)), ..whole_table(1) };
    column_error(&[scaled], "scale 19");
}

#[test]
fn amounts_of_another_type_are_refused_in_a_later_push() {
    let floats = Table { amount: Nullable::full(AmountData::F64(vec![1.0])), ..whole_table(1) };
    let mut builder = FactsPass::new(Question::of(&[Fact::Total]).options(1)).unwrap();
    builder.push(vec![whole_table(1).batch()]).unwrap();
    assert!(matches!(builder.push(vec![floats.batch()]), Err(Error::Column(_))));
}

#[test]
fn amounts_of_another_type_are_refused_in_the_same_push() {
    let floats = Table { amount: Nullable::full(AmountData::F64(vec![1.0])), ..whole_table(1) };
    assert!(matches!(refusal(&[whole_table(1), floats]), Error::Column(_)));
}

#[test]
fn options_without_meaning_are_refused() {
    let options = Question::of(&[Fact::Total]).options(1);
    let refused = |options: FactsOptions, part: &str| match FactsPass::new(options).unwrap_err() {
        Error::Option(message) => assert!(message.contains(part), "{message}"),
        other => panic!("{other:?}"),
    };
    let window = |window: &str| Request { fact: Fact::Lines, window: Some(window.to_owned()) };
    let with = |window, as_of| FactsOptions { facts: vec![window], as_of, ..options.clone() };
    refused(with(window("3w"), None), "as_of");
    refused(with(window("3months"), Some(0)), "not a duration");
    refused(with(window("3m"), Some(0)), "3mo");
    refused(FactsOptions { money_scale: 19, ..options.clone() }, "18 decimal places");
    refused(FactsOptions { timezone: "Europe/Lyon".to_owned(), ..options.clone() }, "Europe/Lyon");
    assert!(matches!(Fact::named("tota"), Err(Error::Option(m)) if m.contains("total")));
    assert!(Fact::NAMES.iter().all(|&(name, fact)| Fact::named(name) == Ok(fact)));
}

#[test]
fn a_pass_begins_with_a_batch() {
    let builder = || FactsPass::new(Question::of(&[Fact::Total]).options(1)).unwrap();
    assert!(matches!(builder().finish(false, false), Err(Error::Data(_))));
    assert!(matches!(builder().add_clients(&[]), Err(Error::Data(_))));
    let mut begun = builder();
    begun.push(Vec::new()).unwrap();
    assert_eq!(begun.rows_read(), 0);
    begun.push(vec![whole_table(0).batch()]).unwrap();
    let texts = Nullable::full(IdData::Text(TextData::of(&["1"])));
    assert!(matches!(begun.add_clients(&[texts.column(IdData::borrow)]), Err(Error::Column(_))));
}
