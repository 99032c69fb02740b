//! Whether clients whose ids are words are kept by hash or by direct address.

use super::cardinality;
use super::engine::{Aggregation, EngineKey, StoreMode};
use super::key::{Key, Word};
use super::line::{Line, tag_of};
use super::orders::OrderSet;
use super::packed_line::PackedLine;
use super::partition::{ApplyLines, Flush, Partition};
use super::read::{ReadOrders, WordRange};
use super::spec::AggregateSpec;
use super::store::{StripeRange, have_codes};
use crate::threads::for_each;

/// Clients are kept by direct address once one in so many words of their range is a client.
const WORDS_A_CLIENT: u128 = if cfg!(test) { 8192 } else { 8 };
/// Clients, at most, where a sample lets expect one at least: of a base whose clients buy as unevenly
/// as they do it finds a fifth.
const CLIENTS_AN_ESTIMATE: usize = 16;
/// So many words take little memory (2 MB), whoever has them,
const FEW_WORDS: u128 = 1 << 17;
/// where there are so many lines: to look through the words then takes no longer than they do.
const LINES_OF_FEW_WORDS: u64 = if cfg!(test) { 20 } else { 16 * 1024 };

impl EngineKey for Word {
    fn apply_packed<O: Key, W: ApplyLines>(
        partition: &mut Partition<Self, O>,
        lines: &[PackedLine],
        flush: &Flush,
        unpacked: &mut Vec<Line<Self, O, W>>,
        set: &mut OrderSet<O>,
    ) {
        partition.apply_packed(lines, flush, unpacked, set);
    }

    /// Before lines are applied: choose how clients are kept, those of the lines that wait among them.
    ///
    /// How many clients they bring is a guess. Where they turn out fewer, their table stays: the memory is
    /// taken by then, and to move them costs more than it gains.
    fn choose_store<O: ReadOrders, W: ApplyLines>(
        aggregation: &mut Aggregation<Self, O, W>,
        spec: &AggregateSpec,
    ) {
        let words = aggregation.workers.iter().map(|worker| worker.words);
        let WordRange { least, most } = words.fold(WordRange::EMPTY, WordRange::union);
        if aggregation.store_mode == StoreMode::Hashed || least > most {
            return;
        }
        if !aggregation.workers.iter().all(|worker| have_codes(worker.account.days)) {
            return Self::store_hashed(aggregation, spec);
        }
        let range = StripeRange::of(least, most);
        match &aggregation.store_mode {
            StoreMode::Direct(kept) if kept.covers(&range) => {}
            _ if !aggregation.is_dense(&range) => {
                if matches!(aggregation.store_mode, StoreMode::Direct(_)) {
                    Self::store_hashed(aggregation, spec);
                }
            }
            _ => {
                let range = range.with_headroom();
                for_each(&mut aggregation.partitions, |_, partition| {
                    partition.store_direct(&range, spec);
                });
                aggregation.store_mode = StoreMode::Direct(range);
            }
        }
    }

    /// From now on keep clients by hash, those of the lines that wait too.
    fn store_hashed<O: ReadOrders, W: ApplyLines>(
        aggregation: &mut Aggregation<Self, O, W>,
        spec: &AggregateSpec,
    ) {
        if matches!(aggregation.store_mode, StoreMode::Direct(_)) {
            // Lines of clients that are found by direct address were given no hash.
            let inboxes = aggregation.workers.iter_mut().flat_map(|worker| &mut worker.inboxes);
            inboxes.flatten().for_each(|line| {
                line.tag |= tag_of(Word::hash_row(line.client, &[]));
            });
            for_each(&mut aggregation.partitions, |_, partition| partition.store_hashed(spec));
        }
        aggregation.store_mode = StoreMode::Hashed;
    }
}

impl<O: ReadOrders, W: ApplyLines> Aggregation<Word, O, W> {
    /// Whether clients are expected to fill a good part of a range, or it is small beside their lines.
    fn is_dense(&self, range: &StripeRange) -> bool {
        let lines: u64 = self.workers.iter().map(|worker| worker.account.rows_read).sum();
        let is_small = range.words() <= FEW_WORDS && lines >= LINES_OF_FEW_WORDS;
        is_small || is_dense(range, self.expected_clients(range))
    }

    /// How many clients there will be, as far as it matters for a range: those known, and of the lines
    /// that wait all clients if they are the first, or else every other.
    fn expected_clients(&self, range: &StripeRange) -> usize {
        let known = self.clients();
        if is_dense(range, known) || !is_dense(range, known + self.waiting) {
            return known;
        }
        let at_least = cardinality::estimate(&mut self.sample());
        let waiting = self.waiting.min(CLIENTS_AN_ESTIMATE * at_least);
        if known == 0 { waiting } else { known + waiting / 2 }
    }

    /// The clients of some of the lines that wait.
    fn sample(&self) -> Vec<u64> {
        let step = (self.waiting / cardinality::SAMPLE) | 1; // few patterns have an odd period
        let mut sample = Vec::with_capacity(2 * cardinality::SAMPLE);
        for worker in &self.workers {
            for lines in &*worker.packed {
                sample.extend(lines.iter().step_by(step).map(|line| line.word));
            }
            for lines in &worker.inboxes {
                sample.extend(lines.iter().step_by(step).map(|line| line.client));
            }
        }
        sample
    }
}

/// Whether clients fill a good part of a range.
fn is_dense(range: &StripeRange, clients: usize) -> bool {
    range.words() <= WORDS_A_CLIENT * clients as u128
}
