//! Small convex quadratic programs, exact to rounding: the master problems of the bundle.
//!
//! A primal-dual interior-point method with Mehrotra's predictor and corrector (Nocedal and Wright,
//! "Numerical Optimization", 2nd edition, algorithm 16.4): a dozen variables and some hundred
//! constraints take a fraction of a millisecond, and additions have one order, so that results have
//! the same bits everywhere.

/// Steps that no program of this size needs.
const MAX_STEPS: usize = 60;
/// Where residuals and complementarity count as zero; data are of the order of one.
const TOLERANCE: f64 = 1e-12;
/// The least slack to begin with: from nearer to the boundary, no step goes far.
const LEAST_FIRST_SLACK: f64 = 1.0;
/// The share of the way to the boundary that a step goes.
const SHARE_OF_WAY: f64 = 0.995;

/// Minimise ½ Σ `curvature`ᵢ xᵢ² + `linear` · x over `rows` x <= `limits`.
pub(super) struct QuadraticProgram {
    pub curvature: Vec<f64>,
    pub linear: Vec<f64>,
    pub rows: Vec<Vec<f64>>,
    pub limits: Vec<f64>,
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |most, value| most.max(value.abs()))
}

/// The longest step, of at most 1, that keeps values above 0.
fn step_length(values: &[f64], direction: &[f64]) -> f64 {
    let steps = values.iter().zip(direction).filter(|(_, change)| **change < 0.0);
    steps.map(|(value, change)| -value / change).fold(1.0, f64::min)
}

/// The factor L of a symmetric positive definite matrix L Lᵀ; small pivots are lifted.
fn factorise(matrix: &mut [Vec<f64>]) {
    let n = matrix.len();
    let least = 1e-300 + 1e-18 * (0..n).map(|i| matrix[i][i]).fold(0.0, f64::max);
    for row in 0..n {
        for column in 0..=row {
            let known = dot(&matrix[row][..column], &matrix[column][..column]);
            let rest = matrix[row][column] - known;
            matrix[row][column] =
                if row == column { rest.max(least).sqrt() } else { rest / matrix[column][column] };
        }
    }
}

/// Solve L Lᵀ x = right.
fn solve(factor: &[Vec<f64>], right: &mut [f64]) {
    let n = right.len();
    for row in 0..n {
        right[row] = (right[row] - dot(&factor[row][..row], &right[..row])) / factor[row][row];
    }
    for row in (0..n).rev() {
        let known: f64 = (row + 1..n).map(|below| factor[below][row] * right[below]).sum();
        right[row] = (right[row] - known) / factor[row][row];
    }
}

impl QuadraticProgram {
    /// The minimum, from a start that need not meet the constraints.
    pub fn minimum(&self, start: &[f64]) -> Vec<f64> {
        let count = self.rows.len();
        let mut x = start.to_vec();
        let mut slack: Vec<f64> = (0..count)
            .map(|row| (self.limits[row] - dot(&self.rows[row], &x)).max(LEAST_FIRST_SLACK))
            .collect();
        let mut multiplier = vec![1.0; count];
        for _ in 0..MAX_STEPS {
            let dual = self.dual_residual(&x, &multiplier);
            let primal: Vec<f64> = (0..count)
                .map(|row| dot(&self.rows[row], &x) + slack[row] - self.limits[row])
                .collect();
            let gap = dot(&slack, &multiplier) / count as f64;
            if gap < TOLERANCE && largest(&dual) < 1e-9 && largest(&primal) < 1e-11 {
                break;
            }
            let mut normal = self.normal_matrix(&slack, &multiplier);
            factorise(&mut normal);
            let products: Vec<f64> = slack.iter().zip(&multiplier).map(|(s, z)| s * z).collect();
            let state = State { slack: &slack, multiplier: &multiplier, normal: &normal };
            let predictor = self.direction(&state, &dual, &primal, &products);
            let reach = step_length(&slack, &predictor.slack)
                .min(step_length(&multiplier, &predictor.multiplier));
            let after: f64 = (0..count)
                .map(|row| {
                    (slack[row] + reach * predictor.slack[row])
                        * (multiplier[row] + reach * predictor.multiplier[row])
                })
                .sum::<f64>()
                / count as f64;
            let centre = gap * (after / gap).powi(3);
            let corrected: Vec<f64> = (0..count)
                .map(|row| {
                    products[row] + predictor.slack[row] * predictor.multiplier[row] - centre
                })
                .collect();
            let step = self.direction(&state, &dual, &primal, &corrected);
            let length = SHARE_OF_WAY
                * step_length(&slack, &step.slack)
                    .min(step_length(&multiplier, &step.multiplier))
                    .min(1.0 / SHARE_OF_WAY);
            let moved = |values: &mut [f64], direction: &[f64]| {
                values
                    .iter_mut()
                    .zip(direction)
                    .for_each(|(value, change)| *value += length * change);
            };
            if !step.x.iter().all(|change| change.is_finite()) {
                break;
            }
            moved(&mut x, &step.x);
            moved(&mut slack, &step.slack);
            moved(&mut multiplier, &step.multiplier);
        }
        x
    }

    fn dual_residual(&self, x: &[f64], multiplier: &[f64]) -> Vec<f64> {
        let mut residual: Vec<f64> =
            (0..x.len()).map(|i| self.curvature[i] * x[i] + self.linear[i]).collect();
        for (row, multiplier) in self.rows.iter().zip(multiplier) {
            residual.iter_mut().zip(row).for_each(|(sum, entry)| *sum += multiplier * entry);
        }
        residual
    }

    fn normal_matrix(&self, slack: &[f64], multiplier: &[f64]) -> Vec<Vec<f64>> {
        let n = self.linear.len();
        let mut normal = vec![vec![0.0; n]; n];
        for (row, (slack, multiplier)) in self.rows.iter().zip(slack.iter().zip(multiplier)) {
            let weight = multiplier / slack;
            for i in (0..n).filter(|i| row[*i] != 0.0) {
                let weighted = weight * row[i];
                for j in 0..=i {
                    normal[i][j] += weighted * row[j];
                }
            }
        }
        for (i, (row, curvature)) in normal.iter_mut().zip(&self.curvature).enumerate() {
            row[i] += curvature;
        }
        normal
    }

    fn direction(
        &self,
        state: &State<'_>,
        dual: &[f64],
        primal: &[f64],
        products: &[f64],
    ) -> Direction {
        let State { slack, multiplier, normal } = state;
        let count = slack.len();
        let mut x: Vec<f64> = dual.iter().map(|residual| -residual).collect();
        for row in 0..count {
            let weight = (multiplier[row] * primal[row] - products[row]) / slack[row];
            x.iter_mut().zip(&self.rows[row]).for_each(|(sum, entry)| *sum -= weight * entry);
        }
        solve(normal, &mut x);
        let along: Vec<f64> = self.rows.iter().map(|row| dot(row, &x)).collect();
        Direction {
            slack: (0..count).map(|row| -primal[row] - along[row]).collect(),
            multiplier: (0..count)
                .map(|row| {
                    (multiplier[row] * (primal[row] + along[row]) - products[row]) / slack[row]
                })
                .collect(),
            x,
        }
    }
}

/// Where the method is, and the factor of its normal equations there.
struct State<'a> {
    slack: &'a [f64],
    multiplier: &'a [f64],
    normal: &'a [Vec<f64>],
}

/// Where it goes.
struct Direction {
    x: Vec<f64>,
    slack: Vec<f64>,
    multiplier: Vec<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The projection on a box and a half-space, by its definition: no feasible point is nearer.
        #[test]
        fn no_point_that_meets_the_constraints_is_better(
            centre in proptest::array::uniform3(-2.0..2.0_f64),
            normal in proptest::array::uniform3(0.1..1.0_f64),
            linear in proptest::array::uniform3(-1.0..1.0_f64),
            curvature in 0.0..1.0_f64,
            points in proptest::collection::vec(proptest::array::uniform3(0.0..1.0_f64), 64),
        ) {
            let mut rows = vec![normal.to_vec()];
            let mut limits = vec![0.5];
            for i in 0..3 {
                let unit = |sign: f64| (0..3).map(|j| if i == j { sign } else { 0.0 }).collect();
                rows.extend([unit(1.0), unit(-1.0)]);
                limits.extend([1.0, 0.0]);
            }
            let program = QuadraticProgram {
                curvature: vec![curvature; 3], linear: linear.to_vec(), rows, limits,
            };
            let found = program.minimum(&centre);
            let cost = |x: &[f64]| -> f64 {
                (0..3).map(|i| 0.5 * curvature * x[i] * x[i] + linear[i] * x[i]).sum()
            };
            for (row, limit) in program.rows.iter().zip(&program.limits) {
                prop_assert!(dot(row, &found) <= limit + 1e-9);
            }
            for point in points {
                if dot(&normal, &point) <= 0.5 {
                    prop_assert!(cost(&found) <= cost(&point) + 1e-9);
                }
            }
        }
    }
}
