//! Clients whose ids are numbers that lie near each other: each is kept where its number says.
//!
//! Numbers of clients are mostly handed out one after the other, so those of a base fill a good part
//! of a range. Then no table has to be asked where a client stands, no id has to be kept or compared,
//! and clients need not be sorted. A client takes 16 bytes: its days stand as 16 bits each, its total
//! as 64 bits, and what totals overflow by in a column of its own, which is hardly ever there.

use std::ops::Range;

use super::client::Core;
use super::spread::{
    PAGE, PAGE_BITS, PARTITIONS, STRETCH_BITS, number_at, partition_of_page, place_of_number,
};
use crate::money::Sum;
use crate::prefetch::prefetch;

/// A range of numbers, in stretches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reach(Range<u64>);

impl Reach {
    /// The stretches that two numbers and those between them lie in.
    pub fn of(least: u64, most: u64) -> Self {
        Self(least >> STRETCH_BITS..(most >> STRETCH_BITS) + 1)
    }

    /// Whether another range is part of this one.
    pub fn covers(&self, other: &Self) -> bool {
        self.0.start <= other.0.start && other.0.end <= self.0.end
    }

    /// The range and an eighth more at its end: new clients get the next numbers.
    pub fn with_room(&self) -> Self {
        let most = u64::MAX >> STRETCH_BITS;
        let end = self.0.end + (self.0.end - self.0.start).div_ceil(8);
        Self(self.0.start..end.min(most + 1))
    }

    /// How many numbers that is.
    pub fn numbers(&self) -> u128 {
        u128::from(self.0.end - self.0.start) << STRETCH_BITS
    }
}

/// Where a page is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page {
    pub partition: usize,
    /// The place of its first number.
    pub start: usize,
    /// That number.
    pub number: u64,
}

/// What is kept of a client: its total; and its lines, days before the end of time of its first
/// purchase, and days from the beginning of its last. All zero for nobody, so that memory which
/// nobody's number falls into is never touched.
type Slot = [u64; 2];

/// The days that can be told apart: those of the codes from 2, for about 179 years.
const FIRST_DAY: i32 = -16_386;
/// The code of the last day of a client that gave back, and never bought.
const GAVE_BACK: u64 = 1;
const LAST_CODE: u64 = u16::MAX as u64;

/// Whether a day has a code of its own.
#[inline]
pub(super) fn has_code(day: i32) -> bool {
    // Below the first code the difference wraps, and is beyond the last as well.
    day.wrapping_sub(FIRST_DAY + 2) as u32 <= LAST_CODE as u32 - 2
}

/// The code of a day that has one.
#[inline]
pub(super) fn code_of_day(day: i32) -> u64 {
    u64::from(day.wrapping_sub(FIRST_DAY) as u32)
}

/// The day of a code.
#[inline]
pub(super) fn day_of_code(code: u64) -> i32 {
    code as i32 + FIRST_DAY
}

/// Whether all days of a range can be kept.
pub(super) fn holds_days(days: Option<(i32, i32)>) -> bool {
    days.is_none_or(|(first, last)| has_code(first) && has_code(last))
}

/// The clients of a partition, by number.
#[derive(Debug)]
pub(super) struct Near {
    first: u64,
    slots: Vec<Slot>,
    /// The number of clients.
    count: usize,
    /// What each total overflowed by, place by place; empty as long as none did.
    carries: Vec<i32>,
}

impl Near {
    pub fn new(reach: &Reach) -> Self {
        Self { first: reach.0.start, slots: empty(reach), count: 0, carries: Vec::new() }
    }

    /// The place of a number within reach.
    #[inline]
    pub fn place(&self, number: u64) -> usize {
        place_of_number(self.first, number) as usize
    }

    /// Ask for the client of a number.
    #[inline]
    pub fn ask_for(&self, number: u64) {
        prefetch(&self.slots, self.place(number));
    }

    /// The number of places.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// The pages, ascending: which partition keeps each, and where.
    pub fn pages(&self) -> impl Iterator<Item = Page> {
        let stretches = self.slots.len() as u64 >> PAGE_BITS;
        let first = self.first;
        (0..stretches).flat_map(move |stretch| {
            (0..PARTITIONS).map(move |page| Page {
                partition: partition_of_page(first + stretch, page),
                start: (stretch << PAGE_BITS) as usize,
                number: (first + stretch) << STRETCH_BITS | (page as u64) << PAGE_BITS,
            })
        })
    }

    /// The clients, by place.
    pub fn each(&self, mut with: impl FnMut(usize, Core)) {
        for start in (0..self.slots.len()).step_by(PAGE as usize) {
            self.each_of_page(start, &mut with);
        }
    }

    /// The clients of the page that begins at a place.
    #[inline]
    pub fn each_of_page(&self, start: usize, mut with: impl FnMut(usize, Core)) {
        // Which slots are nobody's cannot be guessed, so they are sorted out without a branch.
        let mut places = [0_u16; PAGE as usize];
        let mut count = 0;
        for (number, slot) in (0..).zip(&self.slots[start..start + PAGE as usize]) {
            places[count] = number;
            count += usize::from(slot[1] != 0);
        }
        for &place in &places[..count] {
            let place = start + usize::from(place);
            with(place, self.core(place));
        }
    }

    /// How many clients of the page that begins at a place bought, or gave back if that counts too.
    pub fn count_of_page(&self, start: usize, gave_back: bool) -> usize {
        let counted = if gave_back { u64::MAX } else { u64::from(u32::MAX) };
        let slots = &self.slots[start..start + PAGE as usize];
        slots.iter().map(|slot| usize::from(slot[1] & counted != 0)).sum()
    }

    /// The number of clients.
    pub fn count(&self) -> usize {
        self.count
    }

    /// What is kept of the client of a place; [`Core::NONE`] if there is none.
    #[inline]
    pub fn core(&self, place: usize) -> Core {
        let [total, rest] = self.slots[place];
        let (lines, first, last) = (rest as u32, LAST_CODE - (rest >> 32 & LAST_CODE), rest >> 48);
        Core {
            total: if self.carries.is_empty() {
                Sum::from(total as i64)
            } else {
                Sum::with_carry(total as i64, self.carries[place])
            },
            lines,
            first: if lines == 0 { Core::NONE.first } else { day_of_code(first) },
            last: match last {
                0 => Core::NONE.last,
                GAVE_BACK => Core::GAVE_BACK,
                code => day_of_code(code),
            },
        }
    }

    /// Take a new client in as it was kept elsewhere; its days are held.
    pub fn put(&mut self, number: u64, core: &Core) {
        let place = self.place(number);
        let (low, carry) = core.total.parts();
        let first = if core.lines == 0 { 0 } else { LAST_CODE - code_of_day(core.first) };
        let last = match core.last {
            i32::MIN => 0,
            Core::GAVE_BACK => GAVE_BACK,
            day => code_of_day(day),
        };
        self.count += 1;
        self.slots[place] = [low as u64, u64::from(core.lines) | first << 32 | last << 48];
        if carry != 0 {
            self.carry(place, carry);
        }
    }

    /// Take a purchase in, on the day of a code.
    #[inline]
    pub fn purchase(&mut self, place: usize, code: u64, amount: i64) {
        let rest = self.slots[place][1];
        self.count += usize::from(rest == 0);
        let lines = u64::from((rest as u32).wrapping_add(1));
        let first = (rest >> 32 & LAST_CODE).max(LAST_CODE - code);
        let last = (rest >> 48).max(code);
        self.slots[place][1] = lines | first << 32 | last << 48;
        self.add(place, amount);
    }

    /// Take a return in, which leaves a mark that the client exists.
    #[inline]
    pub fn give_back(&mut self, place: usize, amount: i64) {
        let rest = self.slots[place][1];
        self.count += usize::from(rest == 0);
        self.slots[place][1] = rest | (u64::from(rest >> 48 == 0) * (GAVE_BACK << 48));
        self.add(place, amount);
    }

    #[inline]
    fn add(&mut self, place: usize, amount: i64) {
        let (total, overflowed) = (self.slots[place][0] as i64).overflowing_add(amount);
        self.slots[place][0] = total as u64;
        if overflowed {
            self.carry(place, if amount > 0 { 1 } else { -1 });
        }
    }

    #[cold]
    fn carry(&mut self, place: usize, carry: i32) {
        if self.carries.is_empty() {
            self.carries = vec![0; self.slots.len()]; // only what is written to takes memory
        }
        self.carries[place] += carry;
    }

    /// Keep clients of a wider range; gives by how many places each moves.
    pub fn widen(&mut self, reach: &Reach) -> usize {
        let shift = ((self.first - reach.0.start) << PAGE_BITS) as usize;
        let mut slots = empty(reach);
        slots[shift..shift + self.slots.len()].copy_from_slice(&self.slots);
        if !self.carries.is_empty() {
            let mut carries = vec![0; slots.len()];
            carries[shift..shift + self.carries.len()].copy_from_slice(&self.carries);
            self.carries = carries;
        }
        (self.first, self.slots) = (reach.0.start, slots);
        shift
    }

    /// The number of a place, in the partition of this number.
    pub fn number(&self, place: usize, partition: usize) -> u64 {
        number_at(self.first, place as u64, partition)
    }
}

fn empty(reach: &Reach) -> Vec<Slot> {
    vec![[0; 2]; ((reach.0.end - reach.0.start) << PAGE_BITS) as usize]
}
