//! What is counted of a client.

/// Events and hits among them, and how many of them belong to the odd half: every second purchase, or
/// day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Halves {
    /// Events.
    pub events: u32,
    /// Those among them that are hits.
    pub hits: u32,
    /// The events of the odd half.
    pub events_odd: u32,
    /// Its hits.
    pub hits_odd: u32,
}

impl Halves {
    #[inline]
    pub(super) fn add(&mut self, is_hit: bool, is_odd: bool) {
        self.events += 1;
        self.hits += u32::from(is_hit);
        self.events_odd += u32::from(is_odd);
        self.hits_odd += u32::from(is_hit & is_odd);
    }
}

/// The counts that there are by axis: open, active, relational.
pub const HALVES: usize = 3;
/// The entropies that there are: of categories and of channels, each over all, odd and even places.
pub const ENTROPIES: usize = 6;

/// All that is counted of a client.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClientCounts {
    pub halves: [Halves; HALVES],
    /// Not a number where there is nothing to compute them of.
    pub entropies: [f64; ENTROPIES],
}
