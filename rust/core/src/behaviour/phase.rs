//! The phase of a client, and the signals that decide it.

use super::rules::Category;

/// The phases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// Nothing in the window.
    Inactive = 0,
    /// Something.
    Discovery,
    /// A warm page.
    Consideration,
    /// A hot page.
    Decision,
    /// A purchase, and no hot page since.
    Won,
    /// Here for something else.
    Excluded,
}

impl Phase {
    /// The names, by number.
    pub const NAMES: [&'static str; 6] =
        ["inactive", "discovery", "consideration", "decision", "won", "excluded"];
}

/// What one event within the phase window means for the phase.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct PhaseSignal {
    /// Hot, warm and eliminatory hits: one for each group whose winning rule has a category.
    pub hits: [u16; 3],
    /// Whether hits count for a phase: not those of visits that do not pass.
    pub counted: bool,
    pub purchase: bool,
    pub bypass: bool,
}

impl PhaseSignal {
    pub fn add_hit(&mut self, category: Category) {
        self.hits[category as usize] += 1;
    }

    /// Whether it tells more than that there was an event.
    pub fn is_significant(self) -> bool {
        self.hits != [0; 3] || self.purchase || self.bypass
    }

    /// As one word of a saved state.
    pub fn to_word(self) -> u64 {
        let [hot, warm, eliminatory] = self.hits.map(u64::from);
        let flags =
            u64::from(self.counted) | u64::from(self.purchase) << 1 | u64::from(self.bypass) << 2;
        hot | warm << 16 | eliminatory << 32 | flags << 48
    }

    pub fn from_word(word: u64) -> Self {
        Self {
            hits: [word as u16, (word >> 16) as u16, (word >> 32) as u16],
            counted: word >> 48 & 1 == 1,
            purchase: word >> 49 & 1 == 1,
            bypass: word >> 50 & 1 == 1,
        }
    }
}

/// The signals of one client so far, added up.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct PhaseTracker {
    pub hits: [u32; 3],
    any: bool,
    warm: bool,
    hot: bool,
    /// A purchase that no hot hit has followed.
    bought: bool,
    bypass: bool,
}

impl PhaseTracker {
    /// Add the next event of the window.
    #[inline]
    pub fn add(&mut self, signal: PhaseSignal) {
        self.any = true;
        for (sum, hits) in self.hits.iter_mut().zip(signal.hits) {
            *sum += u32::from(hits);
        }
        let hot = signal.counted && signal.hits[Category::Hot as usize] > 0;
        self.hot |= hot;
        self.bought &= !hot;
        self.warm |= signal.counted && signal.hits[Category::Warm as usize] > 0;
        self.bought |= signal.purchase;
        self.bypass |= signal.bypass;
    }

    /// Note that there was an event, of which nothing else is known.
    pub fn add_event(&mut self) {
        self.any = true;
    }

    pub fn phase(&self) -> Phase {
        let eliminatory = u64::from(self.hits[Category::Eliminatory as usize]);
        let all: u64 = self.hits.iter().map(|&hits| u64::from(hits)).sum();
        if eliminatory >= 2 && 2 * eliminatory >= all && !self.bypass {
            Phase::Excluded
        } else if self.bought {
            Phase::Won
        } else if self.hot {
            Phase::Decision
        } else if self.warm {
            Phase::Consideration
        } else if self.any {
            Phase::Discovery
        } else {
            Phase::Inactive
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phase_of(signals: &[PhaseSignal]) -> Phase {
        let mut tracker = PhaseTracker::default();
        signals.iter().for_each(|&signal| tracker.add(signal));
        tracker.phase()
    }

    #[test]
    fn the_first_that_holds_wins() {
        let signal = |hits| PhaseSignal { hits, counted: true, ..PhaseSignal::default() };
        let (hot, warm, off) = (signal([1, 0, 0]), signal([0, 1, 0]), signal([0, 0, 1]));
        let bought = PhaseSignal { purchase: true, ..signal([0; 3]) };
        let form = PhaseSignal { bypass: true, ..signal([0; 3]) };
        let refused = PhaseSignal { counted: false, ..hot };
        for (signals, phase) in [
            (vec![], Phase::Inactive),
            (vec![signal([0; 3])], Phase::Discovery),
            (vec![refused], Phase::Discovery),
            (vec![warm], Phase::Consideration),
            (vec![warm, hot], Phase::Decision),
            (vec![hot, bought], Phase::Won),
            (vec![bought, hot], Phase::Decision),
            (vec![bought, refused], Phase::Won),
            (vec![off], Phase::Discovery),
            (vec![off, off], Phase::Excluded),
            (vec![off, off, hot, warm], Phase::Excluded),
            (vec![off, off, hot, warm, warm], Phase::Decision),
            (vec![off, off, refused, refused, refused], Phase::Discovery),
            (vec![off, off, form], Phase::Discovery),
            (vec![off, off, bought], Phase::Excluded),
            (vec![signal([0, 0, 2])], Phase::Excluded),
        ] {
            assert_eq!(phase_of(&signals), phase, "{signals:?}");
        }
    }

    #[test]
    fn words_are_signals() {
        for counted in [false, true] {
            let signal =
                PhaseSignal { hits: [1, 65535, 3], counted, purchase: !counted, bypass: counted };
            assert_eq!(PhaseSignal::from_word(signal.to_word()), signal);
        }
    }
}
