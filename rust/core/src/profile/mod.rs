//! Profiles: how open, how active and how relational clients are, counted over their purchases and events.
//!
//! Rows arrive in batches of any size and order. Threads read them chunk by chunk into records of 24
//! bytes, with an order's id of 8 bytes beside them where there is one, each directly in its partition,
//! chosen by a hash of the client. All of them are kept until the last is read: an order's place among
//! those of its client depends on every other, and so does whether a category had been bought before.
//! Then the rows of each partition are grouped by client, in the cache of one core, the lines of each
//! order are joined, and one walk over the orders in the order of time counts what the axes rest on.
//!
//! Orders of one instant come by their ids, and those without one before them, by what they hold; all is
//! counted in integers. So no result depends on the order of rows, batches or threads.

mod client_counts;
mod day_halves;
mod history_chunk;
mod history_reader;
mod history_row;
mod label_counts;
mod order_keys;
mod output;
mod partition_counter;
mod pass;
mod purchase_order;
#[cfg(test)]
mod tests;

pub use client_counts::{ENTROPIES, HALVES, Halves};
pub use history_reader::{PurchaseBatch, SidedEventBatch};
pub use output::ProfileColumns;
pub use pass::{ProfileOptions, ProfilePass};
