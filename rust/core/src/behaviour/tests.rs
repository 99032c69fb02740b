//! Results depend neither on batches, threads and memory nor on the order of rows. Blocks and chunks
//! hold a few events here, so that a few hundred go through all that happens to millions.

use proptest::prelude::*;

use super::*;
use crate::bitmap::Bitmap;
use crate::columns::{Column, DateValues, IdValues, Integers, Texts, view_of};

const MINUTE: i64 = 60_000_000;
const AS_OF: i64 = 5000 * MINUTE;
const KINDS: [&[u8]; 3] = [b"page_view", b"email_open", b"search"];
/// The first is none.
const MESSAGES: [&[u8]; 4] = [b"", b"letter 2", b"letter 1", b"a letter with a long name"];
const PAGES: [&[u8]; 4] = [b"", b"/a", b"/b", b"/c"];

#[derive(Debug, Clone)]
struct EventRow {
    client: i64,
    instant: i64,
    kind: u8,
    page: u8,
    id: Option<u8>,
    machine: bool,
    wanted: bool,
    message: u8,
}

/// What a source has beside the columns that every one has.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a column")]
struct Has {
    ids: bool,
    machine: bool,
    wanted: bool,
    messages: bool,
}

/// How rows come, and with what they are read.
#[derive(Debug, Clone, Copy)]
struct Way {
    batch: usize,
    threads: usize,
    memory: Option<u64>,
}

fn rule(name: &str, kind: &str, page: Option<&str>, repeat: Repeat) -> Rule {
    Rule {
        name: name.to_owned(),
        group: 0,
        kinds: vec![kind.to_owned()],
        page: page.map(str::to_owned),
        points: 1.3,
        repeat,
        category: page.map(|_| Category::Warm),
    }
}

fn rules() -> RuleSet {
    RuleSet {
        kind_names: Vec::new(),
        ignore_page_case: false,
        web_kinds: vec!["page_view".to_owned(), "search".to_owned()],
        timeout: 30 * MINUTE,
        last_dwell: MINUTE,
        bot_events: Some(9),
        density: Some(Density { min_dwell: Some(MINUTE), ..Density::default() }),
        bypass_kinds: Vec::new(),
        decay: Decay::HalfLife(1440 * MINUTE),
        bounds: Bounds::default(),
        groups: vec![Bounds::default(); 2],
        phase_window: 2000 * MINUTE,
        rules: vec![
            rule("a", "page_view", Some("/a"), Repeat::OncePerSession),
            rule("b", "page_view", Some("/b"), Repeat::Every(90 * MINUTE)),
            rule("open", "email_open", None, Repeat::Per { count: 2, span: 500 * MINUTE }),
            rule("search", "search", None, Repeat::Always),
            Rule { group: 1, ..rule("page", "page_view", None, Repeat::OncePerPage) },
            Rule { group: 1, ..rule("letter", "email_open", None, Repeat::OncePerMessage) },
        ],
    }
}

fn bits(values: impl Iterator<Item = bool>) -> Vec<u8> {
    let values: Vec<bool> = values.collect();
    let byte = |bits: &[bool]| bits.iter().rev().fold(0, |byte, &bit| byte << 1 | u8::from(bit));
    values.chunks(8).map(byte).collect()
}

fn dictionary_encoded<'a>(codes: &'a [u8], views: &'a [u128]) -> Column<'a, TextValues<'a>> {
    let texts = Texts { views, buffers: Vec::new() };
    Column { values: TextValues::Dictionary { keys: Integers::U8(codes), texts }, validity: None }
}

fn push(pass: &mut BehaviourPass, rows: &[EventRow], has: Has) {
    let clients: Vec<i64> = rows.iter().map(|row| row.client).collect();
    let instants: Vec<i64> = rows.iter().map(|row| row.instant).collect();
    let kinds: Vec<u8> = rows.iter().map(|row| row.kind).collect();
    let pages: Vec<u8> = rows.iter().map(|row| row.page).collect();
    let ids: Vec<u128> = rows
        .iter()
        .map(|row| view_of(row.id.map_or(String::new(), |id| format!("e{id}")).as_bytes(), 0, 0))
        .collect();
    let (machine, wanted) =
        (bits(rows.iter().map(|row| row.machine)), bits(rows.iter().map(|row| row.wanted)));
    let messages: Vec<u8> = rows.iter().map(|row| row.message).collect();
    let there = bits(rows.iter().map(|row| row.message > 0));
    let flags = |bytes| Column { values: Bitmap { bytes, offset: 0 }, validity: None };
    let (kind_views, page_views) =
        (KINDS.map(|text| view_of(text, 0, 0)), PAGES.map(|text| view_of(text, 0, 0)));
    let message_views = MESSAGES.map(|text| view_of(text, 0, 0));
    let batch = EventBatch {
        rows: rows.len(),
        client: Column { values: IdValues::Integers(Integers::I64(&clients)), validity: None },
        timestamp: Column {
            values: DateValues::Instants { values: &instants, per_second: 1_000_000, zoned: false },
            validity: None,
        },
        kind: dictionary_encoded(&kinds, &kind_views),
        page: Some(dictionary_encoded(&pages, &page_views)),
        dwell: None,
        clicks: None,
        channel: None,
        message: has.messages.then(|| Column {
            values: TextValues::Dictionary {
                keys: Integers::U8(&messages),
                texts: Texts { views: &message_views, buffers: vec![MESSAGES[3]] },
            },
            validity: Some(Bitmap { bytes: &there, offset: 0 }),
        }),
        event_id: has.ids.then(|| Column {
            values: IdValues::Texts(Texts { views: &ids, buffers: Vec::new() }),
            validity: None,
        }),
        machine_open: has.machine.then(|| flags(&machine)),
        keep: has.wanted.then(|| flags(&wanted)),
        consented: None,
    };
    pass.push(&[batch]).unwrap();
}

/// The scores as they print, and the account.
fn run(rows: &[EventRow], has: Has, way: Way) -> (String, BehaviourAccount) {
    let mut pass = BehaviourPass::new(BehaviourOptions {
        rules: rules(),
        as_of: Some(AS_OF),
        as_of_is_utc: false,
        from: None,
        from_zoned: false,
        timezone: "UTC".to_owned(),
        plain_integer_ids: false,
        memory: way.memory,
        directory: None,
        threads: Some(way.threads),
        ledger: true,
        state: false,
    })
    .unwrap();
    push(&mut pass, &[], has);
    rows.chunks(way.batch).for_each(|rows| push(&mut pass, rows, has));
    let outcome = pass.finish().unwrap();
    let shown = format!("{:?} {:?}", outcome.scores, outcome.ledger);
    (shown, outcome.account)
}

fn row() -> impl Strategy<Value = EventRow> {
    // Instants in minutes, so that some are equal; a fifth of them after as_of.
    (
        0..12_i64,
        0..6000_i64,
        0..3_u8,
        0..4_u8,
        proptest::option::of(0..40_u8),
        any::<[bool; 2]>(),
        0..4_u8,
    )
        .prop_map(|(client, minute, kind, page, id, [machine, wanted], message)| EventRow {
            client,
            instant: minute * MINUTE,
            kind,
            page,
            id,
            machine,
            wanted,
            message,
        })
}

proptest! {
    #[test]
    fn no_way_of_reading_changes_a_result(
        rows in proptest::collection::vec(row(), 0..700),
        has in any::<[bool; 4]>().prop_map(|[ids, machine, wanted, messages]| {
            Has { ids, machine, wanted, messages }
        }),
        batch in 1..300_usize,
        threads in 1..4_usize,
        memory in proptest::option::of(0..60_000_u64),
        rotation in 0..700_usize,
    ) {
        let whole = Way { batch: 1000, threads: 1, memory: None };
        let (expected, account) = run(&rows, has, whole);
        let used: u64 = account.kinds.iter().map(|(_, events)| events).sum();
        let early: u64 = account.dropped[..EventDropReason::Tracking as usize].iter().sum();
        prop_assert_eq!(used + early, rows.len() as u64);

        let mut rotated = rows.clone();
        rotated.rotate_left(rotation % rows.len().max(1));
        let (found, other) = run(&rotated, has, Way { batch, threads, memory });
        prop_assert_eq!(found, expected);
        prop_assert_eq!(BehaviourAccount { spilled: 0, ..other.clone() }, account);
        if memory.is_none() {
            prop_assert_eq!(other.spilled, 0);
        } else if memory == Some(0) && used > 0 {
            prop_assert!(other.spilled >= used * 32);
        }
    }

    #[test]
    fn rows_that_are_dropped_take_no_memory(
        rows in proptest::collection::vec(row(), 1..200), late: bool,
    ) {
        let has = Has { ids: true, machine: true, wanted: true, messages: true };
        let gone = |row: &EventRow| {
            let instant = if late { AS_OF + 1 } else { row.instant };
            EventRow { instant, wanted: late, ..row.clone() }
        };
        let rows: Vec<EventRow> = rows.iter().map(gone).collect();
        let (_, account) = run(&rows, has, Way { batch: 50, threads: 2, memory: Some(0) });
        prop_assert_eq!((account.clients, account.spilled), (0, 0));
    }
}
