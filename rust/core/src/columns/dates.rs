//! Days and instants.

use super::texts::Texts;

/// The values of the date column.
#[derive(Debug, Clone)]
pub enum DateValues<'a> {
    /// Days since 1970-01-01.
    Days(&'a [i32]),
    /// Instants since 1970-01-01, `per_second` of them a second.
    Instants {
        /// The instants.
        values: &'a [i64],
        /// 1, 1,000, 1,000,000 or 1,000,000,000.
        per_second: i64,
        /// Whether they are instants of UTC, to be shown in the time zone that was asked for.
        zoned: bool,
    },
    /// ISO texts.
    Texts(Texts<'a>),
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
