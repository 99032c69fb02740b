//! The weight of an award by its age in whole days.
//!
//! Weights are computed once into a table, with integer arithmetic only: the exponential functions
//! of mathematical libraries differ in their last bit from one machine to the next.

use super::rules::Decay;
use crate::calendar::DAY;

/// Half-lives after which an award counts for nothing: 2^-64 of any number of points is less than
/// the last bit of a score of that many points.
const HALF_LIVES: i128 = 64;

/// The natural logarithm of 2, times 2^62.
const LN_2: u128 = 3_196_577_161_300_663_915;

/// Weights by age.
#[derive(Debug, Clone)]
pub(super) struct DecayWeights {
    /// The weights of ages from 0; older awards have the last one.
    table: Vec<f64>,
}

impl DecayWeights {
    /// The weights of all ages up to `oldest` days.
    pub fn new(decay: Decay, oldest: u32) -> Self {
        let weigh = |age: u32| match decay {
            Decay::None => 1.0,
            Decay::HalfLife(life) => half_life(age, life),
            Decay::Linear(span) => linear(age, span),
            Decay::Window(span) => f64::from(i128::from(age) * i128::from(DAY) < i128::from(span)),
        };
        let mut table = vec![weigh(0)];
        for age in 1..=oldest {
            let weight = weigh(age);
            table.push(weight);
            // Nothing changes any more, for lack of decay or of weight.
            if weight == 0.0 || decay == Decay::None {
                break;
            }
        }
        Self { table }
    }

    /// The weight of an award of an age in days.
    #[inline]
    pub fn of(&self, age: u64) -> f64 {
        self.table.get(age as usize).copied().unwrap_or_else(|| self.table[self.table.len() - 1])
    }
}

/// 2^(-age / life).
fn half_life(age: u32, life: i64) -> f64 {
    let (age, life) = (i128::from(age) * i128::from(DAY), i128::from(life));
    if age >= HALF_LIVES * life {
        return 0.0;
    }
    let (halvings, rest) = ((age / life) as u64, (age % life) as u128);
    let power = f64::from_bits((1023 - halvings) << 52);
    if rest == 0 {
        return power;
    }
    // e^(-x) for x = rest / life * ln 2 by its series, with 62 bits after the point: the error is
    // below 2^-57, an eighth of the last bit of the result.
    let x = ((rest << 62) / life as u128 * LN_2) >> 62;
    let (mut sum, mut term) = (1_i128 << 62, 1_u128 << 62);
    for n in 1.. {
        term = ((term * x) >> 62) / n;
        if term == 0 {
            break;
        }
        sum += if n % 2 == 1 { -(term as i128) } else { term as i128 };
    }
    sum as f64 * f64::from_bits((1023 - 62) << 52) * power
}

/// 1 - age / span, at least 0.
fn linear(age: u32, span: i64) -> f64 {
    let (age, span) = (i128::from(age) * i128::from(DAY), i128::from(span));
    if age >= span { 0.0 } else { 1.0 - age as f64 / span as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_lives_are_powers_of_two() {
        for (age, expected) in [(0, 1.0), (30, 0.5), (60, 0.25), (300, 1.0 / 1024.0)] {
            assert_eq!(half_life(age, 30 * DAY).to_bits(), f64::to_bits(expected));
        }
        assert!(half_life(64 * 30 - 1, 30 * DAY) > 0.0);
        assert_eq!(half_life(64 * 30, 30 * DAY).to_bits(), 0);
    }

    /// Against the function of the platform, to one unit in the last place.
    #[test]
    fn half_life_is_the_exponential() {
        for life in [DAY / 24, DAY, 7 * DAY, 30 * DAY, 365 * DAY, 1_000_003] {
            for age in 0..2000_u32 {
                let exponent = f64::from(age) * DAY as f64 / life as f64;
                let (found, expected) = (half_life(age, life), (-exponent).exp2());
                if exponent < 64.0 {
                    // The exponent itself is rounded, by up to 64 * 2^-53.
                    assert!((found / expected - 1.0).abs() < 1e-14, "{age} {life}");
                } else {
                    assert_eq!(found.to_bits(), 0);
                }
            }
        }
    }

    #[test]
    fn lines_and_windows_end() {
        let line = DecayWeights::new(Decay::Linear(90 * DAY), 1000);
        for (age, expected) in
            [(0, 1.0), (45, 0.5), (72, 1.0 - 72.0 / 90.0), (90, 0.0), (5000, 0.0)]
        {
            assert_eq!(line.of(age).to_bits(), f64::to_bits(expected), "{age}");
        }
        let window = DecayWeights::new(Decay::Window(90 * DAY), 1000);
        assert_eq!([0, 89, 90, 5000].map(|age| window.of(age) > 0.5), [true, true, false, false]);
        let never = DecayWeights::new(Decay::None, 1000);
        assert_eq!(never.of(u64::MAX).to_bits(), 1.0_f64.to_bits());
    }
}
