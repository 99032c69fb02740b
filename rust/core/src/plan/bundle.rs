//! The minimum of a convex function of few variables, each from 0, by a level bundle method.

use crate::plan::quadratic_program::QuadraticProgram;
use crate::stop::stop_if_asked;

/// How far from the lower bound towards the best value the next point's level lies.
const LEVEL: f64 = 0.3;
/// How much the box grows where the minimum lies at its edge.
const GROWTH: f64 = 4.0;

/// A function's value at a point, and a subgradient.
pub(super) type Cut = (f64, Vec<f64>);

/// What the search is told.
pub(super) struct Search {
    /// What a value of the function is like, where that at the start is less.
    pub size: f64,
    /// How large each variable times this is compared with the value.
    pub scale: Vec<f64>,
    /// How far the minimum is looked for at first, in scaled variables.
    pub radius: f64,
    /// The share of the value that a minimum may be missed by.
    pub tolerance: f64,
    pub max_steps: usize,
}

/// The best point found.
pub(super) fn minimise(
    function: &mut dyn FnMut(&[f64]) -> Cut,
    start: &[f64],
    search: &Search,
) -> Vec<f64> {
    let (first, slope) = function(start);
    let size = first.abs().max(search.size).max(f64::MIN_POSITIVE);
    let unit: Vec<f64> =
        search.scale.iter().map(|scale| size / scale.max(f64::MIN_POSITIVE)).collect();
    let scaled = |cut: Cut, at: &[f64]| {
        let slope: Vec<f64> =
            cut.1.iter().zip(&unit).map(|(slope, unit)| slope * unit / size).collect();
        let height = cut.0 / size - slope.iter().zip(at).map(|(slope, at)| slope * at).sum::<f64>();
        Plane { height, slope }
    };
    let mut best: Vec<f64> = start.iter().zip(&unit).map(|(x, unit)| x / unit).collect();
    let mut least = first / size;
    let mut planes = vec![scaled((first, slope), &best)];
    let mut region = Region::around(&best, search.radius);
    for _ in 0..search.max_steps {
        stop_if_asked();
        let (lowest, at) = lowest_of_model(&planes, &region, &best, least);
        if least - lowest <= search.tolerance * least.abs().max(f64::MIN_POSITIVE) {
            if !region.grow_if_at_edge(&best, &at) {
                break;
            }
            continue;
        }
        let level = lowest + LEVEL * (least - lowest);
        let next = projection(&planes, &region, &best, level);
        let point: Vec<f64> = next.iter().zip(&unit).map(|(y, unit)| y * unit).collect();
        let (value, slope) = function(&point);
        planes.push(scaled((value, slope), &next));
        if value / size < least {
            least = value / size;
            best = next;
        }
    }
    best.iter().zip(&unit).map(|(y, unit)| y * unit).collect()
}

/// A plane below the function.
struct Plane {
    height: f64,
    slope: Vec<f64>,
}

/// The box in which the minimum is looked for.
struct Region {
    low: Vec<f64>,
    high: Vec<f64>,
    radius: f64,
}

impl Region {
    fn around(centre: &[f64], radius: f64) -> Self {
        Self {
            low: centre.iter().map(|at| (at - radius).max(0.0)).collect(),
            high: centre.iter().map(|at| at + radius).collect(),
            radius,
        }
    }

    /// Grow if the best point, or the model's, lies at an edge that is not the function's own.
    fn grow_if_at_edge(&mut self, best: &[f64], at: &[f64]) -> bool {
        /// Beyond this many times the first box no price has a meaning.
        const LARGEST: f64 = 1e9;
        let near = 1e-6 * self.radius;
        let is_at_edge = |point: &[f64]| {
            (0..point.len()).any(|i| {
                point[i] >= self.high[i] - near
                    || self.low[i] > 0.0 && point[i] <= self.low[i] + near
            })
        };
        if self.radius > LARGEST || !(is_at_edge(best) || is_at_edge(at)) {
            return false;
        }
        *self = Self::around(best, GROWTH * self.radius);
        true
    }

    /// Its sides as rows of a program with `more` further variables.
    fn add_to(&self, program: &mut QuadraticProgram, more: usize) {
        for i in 0..self.low.len() {
            for (sign, limit) in [(1.0, self.high[i]), (-1.0, -self.low[i])] {
                let mut row = vec![0.0; self.low.len() + more];
                row[i] = sign;
                program.rows.push(row);
                program.limits.push(limit);
            }
        }
    }

    fn clamp(&self, point: &mut [f64]) {
        for (i, at) in point.iter_mut().enumerate() {
            *at = at.clamp(self.low[i], self.high[i]);
        }
    }
}

/// The least value of the model in the box, and where.
fn lowest_of_model(planes: &[Plane], region: &Region, best: &[f64], least: f64) -> (f64, Vec<f64>) {
    let n = best.len();
    let mut program = QuadraticProgram {
        curvature: vec![0.0; n + 1],
        linear: (0..=n).map(|i| f64::from(u8::from(i == n))).collect(),
        rows: Vec::new(),
        limits: Vec::new(),
    };
    region.add_to(&mut program, 1);
    for plane in planes {
        // Steep planes are scaled: rows of one size keep the program well conditioned.
        let size = 1.0 + plane.slope.iter().fold(0.0_f64, |most, slope| most.max(slope.abs()));
        let mut row: Vec<f64> = plane.slope.iter().map(|slope| slope / size).collect();
        row.push(-1.0 / size);
        program.rows.push(row);
        program.limits.push(-plane.height / size);
    }
    let mut start = best.to_vec();
    start.push(least);
    let mut at = program.minimum(&start);
    at.truncate(n);
    region.clamp(&mut at);
    let value = |plane: &Plane| {
        plane.height + plane.slope.iter().zip(&at).map(|(slope, at)| slope * at).sum::<f64>()
    };
    (planes.iter().map(value).fold(f64::NEG_INFINITY, f64::max).min(least), at)
}

/// The point nearest to the best one at which the model lies at or below a level.
fn projection(planes: &[Plane], region: &Region, best: &[f64], level: f64) -> Vec<f64> {
    let mut program = QuadraticProgram {
        curvature: vec![1.0; best.len()],
        linear: best.iter().map(|at| -at).collect(),
        rows: Vec::new(),
        limits: Vec::new(),
    };
    region.add_to(&mut program, 0);
    for plane in planes {
        let size = 1.0 + plane.slope.iter().fold(0.0_f64, |most, slope| most.max(slope.abs()));
        program.rows.push(plane.slope.iter().map(|slope| slope / size).collect());
        program.limits.push((level - plane.height) / size);
    }
    let mut next = program.minimum(best);
    region.clamp(&mut next);
    next
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_minimum_of_a_piecewise_linear_function_is_found_far_from_the_start() {
        let mut function = |x: &[f64]| -> Cut {
            let (mut value, mut slope) = (1.0, vec![0.0; 3]);
            for (i, (at, weight)) in [(7.0, 3.0), (0.25, 1.0), (40.0, 0.5)].into_iter().enumerate()
            {
                value += weight * (x[i] - at).abs();
                slope[i] = if x[i] > at { weight } else { -weight };
            }
            (value, slope)
        };
        let search =
            Search { size: 0.0, scale: vec![1.0; 3], radius: 0.1, tolerance: 1e-9, max_steps: 300 };
        let found = minimise(&mut function, &[0.0; 3], &search);
        assert!((function(&found).0 - 1.0).abs() < 1e-6, "{found:?}");
    }

    #[test]
    fn variables_stay_from_zero() {
        let mut function = |x: &[f64]| -> Cut {
            (5.0 + x[0] + (x[1] - 1.0).abs(), vec![1.0, (x[1] - 1.0).signum()])
        };
        let search =
            Search { size: 0.0, scale: vec![1.0; 2], radius: 1.0, tolerance: 1e-9, max_steps: 100 };
        let found = minimise(&mut function, &[2.0, 0.0], &search);
        assert!(found[0].abs() < 1e-6 && (found[1] - 1.0).abs() < 1e-6, "{found:?}");
    }
}
