//! One pass over a column: exact counts between cuts, and the values of a few regions.

use super::chunked_column::ColumnPiece;
use super::codes::{BLOCK, BandCuts};
use super::rankable::Rankable;
use crate::threads::{Reused, for_each};

/// What a pass has found.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// How many values have each code: `counts[c]` for code c, 0 being missing.
    pub counts: Vec<usize>,
    /// The keys of the values with a wanted code, in no particular order.
    pub collected: Vec<u64>,
}

impl Scan {
    /// Adds the counts and values of other rows.
    fn merge(mut self, mut other: Self) -> Self {
        if self.collected.len() < other.collected.len() {
            std::mem::swap(&mut self, &mut other);
        }
        self.collected.extend_from_slice(&other.collected);
        self.counts.resize(self.counts.len().max(other.counts.len()), 0);
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self
    }
}

/// Counts the codes that `cuts` give and collects the values whose code is in
/// `wanted`. O(n · min(m, log m)), parallel.
pub(super) fn scan<T: Rankable>(
    pieces: &[ColumnPiece<'_, T>],
    keys: &[u64],
    wanted: &[u8],
) -> Scan {
    let cuts = BandCuts::new(keys.iter().map(|key| T::from_key(*key)).collect());
    let codes = keys.len() + 2;
    let mut is_wanted = [0u8; 256];
    for code in wanted {
        is_wanted[usize::from(*code)] = 1;
    }
    let scan_piece = |scan: &mut Scan, piece: &ColumnPiece<'_, T>| {
        scan.counts.resize(codes, 0);
        let mut codes = [0u8; BLOCK];
        for start in (0..piece.values.len()).step_by(BLOCK) {
            let codes = &mut codes[..BLOCK.min(piece.values.len() - start)];
            let values = piece.codes_from(start, &cuts, codes);
            count(codes, 0, 1, &mut scan.counts);
            match wanted.len() {
                0 => {}
                1..=8 => collect_few(values, codes, wanted, &mut scan.collected),
                _ => collect_many(values, codes, &is_wanted, &mut scan.collected),
            }
        }
    };
    let scans: Reused<Scan> = Reused::default();
    for_each(pieces, |_, piece| scans.with(|scan| scan_piece(scan, piece)));
    scans.into_all().into_iter().reduce(Scan::merge).unwrap_or_default()
}

/// Adds the codes of a block to the counts; at least those of every `step`th code from `first`.
pub(super) fn count(codes: &[u8], first: usize, step: usize, counts: &mut [usize]) {
    if counts.len() > 18 * step {
        return count_by_table(codes, counts);
    }
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has just been asked for AVX2.
        return unsafe { count_by_comparison_avx2(codes, first, step, counts) };
    }
    count_by_comparison(codes, first, step, counts);
}

/// Four tables, so that runs of one code do not wait for each other's store.
pub(super) fn count_by_table(codes: &[u8], counts: &mut [usize]) {
    let mut tables = [[0u32; 256]; 4];
    for group in codes.chunks(4) {
        for (code, table) in group.iter().zip(&mut tables) {
            table[usize::from(*code)] += 1;
        }
    }
    for (code, count) in counts.iter_mut().enumerate() {
        *count += tables.iter().map(|table| table[code] as usize).sum::<usize>();
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn count_by_comparison_avx2(codes: &[u8], first: usize, step: usize, counts: &mut [usize]) {
    count_by_comparison(codes, first, step, counts);
}

#[inline(always)]
#[allow(clippy::inline_always)] // compiled once for each instruction set
fn count_by_comparison(codes: &[u8], first: usize, step: usize, counts: &mut [usize]) {
    for (code, count) in counts.iter_mut().enumerate().skip(first).step_by(step) {
        for group in codes.chunks(128) {
            // At most 128: the sum stays within the byte lanes of the comparison.
            let equal: u8 = group.iter().map(|other| u8::from(*other == code as u8)).sum();
            *count += usize::from(equal);
        }
    }
}

/// Marks the wanted codes a register at a time and visits the marked rows only.
fn collect_few<T: Rankable>(values: &[T], codes: &[u8], wanted: &[u8], collected: &mut Vec<u64>) {
    let mut marks = [0u8; BLOCK];
    mark(codes, wanted, &mut marks);
    let mut kept = [0u64; BLOCK];
    let mut len = 0;
    for (group, marks) in values.chunks(8).zip(marks.as_chunks::<8>().0) {
        let mut word = u64::from_le_bytes(*marks);
        while word != 0 {
            kept[len] = group[word.trailing_zeros() as usize / 8].key();
            len += 1;
            word &= word - 1;
        }
    }
    collected.extend_from_slice(&kept[..len]);
}

/// Sets the mark of a wanted code to 1.
fn mark(codes: &[u8], wanted: &[u8], marks: &mut [u8; BLOCK]) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has just been asked for AVX2.
        return unsafe { mark_avx2(codes, wanted, marks) };
    }
    mark_portable(codes, wanted, marks);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn mark_avx2(codes: &[u8], wanted: &[u8], marks: &mut [u8; BLOCK]) {
    mark_portable(codes, wanted, marks);
}

#[inline(always)]
#[allow(clippy::inline_always)] // compiled once for each instruction set
fn mark_portable(codes: &[u8], wanted: &[u8], marks: &mut [u8; BLOCK]) {
    for code in wanted {
        for (mark, other) in marks.iter_mut().zip(codes) {
            *mark |= u8::from(other == code);
        }
    }
}

/// Appends every value and keeps the wanted ones, without a branch.
fn collect_many<T: Rankable>(
    values: &[T],
    codes: &[u8],
    is_wanted: &[u8; 256],
    collected: &mut Vec<u64>,
) {
    let mut kept = [0u64; BLOCK + 1];
    let mut len = 0;
    for (value, code) in values.iter().zip(codes) {
        kept[len.min(BLOCK)] = value.key();
        len += usize::from(is_wanted[usize::from(*code)]);
    }
    collected.extend_from_slice(&kept[..len]);
}
