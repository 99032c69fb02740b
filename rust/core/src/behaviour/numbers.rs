//! Dwell and clicks as they are read: floats of any column, checked and made whole.

use std::ops::Range;

use super::event::Measures;
use crate::error::{Error, Result};
use crate::facts::{AmountValues, Column, Integers};

/// Hand the numbers of rows over as floats, not a number where there is none or the row is not used;
/// integers beyond 2^53 are beyond every limit here.
pub(super) fn each_number(
    column: &Column<AmountValues>,
    rows: Range<usize>,
    used: impl Fn(usize) -> bool,
    mut with: impl FnMut(usize, f64) -> Result<()>,
) -> Result<()> {
    // Without nulls the question is not asked of each.
    let all_there = column.validity.is_none() && (0..rows.len()).all(&used);
    macro_rules! each {
        ($values:expr, $number:expr) => {{
            let number = $number;
            if all_there {
                for (i, &value) in $values[rows.clone()].iter().enumerate() {
                    with(i, number(value))?;
                }
                return Ok(());
            }
            for (i, &value) in $values[rows.clone()].iter().enumerate() {
                let there = used(i) && column.is_valid(rows.start + i);
                with(i, if there { number(value) } else { f64::NAN })?;
            }
        }};
    }
    match column.values {
        AmountValues::F64(v) => each!(v, |x: f64| x),
        AmountValues::F32(v) => each!(v, f64::from),
        AmountValues::Decimals(v, scale) => {
            let unit = 10_f64.powi(i32::from(scale));
            each!(v, |x: i128| x as f64 / unit);
        }
        AmountValues::Integers(Integers::I8(v)) => each!(v, f64::from),
        AmountValues::Integers(Integers::I16(v)) => each!(v, f64::from),
        AmountValues::Integers(Integers::I32(v)) => each!(v, f64::from),
        AmountValues::Integers(Integers::I64(v)) => each!(v, |x: i64| x as f64),
        AmountValues::Integers(Integers::U8(v)) => each!(v, f64::from),
        AmountValues::Integers(Integers::U16(v)) => each!(v, f64::from),
        AmountValues::Integers(Integers::U32(v)) => each!(v, f64::from),
        AmountValues::Integers(Integers::U64(v)) => each!(v, |x: u64| x as f64),
    }
    Ok(())
}

/// Seconds as microseconds, which are what timestamps have, plus one; 0 for not a number.
#[inline]
pub(super) fn dwell_of(seconds: f64) -> Result<i64> {
    // Added to 2^52 a number below it is rounded to a whole one, ties to even.
    const ROUND: f64 = 4_503_599_627_370_496.0;
    let micros = seconds * 1e6;
    if (0.0..=Measures::MOST_DWELL as f64).contains(&micros) {
        return Ok((micros + ROUND - ROUND) as i64 + 1);
    }
    if seconds.is_nan() { Ok(0) } else { Err(wrong_dwell(seconds)) }
}

#[cold]
fn wrong_dwell(seconds: f64) -> Error {
    let message = if seconds < 0.0 {
        format!(
            "the dwell {seconds} is below zero: it is the time on the page in seconds, mend it or leave it empty"
        )
    } else {
        format!(
            "the dwell {seconds} is more than 203 days: it is the time on the page in seconds, divide it if it is in milliseconds, or leave it empty"
        )
    };
    Error::Value { message, role: "dwell", value: seconds.to_string() }
}

/// A number of clicks; 0 for not a number.
#[inline]
pub(super) fn clicks_of(clicks: f64) -> Result<u64> {
    let whole = clicks as i64; // a number out of range stops at the ends, not a number is 0
    let is_whole = (whole as f64).to_bits() == (clicks + 0.0).to_bits(); // −0 + 0 is 0
    if (0..=Measures::MOST_CLICKS as i64).contains(&whole) && is_whole {
        return Ok(whole as u64);
    }
    if clicks.is_nan() { Ok(0) } else { Err(wrong_clicks(clicks)) }
}

#[cold]
fn wrong_clicks(clicks: f64) -> Error {
    Error::Value {
        message: format!(
            "the clicks {clicks} are no number of clicks: they must be whole and from 0 to {}, mend them or leave them empty",
            Measures::MOST_CLICKS
        ),
        role: "clicks",
        value: clicks.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dwell_is_rounded_to_microseconds() {
        for (seconds, kept) in [
            (0.0, 1),
            (-0.0, 1),
            (1.5, 1_500_001),
            (0.000_000_5, 1),
            (0.000_001_5, 3),
            (17_592_186.0, 17_592_186_000_001),
            (f64::NAN, 0),
        ] {
            assert_eq!(dwell_of(seconds), Ok(kept), "{seconds}");
        }
        for seconds in [-0.001, -1.0, 17_592_187.0, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(matches!(dwell_of(seconds), Err(Error::Value { role: "dwell", .. })));
        }
    }

    #[test]
    fn clicks_are_whole() {
        for (clicks, kept) in [(0.0, 0), (-0.0, 0), (3.0, 3), (1_048_575.0, 1_048_575)] {
            assert_eq!(clicks_of(clicks), Ok(kept));
        }
        assert_eq!(clicks_of(f64::NAN), Ok(0));
        for clicks in [-1.0, 0.5, 1_048_576.0, f64::INFINITY] {
            assert!(matches!(clicks_of(clicks), Err(Error::Value { role: "clicks", .. })));
        }
    }
}
