//! Reading dates: days, and instants where these are looked at.

use std::ops::Range;

use super::options::ReadOptions;
use crate::calendar::{DAY, day_of_instant};
use crate::columns::{Column, DateValues, to_micros};
use crate::error::Result;
use crate::facts::drop_reason::{LineDropReason, mark};

pub fn read_dates(
    column: &Column<DateValues>,
    rows: Range<usize>,
    options: &ReadOptions,
    instants: &mut [i64],
    days: &mut [i32],
    drops: &mut [u8],
) -> Result<()> {
    let clock = &options.clock;
    if column.validity.is_some() {
        mark(drops, LineDropReason::Date, |i| !column.is_valid(rows.start + i));
    }
    match &column.values {
        DateValues::Days(values) => {
            days.copy_from_slice(&values[rows]);
            if options.instants {
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
            if options.instants {
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
                let read = drops[i] != LineDropReason::Where as u8 && column.is_valid(row);
                let (instant, wall) = if read { clock.parse(texts.get(row))? } else { (0, 0) };
                instants[i] = instant;
                days[i] = day_of_instant(wall);
            }
        }
    }
    Ok(())
}
