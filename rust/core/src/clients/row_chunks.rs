//! The rows of a batch shared out among threads, a chunk at a time, and a chunk read block by block.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::Result;
use crate::stop::stop_if_asked;
use crate::threads::map_each;

/// Rows of a block: its arrays stay in the first cache levels.
pub(crate) const BLOCK: usize = if cfg!(test) { 8 } else { 1024 };

/// The most rows of a chunk: each partition gets some hundred of them, and all of them take a little
/// less than 2 MiB, so that allocators do not begin another large page for a few.
pub(crate) const MAX_ROWS: usize = if cfg!(test) { 64 } else { 60 << 10 };
/// The fewest in a long batch: looking a partition up in a chunk costs as much as reading some rows.
const MIN_ROWS: usize = MAX_ROWS / 4;
/// The fewest in a short one, which all readers are to share.
const MIN_ROWS_OF_SHORT: usize = MAX_ROWS / 16;

/// The rows of a range, a block at a time.
pub(crate) fn blocks(rows: &Range<usize>) -> impl Iterator<Item = Range<usize>> + use<> {
    let end = rows.end;
    rows.clone().step_by(BLOCK).map(move |start| start..(start + BLOCK).min(end))
}

/// Read all rows of a batch, each chunk of them by the reader that is free first.
///
/// # Errors
/// If a chunk cannot be read: the error of the first such chunk.
pub(crate) fn read_chunks<R: Send>(
    rows: usize,
    readers: &mut [R],
    read: impl Fn(&mut R, Range<usize>) -> Result<()> + Sync,
) -> Result<()> {
    let count = readers.len();
    let next = AtomicUsize::new(0); // the first row that no reader has taken
    let end = |start: usize| start + chunk_rows(rows - start, rows, count);
    let read_all = |_, reader: &mut R| {
        loop {
            stop_if_asked();
            let take = |start| (start < rows).then(|| end(start));
            let start = next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).ok()?;
            if let Err(error) = read(reader, start..end(start)) {
                next.store(rows, Ordering::Relaxed); // no reader begins another chunk
                return Some((start, error));
            }
        }
    };
    // All chunks before the first wrong one were taken before it, so its error is always found.
    let errors = map_each(readers, read_all);
    match errors.into_iter().flatten().min_by_key(|(start, _)| *start) {
        Some((_, error)) => Err(error),
        None => Ok(()),
    }
}

/// The rows of the next chunk of a batch, of which `left` rows are left: fewer towards its end, so that
/// all readers end at about the same time.
fn chunk_rows(left: usize, rows: usize, readers: usize) -> usize {
    let fewest = rows.div_ceil(readers).clamp(MIN_ROWS_OF_SHORT, MIN_ROWS);
    left.div_ceil(2 * readers).next_multiple_of(BLOCK).clamp(fewest, MAX_ROWS).min(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The chunks that a batch falls into.
    fn chunks(rows: usize, readers: usize) -> Vec<usize> {
        let mut left = rows;
        let mut chunks = Vec::new();
        while left > 0 {
            chunks.push(chunk_rows(left, rows, readers));
            left -= chunks[chunks.len() - 1];
        }
        chunks
    }

    #[test]
    fn chunks_become_shorter_and_short_batches_are_shared() {
        for (rows, readers, expected) in [
            (0, 2, vec![]),
            (1, 2, vec![1]),
            (MAX_ROWS / 16, 8, vec![MAX_ROWS / 16]),
            (MAX_ROWS / 4, 2, vec![MAX_ROWS / 8, MAX_ROWS / 8]),
            (MAX_ROWS, 1, vec![MAX_ROWS / 2, MAX_ROWS / 4, MAX_ROWS / 4]),
        ] {
            assert_eq!(chunks(rows, readers), expected, "{rows} rows, {readers} readers");
        }
        let many = chunks(20 * MAX_ROWS, 2);
        assert!(many.is_sorted_by(|a, b| a >= b), "{many:?}");
        assert_eq!(many[0], MAX_ROWS);
        assert!(many[many.len() - 2] >= MIN_ROWS);
    }
}
