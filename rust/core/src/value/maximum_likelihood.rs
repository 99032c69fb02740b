//! Maximum likelihood: by the quasi-Newton method of `argmin`, from several starts, and verified.
//!
//! The search runs over logarithms of the parameters, kept within bounds by a smooth curve. Its end
//! is only accepted if the analytic gradient and Hessian say that it is a maximum: the Hessian must
//! be negative definite there, and the Newton step to the exact maximum shorter than a thousandth
//! of a standard error.

use std::cell::RefCell;

use argmin::core::{CostFunction, Executor, Gradient};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::quasinewton::BFGS;

use super::matrix::{Matrix, inverse_positive_definite, quadratic_form};
use crate::error::{Error, Result};

/// A log-likelihood at some parameters, with its first two derivatives by them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evaluation<const P: usize> {
    /// The logarithm of the likelihood.
    pub value: f64,
    /// Its first derivatives.
    pub gradient: [f64; P],
    /// Its second derivatives.
    pub hessian: Matrix<P>,
}

impl<const P: usize> Default for Evaluation<P> {
    fn default() -> Self {
        Self { value: 0.0, gradient: [0.0; P], hessian: [[0.0; P]; P] }
    }
}

impl<const P: usize> Evaluation<P> {
    /// Add what another part of the clients contributes.
    pub fn add(&mut self, part: &Self) {
        self.value += part.value;
        for i in 0..P {
            self.gradient[i] += part.gradient[i];
            for j in 0..P {
                self.hessian[i][j] += part.hessian[i][j];
            }
        }
    }

    /// Fill the lower triangle of the Hessian from the upper one.
    pub fn mirror(&mut self) {
        for i in 0..P {
            for j in 0..i {
                self.hessian[i][j] = self.hessian[j][i];
            }
        }
    }
}

/// A log-likelihood of clients in P positive parameters.
pub trait Likelihood<const P: usize> {
    /// The parameters' names.
    fn names(&self) -> [&'static str; P];
    /// Clients it sums over.
    fn clients(&self) -> f64;
    /// Its value and derivatives.
    fn evaluate(&self, parameters: &[f64; P]) -> Evaluation<P>;
}

/// A maximum that has been verified.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate<const P: usize> {
    /// The parameters.
    pub parameters: [f64; P],
    /// The covariance of the estimates: the inverse of the observed information.
    pub covariance: Matrix<P>,
    /// The log-likelihood.
    pub log_likelihood: f64,
    /// How many clients it is of.
    pub clients: f64,
}

impl<const P: usize> Estimate<P> {
    /// The standard error of each parameter.
    pub fn standard_errors(&self) -> [f64; P] {
        std::array::from_fn(|i| self.covariance[i][i].sqrt())
    }
}

/// Logarithms of parameters stay within ±BOUND: e^20 is five hundred million.
const BOUND: f64 = 20.0;
/// Beyond this a maximum is not accepted: the likelihood still rises towards 0 or infinity.
const AT_BOUND: f64 = 17.0;
/// The longest Newton step, in squared standard errors, from a point that is taken for a maximum.
const MAX_STEP: f64 = 1e-6;
/// A unit of the logarithm of a parameter counts for at least so many standard errors.
const ERRORS_A_LOG: f64 = 0.01;
/// A search ends where the step is this short, which rounding still lets it see.
const TOLERANCE: f64 = 1e-10;
/// The same on a subsample, where a search only looks for a start.
const SUBSAMPLE_TOLERANCE: f64 = 1e-2;
const MAX_ITERATIONS: u64 = 200;
/// Likelihoods that differ by less than this are equal, as far as the clients can tell.
pub(super) const LIKELIHOOD_TOLERANCE: f64 = 0.01;
/// The most points that a search looks at: a few to an iteration where there is a maximum. Where the
/// likelihood is not a number, a line search alone would go on for ever.
const MAX_POINTS: usize = 1_000;

/// The log of a parameter for a free coordinate, and its derivative.
fn bounded(free: f64) -> (f64, f64) {
    let curved = libm::tanh(free / BOUND);
    (BOUND * curved, 1.0 - curved * curved)
}

fn parameters_at<const P: usize>(free: &[f64]) -> [f64; P] {
    std::array::from_fn(|i| libm::exp(bounded(free[i]).0))
}

fn free_of<const P: usize>(parameters: &[f64; P]) -> Vec<f64> {
    let inner = |log: f64| (log / BOUND).clamp(-0.99, 0.99);
    parameters.iter().map(|&p| BOUND * libm::atanh(inner(libm::log(p)))).collect()
}

/// What has been computed so far: the last point, as `argmin` asks for cost and gradient separately,
/// and the best one, or the one at which the search has converged.
struct SearchTrace<const P: usize> {
    points: usize,
    converged: bool,
    last: Option<(Vec<f64>, Evaluation<P>)>,
    best: Option<(Vec<f64>, Evaluation<P>)>,
}

struct Search<'a, L, const P: usize> {
    likelihood: &'a L,
    trace: &'a RefCell<SearchTrace<P>>,
    tolerance: f64,
}

impl<L: Likelihood<P>, const P: usize> Search<'_, L, P> {
    /// The likelihood at a point. Near enough to the maximum a line search would only follow rounding
    /// errors, so it is stopped: by an error, as there is no other way.
    fn at(&self, free: &[f64]) -> std::result::Result<Evaluation<P>, argmin::core::Error> {
        let mut trace = self.trace.borrow_mut();
        if let Some((point, found)) = &trace.last
            && point == free
        {
            return Ok(*found);
        }
        trace.points += 1;
        if trace.points > MAX_POINTS {
            return Err(argmin::core::Error::msg("too many points"));
        }
        let parameters = parameters_at(free);
        let found = self.likelihood.evaluate(&parameters);
        trace.last = Some((free.to_vec(), found));
        trace.converged =
            step_to_maximum(&parameters, &found).is_some_and(|step| step <= self.tolerance);
        if trace.converged || trace.best.as_ref().is_none_or(|(_, best)| found.value > best.value) {
            trace.best = Some((free.to_vec(), found));
        }
        if trace.converged { Err(argmin::core::Error::msg("converged")) } else { Ok(found) }
    }
}

impl<L: Likelihood<P>, const P: usize> CostFunction for Search<'_, L, P> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, free: &Vec<f64>) -> std::result::Result<f64, argmin::core::Error> {
        Ok(-self.at(free)?.value / self.likelihood.clients())
    }
}

impl<L: Likelihood<P>, const P: usize> Gradient for Search<'_, L, P> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, free: &Vec<f64>) -> std::result::Result<Vec<f64>, argmin::core::Error> {
        let slope = self.at(free)?.gradient;
        let parameters: [f64; P] = parameters_at(free);
        let inner = |i: usize| parameters[i] * bounded(free[i]).1;
        Ok((0..P).map(|i| -slope[i] * inner(i) / self.likelihood.clients()).collect())
    }
}

/// The Hessian of −log-likelihood by the logarithms of the parameters.
fn curvature<const P: usize>(parameters: &[f64; P], found: &Evaluation<P>) -> Matrix<P> {
    std::array::from_fn(|i| {
        std::array::from_fn(|j| {
            let own = if i == j { parameters[i] * found.gradient[i] } else { 0.0 };
            -(parameters[i] * parameters[j] * found.hessian[i][j] + own)
        })
    })
}

/// The length of the Newton step to the maximum, in squared standard errors; None where the
/// likelihood is not concave.
///
/// A likelihood that rises for ever as a parameter goes to 0 flattens on its way, and the step
/// shrinks in standard errors, but stays one unit of the logarithm. Such units count as well.
fn step_to_maximum<const P: usize>(parameters: &[f64; P], found: &Evaluation<P>) -> Option<f64> {
    let inverse = inverse_positive_definite(&curvature(parameters, found))?;
    let slope: [f64; P] = std::array::from_fn(|i| parameters[i] * found.gradient[i]);
    let longest =
        log_step(&inverse, &slope).into_iter().fold(0.0, |most, part| part.abs().max(most));
    Some(quadratic_form(&inverse, &slope).max((longest * ERRORS_A_LOG).powi(2)))
}

/// The Newton step in the logarithms of the parameters.
fn log_step<const P: usize>(inverse: &Matrix<P>, slope: &[f64; P]) -> [f64; P] {
    std::array::from_fn(|i| (0..P).map(|j| inverse[i][j] * slope[j]).sum())
}

/// Search from one start, until the squared step to the maximum is at most `tolerance`.
fn search<L: Likelihood<P>, const P: usize>(
    likelihood: &L,
    start: &[f64; P],
    tolerance: f64,
) -> Option<([f64; P], Evaluation<P>)> {
    let trace = RefCell::new(SearchTrace { points: 0, converged: false, last: None, best: None });
    let problem = Search { likelihood, trace: &trace, tolerance };
    let free = free_of(start);
    if let Ok(first) = problem.at(&free) {
        let inverse = inverse_positive_definite(&curvature(start, &first)).map_or_else(
            || (0..P).map(|i| (0..P).map(|j| f64::from(u8::from(i == j))).collect()).collect(),
            |inverse| -> Vec<Vec<f64>> {
                let scaled = |row: [f64; P]| row.map(|cell| cell * likelihood.clients()).to_vec();
                inverse.map(scaled).to_vec()
            },
        );
        // How it ended does not matter: the line search may have given up where rounding hides the
        // slope, and whether the best point is a maximum is verified afterwards.
        let _ = Executor::new(problem, BFGS::new(MoreThuenteLineSearch::new()))
            .configure(|state| state.param(free).inv_hessian(inverse).max_iters(MAX_ITERATIONS))
            .run();
    }
    let trace = trace.into_inner();
    let (free, found) = trace.best?;
    found.value.is_finite().then(|| (parameters_at(&free), found))
}

/// Why there is no maximum, and how high the likelihood rises all the same.
#[derive(Debug)]
pub struct FitFailure {
    /// The sentence.
    pub error: Error,
    /// The greatest log-likelihood that was seen.
    pub highest: f64,
}

/// Find the maximum of a likelihood: from each start on a subsample of the clients, then from the best
/// end on all of them.
///
/// # Errors
/// If there is no maximum within the bounds, with the parameter that has none.
pub fn maximise<L: Likelihood<P>, const P: usize>(
    model: &str,
    likelihood: &L,
    subsample: &L,
    starts: &[[f64; P]],
) -> std::result::Result<Estimate<P>, FitFailure> {
    let mut ends: Vec<_> =
        starts.iter().filter_map(|start| search(subsample, start, SUBSAMPLE_TOLERANCE)).collect();
    // Best first; equal ends keep the order of the starts.
    ends.sort_by(|one, other| other.1.value.total_cmp(&one.1.value));
    let mut failure: Option<FitFailure> = None;
    let mut left = f64::INFINITY;
    for (start, end) in &ends {
        // As high as one from which there is no maximum: on the same ridge, where a search is long.
        if end.value >= left - LIKELIHOOD_TOLERANCE {
            continue;
        }
        let Some((parameters, found)) = search(likelihood, start, TOLERANCE) else {
            continue;
        };
        match verify(model, likelihood.names(), &parameters, &found) {
            Ok(covariance) => {
                return Ok(Estimate {
                    parameters,
                    covariance,
                    log_likelihood: found.value,
                    clients: likelihood.clients(),
                });
            }
            Err(error) => {
                left = end.value;
                match &mut failure {
                    Some(first) => first.highest = first.highest.max(found.value),
                    None => failure = Some(FitFailure { error, highest: found.value }),
                }
            }
        }
    }
    Err(failure.unwrap_or_else(|| FitFailure {
        error: Error::Data(format!(
            "the {model} model cannot be fitted: its likelihood is not finite"
        )),
        highest: f64::INFINITY,
    }))
}

/// The covariance at a maximum, or why it is none.
fn verify<const P: usize>(
    model: &str,
    names: [&str; P],
    parameters: &[f64; P],
    found: &Evaluation<P>,
) -> Result<Matrix<P>> {
    let say = |why: String| Err(Error::Data(format!("the {model} model cannot be fitted: {why}")));
    let written = names.iter().zip(parameters).map(|(name, value)| format!("{name} {value:.4}"));
    let point = written.collect::<Vec<_>>().join(", ");
    let for_ever = |name: &str, upwards: bool| {
        let to = if upwards { "infinity" } else { "0" };
        format!(
            "the likelihood rises for ever as {name} goes to {to} ({point}), so the data do not tell it"
        )
    };
    for (name, value) in names.iter().zip(parameters) {
        let log = libm::log(*value);
        if log.abs() > AT_BOUND {
            return say(for_ever(name, log > 0.0));
        }
    }
    let curvature = curvature(parameters, found);
    let Some(inverse) = inverse_positive_definite(&curvature) else {
        return say(format!(
            "the likelihood is flat around {point}, so the data do not tell the parameters apart"
        ));
    };
    let step = step_to_maximum(parameters, found).unwrap_or(f64::INFINITY);
    if step > MAX_STEP {
        // A likelihood that flattens as it rises: the step is short in standard errors, but not in
        // units of the logarithm.
        let slope: [f64; P] = std::array::from_fn(|i| parameters[i] * found.gradient[i]);
        let steps = log_step(&inverse, &slope);
        let far = (0..P).max_by(|&i, &j| steps[i].abs().total_cmp(&steps[j].abs()));
        if let Some(far) = far.filter(|&far| steps[far].abs() > 0.5) {
            return say(for_ever(names[far], steps[far] > 0.0));
        }
        return say(format!(
            "the search did not converge: at {point} the maximum is still {:.1e} standard errors away",
            step.sqrt()
        ));
    }
    Ok(std::array::from_fn(|i| {
        std::array::from_fn(|j| inverse[i][j] * parameters[i] * parameters[j])
    }))
}

/// How far derivatives are from finite differences, relative to the terms they are made of.
#[cfg(test)]
pub fn differences<L: Likelihood<P>, const P: usize>(likelihood: &L, at: &[f64; P]) -> f64 {
    let found = likelihood.evaluate(at);
    let scale = likelihood.clients() + found.value.abs();
    let mut worst = 0.0_f64;
    for i in 0..P {
        let h = 1e-5 * at[i];
        let (mut above, mut below) = (*at, *at);
        above[i] += h;
        below[i] -= h;
        let (above, below) = (likelihood.evaluate(&above), likelihood.evaluate(&below));
        let slope = (above.value - below.value) / (2.0 * h);
        worst = worst.max((slope - found.gradient[i]).abs() * at[i] / scale);
        for j in 0..P {
            let bend = (above.gradient[j] - below.gradient[j]) / (2.0 * h);
            worst = worst.max((bend - found.hessian[i][j]).abs() * at[i] * at[j] / scale);
        }
    }
    worst
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Minus the sum of hyperbolic cosines of log distances: a maximum where those are 0.
    struct Bowl([f64; 3]);

    impl Likelihood<3> for Bowl {
        fn names(&self) -> [&'static str; 3] {
            ["u", "v", "w"]
        }
        fn clients(&self) -> f64 {
            10.0
        }
        fn evaluate(&self, p: &[f64; 3]) -> Evaluation<3> {
            let mut found = Evaluation::default();
            for i in 0..3 {
                let away = p[i].ln() - self.0[i];
                found.value -= away.cosh();
                found.gradient[i] = -away.sinh() / p[i];
                found.hessian[i][i] = (away.sinh() - away.cosh()) / (p[i] * p[i]);
            }
            found
        }
    }

    /// Rises for ever with v.
    struct Slope;

    impl Likelihood<3> for Slope {
        fn names(&self) -> [&'static str; 3] {
            ["u", "v", "w"]
        }
        fn clients(&self) -> f64 {
            10.0
        }
        fn evaluate(&self, p: &[f64; 3]) -> Evaluation<3> {
            let mut found = Bowl([0.0; 3]).evaluate(p);
            let away = p[1].ln();
            found.value += away.cosh() - 1.0 / p[1];
            found.gradient[1] = 1.0 / (p[1] * p[1]);
            found.hessian[1][1] = -2.0 / (p[1] * p[1] * p[1]);
            found
        }
    }

    #[test]
    fn a_maximum_is_found_from_any_start_with_its_covariance() {
        let bowl = Bowl([1.5, -2.0, 0.3]);
        let found = maximise("bowl", &bowl, &bowl, &[[1.0; 3], [50.0, 1e-3, 9.0]]).unwrap();
        assert!(differences(&bowl, &[1.1, 0.4, 2.0]) < 1e-8);
        for i in 0..3 {
            assert!((found.parameters[i].ln() - bowl.0[i]).abs() < 2e-5, "{found:?}");
            // cosh bends by 1 at its lowest, so the log of each parameter has the variance 1.
            let error = found.standard_errors()[i] / found.parameters[i];
            assert!((error - 1.0).abs() < 1e-4);
        }
    }

    /// Not a number but where the search begins.
    struct Cliff;

    impl Likelihood<3> for Cliff {
        fn names(&self) -> [&'static str; 3] {
            ["u", "v", "w"]
        }
        fn clients(&self) -> f64 {
            10.0
        }
        fn evaluate(&self, p: &[f64; 3]) -> Evaluation<3> {
            let mut found = Bowl([5.0; 3]).evaluate(p);
            if p[0] > 1.1 {
                found.value = f64::NAN;
            }
            found
        }
    }

    #[test]
    fn a_likelihood_that_is_no_number_ends_the_search() {
        assert!(maximise("cliff", &Cliff, &Cliff, &[[1.0; 3]]).is_err());
    }

    #[test]
    fn what_has_no_maximum_is_said_to_have_none() {
        let error = maximise("slope", &Slope, &Slope, &[[1.0; 3]]).unwrap_err().error.to_string();
        assert!(error.contains("as v goes to infinity"), "{error}");
    }
}
