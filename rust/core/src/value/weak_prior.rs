//! What is usual of shops, for bases that are too small or too one-sided to tell every parameter.
//!
//! A belief says that the logarithm of a parameter, or of a product of powers of them, is normal. It is
//! added to the log-likelihood; a deviation of 1.5 in logarithms is a factor of 4.5, so that beliefs
//! weigh as little as the data let them. The covariance is that of the sum (Laplace).

use super::maximum_likelihood::{Estimate, Evaluation, Likelihood};

/// Σ `powers` · ln(parameters) is about `mean`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Belief<const P: usize> {
    pub powers: [f64; P],
    pub mean: f64,
    pub deviation: f64,
}

/// A likelihood times what is believed of its parameters.
pub struct WithPrior<'a, L, const P: usize> {
    pub likelihood: &'a L,
    pub beliefs: &'a [Belief<P>],
}

impl<L: Likelihood<P>, const P: usize> Likelihood<P> for WithPrior<'_, L, P> {
    fn names(&self) -> [&'static str; P] {
        self.likelihood.names()
    }

    fn clients(&self) -> f64 {
        self.likelihood.clients()
    }

    fn evaluate(&self, parameters: &[f64; P]) -> Evaluation<P> {
        let mut found = self.likelihood.evaluate(parameters);
        for belief in self.beliefs {
            let logs = (0..P).map(|i| belief.powers[i] * libm::log(parameters[i]));
            let away = (logs.sum::<f64>() - belief.mean) / belief.deviation;
            let slope: [f64; P] =
                std::array::from_fn(|i| belief.powers[i] / (parameters[i] * belief.deviation));
            found.value -= 0.5 * away * away;
            for i in 0..P {
                found.gradient[i] -= away * slope[i];
                found.hessian[i][i] += away * slope[i] / parameters[i];
                for j in 0..P {
                    found.hessian[i][j] -= slope[i] * slope[j];
                }
            }
        }
        found
    }
}

impl<L: Likelihood<P>, const P: usize> WithPrior<'_, L, P> {
    /// An estimate with the log-likelihood of the data alone.
    pub fn without_prior(&self, estimate: Estimate<P>) -> Estimate<P> {
        let log_likelihood = self.likelihood.evaluate(&estimate.parameters).value;
        Estimate { log_likelihood, ..estimate }
    }
}

#[cfg(test)]
mod tests {
    use super::super::maximum_likelihood::{differences, maximise};
    use super::*;

    /// Says nothing.
    struct Flat;

    impl Likelihood<2> for Flat {
        fn names(&self) -> [&'static str; 2] {
            ["u", "v"]
        }
        fn clients(&self) -> f64 {
            10.0
        }
        fn evaluate(&self, _: &[f64; 2]) -> Evaluation<2> {
            Evaluation { value: -3.0, ..Evaluation::default() }
        }
    }

    #[test]
    fn where_data_say_nothing_beliefs_decide() {
        let beliefs = [
            Belief { powers: [1.0, 0.0], mean: 0.7, deviation: 0.5 },
            Belief { powers: [-1.0, 1.0], mean: -1.2, deviation: 2.0 },
        ];
        let whole = WithPrior { likelihood: &Flat, beliefs: &beliefs };
        assert!(differences(&whole, &[1.7, 0.4]) < 1e-8);
        let found = maximise("flat", &whole, &whole, &[[1.0, 1.0]]).unwrap();
        let found = whole.without_prior(found);
        assert!((found.parameters[0].ln() - 0.7).abs() < 1e-4);
        assert!((found.parameters[1].ln() + 0.5).abs() < 1e-4);
        // The variance of ln v is that of both beliefs.
        let error = found.standard_errors()[1] / found.parameters[1];
        assert!((error - 4.25_f64.sqrt()).abs() < 1e-3, "{error}");
        assert!((found.log_likelihood + 3.0).abs() < 1e-15);
    }
}
