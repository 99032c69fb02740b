//! The rules as plain data: what the caller has read and validated.

/// How the weight of an award falls with its age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decay {
    /// It does not.
    None,
    /// It halves each time this many microseconds have passed.
    HalfLife(i64),
    /// It falls to zero along a line that ends after this many microseconds.
    Linear(i64),
    /// It is one for this many microseconds, then zero.
    Window(i64),
}

/// How often one rule may give its points to one client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// Each time.
    Always,
    /// A single time.
    Once,
    /// Once a visit, and once a day for events outside visits.
    OncePerSession,
    /// Once a page, as pages stand in the table; events without one have one page together.
    OncePerPage,
    /// Once an e-mail; an event without one is an e-mail of its own.
    OncePerMessage,
    /// When this many microseconds have passed since the last award.
    Every(i64),
    /// While fewer than `count` awards lie within the last `span` microseconds.
    Per {
        /// The most awards that the span holds.
        count: u32,
        /// The span.
        span: i64,
    },
}

/// What an event says of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Category {
    /// About to decide.
    Hot = 0,
    /// Interested.
    Warm = 1,
    /// Here for something else.
    Eliminatory = 2,
}

/// One rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its name, for the reader.
    pub name: String,
    /// The group that its points go to.
    pub group: usize,
    /// The kinds of event it applies to; all where empty.
    pub kinds: Vec<String>,
    /// The pages it applies to, as a pattern; without one, events on any page or on none.
    pub page: Option<String>,
    /// The points.
    pub points: f64,
    /// How often they are given.
    pub repeat: Repeat,
    /// What an event that it wins says of the client.
    pub category: Option<Category>,
}

/// The bounds of a sum: that of a group, or of all groups.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bounds {
    /// The least value.
    pub floor: Option<f64>,
    /// The greatest value.
    pub cap: Option<f64>,
}

/// When a visit is dense enough to earn points.
#[derive(Debug, Clone, Default)]
pub struct Density {
    /// The least time on pages, in microseconds.
    pub min_dwell: Option<i64>,
    /// The fewest clicks.
    pub min_clicks: Option<u64>,
    /// Whether one of the two is enough.
    pub any: bool,
    /// The pages whose time and clicks count; all where there are none.
    pub theme: Option<Vec<String>>,
}

/// The rules, and what visits, ages and phases are defined by.
#[derive(Debug, Clone)]
pub struct RuleSet {
    /// What events of a kind are also called: they are read as events of the kind.
    pub kind_names: Vec<(String, Vec<String>)>,
    /// Whether page patterns match pages that differ by case alone.
    pub ignore_page_case: bool,
    /// The kinds that make up visits.
    pub web_kinds: Vec<String>,
    /// The pause after which an event begins another visit, in microseconds.
    pub timeout: i64,
    /// The time on the last page of a visit where it is not known.
    pub last_dwell: i64,
    /// A visit with more events than this within a minute is a program's.
    pub bot_events: Option<u32>,
    /// When a visit earns points; always where there is none.
    pub density: Option<Density>,
    /// The kinds of event with which a visit passes whatever its density.
    pub bypass_kinds: Vec<String>,
    /// How awards age.
    pub decay: Decay,
    /// The bounds of the score.
    pub bounds: Bounds,
    /// The groups, in the order of their columns.
    pub groups: Vec<Bounds>,
    /// How far back the phase looks, in microseconds.
    pub phase_window: i64,
    /// The rules, in the order in which they were written.
    pub rules: Vec<Rule>,
}
