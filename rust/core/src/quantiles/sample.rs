//! The sample by which ranks are looked for.

use super::chunked_column::ColumnPiece;
use super::rankable::Rankable;
use crate::prefetch::prefetch;
use crate::threads::map_each;

/// A stratified sample: the rows are divided into `size` equal runs, and a hash of the run's number
/// picks one row of each. The keys of those that hold a value.
pub(super) fn sample<T: Rankable>(
    pieces: &[ColumnPiece<'_, T>],
    rows: usize,
    size: usize,
) -> Vec<u64> {
    const TASKS: usize = 16;
    // Rows that are prefetched before the first of them is read.
    const AT_ONCE: usize = 64;
    let draw = |task: usize, ()| -> Vec<u64> {
        let mut keys = Vec::with_capacity(size / TASKS);
        let mut n = None;
        let runs: Vec<usize> = (task * size / TASKS..(task + 1) * size / TASKS).collect();
        for runs in runs.chunks(AT_ONCE) {
            let mut rows_drawn = [(0, 0); AT_ONCE];
            for (run, drawn) in runs.iter().zip(&mut rows_drawn) {
                let row = draw_row(*run as u64, rows as u64, size as u64);
                let mut piece = n.unwrap_or_else(|| pieces.partition_point(|p| p.row <= row) - 1);
                while pieces[piece].row + pieces[piece].values.len() <= row {
                    piece += 1;
                }
                n = Some(piece);
                *drawn = (piece, row - pieces[piece].row);
                prefetch(pieces[piece].values, drawn.1);
            }
            let drawn = rows_drawn[..runs.len()].iter();
            keys.extend(drawn.filter_map(|(piece, i)| pieces[*piece].get(*i).map(Rankable::key)));
        }
        keys
    };
    map_each([(); TASKS], draw).concat()
}

/// The row drawn from a run. The hash is the finaliser of `SplitMix64` (Steele, Lea and Flood
/// 2014), so that periods in the data do not meet periods in the sample.
fn draw_row(run: u64, rows: u64, size: u64) -> usize {
    let mut hash = run.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    hash ^= hash >> 31;
    let (first, next) = (run * rows / size, (run + 1) * rows / size);
    (first + ((u128::from(next - first) * u128::from(hash)) >> 64) as u64) as usize
}
