//! Edges and bands together, in one pass over the column.
//!
//! A sample tells in which narrow brackets of values the edges must lie, and the band of every
//! value outside of them. So the pass that counts what the brackets hold, and collects it, writes
//! a draft as well: for each row the region of values that it is in. Once the collected values have
//! given the edges, regions are turned into bands, and the rows of collected values are corrected
//! one by one. Where the counts refute the sample, edges are selected and bands written apart, as
//! they are for columns too small to sample: the answer is the same.

use std::ops::Range;

use rayon::prelude::*;

use super::codes::{BLOCK, Cuts, codes};
use super::column::{Column, Piece, cut_like};
use super::scan::count;
use super::select::{Bound, Known, Plan, Ranks, Search, select_many, select_small};
use super::value::Value;

/// The most cuts that every value is compared with.
const MAX_CUTS: usize = 32;

/// What `cut` makes of the number of values and the keys of the `wanted` ranks, and for each row
/// 1 + the number of the cuts that it returns with that, ascending, below the row's value; 0 where
/// that is missing.
pub(super) fn bands<T: Value, E>(
    column: &Column<'_, T>,
    wanted: impl Ranks,
    cut: impl Fn(usize, &[u64]) -> (E, Vec<T>),
) -> (E, Vec<u8>) {
    let t0 = std::time::Instant::now();
    let pieces = column.pieces();
    let apart = |count: usize, keys: &[u64]| {
        let (edges, cuts) = cut(count, keys);
        (edges, codes(column, cuts))
    };
    let Some(mut search) = Search::start(&pieces, column.len()) else {
        let (count, keys) = select_small(&pieces, wanted);
        return apart(count, &keys);
    };
    let t1 = std::time::Instant::now();
    let plan = search.first_plan(&wanted(search.total()));
    let Some(regions) = plan.and_then(|plan| Regions::new(&plan, &search)) else {
        let (count, keys) = search.run(&pieces, wanted);
        return apart(count, &keys);
    };
    let t2 = std::time::Instant::now();
    let mut bands = vec![0; column.len()];
    let t3 = std::time::Instant::now();
    let draft = Draft::write(&pieces, &regions, &mut bands);
    let t4 = std::time::Instant::now();
    let Some(keys) = draft.select(&wanted(draft.total())) else {
        search.learn(&draft.ends);
        let (count, keys) = search.run(&pieces, wanted);
        return apart(count, &keys);
    };
    let (edges, cuts) = cut(draft.total(), &keys);
    let t5 = std::time::Instant::now();
    if draft.finish(&pieces, &cuts, &mut bands) {
        let t6 = std::time::Instant::now();
        eprintln!(
            "sample {:?} plan {:?} alloc {:?} write {:?} select {:?} finish {:?}",
            t1 - t0,
            t2 - t1,
            t3 - t2,
            t4 - t3,
            t5 - t4,
            t6 - t5
        );
        return (edges, bands);
    }
    (edges, codes(column, cuts))
}

/// The values cut into regions, every other one, from the second, to be collected. Regions may be
/// empty.
struct Regions<T> {
    /// Ends, ascending; region i goes from just above end i up to end i + 1.
    ends: Vec<Bound>,
    cuts: Cuts<T>,
}

impl<T: Value> Regions<T> {
    /// `None` if there are too many.
    fn new(plan: &Plan, search: &Search) -> Option<Self> {
        let mut ends = vec![search.lowest()];
        for (end, collected) in plan.regions(search.lowest(), search.highest()) {
            if collected != is_collected(ends.len() - 1) {
                // An empty region; where no key is low enough to end it, one of a single key.
                ends.push((*ends.last()?).max(search.lowest() + 1));
            }
            ends.push(end);
        }
        if ends.len() - 2 > MAX_CUTS {
            return None;
        }
        let cuts = ends[1..ends.len() - 1].iter().map(|key| T::from_key(*key as u64));
        Some(Self { cuts: Cuts::new(cuts.collect()), ends })
    }
}

/// Whether the values of a region are collected.
fn is_collected(region: usize) -> bool {
    region % 2 == 1
}

/// What the pass found. A row's draft of a band is 1 + its region, 0 for a missing value.
struct Draft {
    /// The ends of the regions, and the number of values up to each.
    ends: Vec<Known>,
    /// What each piece of the column holds of the regions that are collected.
    collected: Vec<Collected>,
}

/// Values set aside, by region and then by row.
struct Collected {
    keys: Vec<u64>,
    /// Rows within the piece.
    rows: Vec<u32>,
    /// Where each region ends.
    ends: Vec<usize>,
}

impl Draft {
    fn write<T: Value>(pieces: &[Piece<'_, T>], regions: &Regions<T>, bands: &mut [u8]) -> Self {
        let number = regions.ends.len() - 1;
        let (counts, collected): (Vec<Vec<usize>>, Vec<Collected>) = pieces
            .par_iter()
            .zip(cut_like(pieces, bands))
            .map(|(piece, codes)| write_piece(piece, &regions.cuts, number, codes))
            .unzip();
        let mut ends = vec![Known { key: regions.ends[0], count: 0 }];
        for (region, key) in regions.ends[1..].iter().enumerate() {
            let values: usize = counts.iter().map(|counts| counts[region + 1]).sum();
            ends.push(Known { key: *key, count: ends[region].count + values });
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
        let found: Option<Vec<Vec<u64>>> = in_one_region
            .into_par_iter()
            .map(|ranks| self.select_in(region(&ranks[0]), ranks))
            .collect();
        found.map(|keys| keys.concat())
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
            keys.extend_from_slice(&collected.keys[collected.of(region)]);
        }
        let places: Vec<usize> = ranks.iter().map(|rank| rank - from.count - 1).collect();
        let mut distinct = places.clone();
        distinct.dedup();
        select_many(&mut keys, &distinct);
        Some(places.into_iter().map(|place| keys[place]).collect())
    }

    /// Turns drafts into bands; `false`, and nothing done, if a cut parts values that were not
    /// collected.
    fn finish<T: Value>(&self, pieces: &[Piece<'_, T>], cuts: &[T], bands: &mut [u8]) -> bool {
        let cuts: Vec<Bound> = cuts.iter().map(|cut| Bound::from(cut.key())).collect();
        // The cuts below every value of a region, and those below some.
        let below = |region: usize| cuts.partition_point(|cut| *cut <= self.ends[region].key);
        let regions = 0..self.ends.len() - 1;
        let within = |region: usize| {
            let upper = cuts.partition_point(|cut| *cut < self.ends[region + 1].key);
            &cuts[below(region)..upper.max(below(region))]
        };
        let is_parted = |region: usize| {
            let holds_values = self.ends[region].count < self.ends[region + 1].count;
            holds_values && !is_collected(region) && !within(region).is_empty()
        };
        if regions.clone().any(is_parted) {
            return false;
        }
        // A value is above cut j just when its draft is above the last region of those that are
        // not: 1 + their number, less 1.
        let mut steps = vec![0];
        steps.extend(
            (0..cuts.len())
                .map(|j| regions.clone().take_while(|region| below(*region) <= j).count() as u8),
        );
        let corrected: Vec<usize> =
            regions.filter(|region| is_collected(*region) && !within(*region).is_empty()).collect();
        let parts = cut_like(pieces, bands);
        self.collected.par_iter().zip(parts).for_each(|(collected, bands)| {
            count_steps(bands, &steps);
            for region in &corrected {
                let (first, cuts) = (1 + below(*region), within(*region));
                let range = collected.of(*region);
                for (key, row) in collected.keys[range.clone()].iter().zip(&collected.rows[range]) {
                    let above = cuts.iter().filter(|cut| **cut < Bound::from(*key)).count();
                    bands[*row as usize] = (first + above) as u8;
                }
            }
        });
        true
    }
}

impl Collected {
    /// Where the values of a region are.
    fn of(&self, region: usize) -> Range<usize> {
        self.ends[region - 1]..self.ends[region]
    }
}

/// Writes the drafts of a piece; the counts of each, and the values of every other region.
fn write_piece<T: Value>(
    piece: &Piece<'_, T>,
    cuts: &Cuts<T>,
    regions: usize,
    drafts: &mut [u8],
) -> (Vec<usize>, Collected) {
    let mut counts = vec![0; regions + 1];
    let (mut keys, mut rows) = (Vec::new(), Vec::new());
    let mut marked = [0u32; BLOCK + 64];
    for start in (0..piece.values.len()).step_by(BLOCK) {
        let end = piece.values.len().min(start + BLOCK);
        let drafts = &mut drafts[start..end];
        let values = piece.codes_from(start, cuts, drafts);
        // The regions that are not collected.
        count(drafts, 1, 2, &mut counts);
        let mut len = 0;
        for (n, group) in drafts.chunks(64).enumerate() {
            len += positions(marks(group), n as u32 * 64, &mut marked[len..]);
        }
        let marked = &marked[..len];
        keys.extend(marked.iter().map(|i| values[*i as usize].key()));
        rows.extend(marked.iter().map(|i| start as u32 + i));
    }
    let collected = Collected::new(&keys, &rows, drafts, regions);
    for region in (0..regions).filter(|region| is_collected(*region)) {
        counts[region + 1] = collected.of(region).len();
    }
    (counts, collected)
}

impl Collected {
    /// Puts values in the order of their regions, which their drafts tell.
    fn new(keys: &[u64], rows: &[u32], drafts: &[u8], regions: usize) -> Self {
        let region = |row: &u32| usize::from(drafts[*row as usize]) - 1;
        let mut places = vec![0; regions + 1];
        for row in rows {
            places[region(row) + 1] += 1;
        }
        for i in 0..regions {
            places[i + 1] += places[i];
        }
        let mut sorted =
            Self { keys: vec![0; keys.len()], rows: vec![0; rows.len()], ends: places };
        for (key, row) in keys.iter().zip(rows) {
            let place = &mut sorted.ends[region(row)];
            (sorted.keys[*place], sorted.rows[*place]) = (*key, *row);
            *place += 1;
        }
        sorted
    }
}

/// Which of up to 64 drafts are those of collected regions, lowest bit first: the even ones but 0.
fn marks(drafts: &[u8]) -> u64 {
    let mut all = [0; 64];
    all[..drafts.len()].copy_from_slice(drafts);
    let mut marks = 0;
    for (n, word) in all.as_chunks::<8>().0.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        // Drafts are below 128: the sum leaves its highest bit unset in 0 and 1 alone, and no
        // carry leaves a byte.
        let bits = ((word + 0x7E7E_7E7E_7E7E_7E7E) >> 7) & !word & 0x0101_0101_0101_0101;
        // The product moves bit 8i to bit 56 + i, and nothing else that high.
        marks |= (bits.wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * n);
    }
    marks
}

/// Writes `first` + the place of each bit that is set; how many there are. What follows them in
/// `places`, which has room for 64, is unspecified.
fn positions(mut bits: u64, first: u32, places: &mut [u32]) -> usize {
    const AT_ONCE: usize = 4;
    let len = bits.count_ones() as usize;
    // Always a few at once: where bits end is hard to predict.
    for places in places[..64].as_chunks_mut::<AT_ONCE>().0.iter_mut().take(len.div_ceil(AT_ONCE)) {
        for place in places {
            *place = first + bits.trailing_zeros();
            bits &= bits.wrapping_sub(1);
        }
    }
    len
}

/// Replaces each draft by the number of steps below it.
fn count_steps(drafts: &mut [u8], steps: &[u8]) {
    fn padded<const M: usize>(drafts: &mut [u8], steps: &[u8]) {
        // Nothing is above the padding.
        let mut all = [u8::MAX; M];
        all[..steps.len()].copy_from_slice(steps);
        for draft in drafts {
            *draft = all.iter().map(|step| u8::from(*draft > *step)).sum();
        }
    }
    match steps.len() {
        ..=4 => padded::<4>(drafts, steps),
        5 => padded::<5>(drafts, steps),
        6..=8 => padded::<8>(drafts, steps),
        9..=16 => padded::<16>(drafts, steps),
        _ => padded::<100>(drafts, steps),
    }
}
