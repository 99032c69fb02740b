//! Distinct orders and distinct days of the clients of a partition.

mod day_set;
mod order_log;
mod order_table;

pub(super) use day_set::DaySet;
pub(super) use order_log::{OrderLog, OrderSet};
pub(super) use order_table::{NOT_FOUND, OrderTable};
