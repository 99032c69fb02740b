//! The rows of a partition, numbered by client, so that each client's can be put side by side.

use std::ops::Range;

use crate::hash::hash_word;
use crate::prefetch::prefetch;

/// A free slot of the table.
const FREE: u32 = u32::MAX;

/// The clients of one partition, and where the rows of each go; its arrays are reused from partition to
/// partition.
#[derive(Debug, Default)]
pub(crate) struct ClientGroups {
    /// Open addressing by the hash of the client: its number, or [`FREE`].
    slots: Vec<u32>,
    /// The clients, by number.
    pub clients: Vec<u64>,
    /// Where the rows of each client begin, and where the last one's end.
    starts: Vec<u32>,
    /// The number of the client of each row, in the order of the slices.
    numbers: Vec<u32>,
    /// Where the next row of each client goes.
    next: Vec<u32>,
}

impl ClientGroups {
    /// Number the clients of the rows of slices, and others who may have none.
    pub fn group<R>(
        &mut self,
        slices: &[&[R]],
        client: impl Fn(&R) -> u64,
        others: impl Iterator<Item = u64>,
    ) {
        self.count(slices, client);
        for other in others {
            self.number_of(other);
        }
        let mut start = 0;
        for count in &mut self.starts {
            start += std::mem::replace(count, start);
        }
        self.starts.push(start);
    }

    /// Number the clients of all rows, and count the rows of each.
    fn count<R>(&mut self, slices: &[&[R]], client: impl Fn(&R) -> u64) {
        let rows = slices.iter().map(|slice| slice.len()).sum::<usize>();
        self.clients.clear();
        self.starts.clear();
        self.slots.clear();
        self.slots.resize((rows / 4).next_power_of_two().max(64), FREE);
        let mut numbers = std::mem::take(&mut self.numbers); // lent, so that clients can be added
        numbers.resize(rows, 0);
        let (mut rest, none) = (numbers.as_mut_slice(), &[][..]);
        let following = slices.iter().skip(1).chain([&none]);
        for (slice, next) in slices.iter().zip(following) {
            let own;
            (own, rest) = rest.split_at_mut(slice.len());
            for (i, (row, number)) in slice.iter().zip(own).enumerate() {
                prefetch(next, i); // in another chunk, which no processor can predict
                *number = self.number_of(client(row));
                self.starts[*number as usize] += 1;
            }
        }
        self.numbers = numbers;
    }

    /// The number of all rows.
    pub fn rows(&self) -> usize {
        self.numbers.len()
    }

    /// Where the rows of a client stand, once each row is where [`Self::scatter`] says.
    pub fn range(&self, client: usize) -> Range<usize> {
        self.starts[client] as usize..self.starts[client + 1] as usize
    }

    /// Say where each row goes: `put` is called with its slice, its index there, and its new one.
    #[inline]
    pub fn scatter<S>(
        &mut self,
        slices: &[S],
        rows: impl Fn(&S) -> usize,
        mut put: impl FnMut(&S, usize, usize),
    ) {
        self.next.clone_from(&self.starts);
        let mut numbers = self.numbers.as_slice();
        for slice in slices {
            let (own, rest) = numbers.split_at(rows(slice));
            for (i, &number) in own.iter().enumerate() {
                let next = &mut self.next[number as usize];
                put(slice, i, *next as usize);
                *next += 1;
            }
            numbers = rest;
        }
    }

    /// The number of a client, who is added if new.
    #[inline]
    pub fn number_of(&mut self, client: u64) -> u32 {
        let mask = self.slots.len() - 1;
        let mut slot = hash_word(client) as usize & mask;
        loop {
            let number = self.slots[slot];
            if number == FREE {
                break;
            }
            if self.clients[number as usize] == client {
                return number;
            }
            slot = (slot + 1) & mask;
        }
        let number = self.clients.len() as u32;
        self.slots[slot] = number;
        self.clients.push(client);
        self.starts.push(0);
        if self.clients.len() * 2 > self.slots.len() {
            self.grow();
        }
        number
    }

    #[cold]
    fn grow(&mut self) {
        let mask = self.slots.len() * 2 - 1;
        self.slots.clear();
        self.slots.resize(mask + 1, FREE);
        for (number, &client) in (0..).zip(&self.clients) {
            let mut slot = hash_word(client) as usize & mask;
            while self.slots[slot] != FREE {
                slot = (slot + 1) & mask;
            }
            self.slots[slot] = number;
        }
    }
}
