//! What is kept of a line of sales, and of an event.

/// A line of sales, or an event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct HistoryRow {
    /// The client: an integer id that orders as the id does, or the code of a text.
    pub client: u64,
    /// Microseconds since 1970-01-01.
    pub instant: i64,
    /// The code of the category of a line.
    pub category: u32,
    pub marks: Marks,
}

/// What kind of row it is; of a line, its channel and two flags, and of an event, on which side of
/// which axis it counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Marks(u32);

impl Marks {
    const EVENT: u32 = 1;
    /// Of a line: whether it was on promotion.
    const PROMO: u32 = 2;
    /// Of a line: whether it is of an order that has an id.
    const HAS_ORDER: u32 = 4;
    const SHIFT: u32 = 3;
    /// The most channels.
    pub const MAX_CHANNELS: u32 = u32::MAX >> Self::SHIFT;

    pub fn of_line(channel: u32, promo: bool, has_order: bool) -> Self {
        let flags = [(promo, Self::PROMO), (has_order, Self::HAS_ORDER)];
        let flags: u32 = flags.iter().map(|&(is_set, flag)| u32::from(is_set) * flag).sum();
        Self(channel << Self::SHIFT | flags)
    }

    /// Of an event, by axis: whether it is on the side of the hits; none where it does not count.
    pub fn of_event(sides: [Option<bool>; 2]) -> Self {
        let bits = sides.map(|side| side.map_or(0, |hit| 1 | u32::from(hit) << 1));
        Self((bits[0] | bits[1] << 2) << Self::SHIFT | Self::EVENT)
    }

    #[inline]
    pub fn is_event(self) -> bool {
        self.0 & Self::EVENT != 0
    }

    #[inline]
    pub fn promo(self) -> bool {
        self.0 & Self::PROMO != 0
    }

    #[inline]
    pub fn has_order(self) -> bool {
        self.0 & Self::HAS_ORDER != 0
    }

    /// The code of the channel of a line.
    #[inline]
    pub fn channel(self) -> u32 {
        self.0 >> Self::SHIFT
    }

    /// The inverse of [`Self::of_event`].
    pub fn sides(self) -> [Option<bool>; 2] {
        [0, 2].map(|bit| {
            let side = self.0 >> (Self::SHIFT + bit);
            (side & 1 != 0).then_some(side & 2 != 0)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_hold_what_they_are_made_of() {
        for channel in [0, 1, Marks::MAX_CHANNELS] {
            for (promo, has_order) in [(false, false), (true, false), (false, true)] {
                let marks = Marks::of_line(channel, promo, has_order);
                assert!(!marks.is_event());
                assert_eq!(
                    (marks.channel(), marks.promo(), marks.has_order()),
                    (channel, promo, has_order)
                );
            }
        }
        let sides = [None, Some(false), Some(true)];
        for (active, relational) in sides.iter().flat_map(|a| sides.iter().map(move |b| (*a, *b))) {
            let marks = Marks::of_event([active, relational]);
            assert!(marks.is_event());
            assert_eq!(marks.sides(), [active, relational]);
        }
    }

    #[test]
    fn a_row_takes_24_bytes() {
        assert_eq!(size_of::<HistoryRow>(), 24);
    }
}
