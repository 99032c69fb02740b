//! The facts of every client.

use super::fact_column::FactColumn;
use crate::columns::Ids;
use crate::facts::account::FactsAccount;

/// The facts of every client, and the account.
#[derive(Debug)]
pub struct FactsTable {
    /// The clients, ascending.
    pub ids: Ids,
    /// What is known of each, where the base was given: [`Status`](crate::facts::Status) as a number.
    pub status: Option<Vec<u8>>,
    /// The facts in the order asked.
    pub facts: Vec<FactColumn>,
    /// What became of every line.
    pub account: FactsAccount,
}
