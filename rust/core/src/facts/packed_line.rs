//! Lines in two words: those of a client whose id is a word, on a day and of an amount of ordinary
//! size, where nothing else of a line is asked for.
//!
//! Every line is written to an inbox and read from it again, so the bytes that it takes are time.

use super::key::{Key, Word};
use super::line::{IS_RETURN, Line, NO_ORDER, When, tag_of};
use super::store::{code_of_day, day_of_code, has_code};

/// A line that names no order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PackedLine {
    /// The word that the client's id is.
    pub word: u64,
    /// From the lowest bit: whether it is a return, the code of its day, and its amount.
    pub rest: u64,
}

const DAY_BITS: u32 = 16;
const AMOUNT_SHIFT: u32 = 1 + DAY_BITS;
const AMOUNT_BITS: u32 = u64::BITS - AMOUNT_SHIFT;
/// Amounts from the negative of this to just below it: 7 billion at four places.
const AMOUNTS: i64 = 1 << (AMOUNT_BITS - 1);

impl PackedLine {
    /// The line, if its day and amount fit.
    #[inline]
    pub fn new(word: u64, day: i32, amount: i64, is_return: bool) -> Option<Self> {
        let (rest, fits) = pack_one(day, amount, is_return);
        fits.then_some(Self { word, rest })
    }

    #[inline]
    pub fn is_return(self) -> bool {
        self.rest & 1 != 0
    }

    /// The code of its day.
    #[inline]
    pub fn day_code(self) -> u64 {
        self.rest >> 1 & ((1 << DAY_BITS) - 1)
    }

    #[inline]
    pub fn amount(self) -> i64 {
        self.rest as i64 >> AMOUNT_SHIFT
    }

    /// The same line with all that lines may carry.
    #[inline]
    pub fn unpack<O: Key, W: When>(self) -> Line<Word, O, W> {
        let is_return = u32::from(self.is_return()) * IS_RETURN;
        Line {
            client: self.word,
            order: O::Row::default(),
            amount: self.amount(),
            when: W::new(day_of_code(self.day_code()), 0),
            tag: tag_of(Word::hash_row(self.word, &[])) | NO_ORDER | is_return,
        }
    }
}

/// What a line is beside its client, and whether its day and amount fit.
#[inline]
fn pack_one(day: i32, amount: i64, is_return: bool) -> (u64, bool) {
    let fits = has_code(day) & (amount.wrapping_add(AMOUNTS) as u64 >> AMOUNT_BITS == 0);
    ((amount as u64) << AMOUNT_SHIFT | code_of_day(day) << 1 | u64::from(is_return), fits)
}

/// Pack what lines are beside their clients; false, with some of them wrong, if any does not fit.
pub(super) fn pack(days: &[i32], amounts: &[i64], returns: &[bool], rest: &mut [u64]) -> bool {
    let mut all_fit = true;
    for (((rest, &day), &amount), &is_return) in rest.iter_mut().zip(days).zip(amounts).zip(returns)
    {
        let fits;
        (*rest, fits) = pack_one(day, amount, is_return);
        all_fit &= fits;
    }
    all_fit
}

#[cfg(test)]
mod tests {
    use super::super::key::NoId;
    use super::super::line::Day;
    use super::*;
    use proptest::prelude::*;

    /// Any amount, and those about the ends of what fits.
    fn amount() -> impl Strategy<Value = i64> {
        prop_oneof![any::<i64>(), AMOUNTS - 2..AMOUNTS + 2, -2 - AMOUNTS..2 - AMOUNTS, -9..9_i64]
    }

    /// Any day, and those about the ends of what has a code.
    fn day() -> impl Strategy<Value = i32> {
        prop_oneof![any::<i32>(), -16_390..-16_380, 49_140..49_160, 10_000..20_000]
    }

    proptest! {
        #[test]
        fn a_packed_line_is_the_line_or_none(
            word: u64, day in day(), amount in amount(), is_return: bool,
        ) {
            let fits = (-16_384..=49_149).contains(&day) && (-AMOUNTS..AMOUNTS).contains(&amount);
            let packed = PackedLine::new(word, day, amount, is_return);
            prop_assert_eq!(packed.is_some(), fits);
            if let Some(packed) = packed {
                let line: Line<Word, NoId, Day> = packed.unpack();
                prop_assert_eq!(
                    (line.client, line.when.day(), line.amount, line.tag & 3),
                    (word, day, amount, NO_ORDER | (u32::from(is_return) * IS_RETURN))
                );
                prop_assert_eq!(
                    (packed.is_return(), day_of_code(packed.day_code()), packed.amount()),
                    (is_return, day, amount)
                );
            }
        }
    }
}
