//! Exact order statistics of a large column, by sampling.
//!
//! A sample tells roughly where each wanted rank lies (Floyd and Rivest 1975, "Expected time
//! bounds for selection", CACM 18). One pass then counts exactly how many values lie below, in and
//! above those brackets and collects the few values inside; the counts say whether the rank is
//! really there, and the collected values give it. A rank that its bracket missed is looked for again,
//! in a narrower interval and with a wider bracket, and in the end by dividing the range of keys
//! itself, which cannot fail: a poor sample makes the selection slower, never wrong.
//!
//! Everything happens on keys (see [`Rankable::key`]). An interval (a, b] of keys holds the values
//! above a and up to b; an interval of one key is an *atom*: its value is known without looking,
//! which is how heavy ties are never collected.

use rayon::slice::ParallelSliceMut;

use super::chunked_column::{ChunkedColumn, ColumnPiece};
use super::codes::MAX_CUTS;
use super::rankable::Rankable;
use super::sample::sample;
use super::scan::{Scan, scan};

/// Columns up to this long are collected whole.
const SMALL: usize = 1 << 15;
/// The most values sampled.
const MAX_SAMPLE: usize = 1 << 16;
/// Passes that use the sample, before the range of keys is divided evenly.
const SAMPLED_PASSES: u32 = 3;

/// Bounds of intervals; wider than keys, to have room for "below every key".
pub(super) type Bound = i128;

/// The ranks wanted of n values: 1-based, ascending, not necessarily distinct.
pub(super) type Ranks<'a> = dyn Fn(usize) -> Vec<usize> + 'a;

/// The number of values and the keys of the ranks `wanted`. Expected O(n + r log n) for r ranks,
/// a pass or two over the column; memory some percent of it.
pub(super) fn select<T: Rankable>(
    column: &ChunkedColumn<'_, T>,
    wanted: &Ranks,
) -> (usize, Vec<u64>) {
    let pieces = column.pieces();
    match Selection::start(&pieces, column.len()) {
        Some(selection) => selection.run(&pieces, wanted),
        None => select_small(&pieces, wanted),
    }
}

/// As [`select`], where the column is small enough to collect whole.
pub(super) fn select_small<T: Rankable>(
    pieces: &[ColumnPiece<'_, T>],
    wanted: &Ranks,
) -> (usize, Vec<u64>) {
    let mut keys = collect_all(pieces);
    let ranks: Vec<usize> = wanted(keys.len());
    let indices: Vec<usize> = ranks.iter().map(|rank| rank - 1).collect();
    select_many(&mut keys, &indices);
    (keys.len(), indices.iter().map(|index| keys[*index]).collect())
}

fn collect_all<T: Rankable>(pieces: &[ColumnPiece<'_, T>]) -> Vec<u64> {
    // One cut that nothing is above: every value has code 1.
    scan(pieces, &[], &[1]).collected
}

/// Puts at each of the (ascending) indices the key that sorting would put there.
pub(super) fn select_many(keys: &mut [u64], indices: &[usize]) {
    let Some(index) = indices.get(indices.len() / 2).copied() else {
        return;
    };
    keys.select_nth_unstable(index);
    let (below, rest) = keys.split_at_mut(index);
    let first = indices.partition_point(|other| *other < index);
    let last = indices.partition_point(|other| *other <= index);
    select_many(below, &indices[..first]);
    let above: Vec<usize> = indices[last..].iter().map(|other| other - index - 1).collect();
    select_many(&mut rest[1..], &above);
}

/// What the next pass is to do.
#[derive(Debug, Default)]
pub(super) struct PassPlan {
    /// The keys up to which to count, ascending and distinct.
    cuts: Vec<u64>,
    /// The intervals to collect; their ends are cuts or the ends of the range of keys.
    collect: Vec<(Bound, Bound)>,
}

impl PassPlan {
    /// The regions that the cuts make between two ends: the end of each, and whether to collect
    /// it. A region of one key is never worth it.
    pub fn regions(&self, lowest: Bound, highest: Bound) -> Vec<(Bound, bool)> {
        let ends = self.cuts.iter().map(|key| Bound::from(*key)).chain([highest]);
        let mut from = lowest;
        let region = |to: Bound| {
            let within = |(start, end): &(Bound, Bound)| *start <= from && to <= *end;
            let collected = to - from > 1 && self.collect.iter().any(within);
            from = to;
            (to, collected)
        };
        ends.map(region).collect()
    }
}

/// A key up to which the number of values is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct CumulativeCount {
    pub key: Bound,
    pub count: usize,
}

/// The selection of several ranks at once.
#[derive(Debug)]
pub(super) struct Selection {
    sample: Vec<u64>,
    sorted: bool,
    /// What is counted so far, ascending: from (below every key, 0) to (the highest key, all).
    known: Vec<CumulativeCount>,
    passes: u32,
    /// The most values to collect in one pass.
    budget: usize,
}

/// An interval known to hold some wanted ranks.
#[derive(Debug)]
struct RankInterval {
    from: CumulativeCount,
    to: CumulativeCount,
    ranks: Vec<usize>,
}

impl Selection {
    /// Draws the sample, unless there are few values and all of them can be collected.
    pub fn start<T: Rankable>(pieces: &[ColumnPiece<'_, T>], rows: usize) -> Option<Self> {
        if rows <= SMALL {
            return None;
        }
        let size = (rows / 32).next_power_of_two().clamp(1 << 12, MAX_SAMPLE);
        let sample = sample(pieces, rows, size);
        // Otherwise nearly all is missing.
        (sample.len() >= size / 32).then(|| Self::new::<T>(sample, rows, size))
    }

    /// `size` rows were drawn, some of them missing: until the first pass the number of values is
    /// estimated.
    fn new<T: Rankable>(sample: Vec<u64>, rows: usize, size: usize) -> Self {
        let values = (rows as u128 * sample.len() as u128 / size as u128) as usize;
        let lowest = CumulativeCount { key: Bound::from(T::LOWEST.key()) - 1, count: 0 };
        let highest = CumulativeCount { key: Bound::from(T::HIGHEST.key()), count: values };
        Self { sample, sorted: false, known: vec![lowest, highest], passes: 0, budget: rows / 5 }
    }

    /// Passes over the column until every rank is found.
    pub fn run<T: Rankable>(
        mut self,
        pieces: &[ColumnPiece<'_, T>],
        wanted: &Ranks,
    ) -> (usize, Vec<u64>) {
        let mut found: Vec<Option<u64>> = Vec::new();
        let mut total = self.total();
        loop {
            let ranks = wanted(total);
            found.resize(ranks.len(), None);
            let missing: Vec<usize> = (ranks.iter().zip(&found))
                .filter(|(_, found)| found.is_none())
                .map(|(rank, _)| *rank)
                .collect();
            let plan = self.plan(&self.intervals(&missing));
            let pass = SelectionPass::run(pieces, &self.known, &plan);
            self.add_counts(&pass.ends);
            total = self.total();
            self.resolve(pass, &wanted(total), &mut found);
            if found.iter().all(Option::is_some) {
                return (total, found.into_iter().flatten().collect());
            }
        }
    }

    /// The number of values; an estimate before the first pass.
    pub fn total(&self) -> usize {
        self.known[self.known.len() - 1].count
    }

    /// The ends that a first pass should count up to and the brackets it should collect, unless
    /// that would be too much.
    pub fn first_plan(&mut self, ranks: &[usize]) -> Option<PassPlan> {
        let brackets = self.few_brackets(&self.intervals(ranks))?;
        Some(self.cut_brackets(&brackets))
    }

    /// Adds the counts of a pass.
    pub fn add_counts(&mut self, ends: &[CumulativeCount]) {
        self.known.pop(); // the highest: an estimate before the first pass
        self.known.extend_from_slice(ends);
        self.known.sort_unstable_by_key(|known| known.key);
        self.known.dedup_by_key(|known| known.key);
        self.passes += 1;
    }
}

impl Selection {
    pub fn lowest(&self) -> Bound {
        self.known[0].key
    }

    pub fn highest(&self) -> Bound {
        self.known[self.known.len() - 1].key
    }

    /// The intervals the ranks lie in. (Before the first pass there is one.)
    fn intervals(&self, ranks: &[usize]) -> Vec<RankInterval> {
        let mut intervals: Vec<RankInterval> = Vec::new();
        for rank in ranks {
            let i = self.known.partition_point(|known| known.count < *rank);
            let i = i.min(self.known.len() - 1);
            match intervals.last_mut() {
                Some(interval) if interval.to.key == self.known[i].key => {
                    interval.ranks.push(*rank);
                }
                _ => intervals.push(RankInterval {
                    from: self.known[i - 1],
                    to: self.known[i],
                    ranks: vec![*rank],
                }),
            }
        }
        intervals
    }

    fn plan(&mut self, intervals: &[RankInterval]) -> PassPlan {
        if self.passes > 0 && !self.sorted {
            self.sample.par_sort_unstable();
            self.sorted = true;
        }
        let all: usize = intervals.iter().map(RankInterval::len).sum();
        if all <= self.budget && intervals.len() <= MAX_CUTS / 2 {
            return self.cut(
                intervals.iter().map(|interval| (interval.from.key, interval.to.key)).collect(),
                vec![],
            );
        }
        if self.passes >= SAMPLED_PASSES {
            return self.cut_range(intervals);
        }
        match self.few_brackets(intervals) {
            Some(brackets) => self.cut_brackets(&brackets),
            None => self.cut_evenly(),
        }
    }

    /// The brackets of all intervals, unless no pass has narrowed them and they hold too much.
    fn few_brackets(&self, intervals: &[RankInterval]) -> Option<Vec<Bracket>> {
        let brackets: Vec<Bracket> =
            intervals.iter().flat_map(|interval| self.brackets(interval)).collect();
        let expected: f64 = brackets.iter().map(|bracket| bracket.expected).sum();
        (self.passes > 0 || expected <= self.budget as f64).then_some(brackets)
    }

    /// Where the ranks of an interval should lie by the sample; overlapping brackets are merged.
    fn brackets(&self, interval: &RankInterval) -> Vec<Bracket> {
        let within = if self.sorted {
            let first = self.sample.partition_point(|key| Bound::from(*key) <= interval.from.key);
            let last = self.sample.partition_point(|key| Bound::from(*key) <= interval.to.key);
            first..last
        } else {
            0..self.sample.len()
        };
        let size = within.len() as f64;
        let values_each = interval.len() as f64 / size.max(1.0);
        // Standard errors of the rank of a sampled value: about one miss in a thousand, then rarer.
        let errors = 3.3 + 1.5 * f64::from(self.passes);
        let mut brackets: Vec<Bracket> = Vec::new();
        for rank in &interval.ranks {
            let share = (*rank - interval.from.count) as f64 / interval.len().max(1) as f64;
            let share = share.clamp(0.0, 1.0);
            let centre = share * size;
            let margin = 2.0 + errors * (size * share * (1.0 - share) + 1.0).sqrt();
            let index =
                |at: f64| (at >= 0.0 && at < size).then_some(within.start + at.max(0.0) as usize);
            let from = index((centre - margin).floor());
            let to = index((centre + margin).ceil());
            let start = (centre - margin).max(0.0);
            let end = (centre + margin).min(size);
            match brackets.last_mut() {
                Some(last) if last.to.is_none_or(|to| from.is_none_or(|from| from <= to)) => {
                    last.expected += values_each * (end - last.end).max(0.0);
                    last.to = to;
                    last.end = end;
                }
                _ => brackets.push(Bracket {
                    from,
                    to,
                    outer: (interval.from.key, interval.to.key),
                    end,
                    expected: values_each * (end - start),
                }),
            }
        }
        brackets
    }

    /// Cuts at the brackets' ends; an end that many sampled values equal becomes an atom.
    fn cut_brackets(&mut self, brackets: &[Bracket]) -> PassPlan {
        let mut indices: Vec<usize> =
            brackets.iter().flat_map(|bracket| [bracket.from, bracket.to]).flatten().collect();
        if !self.sorted {
            indices.sort_unstable();
            indices.dedup();
            select_many(&mut self.sample, &indices);
        }
        let (mut intervals, mut atoms) = (Vec::new(), Vec::new());
        for bracket in brackets.iter().take(MAX_CUTS / 4) {
            let width = match (bracket.from, bracket.to) {
                (Some(from), Some(to)) => to - from,
                _ => 16,
            };
            let (mut from, mut to) = bracket.outer;
            if let Some(index) = bracket.from {
                let key = Bound::from(self.sample[index]);
                let heavy = self.is_heavy(index, width);
                from = if heavy { key } else { key - 1 };
                atoms.extend(heavy.then_some(key));
            }
            if let Some(index) = bracket.to {
                let key = Bound::from(self.sample[index]);
                let heavy = self.is_heavy(index, width);
                to = if heavy { key - 1 } else { key };
                atoms.extend(heavy.then_some(key));
            }
            if from < to {
                intervals.push((from, to));
            }
        }
        self.cut(intervals, atoms)
    }

    /// Whether the ties of this sampled value would be a good part of what a bracket collects.
    fn is_heavy(&self, index: usize, width: usize) -> bool {
        let key = self.sample[index];
        let ties = if self.sorted {
            self.sample.partition_point(|other| *other <= key)
                - self.sample.partition_point(|other| *other < key)
        } else {
            self.sample.iter().filter(|other| **other == key).count()
        };
        ties > 2 + width / 16
    }

    /// For too many ranks to bracket at once: counts at evenly spaced sampled values first.
    fn cut_evenly(&mut self) -> PassPlan {
        self.sample.par_sort_unstable();
        self.sorted = true;
        let mut cuts: Vec<Bound> = Vec::with_capacity(MAX_CUTS);
        for i in 0..MAX_CUTS {
            let key = Bound::from(self.sample[(i + 1) * self.sample.len() / (MAX_CUTS + 1)]);
            // Twice the same: at least a 255th of all values, worth being an atom.
            cuts.push(if cuts.last() == Some(&key) { key - 1 } else { key });
        }
        self.counting(cuts)
    }

    /// Divides the range of keys of each interval evenly, as a radix search does; collects small ones.
    fn cut_range(&self, intervals: &[RankInterval]) -> PassPlan {
        let share = self.budget / intervals.len();
        let (small, large): (Vec<&RankInterval>, Vec<&RankInterval>) =
            intervals.iter().partition(|interval| interval.len() <= share);
        let small = &small[..small.len().min(MAX_CUTS / 4)];
        let mut plan = self.cut(
            small.iter().map(|interval| (interval.from.key, interval.to.key)).collect(),
            vec![],
        );
        let left = MAX_CUTS - plan.cuts.len();
        let each = (left / large.len().max(1)).max(1);
        let mut cuts: Vec<Bound> = plan.cuts.iter().map(|key| Bound::from(*key)).collect();
        for interval in large.iter().take(left) {
            let width = interval.to.key - interval.from.key;
            let parts = each as Bound + 1;
            cuts.extend((1..parts).map(|part| interval.from.key + width * part / parts));
        }
        plan.cuts = self.counting(cuts).cuts;
        plan
    }

    /// A plan that collects the intervals and counts the atoms.
    fn cut(&self, intervals: Vec<(Bound, Bound)>, atoms: Vec<Bound>) -> PassPlan {
        let ends = intervals.iter().flat_map(|(from, to)| [*from, *to]);
        let atoms = atoms.into_iter().flat_map(|key| [key - 1, key]);
        PassPlan { cuts: self.counting(ends.chain(atoms).collect()).cuts, collect: intervals }
    }

    fn counting(&self, mut cuts: Vec<Bound>) -> PassPlan {
        cuts.retain(|cut| *cut > self.lowest() && *cut < self.highest());
        cuts.sort_unstable();
        cuts.dedup();
        PassPlan { cuts: cuts.into_iter().map(|cut| cut as u64).collect(), collect: Vec::new() }
    }

    /// Fills in the ranks that the last pass has found.
    fn resolve(&self, mut pass: SelectionPass, ranks: &[usize], found: &mut [Option<u64>]) {
        let (mut collected, mut indices) = (Vec::new(), Vec::new());
        for (i, (rank, found)) in ranks.iter().zip(found.iter_mut()).enumerate() {
            let to = self.known.partition_point(|known| known.count < *rank);
            if found.is_some() {
                continue;
            }
            if self.known[to].key - self.known[to - 1].key == 1 {
                *found = Some(self.known[to].key as u64);
            } else if let Some(index) = pass.index_of(*rank) {
                collected.push(i);
                indices.push(index);
            }
        }
        select_many(&mut pass.collected, &indices);
        for (i, index) in collected.into_iter().zip(indices) {
            found[i] = Some(pass.collected[index]);
        }
    }
}

/// A range of the sample that should hold a rank, or several.
#[derive(Debug)]
struct Bracket {
    /// Indices into the sorted sample; `None` where the bracket reaches beyond the interval.
    from: Option<usize>,
    to: Option<usize>,
    /// The interval.
    outer: (Bound, Bound),
    /// The end before rounding.
    end: f64,
    /// About how many values it holds.
    expected: f64,
}

impl RankInterval {
    fn len(&self) -> usize {
        self.to.count - self.from.count
    }
}

/// What one pass has found.
#[derive(Debug)]
struct SelectionPass {
    /// The ends of the regions that the cuts make, and the number of values up to each.
    ends: Vec<CumulativeCount>,
    /// For each region the index of its first value among the collected, if it was collected.
    start: Vec<Option<usize>>,
    collected: Vec<u64>,
}

impl SelectionPass {
    fn run<T: Rankable>(
        pieces: &[ColumnPiece<'_, T>],
        known: &[CumulativeCount],
        plan: &PassPlan,
    ) -> Self {
        let (lowest, highest) = (known[0].key, known[known.len() - 1].key);
        let regions = plan.regions(lowest, highest);
        // The code of a value is 1 + its region.
        let wanted: Vec<u8> = (1..=u8::MAX)
            .zip(&regions)
            .filter(|(_, region)| region.1)
            .map(|(code, _)| code)
            .collect();
        let Scan { counts, collected } = scan(pieces, &plan.cuts, &wanted);
        let mut ends = vec![CumulativeCount { key: lowest, count: 0 }];
        let (mut start, mut before) = (Vec::new(), 0);
        for (region, (key, is_collected)) in regions.into_iter().enumerate() {
            let values = counts[region + 1];
            ends.push(CumulativeCount { key, count: ends[region].count + values });
            start.push(is_collected.then_some(before));
            before += if is_collected { values } else { 0 };
        }
        Self { ends, start, collected }
    }

    /// The index of a rank in the sorted collection, if its region was collected.
    fn index_of(&self, rank: usize) -> Option<usize> {
        let to = self.ends.partition_point(|end| end.count < rank);
        self.start[to - 1].map(|start| start + rank - self.ends[to - 1].count - 1)
    }
}
