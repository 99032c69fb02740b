//! How often one client bought with each label, in odd and in even places, and the entropies of that.

use crate::dictionary::MISSING;

/// Entropies are summed as integers of this unit, since sums of floats would depend on their order.
const UNIT: f64 = 1e9;
/// Entropies are rounded to so many parts of one, so that equal ones tie.
const PARTS: f64 = 1e8;
/// Counts below this are looked up.
const KNOWN: usize = 1024;

/// Counts of the labels of one client after another.
#[derive(Debug)]
pub(super) struct LabelCounts {
    /// By label: purchases in odd and in even places.
    counts: Vec<[u32; 2]>,
    /// The labels that were counted.
    labels: Vec<u32>,
    /// n ln n in units, for the lowest n.
    n_log_n: Box<[i64; KNOWN]>,
}

impl LabelCounts {
    /// Counts of labels below `labels`.
    pub fn new(labels: usize) -> Self {
        Self {
            counts: vec![[0; 2]; labels],
            labels: Vec::new(),
            n_log_n: Box::new(std::array::from_fn(|n| n_log_n(n as u32))),
        }
    }

    /// Count a purchase with a label; whether it is the first of its client.
    #[inline]
    pub fn add(&mut self, label: u32, is_odd: bool) -> bool {
        debug_assert_ne!(label, MISSING, "no label is counted");
        let counts = &mut self.counts[label as usize];
        let is_new = *counts == [0; 2];
        counts[usize::from(!is_odd)] += 1;
        if is_new {
            self.labels.push(label);
        }
        is_new
    }

    /// The entropies in nats over all purchases, those in odd and those in even places, not a number
    /// where there is none; no purchases are left.
    pub fn take_entropies(&mut self) -> [f64; 3] {
        let (mut sums, mut totals) = ([0_i128; 3], [0_u32; 3]);
        for label in self.labels.drain(..) {
            let [odd, even] = std::mem::take(&mut self.counts[label as usize]);
            for (half, n) in [odd + even, odd, even].into_iter().enumerate() {
                totals[half] += n;
                let known = self.n_log_n.get(n as usize).copied();
                sums[half] += i128::from(known.unwrap_or_else(|| n_log_n(n)));
            }
        }
        std::array::from_fn(|half| entropy(totals[half], sums[half]))
    }
}

/// n ln n in units, 0 for 0.
fn n_log_n(n: u32) -> i64 {
    let n = f64::from(n);
    (n * libm::log(n.max(1.0)) * UNIT).round() as i64
}

fn entropy(total: u32, sum: i128) -> f64 {
    if total == 0 {
        return f64::NAN;
    }
    let n = f64::from(total);
    let entropy = libm::log(n) - sum as f64 / (UNIT * n);
    // Zero has no sign.
    (entropy * PARTS).round_ties_even() / PARTS + 0.0
}
