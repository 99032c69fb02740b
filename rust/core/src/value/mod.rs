//! What a client is worth: how often they will buy, as long as they are a client, and how much.
//!
//! Purchases follow the BG/NBD model (Fader, Hardie and Lee, "Counting your customers the easy
//! way", Marketing Science 24, 2005) or the MBG/NBD model (Batislam, Denizel and Filiztekin,
//! "Empirical validation and comparison of models for customer base analysis", International
//! Journal of Research in Marketing 24, 2007): a client buys at a rate λ ~ Gamma(r, α) and leaves
//! with a chance p ~ Beta(a, b) after a purchase. Under BG/NBD the first purchase is spared, so
//! that nobody leaves before a second one; under MBG/NBD it is not. The spend of a purchase follows
//! the Gamma-Gamma model (Fader and Hardie, "The Gamma-Gamma model of monetary value", 2013).
//!
//! The likelihoods see clients only through few numbers, in whole days and money, so that clients
//! are first collapsed to distinct cells. Sums run over the sorted cells in chunks that depend on
//! the data alone, and logarithms come from the crate `libm`: results are the same to the bit for
//! any order of the clients, any number of threads, and any machine.

#![allow(
    clippy::many_single_char_names,
    clippy::needless_range_loop,
    clippy::similar_names,
    reason = "parameters bear the names that they have in the papers, and matrices their indices"
)]

mod cells;
mod expectation;
mod hypergeometric;
mod matrix;
mod optimise;
mod predict;
mod purchases;
mod quadrature;
mod simulate;
mod special;
mod spend;

pub use cells::{Cells, Histories, MOST_DAYS};
pub use expectation::{Process, Repeat};
pub use hypergeometric::ln_gauss;
pub use optimise::{Estimate, Evaluation, Likelihood};
pub use predict::{Outlook, Predictions, predict};
pub use purchases::{PurchaseLikelihood, PurchaseModel, PurchaseParameters, fit_purchases};
pub use simulate::{Base, SimulatedClients, simulate_clients};
pub use special::{beta_probability, beta_quantile, digamma, ln_gamma, trigamma};
pub use spend::{Basket, SpendLikelihood, SpendParameters, fit_spend};
