//! Reading amounts: whole units of money.

use std::ops::Range;

use super::batch::{AmountValues, Column, Integers};
use super::read_ids::{integer_at, widen};
use super::reason::{Reason, USED, mark};
use crate::error::{Error, Result};
use crate::money::{POWERS, Rounded, Unit, round_all, round_one};

/// The fate, for as long as a morsel is read, of a line whose amount does not fit 64 bits.
const TOO_LARGE: u8 = u8::MAX;

pub(super) fn read_amounts(
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
pub(super) fn read_signs(column: &Column<AmountValues>, rows: Range<usize>, out: &mut [bool]) {
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
pub(super) fn check_sizes(
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
