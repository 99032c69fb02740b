//! Distinct days of the clients of one partition.

use crate::hash::hash_word;

/// The distinct (client, day) pairs of a partition, eight bytes each in one open table.
#[derive(Debug)]
pub struct DaySet {
    table: Vec<u64>,
    count: usize,
}

/// No client has the number `u32::MAX`.
const NO_DAY: u64 = u64::MAX;

impl Default for DaySet {
    fn default() -> Self {
        Self { table: vec![NO_DAY; 16], count: 0 }
    }
}

impl DaySet {
    #[inline]
    pub fn insert(&mut self, client: u32, day: i32) {
        let pair = u64::from(client) << 32 | u64::from(day as u32);
        let mask = self.table.len() - 1;
        let mut slot = (hash_word(pair) >> 32) as usize & mask;
        loop {
            let kept = self.table[slot];
            if kept == pair {
                return;
            }
            if kept == NO_DAY {
                break;
            }
            slot = (slot + 1) & mask;
        }
        self.table[slot] = pair;
        self.count += 1;
        if self.count * 2 > self.table.len() {
            self.grow();
        }
    }

    #[cold]
    fn grow(&mut self) {
        let mask = self.table.len() * 2 - 1;
        let old = std::mem::replace(&mut self.table, vec![NO_DAY; mask + 1]);
        for pair in old.into_iter().filter(|&pair| pair != NO_DAY) {
            let mut slot = (hash_word(pair) >> 32) as usize & mask;
            while self.table[slot] != NO_DAY {
                slot = (slot + 1) & mask;
            }
            self.table[slot] = pair;
        }
    }

    /// Every pair, in no particular order.
    pub fn pairs(&self) -> impl Iterator<Item = (usize, i32)> {
        self.table
            .iter()
            .filter(|&&pair| pair != NO_DAY)
            .map(|&pair| ((pair >> 32) as usize, pair as u32 as i32))
    }
}
