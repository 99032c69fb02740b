//! One event, in half a cache line.

use std::cmp::Ordering;

use crate::dictionary::TextDictionary;

/// What goes through partitions, temporary files and sorts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Event {
    /// The client: an integer id that orders as the id does, or the code of a text.
    pub client: u64,
    /// Microseconds since 1970-01-01.
    pub instant: i64,
    pub measures: Measures,
    pub page: u32,
    pub kind: u16,
    pub flags: Flags,
}

/// Bytes of an event in a temporary file.
pub(super) const EVENT_BYTES: usize = 32;

impl Event {
    pub fn to_bytes(self) -> [u8; EVENT_BYTES] {
        let mut bytes = [0; EVENT_BYTES];
        bytes[..8].copy_from_slice(&self.client.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.instant.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.measures.0.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.page.to_le_bytes());
        bytes[28..30].copy_from_slice(&self.kind.to_le_bytes());
        bytes[30..].copy_from_slice(&self.flags.0.to_le_bytes());
        bytes
    }

    pub fn from_bytes(bytes: &[u8; EVENT_BYTES]) -> Self {
        let word = |at: usize| u64::from_le_bytes(std::array::from_fn(|i| bytes[at + i]));
        let last = word(24);
        Self {
            client: word(0),
            instant: word(8) as i64,
            measures: Measures(word(16)),
            page: last as u32,
            kind: (last >> 32) as u16,
            flags: Flags((last >> 48) as u16),
        }
    }
}

/// Dwell and clicks in one word: 44 bits of microseconds plus one, 0 where unknown, then 20 bits of
/// clicks. Compared as numbers they order by dwell, the unknown first, then by clicks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Measures(pub u64);

impl Measures {
    const CLICK_BITS: u32 = 20;
    /// The longest dwell, in microseconds: 203 days.
    pub const MAX_DWELL: i64 = (1 << 44) - 2;
    /// The most clicks of one event.
    pub const MAX_CLICKS: u64 = (1 << Self::CLICK_BITS) - 1;

    /// Both, which must be within their limits.
    pub fn new(dwell: Option<i64>, clicks: u64) -> Self {
        Self::from_parts(dwell.map_or(0, |micros| micros + 1), clicks)
    }

    /// The same where dwell is given as it is kept: plus one, and 0 for unknown.
    #[inline]
    pub fn from_parts(dwell: i64, clicks: u64) -> Self {
        Self((dwell as u64) << Self::CLICK_BITS | clicks)
    }

    #[inline]
    pub fn dwell(self) -> Option<i64> {
        let (dwell, known) = self.dwell_if_known();
        known.then_some(dwell as i64)
    }

    /// Dwell, 0 where it is not known, and whether it is.
    #[inline]
    pub fn dwell_if_known(self) -> (u64, bool) {
        let kept = self.0 >> Self::CLICK_BITS;
        (kept.saturating_sub(1), kept > 0)
    }

    #[inline]
    pub fn clicks(self) -> u64 {
        self.0 & Self::MAX_CLICKS
    }
}

/// Three flags of an event, and its channel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Flags(pub u16);

impl Flags {
    /// An open by a machine.
    pub const MACHINE: u16 = 1;
    /// An event that has an id.
    pub const HAS_ID: u16 = 2;
    /// An event of a saved state, which is no row of this run.
    pub const SAVED: u16 = 4;
    const CHANNEL_SHIFT: u32 = 3;
    /// The most channels.
    pub const MAX_CHANNELS: u32 = u16::MAX as u32 >> Self::CHANNEL_SHIFT;

    #[inline]
    pub fn has(self, flag: u16) -> bool {
        self.0 & flag != 0
    }

    pub fn with_channel(self, code: u32) -> Self {
        Self(self.0 | (code as u16) << Self::CHANNEL_SHIFT)
    }

    pub fn channel(self) -> u32 {
        u32::from(self.0 >> Self::CHANNEL_SHIFT)
    }
}

/// The texts that the codes in events stand for.
#[derive(Debug, Clone, Copy)]
pub(super) struct EventDictionaries<'a> {
    pub kinds: &'a TextDictionary,
    pub pages: &'a TextDictionary,
    pub channels: &'a TextDictionary,
    pub messages: &'a TextDictionary,
}

/// The order of two events of one client and instant that have no ids, or equal ones: kind, page,
/// dwell, clicks, machine open, channel; what is missing comes first. (E-mails, which are kept beside
/// events, come last.) Texts are compared, not their
/// codes, which depend on the text that was seen first.
pub(super) fn compare_columns(a: &Event, b: &Event, dictionaries: EventDictionaries) -> Ordering {
    let (machine_a, machine_b) = (a.flags.has(Flags::MACHINE), b.flags.has(Flags::MACHINE));
    let EventDictionaries { kinds, pages, channels, .. } = dictionaries;
    (kinds.get(a.kind.into()).cmp(&kinds.get(b.kind.into())))
        .then_with(|| pages.get(a.page).cmp(&pages.get(b.page)))
        .then(a.measures.cmp(&b.measures))
        .then(machine_a.cmp(&machine_b))
        .then_with(|| channels.get(a.flags.channel()).cmp(&channels.get(b.flags.channel())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_keep_both_ends() {
        for dwell in [None, Some(0), Some(1), Some(Measures::MAX_DWELL)] {
            for clicks in [0, 1, Measures::MAX_CLICKS] {
                let measures = Measures::new(dwell, clicks);
                assert_eq!((measures.dwell(), measures.clicks()), (dwell, clicks));
            }
        }
        assert!(Measures::new(None, 9) < Measures::new(Some(0), 0));
    }

    #[test]
    fn bytes_are_the_event() {
        let event = Event {
            client: u64::MAX - 1,
            instant: -7,
            measures: Measures::new(Some(5), 3),
            page: u32::MAX - 2,
            kind: 65_000,
            flags: Flags(Flags::MACHINE).with_channel(Flags::MAX_CHANNELS),
        };
        assert_eq!(Event::from_bytes(&event.to_bytes()), event);
        assert_eq!(size_of::<Event>(), EVENT_BYTES);
        assert_eq!(event.flags.channel(), Flags::MAX_CHANNELS);
    }
}
