//! From typed columns to plain arrays, and on to the inboxes of partitions.

mod amounts;
mod dates;
mod ids;
mod line_block;
mod options;
mod orders;
mod worker;

pub(super) use ids::ReadKey;
pub(super) use line_block::BLOCK;
pub(super) use options::{ReadOptions, Signedness, WordIds};
pub(super) use orders::ReadOrders;
pub(super) use worker::{BufferStarts, LineFormat, WordRange, Worker, blocks, gather_buffers};
