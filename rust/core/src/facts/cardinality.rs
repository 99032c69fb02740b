//! How many different numbers there are, told from a sample.

/// Lines that are looked at.
pub(super) const SAMPLE: usize = 4096;

/// An estimate of how many different numbers there are where a sample was drawn: those seen, and as
/// many more as the numbers seen once and twice let expect (Chao 1984, in the form without bias; what
/// it aims at is a lower bound, which a few numbers that are met all the time do not pull down).
pub(super) fn estimate(sample: &mut [u64]) -> usize {
    sample.sort_unstable();
    let (mut seen, mut once, mut twice) = (0, 0, 0);
    for alike in sample.chunk_by(|a, b| a == b) {
        seen += 1;
        once += usize::from(alike.len() == 1);
        twice += usize::from(alike.len() == 2);
    }
    seen + once * once.saturating_sub(1) / (2 * (twice + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::mix_words;

    /// A sample of `numbers` equally frequent numbers, one in `others` of it another, one and the
    /// same.
    fn estimate_of(numbers: u64, others: u64, seed: u64) -> usize {
        let number = |i| if i % others == 0 { 7 } else { 100 + mix_words(i, seed) % numbers };
        estimate(&mut (0..SAMPLE as u64).map(number).collect::<Vec<_>>())
    }

    #[test]
    fn estimates_are_about_right() {
        for numbers in [1, 10, 1_000, 5_000, 30_000, 200_000, 1_000_000] {
            for others in [2, 10, u64::MAX] {
                for seed in 0..20 {
                    let found = estimate_of(numbers, others, seed).min(2_000_000);
                    let found = found as f64 / (numbers + 1) as f64;
                    assert!((0.25..4.0).contains(&found), "{numbers} {others}: {found} times");
                }
            }
        }
    }

    #[test]
    fn a_sample_of_none_one_or_all_different_has_an_estimate() {
        assert_eq!(estimate(&mut []), 0);
        assert_eq!(estimate(&mut [5]), 1);
        assert_eq!(estimate(&mut [5; 100]), 1);
        assert_eq!(estimate(&mut [1, 2, 3, 3]), 3);
        assert!(estimate(&mut (0..SAMPLE as u64).collect::<Vec<_>>()) > 1_000 * SAMPLE);
    }
}
