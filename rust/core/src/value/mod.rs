//! What a client is worth: how often they will buy, as long as they are a client, and how much.
//!
//! Purchases follow the BG/NBD model (Fader, Hardie and Lee, "Counting your customers the easy
//! way", Marketing Science 24, 2005) or the MBG/NBD model (Batislam, Denizel and Filiztekin,
//! "Empirical validation and comparison of models for customer base analysis", International
//! Journal of Research in Marketing 24, 2007): a client buys at a rate λ ~ Gamma(r, α) and leaves
//! with a probability p ~ Beta(a, b) after a purchase. Under BG/NBD the first purchase is spared, so
//! that nobody leaves before a second one; under MBG/NBD it is not. MBG/CNBD-k (Reutterer, Platzer and
//! Schröder, "Leveraging purchase regularity for predicting customer behavior the easy way",
//! International Journal of Research in Marketing 38, 2021) is MBG/NBD with k steps to a purchase,
//! which then come more regularly. The spend of a purchase follows
//! the Gamma-Gamma model (Fader and Hardie, "The Gamma-Gamma model of monetary value", 2013).
//!
//! The likelihoods see clients only through few numbers, in whole days and money, so that clients
//! are first counted by distinct cells. Sums run over the sorted cells in chunks that depend on
//! the data alone, and logarithms come from the crate `libm`: results are the same to the bit for
//! any order of the clients, any number of threads, and any machine.

#![allow(
    clippy::many_single_char_names,
    clippy::needless_range_loop,
    clippy::similar_names,
    reason = "parameters bear the names that they have in the papers, and matrices their indices"
)]

mod expectation;
mod history_cells;
#[cfg(test)]
mod hypergeometric;
mod intervals;
mod matrix;
mod maximum_likelihood;
mod negative_binomial;
mod predictions;
mod purchase_limits;
mod purchase_steps;
mod purchases;
mod quadrature;
mod regularity;
mod simulated_clients;
mod special;
mod spend;
mod weak_prior;

pub use expectation::{ConditionalExpectation, PurchaseProcess};
pub use history_cells::{Histories, HistoryCells};
pub use intervals::{
    SimulatedTotals, UncertainModels, ValuedClients, client_intervals, simulate_totals,
};
pub use maximum_likelihood::Estimate;
pub use predictions::{ForecastPeriods, Predictions, predict};
pub use purchase_limits::{Dropout, PurchaseLimits};
pub use purchases::{PurchaseFit, PurchaseModel, PurchaseParameters, check_unit, fit_purchases};
pub use regularity::{LogGaps, RegularFit, fit_regularity};
pub use simulated_clients::{ClientSimulation, SimulatedClients, simulate_clients};
pub use special::beta_quantile;
pub use spend::{SpendFit, SpendHistories, SpendParameters, fit_spend};
