//! The quantile kernels against an oracle that sorts.

use std::cmp::Ordering;
use std::sync::LazyLock;

use grc_core::bitmap::Bitmap;
use grc_core::quantiles::{
    ChunkedColumn, Closed, Interpolation, Number, bands_by_pair, bands_from_edges, linear_bands,
    quantile_bands, split_bands,
};
use proptest::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

static POOLS: LazyLock<Vec<ThreadPool>> = LazyLock::new(|| {
    [1, 2, 7].map(|threads| ThreadPoolBuilder::new().num_threads(threads).build().unwrap()).into()
});

/// Large enough for sampling to start, which it does not below 2^15 rows.
const SAMPLED: usize = 70_000;

fn hash(seed: u64, i: u64) -> u64 {
    let mut z = (seed ^ i.wrapping_mul(0x9E37_79B9_7F4A_7C15)).wrapping_add(0x1234_5678_9ABC_DEF1);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Whole numbers of many shapes, to be put into any type.
fn shape(kind: usize, seed: u64, rows: usize) -> Vec<i64> {
    let uniform = |i: usize| hash(seed, i as u64);
    let ranked = |i: usize| i as i64 * 3 - rows as i64;
    (0..rows)
        .map(|i| match kind {
            0 => uniform(i) as i64,                         // the whole type
            1 => (uniform(i) % 100_000) as i64 - 50_000,    // some ties
            2 => (uniform(i) % 7) as i64 - 3,               // heavy ties
            3 => 42,                                        // constant
            4 => ranked(i),                                 // sorted
            5 => ranked(rows - i),                          // reversed
            6 => [-1, 1][usize::from(uniform(i) % 5 == 0)], // two atoms
            7 if uniform(i) % 10 < 6 => 10,                 // an atom of 60 %
            7 => (uniform(i) >> 20) as i64 % 1_000_000,
            8 => (i % 1000) as i64,                        // periodic
            9 => 1i64 << (uniform(i) % 62),                // heavy tail
            10 if i < rows / 2 => (uniform(i) % 3) as i64, // two regimes
            10 => uniform(i) as i64 >> 8,
            _ => {
                if uniform(i) % 4096 == 0 {
                    uniform(i) as i64
                } else {
                    0
                }
            } // nearly all one
        })
        .collect()
}

const SHAPES: usize = 12;

/// A column's storage: values, validity bits with an offset, and where it is cut into chunks.
struct Stored<T> {
    values: Vec<T>,
    bits: Option<Vec<u8>>,
    offset: usize,
    cuts: Vec<usize>,
}

impl<T: Number> Stored<T> {
    /// `nulls` in 8 parts, 0 for no bitmap.
    fn new(values: Vec<T>, seed: u64, nulls: u64, cuts: &[usize]) -> Self {
        let offset = (seed % 13) as usize;
        let bits = (nulls > 0).then(|| {
            let mut bits = vec![0u8; (values.len() + offset).div_ceil(8)];
            for i in 0..values.len() {
                let valid = hash(!seed, i as u64) % 8 >= nulls;
                bits[(i + offset) / 8] |= u8::from(valid) << ((i + offset) % 8);
            }
            bits
        });
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (values.len() + 1)).collect();
        cuts.extend([0, values.len()]);
        cuts.sort_unstable();
        Self { values, bits, offset, cuts }
    }

    fn column(&self) -> ChunkedColumn<'_, T> {
        let chunk = |ends: &[usize]| {
            let bitmap = self.bits.as_ref().map(|bytes| {
                let first = self.offset + ends[0];
                Bitmap { bytes: &bytes[first / 8..], offset: first % 8 }
            });
            (&self.values[ends[0]..ends[1]], bitmap)
        };
        ChunkedColumn { chunks: self.cuts.windows(2).map(chunk).collect() }
    }

    fn get(&self, row: usize) -> Option<T> {
        let at = row + self.offset;
        let valid = self.bits.as_ref().is_none_or(|bits| bits[at / 8] >> (at % 8) & 1 == 1);
        (valid && !self.values[row].is_missing()).then_some(self.values[row])
    }

    fn all(&self) -> Vec<Option<T>> {
        (0..self.values.len()).map(|row| self.get(row)).collect()
    }

    /// The values in order, with their rows.
    fn sorted(&self) -> Vec<(T, usize)> {
        let mut sorted: Vec<(T, usize)> = (self.all().into_iter().enumerate())
            .filter_map(|(row, value)| value.map(|value| (value, row)))
            .collect();
        sorted.sort_by(|a, b| a.0.partial_cmp(&b.0).unwrap().then(a.1.cmp(&b.1)));
        sorted
    }
}

fn bands_of<T: Number>(all: &[Option<T>], edges: &[T]) -> Vec<u8> {
    let band = |value: T| 1 + edges.partition_point(|edge| *edge < value) as u8;
    all.iter().map(|value| value.map_or(0, band)).collect()
}

/// Every function of the module against the oracle, in every pool.
fn check<T: Number>(stored: &Stored<T>, bins: usize) {
    let (all, sorted, column) = (stored.all(), stored.sorted(), stored.column());
    let n = sorted.len();
    let ends = |rank: fn(usize, usize, usize) -> usize| -> Vec<usize> {
        if n == 0 { vec![] } else { (1..bins).map(|j| rank(j, n, bins)).collect() }
    };
    let quantile_ranks = ends(|j, n, k| (j * n).div_ceil(k));
    let edges: Vec<T> = quantile_ranks.iter().map(|rank| sorted[rank - 1].0).collect();
    let bands = bands_of(&all, &edges);
    let split_ranks = ends(|j, n, k| (1..=j).map(|b| n / k + usize::from(b <= n % k)).sum());
    let split_edges: Vec<(T, usize)> = split_ranks.iter().map(|rank| sorted[rank - 1]).collect();
    let mut split = vec![0u8; all.len()];
    for (index, (_, row)) in sorted.iter().enumerate() {
        split[*row] = 1 + split_ranks.iter().filter(|rank| **rank <= index).count() as u8;
    }
    for pool in POOLS.iter() {
        pool.install(|| {
            let found = quantile_bands(&column, bins).unwrap();
            assert!(found.0 == edges, "edges {:?}, not {edges:?}", found.0);
            assert_eq!(found.1, bands);
            let found = split_bands(&column, bins).unwrap();
            assert!(found.0 == split_edges, "split edges {:?}, not {split_edges:?}", found.0);
            assert!(found.1 == split, "split bands");
            let values: Vec<T> = split_edges.iter().map(|edge| edge.0).collect();
            let by_row = |row: usize, edge: usize| row.cmp(&split_edges[edge].1);
            let by_pair = bands_by_pair(&column, by_row, &values).unwrap();
            assert!(by_pair == split, "bands by pair");
            for interpolation in [Interpolation::Qcut, Interpolation::RRfm] {
                let interpolated = linear(&sorted, bins, interpolation);
                let by_them = bands_from_edges(&column, &interpolated, interpolation.closed());
                let found = linear_bands(&column, bins, interpolation).unwrap();
                assert!(found == (interpolated, by_them.unwrap()));
            }
            let left = bands_from_edges(&column, &edges, Closed::Left).unwrap();
            for (value, band) in all.iter().zip(left) {
                let reached = |value: T| 1 + edges.partition_point(|edge| *edge <= value) as u8;
                assert_eq!(band, value.map_or(0, reached));
            }
        });
    }
}

/// The documented rule of linear edges over sorted values.
#[allow(clippy::float_cmp)] // the rule asks for equality
fn linear<T: Number>(sorted: &[(T, usize)], bins: usize, interpolation: Interpolation) -> Vec<f64> {
    if sorted.is_empty() {
        return Vec::new();
    }
    let last = sorted.len() - 1;
    let edge = |j: usize| {
        let mut share = j as f64 * (1.0 / bins as f64);
        if interpolation == Interpolation::Qcut && bins as f64 * share != j as f64 {
            share = share.next_up();
        }
        let at = last as f64 * share;
        let (below, above, weight) = if at >= last as f64 {
            (sorted[last].0, sorted[last].0, at + 1.0)
        } else {
            (sorted[at as usize].0, sorted[at as usize + 1].0, at - at.floor())
        };
        let (from, to) = (below.to_f64(), above.to_f64());
        let Some(difference) = above.minus(below) else {
            return from * (1.0 - weight) + to * weight;
        };
        let near = if weight >= 0.5 { to } else { from };
        let edge = if weight >= 0.5 {
            to - difference * (1.0 - weight)
        } else {
            from + difference * weight
        };
        if edge.is_nan() { near } else { edge }
    };
    let above = if interpolation == Interpolation::RRfm { 1.0 } else { 0.0 };
    (1..bins).map(|j| edge(j) + above).collect()
}

/// The shape in every type.
fn check_all_types(ints: &[i64], seed: u64, nulls: u64, cuts: &[usize], bins: usize) {
    macro_rules! check_as {
        ($($type:ty)*) => {$(
            let values = ints.iter().map(|value| *value as $type).collect();
            check::<$type>(&Stored::new(values, seed, nulls, cuts), bins);
        )*};
    }
    check_as!(i32 i64 u32 u64);
    let special = |i: usize, value: f64| match hash(seed + 1, i as u64) % 40 {
        0 => f64::NAN,
        1 => f64::INFINITY,
        2 => f64::NEG_INFINITY,
        3 => -0.0,
        4 => 0.0,
        _ => value,
    };
    for specials in [false, true] {
        let floats = ints.iter().enumerate().map(|(i, value)| {
            if specials { special(i, *value as f64) } else { *value as f64 / 100.0 }
        });
        let floats: Vec<f64> = floats.collect();
        let singles = floats.iter().map(|value| *value as f32).collect();
        check(&Stored::new(floats, seed, nulls, cuts), bins);
        check::<f32>(&Stored::new(singles, seed, nulls, cuts), bins);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn small_columns_agree_with_sorting(
        kind in 0..SHAPES,
        seed: u64,
        rows in 0usize..300,
        nulls in prop_oneof![Just(0u64), 1..9u64],
        cuts in prop::collection::vec(0usize..300, 0..5),
        bins in 2usize..=100,
    ) {
        check_all_types(&shape(kind, seed, rows), seed >> 1, nulls, &cuts, bins);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn large_columns_agree_with_sorting(
        kind in 0..SHAPES,
        seed: u64,
        nulls in prop_oneof![Just(0u64), 1..9u64],
        cuts in prop::collection::vec(0usize..SAMPLED, 0..5),
        bins in prop_oneof![Just(5usize), 2..=100usize],
    ) {
        check_all_types(&shape(kind, seed, SAMPLED), seed >> 1, nulls, &cuts, bins);
    }
}

#[test]
fn every_shape_agrees_with_sorting_where_sampling_starts() {
    for kind in 0..SHAPES {
        for bins in [5, 100] {
            let ints = shape(kind, 7, SAMPLED);
            check(&Stored::new(ints.clone(), 7, 0, &[100]), bins);
            let floats = ints.iter().map(|value| *value as f64).collect();
            check(&Stored::<f64>::new(floats, 7, 1, &[9, 9, 40_000]), bins);
        }
    }
}

/// Values that the sample says nothing about: its rows hold one value, the others anything.
#[test]
fn a_sample_that_lies_costs_time_only() {
    for bins in [5, 40, 100] {
        let mut values: Vec<f64> = (0..SAMPLED).map(|i| hash(3, i as u64) as f64).collect();
        // The rows that are sampled depend on the number of rows alone: look for them.
        for (row, value) in values.iter_mut().enumerate() {
            if sampled(row) {
                *value = -1.0;
            }
        }
        check(&Stored::new(values, 3, 0, &[]), bins);
    }
}

/// Whether sampling draws a row. The answers cannot tell, so the rule is repeated here.
fn sampled(row: usize) -> bool {
    let size = (SAMPLED / 32).next_power_of_two().clamp(1 << 12, 1 << 16);
    let run = (row * size / SAMPLED) as u64;
    [run.saturating_sub(1), run, run + 1].into_iter().any(|run| {
        let mut hash = run.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        hash = (hash ^ (hash >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        hash = (hash ^ (hash >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        hash ^= hash >> 31;
        let (first, next) = (run as usize * SAMPLED / size, (run as usize + 1) * SAMPLED / size);
        first + (((next - first) as u128 * u128::from(hash)) >> 64) as usize == row
    })
}

#[test]
fn no_rows_and_no_values_give_no_edges() {
    let empty = ChunkedColumn::<f64>::default();
    assert_eq!(quantile_bands(&empty, 5).unwrap(), (vec![], vec![]));
    assert_eq!(split_bands(&empty, 5).unwrap(), (vec![], vec![]));
    assert_eq!(linear_bands(&empty, 5, Interpolation::RRfm).unwrap().0, Vec::<f64>::new());
    let missing = [f64::NAN; 3];
    let (edges, bands) = quantile_bands(&ChunkedColumn::new(&missing), 5).unwrap();
    assert!(edges.is_empty());
    assert_eq!(bands, [0, 0, 0]);
    assert_eq!(split_bands(&ChunkedColumn::new(&missing), 5).unwrap().1, [0, 0, 0]);
}

#[test]
fn fewer_values_than_bands() {
    let column = [2.0, 1.0];
    let (edges, bands) = quantile_bands(&ChunkedColumn::new(&column), 5).unwrap();
    assert_eq!(edges, [1.0, 1.0, 2.0, 2.0]);
    assert_eq!(bands, [3, 1]);
    let (edges, bands) = split_bands(&ChunkedColumn::new(&column), 5).unwrap();
    assert_eq!(edges, [(1.0, 1), (2.0, 0), (2.0, 0), (2.0, 0)]);
    assert_eq!(bands, [2, 1]);
}

#[test]
fn options_out_of_range_are_refused() {
    let column = ChunkedColumn::new(&[1u32, 2]);
    for bins in [0, 1, 101] {
        assert!(quantile_bands(&column, bins).unwrap_err().to_string().contains("2 to 100"));
        assert!(split_bands(&column, bins).is_err());
        assert!(linear_bands(&column, bins, Interpolation::Qcut).is_err());
    }
    assert!(bands_from_edges(&column, &[1u32; 255], Closed::Right).is_err());
}

#[test]
fn edges_of_floats_are_compared_exactly_with_integers() {
    let big = (1i64 << 53) + 1;
    let column = [big - 1, big, i64::MAX, i64::MIN];
    let column = ChunkedColumn::new(&column);
    let edge = [(big - 1) as f64];
    assert_eq!(bands_from_edges(&column, &edge, Closed::Right).unwrap(), [1, 2, 2, 1]);
    assert_eq!(bands_from_edges(&column, &edge, Closed::Left).unwrap(), [2, 2, 2, 1]);
    let outside = [-1e300, f64::NEG_INFINITY, 1e300, 9_223_372_036_854_775_808.0, f64::NAN];
    for closed in [Closed::Right, Closed::Left] {
        assert_eq!(bands_from_edges(&column, &outside, closed).unwrap(), [3; 4]);
    }
    let days = ChunkedColumn::new(&[20u32, 21, 22]);
    assert_eq!(bands_from_edges(&days, &[20.5, 21.0], Closed::Right).unwrap(), [1, 2, 3]);
    assert_eq!(bands_from_edges(&days, &[20.5, 21.0], Closed::Left).unwrap(), [1, 3, 3]);
    assert_eq!(bands_from_edges(&days, &[-7i128, 21, 1 << 32], Closed::Left).unwrap(), [2, 3, 3]);
    let single = ChunkedColumn::new(&[0.1f32]);
    assert_eq!(bands_from_edges(&single, &[0.1f64], Closed::Right).unwrap(), [2]);
    let infinite = ChunkedColumn::new(&[f64::NEG_INFINITY, 0.0, f64::INFINITY]);
    let ends = [f64::NEG_INFINITY, f64::INFINITY];
    assert_eq!(bands_from_edges(&infinite, &ends, Closed::Right).unwrap(), [1, 2, 2]);
    assert_eq!(bands_from_edges(&infinite, &ends, Closed::Left).unwrap(), [2, 2, 3]);
}

#[test]
fn pairs_equal_in_value_go_by_client() {
    let values = [1.0, 2.0, 2.0, 2.0, f64::NAN, 3.0];
    let ids = ["a", "b", "c", "d", "e", "f"];
    let (edges, edge_ids) = ([2.0, 2.0, 2.5], ["b", "c", "zz"]);
    let compare = |row: usize, edge: usize| -> Ordering { ids[row].cmp(edge_ids[edge]) };
    let bands = bands_by_pair(&ChunkedColumn::new(&values), compare, &edges).unwrap();
    assert_eq!(bands, [1, 1, 2, 3, 0, 4]);
}
