//! Exact order statistics of a large column, by sampling.
//!
//! A sample tells roughly where each wanted rank lies (Floyd and Rivest 1975, "Expected time
//! bounds for selection", CACM 18). One pass then counts exactly how many values lie below, in and
//! above those brackets and collects the few values inside; the counts say whether the rank is
//! really there, and the collected values give it. What a bracket missed is sought again, with
//! narrower knowledge and wider brackets, and in the end by cutting the range of keys itself,
//! which cannot fail: a poor sample makes the search slower, never wrong.
//!
//! Everything happens on keys (see [`Value::key`]). An interval (a, b] of keys holds the values
//! above a and up to b; an interval of one key is an *atom*: its value is known without looking,
//! which is how heavy ties are never collected.

use rayon::prelude::*;

use super::codes::MAX_CUTS;
use super::column::{Column, Piece};
use super::scan::{Scan, scan};
use super::value::Value;
use crate::prefetch::prefetch;

/// Columns up to this long are collected whole.
const SMALL: usize = 1 << 15;
/// The most values sampled.
const MAX_SAMPLE: usize = 1 << 16;
/// Passes that trust the sample before the range of keys is cut evenly.
const TRUSTING_PASSES: u32 = 3;

/// Bounds of intervals; wider than keys, to have room for "below every key".
pub(super) type Bound = i128;

/// The ranks wanted of n values: 1-based, ascending, not necessarily distinct.
pub(super) trait Ranks: Fn(usize) -> Vec<usize> + Sync {}
impl<F: Fn(usize) -> Vec<usize> + Sync> Ranks for F {}

/// The number of values and the keys of the ranks `wanted`. Expected O(n + r log n) for r ranks,
/// a pass or two over the column; memory some percent of it.
pub(super) fn select<T: Value>(column: &Column<'_, T>, wanted: impl Ranks) -> (usize, Vec<u64>) {
    let pieces = column.pieces();
    match Search::start(&pieces, column.len()) {
        Some(search) => search.run(&pieces, wanted),
        None => select_small(&pieces, wanted),
    }
}

/// As [`select`], where the column is small enough to collect whole.
pub(super) fn select_small<T: Value>(
    pieces: &[Piece<'_, T>],
    wanted: impl Ranks,
) -> (usize, Vec<u64>) {
    let mut keys = collect_all(pieces);
    let ranks: Vec<usize> = wanted(keys.len());
    let places: Vec<usize> = ranks.iter().map(|rank| rank - 1).collect();
    select_many(&mut keys, &places);
    (keys.len(), places.iter().map(|place| keys[*place]).collect())
}

fn collect_all<T: Value>(pieces: &[Piece<'_, T>]) -> Vec<u64> {
    // One cut that nothing is above: every value has code 1.
    scan(pieces, &[], &[1]).collected
}

/// Puts the elements of the (ascending) places where sorting would.
pub(super) fn select_many(keys: &mut [u64], places: &[usize]) {
    let Some(place) = places.get(places.len() / 2).copied() else {
        return;
    };
    keys.select_nth_unstable(place);
    let (below, rest) = keys.split_at_mut(place);
    let first = places.partition_point(|other| *other < place);
    let last = places.partition_point(|other| *other <= place);
    select_many(below, &places[..first]);
    let above: Vec<usize> = places[last..].iter().map(|other| other - place - 1).collect();
    select_many(&mut rest[1..], &above);
}

/// One row drawn from each of `size` equal runs of rows, at a place that a hash of the run's
/// number gives; the keys of those that hold a value.
fn sample<T: Value>(pieces: &[Piece<'_, T>], rows: usize, size: usize) -> Vec<u64> {
    const TASKS: usize = 16;
    // Rows asked for before the first of them is read.
    const AT_ONCE: usize = 64;
    let draw = |task: usize| {
        let mut keys = Vec::with_capacity(size / TASKS);
        let mut n = None;
        let runs: Vec<usize> = (task * size / TASKS..(task + 1) * size / TASKS).collect();
        for runs in runs.chunks(AT_ONCE) {
            let mut places = [(0, 0); AT_ONCE];
            for (run, place) in runs.iter().zip(&mut places) {
                let row = draw_row(*run as u64, rows as u64, size as u64);
                let mut piece = n.unwrap_or_else(|| pieces.partition_point(|p| p.row <= row) - 1);
                while pieces[piece].row + pieces[piece].values.len() <= row {
                    piece += 1;
                }
                n = Some(piece);
                *place = (piece, row - pieces[piece].row);
                prefetch(pieces[piece].values, place.1);
            }
            let drawn = places[..runs.len()].iter();
            keys.extend(drawn.filter_map(|(piece, i)| pieces[*piece].get(*i).map(Value::key)));
        }
        keys
    };
    let drawn: Vec<Vec<u64>> = (0..TASKS).into_par_iter().map(draw).collect();
    drawn.concat()
}

/// The row drawn from a run. The hash is the finaliser of `SplitMix64` (Steele, Lea and Flood
/// 2014), so that periods in the data do not meet periods in the sample.
fn draw_row(run: u64, rows: u64, size: u64) -> usize {
    let mut hash = run.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    hash ^= hash >> 31;
    let (first, next) = (run * rows / size, (run + 1) * rows / size);
    (first + ((u128::from(next - first) * u128::from(hash)) >> 64) as u64) as usize
}

/// What the next pass shall do.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Where to count: keys, ascending and distinct.
    cuts: Vec<u64>,
    /// What to collect: intervals whose ends are cuts or the ends of everything.
    collect: Vec<(Bound, Bound)>,
}

impl Plan {
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
pub(super) struct Known {
    pub key: Bound,
    pub count: usize,
}

/// The search for several ranks at once.
#[derive(Debug)]
pub(super) struct Search {
    sample: Vec<u64>,
    sorted: bool,
    /// Ascending; from (below every key, 0) to (the highest key, all).
    known: Vec<Known>,
    passes: u32,
    /// The most values to collect in one pass.
    room: usize,
}

/// An interval known to hold some wanted ranks.
#[derive(Debug)]
struct Gap {
    from: Known,
    to: Known,
    ranks: Vec<usize>,
}

impl Search {
    /// Draws the sample, unless there are few values and all of them can be collected.
    pub fn start<T: Value>(pieces: &[Piece<'_, T>], rows: usize) -> Option<Self> {
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
    fn new<T: Value>(sample: Vec<u64>, rows: usize, size: usize) -> Self {
        let values = (rows as u128 * sample.len() as u128 / size as u128) as usize;
        let lowest = Known { key: Bound::from(T::LOWEST.key()) - 1, count: 0 };
        let highest = Known { key: Bound::from(T::HIGHEST.key()), count: values };
        Self { sample, sorted: false, known: vec![lowest, highest], passes: 0, room: rows / 5 }
    }

    /// Passes over the column until every rank is found.
    pub fn run<T: Value>(
        mut self,
        pieces: &[Piece<'_, T>],
        wanted: impl Ranks,
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
            let plan = self.plan(&self.gaps(&missing));
            let pass = Pass::run(pieces, &self.known, &plan);
            self.learn(&pass.ends);
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
    pub fn first_plan(&mut self, ranks: &[usize]) -> Option<Plan> {
        let brackets = self.few_brackets(&self.gaps(ranks))?;
        Some(self.cut_brackets(&brackets))
    }

    /// Adds what a pass has counted to what is known.
    pub fn learn(&mut self, ends: &[Known]) {
        self.known.pop(); // the highest: an estimate before the first pass
        self.known.extend_from_slice(ends);
        self.known.sort_unstable_by_key(|known| known.key);
        self.known.dedup_by_key(|known| known.key);
        self.passes += 1;
    }
}

impl Search {
    pub fn lowest(&self) -> Bound {
        self.known[0].key
    }

    pub fn highest(&self) -> Bound {
        self.known[self.known.len() - 1].key
    }

    /// The intervals the ranks lie in. (Before the first pass there is one.)
    fn gaps(&self, ranks: &[usize]) -> Vec<Gap> {
        let mut gaps: Vec<Gap> = Vec::new();
        for rank in ranks {
            let i = self.known.partition_point(|known| known.count < *rank);
            let i = i.min(self.known.len() - 1);
            match gaps.last_mut() {
                Some(gap) if gap.to.key == self.known[i].key => gap.ranks.push(*rank),
                _ => gaps.push(Gap {
                    from: self.known[i - 1],
                    to: self.known[i],
                    ranks: vec![*rank],
                }),
            }
        }
        gaps
    }

    fn plan(&mut self, gaps: &[Gap]) -> Plan {
        if self.passes > 0 && !self.sorted {
            self.sample.par_sort_unstable();
            self.sorted = true;
        }
        let all: usize = gaps.iter().map(Gap::len).sum();
        if all <= self.room && gaps.len() <= MAX_CUTS / 2 {
            return self.cut(gaps.iter().map(|gap| (gap.from.key, gap.to.key)).collect(), vec![]);
        }
        if self.passes >= TRUSTING_PASSES {
            return self.cut_range(gaps);
        }
        match self.few_brackets(gaps) {
            Some(brackets) => self.cut_brackets(&brackets),
            None => self.cut_evenly(),
        }
    }

    /// The brackets of all gaps, unless no pass has narrowed them and they hold too much.
    fn few_brackets(&self, gaps: &[Gap]) -> Option<Vec<Bracket>> {
        let brackets: Vec<Bracket> = gaps.iter().flat_map(|gap| self.brackets(gap)).collect();
        let expected: f64 = brackets.iter().map(|bracket| bracket.expected).sum();
        (self.passes > 0 || expected <= self.room as f64).then_some(brackets)
    }

    /// Where the sample places the ranks of a gap, overlapping places joined.
    fn brackets(&self, gap: &Gap) -> Vec<Bracket> {
        let within = if self.sorted {
            let first = self.sample.partition_point(|key| Bound::from(*key) <= gap.from.key);
            let last = self.sample.partition_point(|key| Bound::from(*key) <= gap.to.key);
            first..last
        } else {
            0..self.sample.len()
        };
        let size = within.len() as f64;
        let values_each = gap.len() as f64 / size.max(1.0);
        // Standard errors of the rank of a sampled value: about one miss in a thousand, then rarer.
        let errors = 3.3 + 1.5 * f64::from(self.passes);
        let mut brackets: Vec<Bracket> = Vec::new();
        for rank in &gap.ranks {
            let share = (*rank - gap.from.count) as f64 / gap.len().max(1) as f64;
            let share = share.clamp(0.0, 1.0);
            let centre = share * size;
            let margin = 2.0 + errors * (size * share * (1.0 - share) + 1.0).sqrt();
            let place =
                |at: f64| (at >= 0.0 && at < size).then_some(within.start + at.max(0.0) as usize);
            let from = place((centre - margin).floor());
            let to = place((centre + margin).ceil());
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
                    outer: (gap.from.key, gap.to.key),
                    end,
                    expected: values_each * (end - start),
                }),
            }
        }
        brackets
    }

    /// Cuts at the brackets' ends; an end that many sampled values equal becomes an atom.
    fn cut_brackets(&mut self, brackets: &[Bracket]) -> Plan {
        let mut places: Vec<usize> =
            brackets.iter().flat_map(|bracket| [bracket.from, bracket.to]).flatten().collect();
        if !self.sorted {
            places.sort_unstable();
            places.dedup();
            select_many(&mut self.sample, &places);
        }
        let (mut intervals, mut atoms) = (Vec::new(), Vec::new());
        for bracket in brackets.iter().take(MAX_CUTS / 4) {
            let width = match (bracket.from, bracket.to) {
                (Some(from), Some(to)) => to - from,
                _ => 16,
            };
            let (mut from, mut to) = bracket.outer;
            if let Some(place) = bracket.from {
                let key = Bound::from(self.sample[place]);
                let heavy = self.is_heavy(place, width);
                from = if heavy { key } else { key - 1 };
                atoms.extend(heavy.then_some(key));
            }
            if let Some(place) = bracket.to {
                let key = Bound::from(self.sample[place]);
                let heavy = self.is_heavy(place, width);
                to = if heavy { key - 1 } else { key };
                atoms.extend(heavy.then_some(key));
            }
            if from < to {
                intervals.push((from, to));
            }
        }
        self.cut(intervals, atoms)
    }

    /// Whether collecting this sampled value's ties would be a good part of collecting a bracket.
    fn is_heavy(&self, place: usize, width: usize) -> bool {
        let key = self.sample[place];
        let ties = if self.sorted {
            self.sample.partition_point(|other| *other <= key)
                - self.sample.partition_point(|other| *other < key)
        } else {
            self.sample.iter().filter(|other| **other == key).count()
        };
        ties > 2 + width / 16
    }

    /// Too many ranks to bracket at once: counts at evenly spread sampled values first.
    fn cut_evenly(&mut self) -> Plan {
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

    /// Cuts the range of keys of each gap evenly, as a radix search does; collects small gaps.
    fn cut_range(&self, gaps: &[Gap]) -> Plan {
        let fair = self.room / gaps.len();
        let (small, large): (Vec<&Gap>, Vec<&Gap>) = gaps.iter().partition(|gap| gap.len() <= fair);
        let small = &small[..small.len().min(MAX_CUTS / 4)];
        let mut plan =
            self.cut(small.iter().map(|gap| (gap.from.key, gap.to.key)).collect(), vec![]);
        let left = MAX_CUTS - plan.cuts.len();
        let each = (left / large.len().max(1)).max(1);
        let mut cuts: Vec<Bound> = plan.cuts.iter().map(|key| Bound::from(*key)).collect();
        for gap in large.iter().take(left) {
            let width = gap.to.key - gap.from.key;
            let parts = each as Bound + 1;
            cuts.extend((1..parts).map(|part| gap.from.key + width * part / parts));
        }
        plan.cuts = self.counting(cuts).cuts;
        plan
    }

    /// A plan that collects the intervals and counts the atoms.
    fn cut(&self, intervals: Vec<(Bound, Bound)>, atoms: Vec<Bound>) -> Plan {
        let ends = intervals.iter().flat_map(|(from, to)| [*from, *to]);
        let atoms = atoms.into_iter().flat_map(|key| [key - 1, key]);
        Plan { cuts: self.counting(ends.chain(atoms).collect()).cuts, collect: intervals }
    }

    fn counting(&self, mut cuts: Vec<Bound>) -> Plan {
        cuts.retain(|cut| *cut > self.lowest() && *cut < self.highest());
        cuts.sort_unstable();
        cuts.dedup();
        Plan { cuts: cuts.into_iter().map(|cut| cut as u64).collect(), collect: Vec::new() }
    }

    /// Fills in the ranks that the last pass has settled.
    fn resolve(&self, mut pass: Pass, ranks: &[usize], found: &mut [Option<u64>]) {
        let (mut open, mut places) = (Vec::new(), Vec::new());
        for (i, (rank, found)) in ranks.iter().zip(found.iter_mut()).enumerate() {
            let to = self.known.partition_point(|known| known.count < *rank);
            if found.is_some() {
                continue;
            }
            if self.known[to].key - self.known[to - 1].key == 1 {
                *found = Some(self.known[to].key as u64);
            } else if let Some(place) = pass.place(*rank) {
                open.push(i);
                places.push(place);
            }
        }
        select_many(&mut pass.collected, &places);
        for (i, place) in open.into_iter().zip(places) {
            found[i] = Some(pass.collected[place]);
        }
    }
}

/// A stretch of the sample that should hold a rank, or several.
#[derive(Debug)]
struct Bracket {
    /// Places in the sorted sample; `None` where the stretch runs out of the gap.
    from: Option<usize>,
    to: Option<usize>,
    /// The gap.
    outer: (Bound, Bound),
    /// The end, as a number.
    end: f64,
    /// About how many values it holds.
    expected: f64,
}

impl Gap {
    fn len(&self) -> usize {
        self.to.count - self.from.count
    }
}

/// What one pass has found.
#[derive(Debug)]
struct Pass {
    /// The ends of the regions that the cuts make, and the number of values up to each.
    ends: Vec<Known>,
    /// For each region the place of its first value among the collected, if it was collected.
    start: Vec<Option<usize>>,
    collected: Vec<u64>,
}

impl Pass {
    fn run<T: Value>(pieces: &[Piece<'_, T>], known: &[Known], plan: &Plan) -> Self {
        let (lowest, highest) = (known[0].key, known[known.len() - 1].key);
        let regions = plan.regions(lowest, highest);
        // The code of a value is 1 + its region.
        let wanted: Vec<u8> = (1..=u8::MAX)
            .zip(&regions)
            .filter(|(_, region)| region.1)
            .map(|(code, _)| code)
            .collect();
        let Scan { counts, collected } = scan(pieces, &plan.cuts, &wanted);
        let mut ends = vec![Known { key: lowest, count: 0 }];
        let (mut start, mut before) = (Vec::new(), 0);
        for (region, (key, is_collected)) in regions.into_iter().enumerate() {
            let values = counts[region + 1];
            ends.push(Known { key, count: ends[region].count + values });
            start.push(is_collected.then_some(before));
            before += if is_collected { values } else { 0 };
        }
        Self { ends, start, collected }
    }

    /// The place of a rank in the sorted collection, if its region was collected.
    fn place(&self, rank: usize) -> Option<usize> {
        let to = self.ends.partition_point(|end| end.count < rank);
        self.start[to - 1].map(|start| start + rank - self.ends[to - 1].count - 1)
    }
}
