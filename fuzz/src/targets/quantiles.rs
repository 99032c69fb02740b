//! Bands: their edges are those of the sorted values, and every row is in the band of its value.

use grc_core::quantiles::{
    ChunkedColumn, Closed, Interpolation, bands_from_edges, linear_bands, quantile_bands,
    split_bands,
};

use crate::bytes::{Bytes, on_threads, packed};

/// Band numbers in several chunks.
pub fn quantiles(data: &[u8]) {
    on_threads(data, |_| check(data));
}

fn check(data: &[u8]) {
    let mut bytes = Bytes(data);
    let bins = bytes.below(110);
    let chunk = 1 + bytes.below(40);
    let closed = if bytes.flag() { Closed::Left } else { Closed::Right };
    let (mut floats, mut there) = (Vec::new(), Vec::new());
    while !bytes.is_empty() {
        there.push(bytes.byte() % 8 != 0);
        floats.push(bytes.float());
    }
    let validity: Vec<Vec<u8>> =
        there.chunks(chunk).map(|bits| packed(bits.iter().copied())).collect();
    let integers: Vec<i64> = floats.iter().map(|&value| value as i64).collect();
    macro_rules! column {
        ($values:expr) => {
            ChunkedColumn {
                chunks: $values
                    .chunks(chunk)
                    .zip(&validity)
                    .map(|(part, bits)| {
                        (part, Some(grc_core::bitmap::Bitmap { bytes: bits, offset: 0 }))
                    })
                    .collect(),
            }
        };
    }
    let (of_floats, of_integers) = (column!(floats), column!(integers));
    let valid = |i: usize| there[i] && !floats[i].is_nan();
    if let Ok((edges, bands)) = quantile_bands(&of_floats, bins) {
        let mut sorted: Vec<f64> =
            (0..floats.len()).filter(|&i| valid(i)).map(|i| floats[i]).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        for (j, edge) in edges.iter().enumerate() {
            let expected = sorted[((j + 1) * sorted.len()).div_ceil(bins) - 1];
            // Neither is NaN, and zeros of either sign are one value.
            let is_expected = edge.partial_cmp(&expected) == Some(std::cmp::Ordering::Equal);
            assert!(is_expected, "edge {j} of {bins}: {edge} for {expected}");
        }
        check_bands(&bands, |i| {
            valid(i).then(|| edges.iter().filter(|&&edge| edge < floats[i]).count())
        });
        let from_edges = bands_from_edges(&of_floats, &edges, Closed::Right).unwrap();
        assert_eq!(from_edges, bands);
    }
    if let Ok((edges, bands)) = quantile_bands(&of_integers, bins) {
        check_bands(&bands, |i| {
            there[i].then(|| edges.iter().filter(|&&edge| edge < integers[i]).count())
        });
    }
    for interpolation in [Interpolation::Qcut, Interpolation::RRfm] {
        if let Ok((edges, bands)) = linear_bands(&of_floats, bins, interpolation) {
            let found = |i: usize| usize::from(bands[i]) <= bins && (bands[i] > 0) == valid(i);
            assert!((0..bands.len()).all(found));
            let from_edges = bands_from_edges(&of_floats, &edges, interpolation.closed());
            assert!(edges.is_empty() || from_edges.unwrap() == bands);
        }
    }
    if let Ok((_, bands)) = split_bands(&of_integers, bins) {
        let held = there.iter().filter(|&&is| is).count();
        for band in 1..=bins {
            let rows = bands.iter().filter(|&&own| usize::from(own) == band).count();
            assert!(rows.abs_diff(held / bins) <= 1, "{rows} of {held} rows in a band of {bins}");
        }
    }
    let own: Vec<f64> = floats.iter().copied().filter(|edge| !edge.is_nan()).take(5).collect();
    let _ = bands_from_edges(&of_integers, &own, closed);
}

/// Every row is in the band after so many edges, or in none.
fn check_bands(bands: &[u8], edges_below: impl Fn(usize) -> Option<usize>) {
    for (i, &band) in bands.iter().enumerate() {
        let expected = edges_below(i).map_or(0, |below| below + 1);
        assert_eq!(usize::from(band), expected, "row {i}");
    }
}
