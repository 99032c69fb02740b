//! The contact plan: which client to contact, through which channel, for what gain.
//!
//! Choose offers that maximise the sum of gain − cost − pressure under one budget, a capacity and a
//! minimum of each channel, and a number of contacts that no client and no household exceeds; a
//! channel reaches a client once at most.
//!
//! The constraints that clients share get prices (Lagrangian relaxation): under given prices each
//! household takes its best offers by itself, and the prices that make the sum least, the dual's
//! minimum, bound every plan from above (Fisher, "The Lagrangian relaxation method for solving
//! integer programming problems", Management Science 27, 1981). They are found by a level bundle
//! method, cutting planes within a box and a projection (Lemaréchal, Nemirovskii and Nesterov, "New
//! variants of bundle methods", Mathematical Programming 69, 1995). The offers that clients take at
//! these prices are repaired where they break a constraint, filled up, and improved by exchanges.
//!
//! Money is counted in whole millionths, sums of it are exact, and those of prices run over blocks of
//! households that depend on the data alone: a plan is the same for any number of threads.

mod bundle;
mod cheapest;
mod contact_plan;
mod draw;
mod dual;
mod exchanges;
mod limits;
mod offers;
mod order;
mod quadratic_program;
mod repair;
mod selection;
#[cfg(test)]
mod tests;

pub use contact_plan::{ContactPlan, Reason, plan_contacts, sweep_budgets};
pub use draw::salted_hashes;
pub use limits::Limits;
pub use offers::{OfferColumns, Offers};
pub use order::order_of_offers;
