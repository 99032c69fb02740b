//! From typed columns to plain arrays: keys, hashes, days and integer amounts, a morsel at a time.
//!
//! A morsel is small enough to stay in the first two cache levels, so each step is a simple loop
//! over one typed column, and no combination of types needs code of its own.

use std::ops::Range;
use std::sync::Arc;

use super::Returns;
use super::batch::{AmountValues, Batch, Column, DateValues, IdValues, Integers};
use super::keys::{Absent, Integer, Key, Text, view_of};
use super::shapes::Shapes;
use crate::calendar::{Clock, DAY, day_of_instant};
use crate::error::{Error, Result};
use crate::hash::{hash_bytes, hash_words};
use crate::money::{POWERS, Rounded, Unit, round_all, round_one};

/// Lines in a morsel.
pub(super) const MORSEL: usize = 1024;

/// Why a line is not used, in the order in which reasons win.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Reason {
    /// The `where` condition is false or missing.
    Where = 1,
    /// No client.
    Client,
    /// No date.
    Date,
    /// No amount, or one that is not finite.
    Amount,
    /// Later than `as_of`.
    Future,
    /// A return, where returns are dropped.
    Return,
}

impl Reason {
    /// Every reason, in order.
    pub const ALL: [Self; 6] =
        [Self::Where, Self::Client, Self::Date, Self::Amount, Self::Future, Self::Return];

    /// The reason's name in the account.
    pub fn name(self) -> &'static str {
        match self {
            Self::Where => "where",
            Self::Client => "client",
            Self::Date => "date",
            Self::Amount => "amount",
            Self::Future => "future",
            Self::Return => "returns",
        }
    }
}

/// The fate of a line that is used.
pub(super) const USED: u8 = 0;
/// The fate, for as long as a morsel is read, of a line whose amount does not fit 64 bits.
const TOO_LARGE: u8 = u8::MAX;

/// How integer ids become ordered keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signedness {
    /// The sign bit flipped, so that keys order as the numbers do.
    Signed,
    /// As they are.
    Unsigned,
    /// The bits of either, where only equality counts: within one column equal bits are equal ids.
    Bits,
}

/// How an id column is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading<'a> {
    pub signedness: Signedness,
    /// The number of the column's first buffer among those of the batch.
    pub buffers: u32,
    pub shapes: &'a Shapes,
    pub role: &'static str,
}

/// What turns columns into arrays, the same for every batch of a source.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub clock: Clock,
    pub unit: Unit,
    pub signedness: Signedness,
    /// The shapes of text ids that are read as words.
    pub shapes: Arc<Shapes>,
    /// Whether instants are looked at, and not only days.
    pub instants: bool,
    /// The last day whose lines are used.
    pub last_day: i32,
    pub returns: Returns,
    /// Whether text ids that are all plain integers come out as integers.
    pub plain_integer_ids: bool,
}

impl Rules {
    /// How the client column is read whose first buffer has this number.
    pub fn clients(&self, buffers: u32) -> Reading<'_> {
        Reading { signedness: self.signedness, buffers, shapes: &self.shapes, role: "client" }
    }

    /// How an order column is read.
    fn orders(&self, buffers: u32) -> Reading<'_> {
        Reading { signedness: Signedness::Bits, role: "order", ..self.clients(buffers) }
    }
}

/// The arrays of one morsel, reused from morsel to morsel.
pub(super) struct Morsel<C: Key, O: Key> {
    pub client: Vec<C::Row>,
    pub hash: Vec<u64>,
    pub order: Vec<O::Row>,
    pub no_order: Vec<bool>,
    pub instant: Vec<i64>,
    pub day: Vec<i32>,
    pub amount: Vec<i64>,
    /// Whether the amount, before it is rounded, is below zero and that makes it a return.
    pub is_return: Vec<bool>,
    /// [`USED`] or a [`Reason`].
    pub fate: Vec<u8>,
    scratch_hash: Vec<u64>,
}

impl<C: ReadKey, O: ReadKey> Morsel<C, O> {
    pub fn new() -> Self {
        Self {
            client: vec![C::Row::default(); MORSEL],
            hash: vec![0; MORSEL],
            order: vec![O::Row::default(); MORSEL],
            no_order: vec![false; MORSEL],
            instant: vec![0; MORSEL],
            day: vec![0; MORSEL],
            amount: vec![0; MORSEL],
            is_return: vec![false; MORSEL],
            fate: vec![USED; MORSEL],
            scratch_hash: vec![0; MORSEL],
        }
    }

    /// Read lines `rows` of a batch into the front of the arrays.
    pub fn read(
        &mut self,
        batch: &Batch,
        rows: Range<usize>,
        rules: &Rules,
        client_buffers: u32,
        order: &mut OrderReader,
    ) -> Result<()> {
        let (n, batch_rows) = (rows.len(), rows.clone());
        self.read_keep(batch, &rows);
        C::read(
            &batch.client,
            rows.clone(),
            rules.clients(client_buffers),
            &mut KeyArrays {
                rows: &mut self.client[..n],
                hashes: &mut self.hash[..n],
                fate: &mut self.fate[..n],
            },
        )?;
        read_dates(
            &batch.date,
            rows.clone(),
            rules,
            &mut self.instant[..n],
            &mut self.day[..n],
            &mut self.fate[..n],
        )?;
        read_amounts(
            &batch.amount,
            rows.clone(),
            rules.unit,
            &mut self.amount[..n],
            &mut self.fate[..n],
        );
        let (days, last_day) = (&self.day[..n], rules.last_day);
        check_sizes(&batch.amount, rows.start, days, last_day, &mut self.fate[..n])?;
        if !batch.order.is_empty() {
            self.read_order(batch, rows, rules, order)?;
        }
        mark(&mut self.fate[..n], Reason::Future, |i| self.day[i] > rules.last_day);
        if rules.returns != Returns::Keep {
            read_signs(&batch.amount, batch_rows, &mut self.is_return[..n]);
        }
        if rules.returns == Returns::Drop {
            mark(&mut self.fate[..n], Reason::Return, |i| self.is_return[i]);
        }
        Ok(())
    }

    /// Read client ids alone.
    pub fn read_clients(
        &mut self,
        column: &Column<IdValues>,
        rows: Range<usize>,
        reading: Reading,
    ) -> Result<()> {
        let n = rows.len();
        self.fate[..n].fill(USED);
        let mut arrays = KeyArrays {
            rows: &mut self.client[..n],
            hashes: &mut self.hash[..n],
            fate: &mut self.fate[..n],
        };
        C::read(column, rows, reading, &mut arrays)
    }

    fn read_keep(&mut self, batch: &Batch, rows: &Range<usize>) {
        self.fate[..rows.len()].fill(USED);
        if let Some(keep) = &batch.keep {
            let kept = |i| keep.is_valid(rows.start + i) && keep.values.get(rows.start + i);
            mark(&mut self.fate[..rows.len()], Reason::Where, |i| !kept(i));
        }
    }

    fn read_order(
        &mut self,
        batch: &Batch,
        rows: Range<usize>,
        rules: &Rules,
        order: &mut OrderReader,
    ) -> Result<()> {
        let n = rows.len();
        for (i, missing) in self.no_order[..n].iter_mut().enumerate() {
            *missing = batch.order.iter().any(|column| !is_there(column, rows.start + i));
        }
        if order.encoded {
            let skipped = |i: usize| self.no_order[i] || self.fate[i] != USED;
            order.encode::<O>(batch, rows, &mut self.order[..n], skipped)
        } else {
            // A missing order is no reason to drop a line: its fate is read into a copy.
            let mut fate = [USED; MORSEL];
            fate[..n].copy_from_slice(&self.fate[..n]);
            O::read(
                &batch.order[0],
                rows,
                rules.orders(order.buffers),
                &mut KeyArrays {
                    rows: &mut self.order[..n],
                    hashes: &mut self.scratch_hash[..n],
                    fate: &mut fate[..n],
                },
            )
        }
    }
}

/// Whether an id is there: a float that is not a number is not.
fn is_there(column: &Column<IdValues>, i: usize) -> bool {
    column.is_valid(i)
        && match &column.values {
            IdValues::Floats(values) => !values[i].is_nan(),
            IdValues::Integers(_) | IdValues::Texts(_) => true,
        }
}

/// Give a reason to the lines that have none yet.
#[inline]
pub(super) fn mark(fate: &mut [u8], reason: Reason, drops: impl Fn(usize) -> bool) {
    for (i, fate) in fate.iter_mut().enumerate() {
        if *fate == USED && drops(i) {
            *fate = reason as u8;
        }
    }
}

/// Where the orders of one thread's lines are read to.
pub(super) struct OrderReader {
    /// Whether several columns are written into `bytes`.
    pub encoded: bool,
    /// The number of the first buffer of this batch's order texts, or of `bytes`.
    pub buffers: u32,
    /// The bytes of encoded orders.
    pub bytes: Vec<u8>,
}

impl OrderReader {
    /// Write the columns of each order side by side, so that equal bytes are equal orders: numbers
    /// in as few bytes as they need, texts after their length.
    fn encode<O: ReadKey>(
        &mut self,
        batch: &Batch,
        rows: Range<usize>,
        out: &mut [O::Row],
        skipped: impl Fn(usize) -> bool,
    ) -> Result<()> {
        for (i, row) in rows.enumerate() {
            if skipped(i) {
                out[i] = O::Row::default(); // what stood there may refer to bytes that are gone
                continue;
            }
            let start = self.bytes.len();
            for column in &batch.order {
                match &column.values {
                    IdValues::Integers(values) => {
                        write_integer(&mut self.bytes, integer_at(*values, row));
                    }
                    IdValues::Floats(values) => {
                        write_integer(&mut self.bytes, whole(values[row], "order")?);
                    }
                    IdValues::Texts(texts) => {
                        let text = texts.get(row);
                        write_integer(&mut self.bytes, text.len() as i64);
                        self.bytes.extend(text);
                    }
                }
            }
            let start32 = u32::try_from(start).map_err(|_| {
                Error::Data("the order columns of one batch hold more than 4 GB of text: take a shorter order key".to_owned())
            })?;
            out[i] = O::from_bytes(&self.bytes[start..], self.buffers, start32);
            if self.bytes.len() - start <= 12 {
                self.bytes.truncate(start); // the view holds it whole
            }
        }
        Ok(())
    }
}

/// Write an integer seven bits a byte, the last byte below 128: short for small ones, and no
/// integer begins another.
fn write_integer(bytes: &mut Vec<u8>, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64; // small negatives become small too
    while rest >= 128 {
        bytes.push(rest as u8 | 128);
        rest >>= 7;
    }
    bytes.push(rest as u8);
}

/// The arrays that a key column is read into.
pub(super) struct KeyArrays<'a, R> {
    pub rows: &'a mut [R],
    pub hashes: &'a mut [u64],
    pub fate: &'a mut [u8],
}

/// A kind of id that can be read from a column.
pub(super) trait ReadKey: Key {
    /// Read lines `rows` of a column.
    fn read(
        column: &Column<IdValues>,
        rows: Range<usize>,
        reading: Reading,
        out: &mut KeyArrays<Self::Row>,
    ) -> Result<()>;

    /// The key of encoded bytes.
    fn from_bytes(bytes: &[u8], buffer: u32, start: u32) -> Self::Row;
}

impl ReadKey for Absent {
    fn read(
        _: &Column<IdValues>,
        _: Range<usize>,
        _: Reading,
        _: &mut KeyArrays<()>,
    ) -> Result<()> {
        Ok(())
    }
    fn from_bytes(_: &[u8], _: u32, _: u32) {
        unreachable!("encoded orders are texts")
    }
}

impl ReadKey for Text {
    fn read(
        column: &Column<IdValues>,
        rows: Range<usize>,
        reading: Reading,
        out: &mut KeyArrays<u128>,
    ) -> Result<()> {
        let IdValues::Texts(texts) = &column.values else {
            return Err(mixed_ids());
        };
        mark(out.fate, Reason::Client, |i| !column.is_valid(rows.start + i));
        for (i, &view) in texts.views[rows.clone()].iter().enumerate() {
            if view as u32 <= 12 {
                out.rows[i] = view;
                out.hashes[i] = hash_words(view as u64, (view >> 64) as u64);
            } else if column.is_valid(rows.start + i) {
                out.rows[i] = view + (u128::from(reading.buffers) << 64);
                out.hashes[i] = hash_bytes(texts.get(rows.start + i));
            } else {
                out.rows[i] = 0;
                out.hashes[i] = 0;
            }
        }
        Ok(())
    }

    fn from_bytes(bytes: &[u8], buffer: u32, start: u32) -> u128 {
        view_of(bytes, buffer, start)
    }
}

impl ReadKey for Integer {
    fn read(
        column: &Column<IdValues>,
        rows: Range<usize>,
        reading: Reading,
        out: &mut KeyArrays<u64>,
    ) -> Result<()> {
        let n = rows.len();
        if column.validity.is_some() {
            mark(out.fate, Reason::Client, |i| !column.is_valid(rows.start + i));
        }
        let flip = if reading.signedness == Signedness::Signed { 1 << 63 } else { 0 };
        let natural = match &column.values {
            IdValues::Integers(values) => {
                write_keys(*values, rows, flip, out);
                if matches!(values, Integers::U64(_)) {
                    Signedness::Unsigned
                } else {
                    Signedness::Signed
                }
            }
            IdValues::Floats(values) => {
                mark(out.fate, Reason::Client, |i| values[rows.start + i].is_nan());
                for (i, &value) in values[rows].iter().enumerate() {
                    let used = out.fate[i] == USED;
                    let id = if used { whole(value, reading.role)? } else { 0 };
                    out.rows[i] = id as u64 ^ flip;
                }
                Signedness::Signed
            }
            IdValues::Texts(_) => return Err(mixed_ids()),
        };
        if reading.signedness != Signedness::Bits && reading.signedness != natural {
            same_in_both(&out.rows[..n], flip, out.fate)?;
        }
        Ok(())
    }

    fn from_bytes(_: &[u8], _: u32, _: u32) -> u64 {
        unreachable!("encoded orders are texts")
    }
}

/// Write integer ids as keys.
fn write_keys(values: Integers, rows: Range<usize>, flip: u64, out: &mut KeyArrays<u64>) {
    macro_rules! keys {
        ($values:expr) => {
            for (row, &value) in out.rows.iter_mut().zip(&$values[rows]) {
                *row = value as i64 as u64 ^ flip;
            }
        };
    }
    match values {
        Integers::I8(v) => keys!(v),
        Integers::I16(v) => keys!(v),
        Integers::I32(v) => keys!(v),
        Integers::I64(v) => keys!(v),
        Integers::U8(v) => keys!(v),
        Integers::U16(v) => keys!(v),
        Integers::U32(v) => keys!(v),
        Integers::U64(v) => keys!(v),
    }
}

/// Signed and unsigned ids may meet as long as each means the same number as both.
fn same_in_both(keys: &[u64], flip: u64, fate: &[u8]) -> Result<()> {
    if keys.iter().zip(fate).any(|(&key, &fate)| ((key ^ flip) as i64) < 0 && fate == USED) {
        return Err(mixed_signs());
    }
    Ok(())
}

pub(crate) fn mixed_signs() -> Error {
    Error::Column(
        "client ids are signed integers in one place and unsigned 64-bit integers in another, and some have no value in both: cast them to one type".to_owned(),
    )
}

pub(crate) fn mixed_ids() -> Error {
    Error::Column(
        "ids are text in one place and numbers in another: cast the columns to one type before scoring".to_owned(),
    )
}

/// A float that is a whole number within ±2^53, as an integer.
pub(crate) fn whole(value: f64, role: &'static str) -> Result<i64> {
    const LIMIT: f64 = 9_007_199_254_740_992.0;
    if value.abs() <= LIMIT && value.fract() == 0.0 {
        Ok(value as i64)
    } else {
        Err(Error::Value {
            message: format!(
                "the {role} id {value} is no whole number within ±2^53: ids kept as floats must be whole, cast the column to text or integers"
            ),
            role,
            value: value.to_string(),
        })
    }
}

/// Copy integers of any width into 64 bits (unsigned ones keep their bits).
pub(crate) fn widen(values: Integers, rows: Range<usize>, out: &mut [i64]) {
    macro_rules! copy {
        ($values:expr) => {
            for (out, &value) in out.iter_mut().zip(&$values[rows]) {
                *out = value as i64;
            }
        };
    }
    match values {
        Integers::I8(v) => copy!(v),
        Integers::I16(v) => copy!(v),
        Integers::I32(v) => copy!(v),
        Integers::I64(v) => out.copy_from_slice(&v[rows]),
        Integers::U8(v) => copy!(v),
        Integers::U16(v) => copy!(v),
        Integers::U32(v) => copy!(v),
        Integers::U64(v) => copy!(v),
    }
}

fn integer_at(values: Integers, i: usize) -> i64 {
    let mut one = [0];
    widen(values, i..i + 1, &mut one);
    one[0]
}

fn read_dates(
    column: &Column<DateValues>,
    rows: Range<usize>,
    rules: &Rules,
    instants: &mut [i64],
    days: &mut [i32],
    fate: &mut [u8],
) -> Result<()> {
    let clock = &rules.clock;
    if column.validity.is_some() {
        mark(fate, Reason::Date, |i| !column.is_valid(rows.start + i));
    }
    match &column.values {
        DateValues::Days(values) => {
            days.copy_from_slice(&values[rows]);
            if rules.instants {
                for (instant, &day) in instants.iter_mut().zip(days.iter()) {
                    *instant = i64::from(day).saturating_mul(DAY);
                }
            }
        }
        DateValues::Instants { values, per_second: 1_000_000, zoned: false } => {
            let values = &values[rows];
            for (day, &instant) in days.iter_mut().zip(values) {
                *day = day_of_instant(instant);
            }
            if rules.instants {
                instants.copy_from_slice(values);
            }
        }
        DateValues::Instants { values, per_second, zoned } => {
            to_micros(&values[rows], *per_second, instants);
            // Instants are ordered as they are; only their days are those of the clock.
            for (day, &instant) in days.iter_mut().zip(instants.iter()) {
                *day = day_of_instant(if *zoned { clock.wall(instant) } else { instant });
            }
        }
        DateValues::Texts(texts) => {
            for i in 0..instants.len() {
                let row = rows.start + i;
                let read = fate[i] != Reason::Where as u8 && column.is_valid(row);
                let (instant, wall) = if read {
                    clock.parse(&String::from_utf8_lossy(texts.get(row)))?
                } else {
                    (0, 0)
                };
                instants[i] = instant;
                days[i] = day_of_instant(wall);
            }
        }
    }
    Ok(())
}

/// Bring instants of any precision to microseconds: finer ones are cut, far ones stop at the ends.
pub(crate) fn to_micros(values: &[i64], per_second: i64, out: &mut [i64]) {
    match per_second {
        1_000_000 => out.copy_from_slice(values),
        1_000_000_000 => {
            for (out, &value) in out.iter_mut().zip(values) {
                *out = value.div_euclid(1000);
            }
        }
        coarser => {
            let factor = 1_000_000 / coarser;
            for (out, &value) in out.iter_mut().zip(values) {
                *out = value.saturating_mul(factor);
            }
        }
    }
}

fn read_amounts(
    column: &Column<AmountValues>,
    rows: Range<usize>,
    unit: Unit,
    units: &mut [i64],
    fate: &mut [u8],
) {
    if column.validity.is_some() {
        mark(fate, Reason::Amount, |i| !column.is_valid(rows.start + i));
    }
    let missing = |i: usize| !column.is_valid(rows.start + i);
    match column.values {
        AmountValues::F64(values) => round_floats(
            &values[rows.clone()],
            unit,
            units,
            fate,
            missing,
            column.validity.is_some(),
        ),
        AmountValues::F32(values) => round_floats(
            &values[rows.clone()],
            unit,
            units,
            fate,
            missing,
            column.validity.is_some(),
        ),
        AmountValues::Integers(values) => {
            widen(values, rows.clone(), units);
            if matches!(values, Integers::U64(_)) {
                for (unit, fate) in units.iter_mut().zip(fate.iter_mut()) {
                    if *unit < 0 {
                        *unit = too_large(fate);
                    }
                }
            }
            zero_missing(units, missing, column.validity.is_some());
        }
        AmountValues::Decimals(values, _) => {
            for (i, &value) in values[rows.clone()].iter().enumerate() {
                units[i] = i64::try_from(value).unwrap_or_else(|_| too_large(&mut fate[i]));
            }
            zero_missing(units, missing, column.validity.is_some());
        }
    }
}

/// Whether amounts are below zero, as they were read: −0.00001 is a return although it rounds to 0.
fn read_signs(column: &Column<AmountValues>, rows: Range<usize>, out: &mut [bool]) {
    macro_rules! signs {
        ($values:expr, $zero:expr) => {
            for (out, &value) in out.iter_mut().zip(&$values[rows]) {
                *out = value < $zero;
            }
        };
    }
    match column.values {
        AmountValues::F64(v) => signs!(v, 0.0),
        AmountValues::F32(v) => signs!(v, 0.0),
        AmountValues::Decimals(v, _) => signs!(v, 0),
        AmountValues::Integers(Integers::I8(v)) => signs!(v, 0),
        AmountValues::Integers(Integers::I16(v)) => signs!(v, 0),
        AmountValues::Integers(Integers::I32(v)) => signs!(v, 0),
        AmountValues::Integers(Integers::I64(v)) => signs!(v, 0),
        AmountValues::Integers(
            Integers::U8(_) | Integers::U16(_) | Integers::U32(_) | Integers::U64(_),
        ) => out.fill(false),
    }
}

/// What stands under a missing amount must not count as money.
fn zero_missing(units: &mut [i64], missing: impl Fn(usize) -> bool, any: bool) {
    if any {
        for (i, unit) in units.iter_mut().enumerate() {
            if missing(i) {
                *unit = 0;
            }
        }
    }
}

fn round_floats<F: Copy + Into<f64>>(
    amounts: &[F],
    unit: Unit,
    units: &mut [i64],
    fate: &mut [u8],
    missing: impl Fn(usize) -> bool,
    any_missing: bool,
) {
    let per_one = unit.per_one();
    if round_all(amounts, per_one, units) {
        return zero_missing(units, missing, any_missing);
    }
    for (i, &amount) in amounts.iter().enumerate() {
        let amount = amount.into();
        units[i] = match round_one(amount, per_one) {
            _ if missing(i) => 0,
            Rounded::Units(units) => units,
            Rounded::NotFinite => {
                if fate[i] == USED {
                    fate[i] = Reason::Amount as u8;
                }
                0
            }
            Rounded::Overflow => too_large(&mut fate[i]),
        };
    }
}

/// Note that a line's amount is too large, if it has no other fate, and count it as nothing.
fn too_large(fate: &mut u8) -> i64 {
    if *fate == USED {
        *fate = TOO_LARGE;
    }
    0
}

/// Lines with too large an amount are an error, but those that come too late anyway.
fn check_sizes(
    column: &Column<AmountValues>,
    first_row: usize,
    days: &[i32],
    last_day: i32,
    fate: &mut [u8],
) -> Result<()> {
    if !fate.contains(&TOO_LARGE) {
        return Ok(());
    }
    for (i, fate) in fate.iter_mut().enumerate().filter(|(_, fate)| **fate == TOO_LARGE) {
        if days[i] <= last_day {
            return Err(overflow(&amount_text(column.values, first_row + i)));
        }
        *fate = Reason::Future as u8;
    }
    Ok(())
}

/// An amount as it is written, the very large in powers of ten.
fn amount_text(values: AmountValues, row: usize) -> String {
    match values {
        AmountValues::F64(values) => format!("{:e}", values[row]),
        AmountValues::F32(values) => format!("{:e}", values[row]),
        AmountValues::Integers(values) => (integer_at(values, row) as u64).to_string(),
        AmountValues::Decimals(values, scale) => format!("{}e-{scale}", values[row]),
    }
}

fn overflow(value: &str) -> Error {
    Error::Value {
        message: format!(
            "the amount {value} is too large to be summed exactly in 64 bits: check the column, or keep fewer decimal places with money_scale (at most {} are possible)",
            POWERS.len() - 1
        ),
        role: "amount",
        value: value.to_owned(),
    }
}
