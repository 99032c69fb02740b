//! Rows of all columns, written block by block.

use std::cmp::Ordering;
use std::mem::take;

use super::bucket_sorter::BucketSorter;
use super::buckets::{Buckets, RowKey};
use super::client_row::{ClientRef, ClientRow};
use super::column_slots::{ColumnSlots, empty_column, front};
use super::fact_column::FactColumn;
use super::fact_writer::{BlockColumn, FactWriter, fill};
use super::output_spec::OutputSpec;
use crate::facts::partition::ScopeState;
use crate::facts::store::{Block, ClientState, DirectTable};
use crate::threads::{Reused, for_each, map_each};

/// Ids, statuses where they are asked for, and facts: row by row, ascending by id.
pub struct OutputColumns<I> {
    pub ids: I,
    pub status: Option<Vec<u8>>,
    pub facts: Vec<FactColumn>,
}

impl<I> OutputColumns<I> {
    /// The same with what a function makes of the ids.
    pub fn map_ids<J>(self, map: impl FnOnce(I) -> J) -> OutputColumns<J> {
        OutputColumns { ids: map(self.ids), status: self.status, facts: self.facts }
    }
}

/// Where the rows of a block go.
struct BlockSlots<'a, T> {
    ids: &'a mut [T],
    status: Option<&'a mut [u8]>,
    columns: Vec<BlockColumn<'a>>,
}

/// The rows of a block, as they are brought together.
struct BlockRows<'a, T> {
    ids: std::slice::IterMut<'a, T>,
    clients: Vec<ClientRef>,
    states: Vec<ClientState>,
}

impl<T> BlockRows<'_, T> {
    #[inline]
    fn push(&mut self, id: T, client: ClientRef, state: ClientState) {
        *self.ids.next().expect("a block has as many ids as rows") = id;
        self.clients.push(client);
        self.states.push(state);
    }
}

/// Blocks of words whose rows are written together.
const BLOCKS_TOGETHER: usize = 8;

/// Write the rows of clients in the order of their slots, with what `id` makes of their words. None of
/// them is shown for being of the base alone: where that is given, clients are kept by hash.
pub fn write_direct<T: Copy + Default + Send>(
    tables: &[&DirectTable],
    scopes: &[Vec<ScopeState>],
    output: &OutputSpec,
    id: impl Fn(u64) -> T + Sync,
) -> OutputColumns<Vec<T>> {
    let blocks: Vec<Block> = tables.first().map_or(Vec::new(), |table| table.blocks().collect());
    let count =
        |block: &Block| tables[block.partition].count_of_block(block.start, output.returns_only);
    let blocks: Vec<&[Block]> = blocks.chunks(BLOCKS_TOGETHER).collect();
    let counts: Vec<usize> = map_each(&blocks, |_, blocks| blocks.iter().map(count).sum());
    let blocks = blocks.into_iter().zip(counts).collect();
    write_blocks(scopes, output, blocks, |(): &mut (), blocks, rows| {
        for block in blocks {
            tables[block.partition].each_of_block(block.start, |slot, state| {
                if output.shows(&state) {
                    let word = block.word + (slot - block.start) as u64;
                    let client = ClientRef { partition: block.partition as u32, slot: slot as u32 };
                    rows.push(id(word), client, state);
                }
            });
        }
    })
}

/// Sort each bucket of rows and write it, while it is in cache, to all columns.
pub fn write_buckets<K: RowKey, T: Copy + Default + Send>(
    buckets: &Buckets<K>,
    scopes: &[Vec<ScopeState>],
    output: &OutputSpec,
    tie: impl Fn(ClientRef, ClientRef) -> Ordering + Sync,
    id: impl Fn(&ClientRow<K>) -> T + Sync,
) -> OutputColumns<Vec<T>> {
    let blocks = buckets.iter().map(|bucket| (bucket, bucket.len())).collect();
    write_blocks(scopes, output, blocks, |sorter: &mut BucketSorter<K>, bucket, rows| {
        sorter.each(bucket, &tie, |row| rows.push(id(row), row.client, row.state));
    })
}

/// Write blocks of a known number of rows each, which `gather` brings together, to all columns.
fn write_blocks<B: Send, S: Default + Send, T: Copy + Default + Send>(
    scopes: &[Vec<ScopeState>],
    output: &OutputSpec,
    blocks: Vec<(B, usize)>,
    gather: impl Fn(&mut S, B, &mut BlockRows<T>) + Sync,
) -> OutputColumns<Vec<T>> {
    let n = blocks.iter().map(|block| block.1).sum();
    let mut ids = vec![T::default(); n];
    let mut status = output.base.then(|| vec![0; n]);
    let mut facts = empty_columns(output, n);
    let mut rest = BlockSlots {
        ids: &mut ids,
        status: status.as_deref_mut(),
        columns: facts
            .iter_mut()
            .map(|fact| (ColumnSlots::of(&mut fact.values), fact.validity.as_deref_mut()))
            .collect(),
    };
    let blocks = blocks.into_iter().map(|(block, rows)| (block, rest.front(rows)));
    let writer = FactWriter { scopes, output };
    let reused = Reused::default();
    for_each(blocks, |_, (block, out)| {
        reused.with(|(scratch, clients, states)| {
            let mut rows =
                BlockRows { ids: out.ids.iter_mut(), clients: take(clients), states: take(states) };
            rows.clients.clear();
            rows.states.clear();
            gather(scratch, block, &mut rows);
            if let Some(status) = out.status {
                fill(status, &rows.states, |state| state.status() as u8);
            }
            writer.write(&rows.clients, &rows.states, out.columns);
            (*clients, *states) = (rows.clients, rows.states); // to be reused
        });
    });
    facts.iter_mut().for_each(FactColumn::drop_full_validity);
    OutputColumns { ids, status, facts }
}

/// The columns of all facts that are asked for, still empty.
fn empty_columns(output: &OutputSpec, n: usize) -> Vec<FactColumn> {
    let column = |(request, scope): &(crate::facts::Request, usize)| {
        let may_be_missing = output.may_be_missing(request.fact, *scope);
        empty_column(request.fact, output.unit, n, may_be_missing)
    };
    output.requests.iter().map(column).collect()
}

impl<T> BlockSlots<'_, T> {
    /// Take the next `n` rows off the front.
    fn front(&mut self, n: usize) -> Self {
        Self {
            ids: front(&mut self.ids, n),
            status: self.status.as_mut().map(|status| front(status, n)),
            columns: self
                .columns
                .iter_mut()
                .map(|(slots, validity)| {
                    (slots.front(n), validity.as_mut().map(|validity| front(validity, n)))
                })
                .collect(),
        }
    }
}
