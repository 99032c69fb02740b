//! Sorting the keys of one client's events: a few dozen distinct numbers, time after time.

/// Above so many keys, comparing each with each takes longer than sorting.
const MOST: usize = 64;

/// Sort keys, which are distinct and below 2^63.
#[inline]
pub(super) fn sort_keys(keys: &mut [u64]) {
    debug_assert!(keys.iter().all(|&key| key >> 63 == 0), "keys order as signed numbers");
    if keys.len() > MOST {
        keys.sort_unstable();
    } else if !keys.is_sorted() {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2.
            unsafe { rank_avx2(keys) };
            return;
        }
        keys.sort_unstable();
    }
}

/// Put each key where the number of lower ones says: no step depends on how a comparison went, so
/// that processors never guess wrong, as they do at every other step of sorting so few.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn rank_avx2(keys: &mut [u64]) {
    const LANES: usize = 4; // keys that are compared at once
    let mut all = [i64::MAX; MOST]; // what is beyond the keys is lower than none
    let mut lower = [0_u64; MOST];
    for i in 0..keys.len() {
        all[i] = keys[i] as i64;
    }
    for lanes in 0..keys.len().div_ceil(LANES).min(MOST / LANES) {
        let (own, lower) = (&all[lanes * LANES..][..LANES], &mut lower[lanes * LANES..][..LANES]);
        for &key in &all[..keys.len()] {
            for i in 0..LANES {
                lower[i] += u64::from(key < own[i]);
            }
        }
    }
    for i in 0..keys.len() {
        keys[lower[i] as usize] = all[i] as u64;
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
