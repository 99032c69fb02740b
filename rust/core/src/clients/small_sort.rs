//! Sorting the events of one client after another: a few dozen instants each time.

use crate::stop::Call;

/// Above so many keys, comparing each with each takes longer than `sort_unstable`.
const MAX_KEYS: usize = 64;

/// A sort of so many takes so long that it asks on its way whether to stop, which costs a tenth of it.
const LONG_SORT: usize = 1 << 20;

/// A sort of instants; its arrays are reused from sort to sort.
#[derive(Debug, Default)]
pub(crate) struct SmallSort {
    /// Ascending: instants in the high bits, if they fit there, and their indices below.
    keys: Vec<i64>,
    index_bits: u32,
    /// Instants beside indices, where a word is too short for both: today's instants leave 12 bits.
    wide: Vec<(i64, usize)>,
}

impl SmallSort {
    /// Sort instants, equal ones by their indices; whether any are equal.
    #[inline]
    pub fn sort(&mut self, instants: impl ExactSizeIterator<Item = i64> + Clone) -> bool {
        let bits = (usize::BITS - instants.len().saturating_sub(1).leading_zeros()).max(1);
        let half = 1 << (i64::BITS - 1 - bits); // instants from -half to below half fit above them
        let mut beyond = 0;
        self.index_bits = bits;
        self.keys.clear();
        self.keys.extend((0..).zip(instants.clone()).map(|(index, instant): (i64, i64)| {
            beyond |= instant.wrapping_add(half) as u64;
            instant << bits | index
        }));
        if beyond >> (u64::BITS - bits) != 0 {
            return self.sort_wide(instants);
        }
        sort_keys(&mut self.keys);
        self.keys.windows(2).any(|pair| (pair[0] ^ pair[1]) >> bits == 0)
    }

    #[cold]
    fn sort_wide(&mut self, instants: impl Iterator<Item = i64>) -> bool {
        self.wide.clear();
        self.wide.extend(instants.enumerate().map(|(index, instant)| (instant, index)));
        sort(&mut self.wide);
        self.keys.clear();
        self.keys.extend(self.wide.iter().map(|&(_, index)| index as i64));
        self.wide.windows(2).any(|pair| pair[0].0 == pair[1].0)
    }

    /// The indices of the instants, ascending by instant.
    #[inline]
    pub fn indices(&self) -> impl Iterator<Item = usize> + Clone {
        let mask = (1 << self.index_bits) - 1;
        self.keys.iter().map(move |&key| (key & mask) as usize)
    }
}

/// Sort keys, which are distinct.
#[inline]
fn sort_keys(keys: &mut [i64]) {
    if keys.len() > MAX_KEYS {
        sort(keys);
    } else if !keys.is_sorted() {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2.
            unsafe { rank_sort_avx2(keys) };
            return;
        }
        keys.sort_unstable();
    }
}

/// Sort a client's rows, equal ones in any order.
pub(crate) fn sort<K: Ord>(keys: &mut [K]) {
    if keys.len() < LONG_SORT {
        return keys.sort_unstable();
    }
    let call = Call::current();
    keys.sort_unstable_by(|a, b| {
        call.check();
        a.cmp(b)
    });
}

/// A rank sort: the number of lower keys is where a key goes. It has no branch on a comparison, which
/// processors mispredict at every other step of sorting so few.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn rank_sort_avx2(keys: &mut [i64]) {
    const LANES: usize = 4; // keys that are compared at once
    let mut all = [i64::MAX; MAX_KEYS]; // padding is lower than no key
    let mut lower = [0_u64; MAX_KEYS];
    all[..keys.len()].copy_from_slice(keys);
    for lanes in 0..keys.len().div_ceil(LANES).min(MAX_KEYS / LANES) {
        let (own, lower) = (&all[lanes * LANES..][..LANES], &mut lower[lanes * LANES..][..LANES]);
        for &key in &all[..keys.len()] {
            for i in 0..LANES {
                lower[i] += u64::from(key < own[i]);
            }
        }
    }
    for i in 0..keys.len() {
        keys[lower[i] as usize] = all[i];
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Instants close together, days and years apart.
    fn instants() -> impl Strategy<Value = Vec<i64>> {
        let instant = prop_oneof![
            0..40_i64,
            1_700_000_000_000_000..1_800_000_000_000_000_i64,
            any::<i64>(),
            prop_oneof![Just(i64::MIN), Just(i64::MAX)],
        ];
        proptest::collection::vec(instant, 0..=3 * MAX_KEYS / 2)
    }

    /// Whether instants come out in their order, and equal ones are noticed.
    fn check(instants: &[i64]) {
        let mut expected: Vec<usize> = (0..instants.len()).collect();
        expected.sort_by_key(|&index| instants[index]);
        let tied = expected.windows(2).any(|pair| instants[pair[0]] == instants[pair[1]]);
        let mut sort = SmallSort::default();
        for _ in 0..2 {
            assert_eq!(sort.sort(instants.iter().copied()), tied);
            assert_eq!(sort.indices().collect::<Vec<_>>(), expected);
        }
    }

    /// Words hold instants up to a bound, which depends on how many there are, and not beyond it.
    #[test]
    fn instants_fit_up_to_their_bound() {
        for (n, bits) in [(0, 1), (1, 1), (2, 1), (3, 2), (64, 6), (65, 7), (4096, 12), (4097, 13)]
        {
            let half = 1_i64 << (63 - bits);
            for edge in [-half - 1, -half, half - 1, half] {
                let mut instants = vec![0; n];
                check(&instants);
                if let Some(first) = instants.first_mut() {
                    *first = edge;
                }
                check(&instants);
                instants.reverse();
                check(&instants);
            }
        }
    }

    proptest! {
        #[test]
        fn instants_come_out_in_order(
            any in instants(),
            near in proptest::collection::vec(0..40_i64, 0..=3 * MAX_KEYS / 2),
            narrow in 0..62_u32,
        ) {
            let narrowed: Vec<i64> = any.iter().map(|instant| instant >> narrow).collect();
            for instants in [any, near, narrowed] {
                check(&instants);
            }
        }
    }
}
