//! Clients counted by what a purchase model knows of them: few distinct cells stand for many clients.

use crate::error::{Error, Result};
use crate::hash::hash_word;
use crate::threads::{map_rows, sort_unstable_by};

/// Bits of each of the three numbers in a key.
const BITS: u32 = 21;
/// The longest history, in days (5,741 years), and the most repeat purchases.
pub const MAX_DAYS: u32 = (1 << BITS) - 1;
/// In place of a key, which has 63 bits.
const IMPOSSIBLE: u64 = u64::MAX;

/// What a purchase model knows of clients: one element each.
#[derive(Debug, Clone, Copy)]
pub struct Histories<'a> {
    /// x: purchases after the first, counted in days on which there was one.
    pub repeats: &'a [u32],
    /// `t_x`: days from the first purchase to the last; 0 just where x is 0.
    pub last: &'a [i32],
    /// T: days from the first purchase to the end of the observation.
    pub observed: &'a [i32],
}

impl Histories<'_> {
    /// The number of clients.
    pub fn len(&self) -> usize {
        self.repeats.len()
    }

    /// Whether there are no clients.
    pub fn is_empty(&self) -> bool {
        self.repeats.is_empty()
    }

    /// The key of each client, which orders cells by x, then T, then `t_x`.
    fn keys(&self) -> Result<Vec<u64>> {
        if self.last.len() != self.len() || self.observed.len() != self.len() {
            return Err(Error::Data(
                "repeats, last and observed must be equally long: one element a client".to_owned(),
            ));
        }
        let client = |row: usize| (self.repeats[row], self.last[row], self.observed[row]);
        let keys = map_rows(self.len(), |row| {
            let (x, last, observed) = client(row);
            let fits = x <= MAX_DAYS && 0 <= last && last <= observed;
            if fits && observed as u32 <= MAX_DAYS && (x == 0) == (last == 0) {
                pack(x, observed as u32, last as u32)
            } else {
                IMPOSSIBLE
            }
        });
        match keys.iter().position(|&key| key == IMPOSSIBLE) {
            Some(row) => Err(impossible(client(row))),
            None => Ok(keys),
        }
    }
}

fn impossible((x, last, observed): (u32, i32, i32)) -> Error {
    let value = format!("x {x}, t_x {last}, T {observed}");
    let why = if x > MAX_DAYS || observed > MAX_DAYS as i32 {
        "counts and days go up to 2,097,151"
    } else if !(0..=observed).contains(&last) {
        "the last purchase lies between the first one and the end, 0 <= t_x <= T"
    } else if x == 0 {
        "without a repeat purchase the last one is the first, so t_x is 0"
    } else {
        "a repeat purchase is on a later day than the first, so t_x is above 0"
    };
    Error::Value { message: format!("a client has {value}: {why}"), role: "history", value }
}

fn pack(x: u32, observed: u32, last: u32) -> u64 {
    u64::from(x) << (2 * BITS) | u64::from(observed) << BITS | u64::from(last)
}

fn unpack(key: u64) -> (u32, u32, u32) {
    let part = |shift: u32| (key >> shift) as u32 & MAX_DAYS;
    (part(2 * BITS), part(BITS), part(0))
}

/// Clients of one x and one T, whose cells are adjacent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CellRun {
    /// Repeat purchases.
    pub repeats: u32,
    /// The index of T among the days.
    pub observed: u32,
    /// The first cell.
    pub start: usize,
    /// The cell after the last.
    pub end: usize,
    /// Clients.
    pub clients: u64,
}

/// The distinct cells (x, T, `t_x`), ascending, with the number of clients in each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryCells {
    keys: Vec<u64>,
    /// Clients in each cell.
    pub counts: Vec<u32>,
    /// The index of each cell's `t_x` among the days.
    pub last: Vec<u32>,
    /// The distinct days that occur as `t_x` or T, ascending.
    pub days: Vec<u32>,
    /// The cells of each x and T.
    pub runs: Vec<CellRun>,
    /// Each x with its number of clients, ascending.
    pub repeats: Vec<(u32, u64)>,
    /// The number of clients.
    pub clients: u64,
}

impl HistoryCells {
    /// Count clients by cell. O(n log n), in parallel; the result does not depend on their order.
    ///
    /// # Errors
    /// If a client's numbers are impossible: x without a later day, `t_x` beyond T, or too large.
    pub fn new(clients: &Histories) -> Result<Self> {
        let mut keys = clients.keys()?;
        sort_unstable_by(&mut keys, u64::cmp);
        Ok(Self::of_sorted(&keys))
    }

    fn of_sorted(keys: &[u64]) -> Self {
        let (mut distinct, mut counts) = (Vec::new(), Vec::new());
        for same in keys.chunk_by(|a, b| a == b) {
            distinct.push(same[0]);
            counts.push(same.len() as u32);
        }
        Self::of_counted(distinct, counts)
    }

    fn of_counted(keys: Vec<u64>, counts: Vec<u32>) -> Self {
        let days = distinct_days(&keys);
        let most = days.last().map_or(0, |&day| day as usize + 1);
        let mut index = vec![0_u32; most];
        for (number, &day) in days.iter().enumerate() {
            index[day as usize] = number as u32;
        }
        let last = keys.iter().map(|&key| index[unpack(key).2 as usize]).collect();
        let mut runs: Vec<CellRun> = Vec::new();
        let mut repeats: Vec<(u32, u64)> = Vec::new();
        for same in keys.chunk_by(|a, b| a >> BITS == b >> BITS) {
            let start = runs.last().map_or(0, |run| run.end);
            let end = start + same.len();
            let (x, observed, _) = unpack(same[0]);
            let clients = counts[start..end].iter().map(|&count| u64::from(count)).sum();
            runs.push(CellRun {
                repeats: x,
                observed: index[observed as usize],
                start,
                end,
                clients,
            });
            match repeats.last_mut() {
                Some(group) if group.0 == x => group.1 += clients,
                _ => repeats.push((x, clients)),
            }
        }
        let clients = repeats.iter().map(|group| group.1).sum();
        Self { keys, counts, last, days, runs, repeats, clients }
    }

    /// The number of cells.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are no cells.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// x, `t_x` and T of a cell.
    pub fn history(&self, cell: usize) -> (u32, u32, u32) {
        let (x, observed, last) = unpack(self.keys[cell]);
        (x, last, observed)
    }

    /// A systematic sample of at most `most` cells, each with all of its clients: enough to find out
    /// roughly where an optimum lies.
    #[must_use]
    pub fn subsample(&self, most: usize) -> Self {
        let step = self.len().div_ceil(most).max(1);
        let taken = (step / 2..self.len()).step_by(step);
        let (keys, counts) = taken.map(|cell| (self.keys[cell], self.counts[cell])).unzip();
        Self::of_counted(keys, counts)
    }

    /// The cell of each of the clients that were counted. O(n), in parallel.
    ///
    /// # Errors
    /// If a client's numbers are impossible.
    ///
    /// # Panics
    /// If a client has no cell: these are not the clients that were counted.
    pub fn of_clients(&self, clients: &Histories) -> Result<Vec<u32>> {
        let keys = clients.keys()?;
        let slots = (self.len() * 2).next_power_of_two();
        let mut table = vec![u32::MAX; slots];
        let slot = |key: u64| hash_word(key) as usize & (slots - 1);
        for (cell, &key) in self.keys.iter().enumerate() {
            let mut at = slot(key);
            while table[at] != u32::MAX {
                at = (at + 1) & (slots - 1);
            }
            table[at] = cell as u32;
        }
        let find = |row: usize| {
            let key = keys[row];
            let mut at = slot(key);
            loop {
                let cell = table[at];
                if self.keys[cell as usize] == key {
                    return cell;
                }
                at = (at + 1) & (slots - 1);
            }
        };
        Ok(map_rows(keys.len(), find))
    }
}

/// The distinct T and `t_x` of sorted keys, ascending.
fn distinct_days(keys: &[u64]) -> Vec<u32> {
    let most = keys.iter().map(|&key| unpack(key).1).max();
    let mut seen = vec![false; most.map_or(0, |day| day as usize + 1)];
    for &key in keys {
        let (_, observed, last) = unpack(key);
        seen[observed as usize] = true;
        seen[last as usize] = true;
    }
    (0..seen.len() as u32).filter(|&day| seen[day as usize]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    type Client = (u32, i32, i32);

    fn client() -> impl Strategy<Value = Client> {
        (0..5_u32, 1..30_i32, 0..30_i32)
            .prop_map(|(x, last, more)| (x, if x == 0 { 0 } else { last }, last + more))
    }

    fn columns(clients: &[Client]) -> (Vec<u32>, Vec<i32>, Vec<i32>) {
        (
            clients.iter().map(|c| c.0).collect(),
            clients.iter().map(|c| c.1).collect(),
            clients.iter().map(|c| c.2).collect(),
        )
    }

    fn collapse(clients: &[Client]) -> (HistoryCells, Vec<u32>) {
        let (repeats, last, observed) = columns(clients);
        let histories = Histories { repeats: &repeats, last: &last, observed: &observed };
        let cells = HistoryCells::new(&histories).unwrap();
        let of_clients = cells.of_clients(&histories).unwrap();
        (cells, of_clients)
    }

    proptest! {
        #[test]
        fn cells_hold_every_client_once(clients in prop::collection::vec(client(), 0..300)) {
            let (cells, of_clients) = collapse(&clients);
            let mut counted = BTreeMap::new();
            for &(x, last, observed) in &clients {
                *counted.entry((x, observed as u32, last as u32)).or_insert(0_u32) += 1;
            }
            let found: Vec<_> = (0..cells.len()).map(|cell| cells.history(cell)).collect();
            let expected: Vec<_> = counted.keys().map(|&(x, t, last)| (x, last, t)).collect();
            prop_assert_eq!(&found, &expected);
            prop_assert_eq!(&cells.counts, &counted.values().copied().collect::<Vec<_>>());
            prop_assert_eq!(cells.clients as usize, clients.len());
            for (client, &cell) in clients.iter().zip(&of_clients) {
                let (x, last, observed) = found[cell as usize];
                prop_assert_eq!(*client, (x, last as i32, observed as i32));
            }
            let mut cell = 0;
            for run in &cells.runs {
                prop_assert_eq!(run.start, cell);
                let range = run.start..run.end;
                for (&(x, last, observed), &index) in found[range.clone()].iter().zip(&cells.last[range]) {
                    prop_assert_eq!((x, observed), (run.repeats, cells.days[run.observed as usize]));
                    prop_assert_eq!(last, cells.days[index as usize]);
                }
                cell = run.end;
            }
            prop_assert_eq!(cell, cells.len());
        }

        #[test]
        fn the_order_of_clients_does_not_matter(
            clients in prop::collection::vec(client(), 0..100), rotation in 0..100_usize
        ) {
            let mut rotated = clients.clone();
            rotated.rotate_left(rotation.min(clients.len()));
            rotated.reverse();
            prop_assert_eq!(collapse(&clients).0, collapse(&rotated).0);
        }

        #[test]
        fn a_subsample_has_some_of_each_part(clients in prop::collection::vec(client(), 1..300)) {
            let cells = collapse(&clients).0;
            for most in [1, 7, 1000] {
                let few = cells.subsample(most);
                prop_assert!(!few.is_empty() && few.len() <= most);
                prop_assert!(few.keys.iter().all(|key| cells.keys.contains(key)));
            }
            prop_assert_eq!(cells.subsample(cells.len()), cells);
        }
    }

    #[test]
    fn impossible_clients_are_refused_with_the_reason() {
        for (client, why) in [
            ((0, 1, 5), "t_x is 0"),
            ((1, 0, 5), "t_x is above 0"),
            ((1, 6, 5), "0 <= t_x <= T"),
            ((1, -1, 5), "0 <= t_x <= T"),
            ((0, 0, -1), "0 <= t_x <= T"),
            ((1, 1, 2_097_152), "2,097,151"),
            ((2_097_152, 1, 2), "2,097,151"),
        ] {
            let (repeats, last, observed) = columns(&[client]);
            let histories = Histories { repeats: &repeats, last: &last, observed: &observed };
            let message = HistoryCells::new(&histories).unwrap_err().to_string();
            assert!(message.contains(why), "{message}");
        }
        let uneven = Histories { repeats: &[0], last: &[], observed: &[1] };
        assert!(HistoryCells::new(&uneven).is_err());
    }
}
