//! Where a client stands: the phase, and the hits that decide it.

use super::scheme::Category;

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

/// What one event within the window says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sign {
    /// Hot, warm and eliminatory hits: one for each group whose winning rule has a category.
    pub hits: [u16; 3],
    /// Whether hits count for a phase: not those of visits that do not pass.
    pub counted: bool,
    pub purchase: bool,
    pub bypass: bool,
}

impl Sign {
    pub fn hit(&mut self, category: Category) {
        self.hits[category as usize] += 1;
    }

    /// Whether it says more than that there was an event.
    pub fn is_telling(self) -> bool {
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

/// The signs of one client so far.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a sign of its own")]
pub(super) struct Standing {
    pub hits: [u32; 3],
    any: bool,
    warm: bool,
    hot: bool,
    /// A purchase that no hot hit has followed.
    bought: bool,
    bypass: bool,
}

impl Standing {
    /// Take in the next event of the window.
    #[inline]
    pub fn see(&mut self, sign: Sign) {
        self.any = true;
        for (sum, hits) in self.hits.iter_mut().zip(sign.hits) {
            *sum += u32::from(hits);
        }
        let hot = sign.counted && sign.hits[Category::Hot as usize] > 0;
        self.hot |= hot;
        self.bought &= !hot;
        self.warm |= sign.counted && sign.hits[Category::Warm as usize] > 0;
        self.bought |= sign.purchase;
        self.bypass |= sign.bypass;
    }

    /// Take in that there was an event.
    pub fn see_any(&mut self) {
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

    fn phase_of(signs: &[Sign]) -> Phase {
        let mut standing = Standing::default();
        signs.iter().for_each(|&sign| standing.see(sign));
        standing.phase()
    }

    #[test]
    fn the_first_that_holds_wins() {
        let sign = |hits| Sign { hits, counted: true, ..Sign::default() };
        let (hot, warm, off) = (sign([1, 0, 0]), sign([0, 1, 0]), sign([0, 0, 1]));
        let bought = Sign { purchase: true, ..sign([0; 3]) };
        let form = Sign { bypass: true, ..sign([0; 3]) };
        let refused = Sign { counted: false, ..hot };
        for (signs, phase) in [
            (vec![], Phase::Inactive),
            (vec![sign([0; 3])], Phase::Discovery),
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
            (vec![sign([0, 0, 2])], Phase::Excluded),
        ] {
            assert_eq!(phase_of(&signs), phase, "{signs:?}");
        }
    }

    #[test]
    fn words_are_signs() {
        for counted in [false, true] {
            let sign = Sign { hits: [1, 65535, 3], counted, purchase: !counted, bypass: counted };
            assert_eq!(Sign::from_word(sign.to_word()), sign);
        }
    }
}
