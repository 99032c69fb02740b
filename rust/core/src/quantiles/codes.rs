//! The inner loop of everything here: how many cuts lie below each value.

use super::chunked_column::{ChunkedColumn, ColumnPiece, split_like};
use super::rankable::Rankable;
use crate::threads::for_each;

/// Rows handled at a time: values and codes of a block stay in the first-level cache.
pub(super) const BLOCK: usize = 1024;

/// The most cuts a code of one byte has room for, 0 being taken by missing values.
pub(super) const MAX_CUTS: usize = 254;

/// Ascending cuts, padded with the highest value, which nothing is above, to one of the lengths
/// that kernels are compiled for.
#[derive(Debug)]
pub(super) struct BandCuts<T> {
    padded: Vec<T>,
}

impl<T: Rankable> BandCuts<T> {
    /// Takes at most [`MAX_CUTS`] cuts in any order; none is NaN.
    pub fn new(mut cuts: Vec<T>) -> Self {
        assert!(cuts.len() <= MAX_CUTS, "codes are bytes");
        cuts.sort_unstable_by_key(|cut| cut.key());
        // Few lengths: each is compiled for every type and instruction set.
        let lengths = [8, 16, 32];
        let padded = lengths.into_iter().find(|length| *length >= cuts.len());
        // Searched cuts end with some padding.
        let padded = padded.unwrap_or((cuts.len() + 1).next_power_of_two().max(128));
        cuts.resize(padded, T::HIGHEST);
        Self { padded: cuts }
    }

    /// Writes for each value 1 + the number of cuts strictly below it, 0 for NaN; `next` are the
    /// values that come next.
    pub fn codes(&self, values: &[T], next: &[T], codes: &mut [u8]) {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has just been asked for AVX2.
            return unsafe { codes_avx2(values, next, &self.padded, codes) };
        }
        codes_portable(values, next, &self.padded, codes);
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn codes_avx2<T: Rankable>(values: &[T], next: &[T], cuts: &[T], codes: &mut [u8]) {
    codes_portable(values, next, cuts, codes);
}

/// Up to 32 cuts, comparing with all of them beats searching among them.
#[inline(always)]
#[allow(clippy::inline_always)] // compiled once for each instruction set
fn codes_portable<T: Rankable>(values: &[T], next: &[T], cuts: &[T], codes: &mut [u8]) {
    macro_rules! by_length {
        ($($kernel:ident: $($length:literal)*;)*) => {
            match cuts.len() {
                $($($length => $kernel::<T, $length>(values, next, cuts.try_into().unwrap(), codes),)*)*
                length => unreachable!("{length} cuts"),
            }
        };
    }
    by_length! {
        compare_all: 8 16 32;
        search: 128 256;
    }
}

#[inline(always)]
#[allow(clippy::inline_always)]
fn compare_all<T: Rankable, const M: usize>(
    values: &[T],
    next: &[T],
    cuts: &[T; M],
    codes: &mut [u8],
) {
    T::compare_all(values, next, cuts, codes);
}

/// Compares with every (M / 16)th cut, then halves the run between two of them, without a branch.
/// The last cut is padding.
#[inline(always)]
#[allow(clippy::inline_always)]
fn search<T: Rankable, const M: usize>(values: &[T], next: &[T], cuts: &[T; M], codes: &mut [u8]) {
    const RUNS: usize = 16;
    let run = M / RUNS;
    let mut pivots = [T::HIGHEST; RUNS];
    for (pivot, cuts) in pivots.iter_mut().zip(cuts.chunks_exact(run)).take(RUNS - 1) {
        *pivot = cuts[run - 1];
    }
    T::compare_all(values, next, &pivots, codes);
    for (value, code) in values.iter().zip(codes) {
        let mut below = usize::from(code.saturating_sub(1)) * run;
        let mut step = run / 2;
        while step > 0 {
            // M is a power of two and below + step < M: the mask only tells the compiler.
            below += step * usize::from(*value > cuts[(below + step - 1) & (M - 1)]);
            step /= 2;
        }
        *code = if value.is_missing() { 0 } else { below as u8 + 1 };
    }
}

impl<T: Rankable> ColumnPiece<'_, T> {
    /// Writes the codes of the rows from `start`, as many as `codes` has room for; their values.
    pub fn codes_from(&self, start: usize, cuts: &BandCuts<T>, codes: &mut [u8]) -> &[T] {
        let (values, next) = self.values[start..].split_at(codes.len());
        cuts.codes(values, next, codes);
        self.erase_nulls(start, codes);
        values
    }

    /// Writes the code of every row.
    pub fn write_codes(&self, cuts: &BandCuts<T>, codes: &mut [u8]) {
        for (n, codes) in codes.chunks_mut(BLOCK).enumerate() {
            self.codes_from(n * BLOCK, cuts, codes);
        }
    }
}

/// 1 + the number of cuts strictly below each value, 0 for a missing one. O(n · min(m, log m)).
pub(super) fn codes<T: Rankable>(column: &ChunkedColumn<'_, T>, cuts: Vec<T>) -> Vec<u8> {
    let cuts = BandCuts::new(cuts);
    let pieces = column.pieces();
    let mut codes = vec![0; column.len()];
    let parts = split_like(&pieces, &mut codes);
    for_each(pieces.iter().zip(parts), |_, (piece, part)| piece.write_codes(&cuts, part));
    codes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_cuts_gives_the_same_codes_in_every_instruction_set() {
        let values: Vec<f64> = (0..701)
            .map(|i| if i % 50 == 49 { f64::NAN } else { f64::from(i * 7919 % 701) })
            .collect();
        // An interpreter such as Miri is a thousand times as slow.
        for len in (0..=MAX_CUTS).step_by(if cfg!(miri) { 33 } else { 1 }) {
            let list: Vec<f64> = (0..len).map(|i| (i * 701 / len) as f64).collect();
            let below = |value: &f64| 1 + list.iter().filter(|cut| *cut < value).count() as u8;
            let expected: Vec<u8> =
                values.iter().map(|value| if value.is_nan() { 0 } else { below(value) }).collect();
            let cuts = BandCuts::new(list.clone());
            let (mut chosen, mut portable) = (vec![9; 701], vec![9; 701]);
            cuts.codes(&values, &[], &mut chosen);
            codes_portable(&values, &[], &cuts.padded, &mut portable);
            assert_eq!(chosen, expected, "{len} cuts");
            assert_eq!(portable, expected, "{len} cuts, portable");
        }
    }
}
