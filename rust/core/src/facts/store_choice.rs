//! Whether clients whose ids are words are kept by hash or by direct address.

use super::cardinality;
use super::engine::{Aggregation, StoreMode};
use super::key::{Key, Word};
use super::line::tag_of;
use super::partition::ApplyLines;
use super::read::{ReadOrders, WordRange};
use super::spec::AggregateSpec;
use super::store::{StripeRange, have_codes};
use crate::threads::for_each;

/// Clients are kept by direct address once one in so many words of their range is a client.
const WORDS_A_CLIENT: u128 = if cfg!(test) { 8192 } else { 8 };
/// Clients, at most, where a sample lets expect one at least: of a base whose clients buy as unevenly
/// as they do it finds a fifth.
const CLIENTS_AN_ESTIMATE: usize = 16;
/// So many words take little memory (2 MB), whoever has them.
const FEW_WORDS: u128 = 1 << 17;

impl<O: ReadOrders, W: ApplyLines> Aggregation<Word, O, W> {
    /// Before lines are applied: choose how clients are kept, those of the lines that wait among them.
    ///
    /// How many clients they bring is a guess. Where they turn out fewer, their table stays: the memory is
    /// taken by then, and to move them costs more than it gains.
    pub fn choose_store(&mut self, spec: &AggregateSpec) {
        let words = self.workers.iter().map(|worker| worker.words);
        let WordRange { least, most } = words.fold(WordRange::EMPTY, WordRange::union);
        if self.store_mode == StoreMode::Hashed || least > most {
            return;
        }
        if !self.workers.iter().all(|worker| have_codes(worker.account.days)) {
            return self.store_hashed(spec);
        }
        let range = StripeRange::of(least, most);
        match &self.store_mode {
            StoreMode::Direct(kept) if kept.covers(&range) => {}
            _ if !is_dense(&range, self.expected_clients(&range)) => {
                if matches!(self.store_mode, StoreMode::Direct(_)) {
                    self.store_hashed(spec);
                }
            }
            _ => {
                let range = range.with_headroom();
                for_each(&mut self.partitions, |_, partition| {
                    partition.store_direct(&range, spec);
                });
                self.store_mode = StoreMode::Direct(range);
            }
        }
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

    /// From now on keep clients by hash, those of the lines that wait too.
    pub fn store_hashed(&mut self, spec: &AggregateSpec) {
        if matches!(self.store_mode, StoreMode::Direct(_)) {
            // Lines of clients that are found by direct address were given no hash.
            let inboxes = self.workers.iter_mut().flat_map(|worker| &mut worker.inboxes);
            inboxes.flatten().for_each(|line| {
                line.tag |= tag_of(Word::hash_row(line.client, &[]));
            });
            for_each(&mut self.partitions, |_, partition| partition.store_hashed(spec));
        }
        self.store_mode = StoreMode::Hashed;
    }
}

/// Whether clients fill a good part of a range.
fn is_dense(range: &StripeRange, clients: usize) -> bool {
    range.words() <= (WORDS_A_CLIENT * clients as u128).max(FEW_WORDS)
}
