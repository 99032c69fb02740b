//! Reading amounts: whole units of money.

use std::ops::Range;

use crate::columns::{AmountValues, Column, Integers, integer_at, widen};
use crate::error::{Error, Result};
use crate::facts::drop_reason::{LineDropReason, USED, mark};
use crate::money::{POWERS, Rounded, Unit, round_all, round_one};

/// In place of a reason, for as long as a block is read, of a line whose amount does not fit 64 bits.
const TOO_LARGE: u8 = u8::MAX;

pub fn read_amounts(
    column: &Column<AmountValues>,
    rows: Range<usize>,
    unit: Unit,
    units: &mut [i64],
    drops: &mut [u8],
) {
    if column.validity.is_some() {
        mark(drops, LineDropReason::Amount, |i| !column.is_valid(rows.start + i));
    }
    let missing = |i: usize| !column.is_valid(rows.start + i);
    match column.values {
        AmountValues::F64(values) => round_floats(
            &values[rows.clone()],
            unit,
            units,
            drops,
            missing,
            column.validity.is_some(),
        ),
        AmountValues::F32(values) => round_floats(
            &values[rows.clone()],
            unit,
            units,
            drops,
            missing,
            column.validity.is_some(),
        ),
        AmountValues::Integers(values) => {
            widen(values, rows.clone(), units);
            if matches!(values, Integers::U64(_)) {
                for (unit, drop) in units.iter_mut().zip(drops.iter_mut()) {
                    if *unit < 0 {
                        *unit = too_large(drop);
                    }
                }
            }
            zero_missing(units, missing, column.validity.is_some());
        }
        AmountValues::Decimals(values, _) => {
            for (i, &value) in values[rows.clone()].iter().enumerate() {
                units[i] = i64::try_from(value).unwrap_or_else(|_| too_large(&mut drops[i]));
            }
            zero_missing(units, missing, column.validity.is_some());
        }
    }
}

/// Whether amounts are below zero, as they were read: −0.00001 is a return although it rounds to 0.
pub fn read_signs(column: &Column<AmountValues>, rows: Range<usize>, out: &mut [bool]) {
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
    drops: &mut [u8],
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
                if drops[i] == USED {
                    drops[i] = LineDropReason::Amount as u8;
                }
                0
            }
            Rounded::Overflow => too_large(&mut drops[i]),
        };
    }
}

/// Note that a line's amount is too large, if it has no other reason, and count it as nothing.
fn too_large(drop: &mut u8) -> i64 {
    if *drop == USED {
        *drop = TOO_LARGE;
    }
    0
}

/// Lines with too large an amount are an error, but those that come too late anyway.
pub fn check_sizes(
    column: &Column<AmountValues>,
    first_row: usize,
    days: &[i32],
    last_day: i32,
    drops: &mut [u8],
) -> Result<()> {
    if !drops.contains(&TOO_LARGE) {
        return Ok(());
    }
    for (i, drop) in drops.iter_mut().enumerate().filter(|(_, drop)| **drop == TOO_LARGE) {
        if days[i] <= last_day {
            return Err(overflow(&amount_text(column.values, first_row + i)));
        }
        *drop = LineDropReason::Future as u8;
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
