//! What passes share that keep rows by client: chunks of rows, ids as words, partitions,
//! groups, and the order of the rows that come out.

mod client_groups;
mod id_type;
mod id_words;
mod partitions;
mod row_chunks;
mod small_sort;
mod sorted_ids;

pub(crate) use client_groups::ClientGroups;
pub(crate) use id_type::{IdType, SIGN};
pub(crate) use id_words::read_integer_words;
pub(crate) use partitions::{PARTITIONS, partition_of};
pub(crate) use row_chunks::{BLOCK, MAX_ROWS, blocks, read_chunks};
pub(crate) use small_sort::{SmallSort, sort};
pub(crate) use sorted_ids::{RowLocation, sorted_ids};
