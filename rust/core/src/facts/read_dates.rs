//! Reading dates: days, and instants where these are looked at.

use std::ops::Range;

use super::batch::{Column, DateValues};
use super::morsel::Rules;
use super::reason::{Reason, mark};
use crate::calendar::{DAY, day_of_instant};
use crate::error::Result;

pub(super) fn read_dates(
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
