//! Cells: the combinations of the bands of several criteria.
//!
//! The cell of a row is ((b₀ − 1)·s₁ + (b₁ − 1))·s₂ + (b₂ − 1) …, for bands b and numbers of bands
//! s: the last criterion varies fastest. What is decided for a cell (points, group, segment) is
//! computed once a cell and looked up for its rows.

use std::ops::Range;

use crate::error::Error;
use crate::threads::{Reused, map_each};

/// Rows that one task takes at a time.
const PIECE: usize = 1 << 16;
/// Rows whose cells are held at a time.
const BLOCK: usize = 1024;
/// The most cells: a table of them has to stay a small thing.
const MAX_CELLS: usize = 1 << 24;
/// As many cells as a byte can number: a table of so many entries is read without a check of bounds,
/// and cells are computed 16 rows at a time.
const BYTE_CELLS: usize = 256;
/// Parallel counters for up to [`BYTE_CELLS`] cells: increments of a single one would wait for each
/// other where successive rows are in one cell.
const COUNTERS: usize = 4;

/// Bands of several criteria, checked to be as long as each other and to make a table of a
/// reasonable size.
#[derive(Debug, Clone, Copy)]
struct Grid<'a> {
    bands: &'a [&'a [u8]],
    sizes: &'a [usize],
    cells: usize,
    rows: usize,
}

/// How many rows each cell has. O(n · criteria), parallel.
///
/// # Errors
///
/// `Error::Option` if the sizes do not fit the criteria, `Error::Data` if a band is not within 1
/// to its size (0, a missing value, included) or the criteria differ in length.
///
/// # Examples
///
/// ```
/// use grc_core::cells::cell_counts;
/// let (recency, frequency) = ([1u8, 1, 2], [2u8, 2, 1]);
/// assert_eq!(cell_counts(&[&recency, &frequency], &[2, 2])?, [0, 2, 1, 0]);
/// # Ok::<(), grc_core::error::Error>(())
/// ```
pub fn cell_counts(bands: &[&[u8]], sizes: &[usize]) -> Result<Vec<u64>, Error> {
    let grid = Grid::new(bands, sizes)?;
    let tables: Reused<Vec<u64>> = Reused::default();
    let count = |_, start: usize| {
        let rows = start..grid.rows.min(start + PIECE);
        tables.with(|counts| {
            counts.resize(grid.cells, 0);
            if grid.cells > BYTE_CELLS {
                return grid.each_block(rows, |_, cells: &[u32]| {
                    for cell in cells {
                        counts[*cell as usize] += 1;
                    }
                });
            }
            let mut counters = [[0; BYTE_CELLS]; COUNTERS];
            grid.each_block(rows, |_, cells: &[u8]| {
                let [a, b, c, d] = &mut counters;
                let (fours, rest) = cells.as_chunks::<COUNTERS>();
                for four in fours {
                    a[usize::from(four[0])] += 1;
                    b[usize::from(four[1])] += 1;
                    c[usize::from(four[2])] += 1;
                    d[usize::from(four[3])] += 1;
                }
                rest.iter().for_each(|cell| a[usize::from(*cell)] += 1);
            })?;
            counters.iter().for_each(|counter| add(counts, counter));
            Ok(())
        })
    };
    map_each((0..grid.rows).step_by(PIECE), count).into_iter().collect::<Result<(), Error>>()?;
    let mut sum = vec![0; grid.cells];
    tables.into_all().iter().for_each(|counts| add(&mut sum, counts));
    Ok(sum)
}

/// Adds counts to others.
fn add(counts: &mut [u64], more: &[u64]) {
    counts.iter_mut().zip(more).for_each(|(count, more)| *count += more);
}

/// Looks up for each row the entry of its cell, in several tables at once, so that cells are computed
/// once. O(n · criteria), parallel.
///
/// # Errors
///
/// As [`cell_counts`]; `Error::Option` if a table does not have one entry a cell or its output is not
/// as long as the bands. Outputs are then unspecified.
///
/// # Examples
///
/// ```
/// use grc_core::cells::{Lookup, cell_lookup};
/// let (recency, frequency) = ([1u8, 1, 2], [2u8, 2, 1]);
/// let (mut points, mut shares) = ([0u32; 3], [0.0; 3]);
/// let mut of_points = Lookup::new(&[2, 3, 3, 4], &mut points);
/// let mut of_shares = Lookup::new(&[0.4, 0.2, 0.1, 0.3], &mut shares);
/// cell_lookup(&[&recency, &frequency], &[2, 2], &mut [&mut of_points, &mut of_shares])?;
/// assert_eq!((points, shares), ([3, 3, 3], [0.2, 0.2, 0.1]));
/// # Ok::<(), grc_core::error::Error>(())
/// ```
pub fn cell_lookup(
    bands: &[&[u8]],
    sizes: &[usize],
    lookups: &mut [&mut dyn CellColumn],
) -> Result<(), Error> {
    let grid = Grid::new(bands, sizes)?;
    // Per piece, the part of each output.
    let mut parts: Vec<Vec<Box<dyn CellWriter + '_>>> = Vec::new();
    parts.resize_with(grid.rows.div_ceil(PIECE), Vec::new);
    for lookup in lookups.iter_mut() {
        lookup.check(grid.cells, grid.rows)?;
        for (parts, part) in parts.iter_mut().zip(lookup.parts(PIECE)) {
            parts.push(part);
        }
    }
    let written = map_each(parts, |n, mut parts| {
        let start = n * PIECE;
        let rows = start..grid.rows.min(start + PIECE);
        if grid.cells > BYTE_CELLS {
            return grid.each_block(rows, |row, cells| {
                parts.iter_mut().for_each(|part| part.write(row - start, cells));
            });
        }
        grid.each_block(rows, |row, cells| {
            parts.iter_mut().for_each(|part| part.write_bytes(row - start, cells));
        })
    });
    written.into_iter().collect()
}

/// A table with one entry a cell, and where the entries of the rows go.
#[derive(Debug)]
pub struct Lookup<'a, T> {
    table: &'a [T],
    /// The same for up to [`BYTE_CELLS`] cells, padded with any entry.
    padded: Option<Box<[T; BYTE_CELLS]>>,
    out: &'a mut [T],
}

impl<'a, T: Copy> Lookup<'a, T> {
    /// `table[cell]` goes to `out[row]`.
    pub fn new(table: &'a [T], out: &'a mut [T]) -> Self {
        let any = table.first().filter(|_| table.len() <= BYTE_CELLS);
        let padded =
            any.map(|any| Box::new(std::array::from_fn(|cell| *table.get(cell).unwrap_or(any))));
        Self { table, padded, out }
    }
}

mod sealed {
    pub trait Sealed {}
    impl<T> Sealed for super::Lookup<'_, T> {}
}

/// A [`Lookup`] of any type.
pub trait CellColumn: sealed::Sealed {
    #[doc(hidden)]
    fn check(&self, cells: usize, rows: usize) -> Result<(), Error>;
    #[doc(hidden)]
    fn parts(&mut self, rows: usize) -> Vec<Box<dyn CellWriter + '_>>;
}

/// The part of an output that one task fills.
#[doc(hidden)]
pub trait CellWriter: Send {
    /// Fills the rows from `start` with the entries of their cells.
    fn write(&mut self, start: usize, cells: &[u32]);
    /// The same for at most [`BYTE_CELLS`] cells.
    fn write_bytes(&mut self, start: usize, cells: &[u8]);
}

/// A part of an output, and the table.
struct Part<'a, T> {
    table: &'a [T],
    padded: Option<&'a [T; BYTE_CELLS]>,
    out: &'a mut [T],
}

impl<T: Copy + Send + Sync> CellColumn for Lookup<'_, T> {
    fn check(&self, cells: usize, rows: usize) -> Result<(), Error> {
        if self.table.len() == cells && self.out.len() == rows {
            return Ok(());
        }
        Err(Error::Option(format!(
            "A table of {} entries and an output of {} rows were given for {cells} cells and \
             {rows} rows: give one entry a cell and as many rows as the bands have.",
            self.table.len(),
            self.out.len()
        )))
    }

    fn parts(&mut self, rows: usize) -> Vec<Box<dyn CellWriter + '_>> {
        let (table, padded) = (self.table, self.padded.as_deref());
        self.out
            .chunks_mut(rows)
            .map(|out| Box::new(Part { table, padded, out }) as Box<dyn CellWriter + '_>)
            .collect()
    }
}

impl<T: Copy + Send + Sync> CellWriter for Part<'_, T> {
    fn write(&mut self, start: usize, cells: &[u32]) {
        for (out, cell) in self.out[start..].iter_mut().zip(cells) {
            *out = self.table[*cell as usize];
        }
    }

    fn write_bytes(&mut self, start: usize, cells: &[u8]) {
        let table = self.padded.expect("a table of few cells has a padded copy");
        for (out, cell) in self.out[start..].iter_mut().zip(cells) {
            *out = table[usize::from(*cell)];
        }
    }
}

/// The number of a cell, in as many bits as it needs.
trait Cell: Copy + Default {
    /// The cell that a further criterion makes of this one.
    fn with(self, band: u8, size: u8) -> Self;
}

macro_rules! cell {
    ($($type:ty)*) => {$(
        impl Cell for $type {
            #[inline]
            fn with(self, band: u8, size: u8) -> Self {
                self.wrapping_mul(<$type>::from(size)).wrapping_add(<$type>::from(band).wrapping_sub(1))
            }
        }
    )*};
}

cell!(u8 u32);

impl<'a> Grid<'a> {
    fn new(bands: &'a [&'a [u8]], sizes: &'a [usize]) -> Result<Self, Error> {
        if bands.is_empty() || bands.len() != sizes.len() {
            return Err(Error::Option(format!(
                "{} criteria and {} sizes were given for cells: give one size a criterion, and at \
                 least one.",
                bands.len(),
                sizes.len()
            )));
        }
        let rows = bands[0].len();
        if let Some(other) = bands.iter().find(|bands| bands.len() != rows) {
            return Err(Error::Data(format!(
                "The bands of one criterion have {rows} rows and those of another {}: give columns \
                 of one length.",
                other.len()
            )));
        }
        let cells = sizes.iter().try_fold(1usize, |cells, size| cells.checked_mul(*size));
        match cells {
            Some(cells @ 1..=MAX_CELLS) if sizes.iter().all(|size| *size <= 255) => {
                Ok(Self { bands, sizes, cells, rows })
            }
            _ => Err(Error::Option(format!(
                "Bands of sizes {sizes:?} make an impossible table: give sizes from 1 to 255 with \
                 a product up to {MAX_CELLS}."
            ))),
        }
    }

    /// Calls `with` for each block of the rows: its first row, and the cells.
    fn each_block<C: Cell>(
        &self,
        rows: Range<usize>,
        mut with: impl FnMut(usize, &[C]),
    ) -> Result<(), Error> {
        let mut cells = [C::default(); BLOCK];
        for start in rows.clone().step_by(BLOCK) {
            let cells = &mut cells[..BLOCK.min(rows.end - start)];
            cells.fill(C::default());
            let mut wrong = false;
            for (bands, size) in self.bands.iter().zip(self.sizes) {
                wrong |= add_criterion(cells, &bands[start..start + cells.len()], *size as u8);
            }
            if wrong {
                return Err(self.wrong_band());
            }
            with(start, cells);
        }
        Ok(())
    }

    /// The error of the first wrong row, whichever task found one.
    fn wrong_band(&self) -> Error {
        for row in 0..self.rows {
            for (criterion, (bands, size)) in self.bands.iter().zip(self.sizes).enumerate() {
                let band = bands[row];
                if band == 0 || usize::from(band) > *size {
                    return Error::Data(format!(
                        "Row {row} has band {band} in criterion {criterion}: bands go from 1 to \
                         {size}."
                    ));
                }
            }
        }
        unreachable!("a band was found wrong")
    }
}

/// Adds a criterion to the cells; whether a band is out of range.
fn add_criterion<C: Cell>(cells: &mut [C], bands: &[u8], size: u8) -> bool {
    let mut wrong = 0;
    for (cell, band) in cells.iter_mut().zip(bands) {
        wrong |= u8::from(band.wrapping_sub(1) >= size);
        *cell = cell.with(*band, size);
    }
    wrong != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_criterion_varies_fastest() {
        let (r, f, m) = ([1u8, 2, 3], [1u8, 4, 4], [2u8, 1, 2]);
        let counts = cell_counts(&[&r, &f, &m], &[3, 4, 2]).unwrap();
        let filled: Vec<usize> = (0..24).filter(|cell| counts[*cell] == 1).collect();
        assert_eq!(filled, [1, 14, 23]);
        assert_eq!(counts.iter().sum::<u64>(), 3);
    }

    #[test]
    fn counts_and_lookups_agree_over_many_pieces() {
        let rows = 3 * PIECE + 17;
        let r: Vec<u8> = (0..rows).map(|i| (i % 5) as u8 + 1).collect();
        let f: Vec<u8> = (0..rows).map(|i| (i / 7 % 3) as u8 + 1).collect();
        let table: Vec<u32> = (0..15).collect();
        let mut out = vec![99; rows];
        cell_lookup(&[&r, &f], &[5, 3], &mut [&mut Lookup::new(&table, &mut out)]).unwrap();
        for i in 0..rows {
            assert_eq!(out[i], u32::from(r[i] - 1) * 3 + u32::from(f[i] - 1));
        }
        let counts = cell_counts(&[&r, &f], &[5, 3]).unwrap();
        for (cell, count) in counts.iter().enumerate() {
            let rows = out.iter().filter(|other| **other == cell as u32).count();
            assert_eq!(*count, rows as u64);
        }
    }

    /// Tables are read in two ways: with up to 256 cells, and with more.
    #[test]
    fn any_number_of_cells_is_counted_and_looked_up_by_the_definition() {
        for sizes in [
            [2, 2, 2],
            [4, 8, 8],
            [1, 1, 255],
            [1, 1, 254],
            [16, 16, 1],
            [17, 15, 1],
            [7, 37, 1],
            [3, 5, 255],
        ] {
            let rows = PIECE + BLOCK + 3;
            let bands: Vec<Vec<u8>> = (7..)
                .zip(sizes)
                .map(|(step, size)| (0..rows).map(|i| (i * step / 5 % size) as u8 + 1).collect())
                .collect();
            let bands: Vec<&[u8]> = bands.iter().map(Vec::as_slice).collect();
            let cell = |row: usize| {
                let index = |criterion: usize| usize::from(bands[criterion][row]) - 1;
                (index(0) * sizes[1] + index(1)) * sizes[2] + index(2)
            };
            let cells: usize = sizes.iter().product();
            let mut expected = vec![0; cells];
            (0..rows).for_each(|row| expected[cell(row)] += 1);
            assert_eq!(cell_counts(&bands, &sizes).unwrap(), expected, "{sizes:?}");
            let table: Vec<u32> = (0..cells as u32).map(|cell| cell ^ 0x55).collect();
            let mut out = vec![0; rows];
            cell_lookup(&bands, &sizes, &mut [&mut Lookup::new(&table, &mut out)]).unwrap();
            assert!((0..rows).all(|row| out[row] == table[cell(row)]), "{sizes:?}");
        }
    }

    #[test]
    fn a_band_out_of_range_is_named() {
        let bands = vec![1u8, 2, 0];
        let error = cell_counts(&[&bands], &[2]).unwrap_err().to_string();
        assert!(error.contains("Row 2 has band 0"), "{error}");
        let error = cell_counts(&[&[1, 3]], &[2]).unwrap_err().to_string();
        assert!(error.contains("Row 1 has band 3"), "{error}");
    }

    #[test]
    fn wrong_shapes_are_refused() {
        assert!(matches!(cell_counts(&[], &[]), Err(Error::Option(_))));
        assert!(matches!(cell_counts(&[&[1]], &[2, 2]), Err(Error::Option(_))));
        assert!(matches!(cell_counts(&[&[1], &[1, 1]], &[2, 2]), Err(Error::Data(_))));
        assert!(matches!(cell_counts(&[&[1]], &[0]), Err(Error::Option(_))));
        let mut out = [0];
        let mut lookup = Lookup::new(&[0u8; 3], &mut out);
        let found = cell_lookup(&[&[1]], &[2], &mut [&mut lookup]);
        assert!(matches!(found, Err(Error::Option(_))));
        assert_eq!(cell_counts(&[&[]], &[2]).unwrap(), [0, 0]);
    }
}
