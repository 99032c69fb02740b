//! Sorting the keys of one client's events: a few dozen distinct numbers, time after time.

/// Above so many keys, comparing each with each takes longer than sorting.
const MOST: usize = 64;
/// Keys that are compared at once.
const LANES: usize = 4;

/// Sort keys, which are distinct and below 2^63.
#[inline]
pub(super) fn sort_keys(keys: &mut [u64]) {
    if keys.len() > MOST {
        keys.sort_unstable();
    } else if !keys.is_sorted() {
        rank(keys);
    }
}

/// Put each key where the number of lower ones says: no step depends on how a comparison went, so
/// that processors never guess wrong, as they do at every other step of sorting so few.
fn rank(keys: &mut [u64]) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        unsafe { rank_avx2(keys) };
        return;
    }
    rank_by(keys);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn rank_avx2(keys: &mut [u64]) {
    rank_by(keys);
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "it is compiled for the instructions of its caller")]
fn rank_by(keys: &mut [u64]) {
    let mut all = [i64::MAX; MOST]; // what is beyond the keys is lower than none
    for (copy, &key) in all.iter_mut().zip(&*keys) {
        *copy = key as i64;
    }
    let (groups, _) = all[..keys.len().next_multiple_of(LANES)].as_chunks::<LANES>();
    for &key in &all[..keys.len()] {
        let mut lower = [0_i64; LANES];
        for group in groups {
            for (lower, other) in lower.iter_mut().zip(group) {
                *lower += i64::from(*other < key);
            }
        }
        keys[lower.iter().sum::<i64>() as usize] = key as u64;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keys_come_out_in_order(
            keys in proptest::collection::hash_set(0..=i64::MAX as u64, 0..=3 * MOST / 2),
            few in proptest::collection::hash_set(0..40_u64, 0..40),
        ) {
            for keys in [keys, few] {
                let mut found: Vec<u64> = keys.into_iter().collect();
                let mut expected = found.clone();
                expected.sort_unstable();
                sort_keys(&mut found);
                prop_assert_eq!(found, expected);
            }
        }
    }
}
