//! Clients by direct address: each is kept in the slot that its id says.
//!
//! Numbers of clients are mostly handed out one after the other, so those of a base fill a good part
//! of a range. Then no table has to be asked where a client stands, no id has to be kept or compared,
//! and clients need not be sorted. A client takes 16 bytes: its days stand as 16 bits each, its total
//! as 64 bits, and what totals overflow by in a column of its own, which is hardly ever there.

use super::client_state::ClientState;
use super::day_code::{LAST_CODE, code_of_day, day_of_code};
use super::direct_store::DirectStore;
use super::partitioning::{
    BLOCK, BLOCK_BITS, PARTITIONS, STRIPE_BITS, partition_of_block, slot_of_word, word_of_slot,
};
use super::stripes::StripeRange;
use crate::facts::key::Word;
use crate::money::Sum;
use crate::prefetch::prefetch;

/// Where a block of words is kept.
#[derive(Debug, Clone, Copy)]
pub struct Block {
    pub partition: usize,
    /// The slot of its first word.
    pub start: usize,
    /// That word.
    pub word: u64,
}

/// What is kept of a client: its total; and its lines, days before the end of time of its first
/// purchase, and days from the beginning of its last. All zero for nobody, so that memory which
/// nobody's word falls into is never touched.
type Slot = [u64; 2];

/// In place of the code of the last day: the client has returns only.
const RETURNS_ONLY: u64 = 1;

/// The direct-address table of a partition.
#[derive(Debug)]
pub struct DirectTable {
    /// The first stripe.
    first: u64,
    slots: Vec<Slot>,
    /// The number of clients.
    count: usize,
    /// What each total overflowed by, slot by slot; empty as long as none did.
    carries: Vec<i32>,
}

impl DirectTable {
    pub fn new(range: &StripeRange) -> Self {
        Self {
            first: range.first(),
            slots: vec![[0; 2]; range.slots()],
            count: 0,
            carries: Vec::new(),
        }
    }

    /// The slot of a word within the range.
    #[inline]
    pub fn slot_of(&self, word: u64) -> usize {
        slot_of_word(self.first, word) as usize
    }

    /// The blocks, ascending by word: which partition keeps each, and where.
    pub fn blocks(&self) -> impl Iterator<Item = Block> {
        let stripes = self.slots.len() as u64 >> BLOCK_BITS;
        let first = self.first;
        (0..stripes).flat_map(move |stripe| {
            (0..PARTITIONS).map(move |block| Block {
                partition: partition_of_block(first + stripe, block),
                start: (stripe << BLOCK_BITS) as usize,
                word: (first + stripe) << STRIPE_BITS | (block as u64) << BLOCK_BITS,
            })
        })
    }

    /// The clients of the block that begins at a slot.
    #[inline]
    pub fn each_of_block(&self, start: usize, mut with: impl FnMut(usize, ClientState)) {
        // Which slots are nobody's cannot be guessed, so they are sorted out without a branch.
        let mut taken = [0_u16; BLOCK as usize];
        let mut count = 0;
        for (number, slot) in (0..).zip(&self.slots[start..start + BLOCK as usize]) {
            taken[count] = number;
            count += usize::from(slot[1] != 0);
        }
        for &number in &taken[..count] {
            let slot = start + usize::from(number);
            with(slot, self.state(slot));
        }
    }

    /// How many clients of the block that begins at a slot bought, or have returns if that counts too.
    pub fn count_of_block(&self, start: usize, returns_only: bool) -> usize {
        let counted = if returns_only { u64::MAX } else { u64::from(u32::MAX) };
        let slots = &self.slots[start..start + BLOCK as usize];
        slots.iter().map(|slot| usize::from(slot[1] & counted != 0)).sum()
    }

    /// What is kept of the client of a slot; [`ClientState::NONE`] if there is none.
    #[inline]
    fn state(&self, slot: usize) -> ClientState {
        let [total, rest] = self.slots[slot];
        let (lines, first, last) = (rest as u32, LAST_CODE - (rest >> 32 & LAST_CODE), rest >> 48);
        ClientState {
            total: if self.carries.is_empty() {
                Sum::from(total as i64)
            } else {
                Sum::with_carry(total as i64, self.carries[slot])
            },
            lines,
            first: if lines == 0 { ClientState::NONE.first } else { day_of_code(first) },
            last: match last {
                0 => ClientState::NONE.last,
                RETURNS_ONLY => ClientState::RETURNS_ONLY,
                code => day_of_code(code),
            },
        }
    }

    /// Take a new client in as it was kept elsewhere; its days have codes. Gives its slot.
    pub fn insert(&mut self, word: u64, state: &ClientState) -> usize {
        let slot = self.slot_of(word);
        let (low, carry) = state.total.parts();
        let first = if state.lines == 0 { 0 } else { LAST_CODE - code_of_day(state.first) };
        let last = match state.last {
            i32::MIN => 0,
            ClientState::RETURNS_ONLY => RETURNS_ONLY,
            day => code_of_day(day),
        };
        self.count += 1;
        self.slots[slot] = [low as u64, u64::from(state.lines) | first << 32 | last << 48];
        if carry != 0 {
            self.carry(slot, carry);
        }
        slot
    }

    #[inline]
    fn add(&mut self, slot: usize, amount: i64) {
        let (total, overflowed) = (self.slots[slot][0] as i64).overflowing_add(amount);
        self.slots[slot][0] = total as u64;
        if overflowed {
            self.carry(slot, if amount > 0 { 1 } else { -1 });
        }
    }

    #[cold]
    fn carry(&mut self, slot: usize, carry: i32) {
        if self.carries.is_empty() {
            self.carries = vec![0; self.slots.len()]; // only what is written to takes memory
        }
        self.carries[slot] += carry;
    }

    /// Keep the clients of a wider range; gives by how many slots each moves.
    pub fn widen(&mut self, range: &StripeRange) -> usize {
        let shift = ((self.first - range.first()) << BLOCK_BITS) as usize;
        let mut slots = vec![[0; 2]; range.slots()];
        slots[shift..shift + self.slots.len()].copy_from_slice(&self.slots);
        if !self.carries.is_empty() {
            let mut carries = vec![0; slots.len()];
            carries[shift..shift + self.carries.len()].copy_from_slice(&self.carries);
            self.carries = carries;
        }
        (self.first, self.slots) = (range.first(), slots);
        shift
    }
}

impl DirectStore<Word> for DirectTable {
    fn slots(&self) -> usize {
        self.slots.len()
    }

    fn count(&self) -> usize {
        self.count
    }

    fn id(&self, slot: usize, partition: usize) -> u64 {
        word_of_slot(self.first, slot as u64, partition)
    }

    #[inline]
    fn slot(&self, word: u64) -> usize {
        self.slot_of(word)
    }

    #[inline]
    fn prefetch(&self, word: u64) {
        prefetch(&self.slots, self.slot_of(word));
    }

    fn each(&self, mut with: impl FnMut(usize, ClientState)) {
        for start in (0..self.slots.len()).step_by(BLOCK as usize) {
            self.each_of_block(start, &mut with);
        }
    }

    #[inline]
    fn add_purchase(&mut self, slot: usize, code: u64, amount: i64) {
        let rest = self.slots[slot][1];
        self.count += usize::from(rest == 0);
        let lines = u64::from((rest as u32).wrapping_add(1));
        let first = (rest >> 32 & LAST_CODE).max(LAST_CODE - code);
        let last = (rest >> 48).max(code);
        self.slots[slot][1] = lines | first << 32 | last << 48;
        self.add(slot, amount);
    }

    #[inline]
    fn add_return(&mut self, slot: usize, amount: i64) {
        let rest = self.slots[slot][1];
        self.count += usize::from(rest == 0);
        self.slots[slot][1] = rest | (u64::from(rest >> 48 == 0) * (RETURNS_ONLY << 48));
        self.add(slot, amount);
    }
}
