//! Partitions of the clients, which threads work on one by one.

use crate::hash::fibonacci_hash;

/// Partitions of the clients: of 20 million rows each holds some 40,000, which stay in the cache of a
/// core while they are grouped and worked on.
pub(crate) const PARTITIONS: usize = 512;

/// The partition of a client.
#[inline]
pub(crate) fn partition_of(client: u64) -> usize {
    (fibonacci_hash(client) >> (u64::BITS - PARTITIONS.trailing_zeros())) as usize
}
