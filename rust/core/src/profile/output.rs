//! Counted partitions made into columns: one row a client, ascending by id.

use super::client_counts::{ClientCounts, ENTROPIES, HALVES, Halves};
use super::partition_counter::CountedPartition;
use crate::clients::RowLocation;
use crate::columns::Ids;
use crate::threads::{Reused, for_each};

/// What is counted, one row a client.
#[derive(Debug, Clone, PartialEq)]
pub struct ProfileColumns {
    /// The clients, ascending.
    pub ids: Ids,
    /// By axis (open, active, relational): events, hits, events and hits of the odd half.
    ///
    /// Events of open are the purchases after the third, and hits those with a category never bought
    /// before; its odd half are the purchases of odd places, that of the others odd days.
    pub halves: [[Vec<u32>; 4]; HALVES],
    /// Of categories over all purchases, those of odd and those of even places, then the same of
    /// channels; not a number where there is none.
    pub entropies: [Vec<f64>; ENTROPIES],
}

/// Clients whose rows are written together, so that their counts stay in cache.
const BLOCK: usize = 1024;

/// The counts in the order of `locations`.
pub(super) fn profile_columns(
    parts: &[CountedPartition],
    ids: Ids,
    locations: &[RowLocation],
) -> ProfileColumns {
    let n = locations.len();
    let mut columns = ProfileColumns {
        ids,
        halves: [(); HALVES].map(|()| [(); 4].map(|()| vec![0; n])),
        entropies: [(); ENTROPIES].map(|()| vec![0.0; n]),
    };
    let mut halves =
        columns.halves.each_mut().map(|axis| axis.each_mut().map(|v| v.chunks_mut(BLOCK)));
    let mut entropies = columns.entropies.each_mut().map(|v| v.chunks_mut(BLOCK));
    let blocks: Vec<_> = locations
        .chunks(BLOCK)
        .map(|locations| {
            let halves =
                halves.each_mut().map(|axis| axis.each_mut().map(|v| v.next().unwrap_or_default()));
            (locations, halves, entropies.each_mut().map(|v| v.next().unwrap_or_default()))
        })
        .collect();
    let reused: Reused<Vec<ClientCounts>> = Reused::default();
    for_each(blocks, |_, (locations, mut halves, mut entropies)| {
        reused.with(|gathered| {
            // Counts lie anywhere in memory, and a loop that only loads has many loads in flight at once.
            gathered.clear();
            let counts = |at: &RowLocation| parts[at.partition as usize].counts[at.row as usize];
            gathered.extend(locations.iter().map(counts));
            for (i, counts) in gathered.iter().enumerate() {
                for (axis, counts) in halves.iter_mut().zip(counts.halves) {
                    let Halves { events, hits, events_odd, hits_odd } = counts;
                    for (column, value) in axis.iter_mut().zip([events, hits, events_odd, hits_odd])
                    {
                        column[i] = value;
                    }
                }
                for (column, value) in entropies.iter_mut().zip(counts.entropies) {
                    column[i] = value;
                }
            }
        });
    });
    columns
}
