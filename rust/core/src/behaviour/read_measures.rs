//! Reading dwell and clicks: numbers of any type, checked and made whole.

use std::ops::Range;

use super::event::Measures;
use crate::columns::{AmountValues, Column, Integers};
use crate::error::{Error, Result};

/// Call `with` for each row with its number as a float: NaN where there is none or the row is not
/// used. Rounding integers beyond 2^53 does not matter, as they are beyond every limit here.
fn each_number(
    column: &Column<AmountValues>,
    rows: Range<usize>,
    used: impl Fn(usize) -> bool,
    mut with: impl FnMut(usize, f64) -> Result<()>,
) -> Result<()> {
    // Without nulls no row needs a check.
    let all_there = are_all_there(column, rows.len(), &used);
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

/// Whether all rows are valid and used. A loop without a way out is faster than one that stops.
fn are_all_there(column: &Column<AmountValues>, rows: usize, used: impl Fn(usize) -> bool) -> bool {
    column.validity.is_none() && (0..rows).fold(true, |all, i| all & used(i))
}

/// Write the dwell of rows as it is kept: microseconds plus one, 0 where it is not known.
///
/// # Errors
/// If one is below zero or too long.
pub(super) fn read_dwell(
    column: &Column<AmountValues>,
    rows: Range<usize>,
    used: impl Fn(usize) -> bool,
    out: &mut [i64],
) -> Result<()> {
    let all_there = are_all_there(column, rows.len(), &used);
    if let (true, AmountValues::F64(values)) = (all_there, &column.values) {
        // A loop without a way out, which the compiler widens; what is wrong is found below.
        let mut fits = true;
        for (out, &seconds) in out.iter_mut().zip(&values[rows.clone()]) {
            let micros = seconds * 1e6;
            fits &= micros >= 0.0 && micros <= Measures::MAX_DWELL as f64;
            // Beside 2^52 the whole number is the lower bits of the sum.
            *out = ((micros + ROUND).to_bits() as i64).wrapping_sub(ROUND.to_bits() as i64 - 1);
        }
        if fits {
            return Ok(());
        }
    }
    each_number(column, rows, used, |i, seconds| {
        out[i] = dwell_of(seconds)?;
        Ok(())
    })
}

/// Write the clicks of rows beside their dwell.
///
/// # Errors
/// If one is no number of clicks.
pub(super) fn read_clicks(
    column: &Column<AmountValues>,
    rows: Range<usize>,
    used: impl Fn(usize) -> bool,
    dwell: &[i64],
    out: &mut [Measures],
) -> Result<()> {
    let all_there = are_all_there(column, rows.len(), &used);
    if let (true, AmountValues::Integers(Integers::I64(values))) = (all_there, &column.values) {
        let mut fits = true;
        for ((out, &dwell), &clicks) in out.iter_mut().zip(dwell).zip(&values[rows.clone()]) {
            fits &= clicks as u64 <= Measures::MAX_CLICKS;
            *out = Measures::from_parts(dwell, clicks as u64 & Measures::MAX_CLICKS);
        }
        if fits {
            return Ok(());
        }
    }
    each_number(column, rows, used, |i, clicks| {
        out[i] = Measures::from_parts(dwell[i], clicks_of(clicks)?);
        Ok(())
    })
}

/// 2^52: added to it, a smaller number is rounded to a whole one, ties to even.
const ROUND: f64 = 4_503_599_627_370_496.0;

/// Seconds as microseconds, which are what timestamps have, plus one; 0 for not a number.
#[inline]
fn dwell_of(seconds: f64) -> Result<i64> {
    let micros = seconds * 1e6;
    if (0.0..=Measures::MAX_DWELL as f64).contains(&micros) {
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
fn clicks_of(clicks: f64) -> Result<u64> {
    let whole = clicks as i64; // a number out of range stops at the ends, not a number is 0
    let is_whole = (whole as f64).to_bits() == (clicks + 0.0).to_bits(); // −0 + 0 is 0
    if (0..=Measures::MAX_CLICKS as i64).contains(&whole) && is_whole {
        return Ok(whole as u64);
    }
    if clicks.is_nan() { Ok(0) } else { Err(wrong_clicks(clicks)) }
}

#[cold]
fn wrong_clicks(clicks: f64) -> Error {
    Error::Value {
        message: format!(
            "the clicks {clicks} are no number of clicks: they must be whole and from 0 to {}, mend them or leave them empty",
            Measures::MAX_CLICKS
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

    /// The loops for columns without nulls give what one number after another gives.
    #[test]
    fn whole_columns_are_their_numbers() {
        let (most, used) = (Measures::MAX_DWELL as f64 / 1e6, |_: usize| true);
        let dwell = [0.0, -0.0, 0.5e-6, 1.5e-6, 29.999_999_6, 30.0, 1e6 / 3.0, most];
        let column = Column { values: AmountValues::F64(&dwell), validity: None };
        let mut found = [7; 8];
        read_dwell(&column, 0..8, used, &mut found).unwrap();
        assert_eq!(found, dwell.map(|seconds| dwell_of(seconds).unwrap()));
        for wrong in [-1.0, -1e-6, most + 1.0, f64::INFINITY] {
            let values = [1.0, wrong];
            let column = Column { values: AmountValues::F64(&values), validity: None };
            let error = read_dwell(&column, 0..2, used, &mut found[..2]).unwrap_err();
            assert_eq!(error, dwell_of(wrong).unwrap_err());
        }
        let values = [1.0, f64::NAN];
        let column = Column { values: AmountValues::F64(&values), validity: None };
        read_dwell(&column, 0..2, used, &mut found[..2]).unwrap();
        assert_eq!(found[..2], [1_000_001, 0]);

        let clicks = [0, 1, Measures::MAX_CLICKS as i64];
        let column =
            Column { values: AmountValues::Integers(Integers::I64(&clicks)), validity: None };
        let mut measures = [Measures::default(); 3];
        read_clicks(&column, 0..3, used, &[0, 5, 9], &mut measures).unwrap();
        for ((found, clicks), dwell) in measures.iter().zip(clicks).zip([0, 5, 9]) {
            assert_eq!(*found, Measures::from_parts(dwell, clicks as u64));
        }
        for wrong in [-1, Measures::MAX_CLICKS as i64 + 1, i64::MIN, i64::MAX] {
            let values = [wrong];
            let column =
                Column { values: AmountValues::Integers(Integers::I64(&values)), validity: None };
            let error = read_clicks(&column, 0..1, used, &[0], &mut measures[..1]).unwrap_err();
            assert_eq!(error, clicks_of(wrong as f64).unwrap_err());
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
