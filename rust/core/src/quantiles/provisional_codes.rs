//! Edges and bands together, in one pass over the column.
//!
//! A sample tells in which narrow brackets of values the edges should lie, and with them the band of
//! every value outside the brackets. So the pass that counts and collects the values in the brackets
//! also writes a provisional code for each row: the region that its value is in. Once the collected
//! values have given the edges, a table maps codes to bands, and the rows of collected values are
//! corrected one by one. Where the counts refute the sample, edges are selected first and bands
//! written in another pass, as for columns too small to sample: the result is the same.

use super::chunked_column::{ChunkedColumn, ColumnPiece, split_like};
use super::codes::{BLOCK, BandCuts, codes};
use super::rankable::Rankable;
use super::scan::count;
use super::select::{
    Bound, CumulativeCount, PassPlan, Ranks, Selection, select_many, select_small,
};
use crate::threads::{for_each, map_each};

/// The most cuts that every value is compared with.
const MAX_CUTS: usize = 32;

/// Edges and bands. `cut` is given the number of values and the keys of the `wanted` ranks, and returns
/// the edges and the ascending cuts that they stand for. The band of a row is 1 + the number of cuts
/// below its value, 0 where that is missing.
pub(super) fn bands<T: Rankable, E>(
    column: &ChunkedColumn<'_, T>,
    wanted: &Ranks,
    cut: impl Fn(usize, &[u64]) -> (E, Vec<T>),
) -> (E, Vec<u8>) {
    let pieces = column.pieces();
    let in_two_passes = |count: usize, keys: &[u64]| {
        let (edges, cuts) = cut(count, keys);
        (edges, codes(column, cuts))
    };
    let Some(mut selection) = Selection::start(&pieces, column.len()) else {
        let (count, keys) = select_small(&pieces, wanted);
        return in_two_passes(count, &keys);
    };
    let plan = selection.first_plan(&wanted(selection.total()));
    let Some(regions) = plan.and_then(|plan| Regions::new(&plan, &selection)) else {
        let (count, keys) = selection.run(&pieces, wanted);
        return in_two_passes(count, &keys);
    };
    let mut bands = vec![0; column.len()];
    let provisional = ProvisionalCodes::write(&pieces, &regions, &mut bands);
    let Some(keys) = provisional.select(&wanted(provisional.total())) else {
        selection.add_counts(&provisional.ends);
        let (count, keys) = selection.run(&pieces, wanted);
        return in_two_passes(count, &keys);
    };
    let (edges, cuts) = cut(provisional.total(), &keys);
    if provisional.write_bands(&pieces, &cuts, &mut bands) {
        return (edges, bands);
    }
    (edges, codes(column, cuts))
}

/// The range of values divided into regions, of which the second, the fourth, … are to be collected.
/// Regions may be empty.
struct Regions<T> {
    /// Ends, ascending; region i goes from just above end i up to end i + 1.
    ends: Vec<Bound>,
    cuts: BandCuts<T>,
}

impl<T: Rankable> Regions<T> {
    /// `None` if there are too many.
    fn new(plan: &PassPlan, selection: &Selection) -> Option<Self> {
        let mut ends = vec![selection.lowest()];
        for (end, collected) in plan.regions(selection.lowest(), selection.highest()) {
            if collected != is_collected(ends.len() - 1) {
                // An empty region; where no key is low enough to end it, one of a single key.
                ends.push((*ends.last()?).max(selection.lowest() + 1));
            }
            ends.push(end);
        }
        if ends.len() - 2 > MAX_CUTS {
            return None;
        }
        let cuts = ends[1..ends.len() - 1].iter().map(|key| T::from_key(*key as u64));
        Some(Self { cuts: BandCuts::new(cuts.collect()), ends })
    }
}

/// Whether the values of a region are collected.
fn is_collected(region: usize) -> bool {
    region % 2 == 1
}

/// What the pass has found. The code of a row is 1 + its region, 0 for a missing value.
struct ProvisionalCodes {
    /// The ends of the regions, and the number of values up to each.
    ends: Vec<CumulativeCount>,
    /// What each piece of the column holds of the regions that are collected.
    collected: Vec<Collected>,
}

/// For each region that is collected (the second, the fourth, …) the keys of its values, with their
/// rows within the piece.
struct Collected(Vec<Vec<(u64, u32)>>);

impl ProvisionalCodes {
    fn write<T: Rankable>(
        pieces: &[ColumnPiece<'_, T>],
        regions: &Regions<T>,
        bands: &mut [u8],
    ) -> Self {
        let number = regions.ends.len() - 1;
        let parts = pieces.iter().zip(split_like(pieces, bands));
        let found =
            map_each(parts, |_, (piece, codes)| write_piece(piece, &regions.cuts, number, codes));
        let (counts, collected): (Vec<_>, Vec<_>) = found.into_iter().unzip();
        let mut ends = vec![CumulativeCount { key: regions.ends[0], count: 0 }];
        for (region, key) in regions.ends[1..].iter().enumerate() {
            let values: usize = counts.iter().map(|counts| counts[region + 1]).sum();
            ends.push(CumulativeCount { key: *key, count: ends[region].count + values });
        }
        Self { ends, collected }
    }

    /// The number of values.
    fn total(&self) -> usize {
        self.ends[self.ends.len() - 1].count
    }

    /// The keys of the ranks, if all are in regions that are collected or of a single key.
    fn select(&self, ranks: &[usize]) -> Option<Vec<u64>> {
        let region = |rank: &usize| self.ends.partition_point(|end| end.count < *rank) - 1;
        let in_one_region: Vec<&[usize]> =
            ranks.chunk_by(|rank, next| region(rank) == region(next)).collect();
        let found = map_each(in_one_region, |_, ranks| self.select_in(region(&ranks[0]), ranks));
        Some(found.into_iter().collect::<Option<Vec<_>>>()?.concat())
    }

    /// The keys of some ranks that are in one region.
    fn select_in(&self, region: usize, ranks: &[usize]) -> Option<Vec<u64>> {
        let (from, to) = (self.ends[region], self.ends[region + 1]);
        if to.key - from.key == 1 {
            return Some(vec![to.key as u64; ranks.len()]);
        }
        if !is_collected(region) {
            return None;
        }
        let mut keys = Vec::with_capacity(to.count - from.count);
        for collected in &self.collected {
            keys.extend(collected.of(region).iter().map(|(key, _)| key));
        }
        let indices: Vec<usize> = ranks.iter().map(|rank| rank - from.count - 1).collect();
        let mut distinct = indices.clone();
        distinct.dedup();
        select_many(&mut keys, &distinct);
        Some(indices.into_iter().map(|index| keys[index]).collect())
    }

    /// Replaces the codes by bands; `false`, and nothing done, if a cut divides a region that was not
    /// collected.
    fn write_bands<T: Rankable>(
        &self,
        pieces: &[ColumnPiece<'_, T>],
        cuts: &[T],
        bands: &mut [u8],
    ) -> bool {
        let cuts: Vec<Bound> = cuts.iter().map(|cut| Bound::from(cut.key())).collect();
        // The cuts below every value of a region, and those below some.
        let below = |region: usize| cuts.partition_point(|cut| *cut <= self.ends[region].key);
        let regions = 0..self.ends.len() - 1;
        let within = |region: usize| {
            let upper = cuts.partition_point(|cut| *cut < self.ends[region + 1].key);
            &cuts[below(region)..upper.max(below(region))]
        };
        let is_divided = |region: usize| {
            let holds_values = self.ends[region].count < self.ends[region + 1].count;
            holds_values && !is_collected(region) && !within(region).is_empty()
        };
        if regions.clone().any(is_divided) {
            return false;
        }
        // A value of a region that is not collected is above cut j exactly if its code is above those
        // of the regions below the cut, which are the first ones.
        let step = |j| regions.clone().take_while(|region| below(*region) <= j).count() as u8;
        let steps = BandCuts::new((0..cuts.len()).map(step).collect());
        let corrected: Vec<usize> =
            regions.filter(|region| is_collected(*region) && !within(*region).is_empty()).collect();
        let parts = split_like(pieces, bands);
        for_each(self.collected.iter().zip(parts), |_, (collected, bands)| {
            codes_to_bands(bands, &steps);
            for region in &corrected {
                let (first, cuts) = (1 + below(*region), within(*region));
                for (key, row) in collected.of(*region) {
                    let above = cuts.iter().filter(|cut| **cut < Bound::from(*key)).count();
                    bands[*row as usize] = (first + above) as u8;
                }
            }
        });
        true
    }
}

impl Collected {
    /// The values of a region.
    fn of(&self, region: usize) -> &[(u64, u32)] {
        &self.0[region / 2]
    }
}

/// Writes the codes of a piece; the count of each, and the values of the collected regions.
fn write_piece<T: Rankable>(
    piece: &ColumnPiece<'_, T>,
    cuts: &BandCuts<T>,
    regions: usize,
    codes: &mut [u8],
) -> (Vec<usize>, Collected) {
    let mut counts = vec![0; regions + 1];
    let mut collected = Collected(vec![Vec::new(); regions / 2]);
    let mut rows = [0u32; BLOCK + 64];
    for start in (0..piece.values.len()).step_by(BLOCK) {
        let end = piece.values.len().min(start + BLOCK);
        let codes = &mut codes[start..end];
        let values = piece.codes_from(start, cuts, codes);
        // The regions that are not collected.
        count(codes, 1, 2, &mut counts);
        let mut len = 0;
        let (groups, rest) = codes.as_chunks::<64>();
        for (n, group) in groups.iter().enumerate() {
            len += bit_positions(collected_mask(group), n as u32 * 64, &mut rows[len..]);
        }
        let mut group = [0; 64];
        group[..rest.len()].copy_from_slice(rest);
        len += bit_positions(collected_mask(&group), groups.len() as u32 * 64, &mut rows[len..]);
        for i in &rows[..len] {
            // A code is 1 + the region.
            let region = usize::from(codes[*i as usize] / 2) - 1;
            collected.0[region].push((values[*i as usize].key(), start as u32 + i));
        }
    }
    for region in (0..regions).filter(|region| is_collected(*region)) {
        counts[region + 1] = collected.of(region).len();
    }
    (counts, collected)
}

/// A bit for each code, the lowest first: 1 for those of collected regions, which are even and not 0.
fn collected_mask(codes: &[u8; 64]) -> u64 {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 processor has SSE2.
    return unsafe { collected_mask_sse2(codes) };
    #[cfg(not(target_arch = "x86_64"))]
    collected_mask_portable(codes)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse2")]
fn collected_mask_sse2(codes: &[u8; 64]) -> u64 {
    use std::arch::x86_64::{
        _mm_add_epi8, _mm_andnot_si128, _mm_movemask_epi8, _mm_set_epi64x, _mm_set1_epi8,
        _mm_slli_epi16,
    };
    let words = codes.as_chunks::<8>().0;
    let word = |n: usize| i64::from_le_bytes(words[n]);
    let of_register = |n: usize| {
        let codes = _mm_set_epi64x(word(2 * n + 1), word(2 * n));
        // As below, with the lowest bit of each byte moved to its highest.
        let above_one = _mm_add_epi8(codes, _mm_set1_epi8(0x7E));
        let bits = _mm_andnot_si128(_mm_slli_epi16::<7>(codes), above_one);
        u64::from(_mm_movemask_epi8(bits) as u16) << (16 * n)
    };
    of_register(0) | of_register(1) | of_register(2) | of_register(3)
}

#[cfg(any(test, not(target_arch = "x86_64")))]
fn collected_mask_portable(codes: &[u8; 64]) -> u64 {
    let mut mask = 0;
    for (n, word) in codes.as_chunks::<8>().0.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        // Codes are below 128: the sum leaves its highest bit unset in 0 and 1 alone, and no
        // carry leaves a byte.
        let bits = ((word + 0x7E7E_7E7E_7E7E_7E7E) >> 7) & !word & 0x0101_0101_0101_0101;
        // The product moves bit 8i to bit 56 + i, and nothing else that high.
        mask |= (bits.wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * n);
    }
    mask
}

/// Writes `first` + the position of each bit that is set; how many there are. What follows them in
/// `positions`, which has room for 64, is unspecified.
fn bit_positions(mut bits: u64, first: u32, positions: &mut [u32]) -> usize {
    const AT_ONCE: usize = 4;
    let len = bits.count_ones() as usize;
    // Always a few at once: where bits end is hard to predict.
    let groups = positions[..64].as_chunks_mut::<AT_ONCE>().0.iter_mut();
    for group in groups.take(len.div_ceil(AT_ONCE)) {
        for position in group {
            *position = first + bits.trailing_zeros();
            bits &= bits.wrapping_sub(1);
        }
    }
    len
}

/// Replaces each code but 0 by its band: 1 + the number of steps below it.
fn codes_to_bands(codes: &mut [u8], steps: &BandCuts<u8>) {
    let mut before = [0; BLOCK];
    for codes in codes.chunks_mut(BLOCK) {
        let before = &mut before[..codes.len()];
        before.copy_from_slice(codes);
        steps.codes(before, &[], codes);
        for (band, code) in codes.iter_mut().zip(before) {
            *band &= 0u8.wrapping_sub(u8::from(*code > 0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collected_codes_are_even_and_not_0() {
        for first in 0..=2 * MAX_CUTS as u8 {
            let codes = std::array::from_fn(|i| first.wrapping_mul(7).wrapping_add(i as u8) % 64);
            let expected = |i: usize| codes[i] > 0 && codes[i] % 2 == 0;
            let bits = (0..64).map(|i| u64::from(expected(i)) << i).sum::<u64>();
            assert_eq!(collected_mask(&codes), bits);
            assert_eq!(collected_mask_portable(&codes), bits);
        }
    }

    #[test]
    fn positions_are_those_of_the_bits() {
        for bits in [0, 1, 1 << 63, 0b1011_0110, u64::MAX, 0x8000_0000_F0F0_0001] {
            let mut positions = [0; 70];
            let len = bit_positions(bits, 128, &mut positions[3..]);
            let expected: Vec<u32> =
                (0..64).filter(|i| bits >> i & 1 == 1).map(|i| 128 + i).collect();
            assert_eq!(positions[3..3 + len], expected);
        }
    }
}
