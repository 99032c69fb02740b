//! Behaviour: any pattern is read or refused, and neither batches, threads nor memory change a score.

use grc_core::behaviour::{
    BehaviourOptions, BehaviourOutcome, BehaviourPass, Bounds, Category, Decay, Density,
    EventBatch, EventDropReason, Repeat, Rule, RuleSet, TextValues, check_pattern,
};
use grc_core::bitmap::Bitmap;
use grc_core::columns::{AmountValues, Column, DateValues, IdValues, Integers};

use crate::bytes::{Bytes, TextData, on_threads, packed};

pub const MINUTE: i64 = 60_000_000;
pub const KINDS: [&str; 4] = ["page_view", "email_open", "purchase", "download"];
const PAGES: [&str; 6] =
    ["/", "/tarifs", "/tarifs/a", "https://h.fr/tarifs?a=b#c", "/été", "/a-page-of-a-long-name/x"];

#[derive(Debug, Clone)]
struct Event {
    client: Option<i64>,
    instant: Option<i64>,
    kind: usize,
    page: Option<String>,
    dwell: f64,
    id: Option<i64>,
    kept: bool,
}

/// Score events in two ways.
pub fn behaviour(data: &[u8]) {
    on_threads(data, |threads| check(data, threads));
}

fn check(data: &[u8], threads: usize) {
    let mut bytes = Bytes(data);
    let rules = rules(&mut bytes);
    let events = events(&mut bytes);
    let Ok(once) = pass(&rules, &events, events.len().max(1), 1, None) else { return };
    let mut turned = events.clone();
    turned.reverse();
    let again =
        pass(&rules, &turned, 3, threads, Some(1)).expect("the order of events makes no error");
    let account = &once.account;
    // Events of machines and in visits of programs have kinds, and are set aside.
    let of_kinds: u64 = account.kinds.iter().map(|(_, events)| events).sum();
    let (dropped, set_aside) = account.dropped.split_at(EventDropReason::MachineOpen as usize - 1);
    assert_eq!(account.rows_read, events.len() as u64);
    assert_eq!(account.rows_read, of_kinds + dropped.iter().sum::<u64>(), "{account:?}");
    assert!(set_aside.iter().sum::<u64>() <= of_kinds, "{account:?}");
    // Events of one instant and client are taken in an order of their own where all they say differs.
    assert_eq!(format!("{:?}", once.scores), format!("{:?}", again.scores), "{rules:?} {events:?}");
}

/// Rules, of which some have patterns that a fuzzer wrote.
pub fn rules(bytes: &mut Bytes) -> RuleSet {
    let repeats = [
        Repeat::Always,
        Repeat::Once,
        Repeat::OncePerSession,
        Repeat::OncePerPage,
        Repeat::OncePerMessage,
        Repeat::Every(90 * MINUTE),
        Repeat::Per { count: 2, span: 500 * MINUTE },
        Repeat::Every(i64::MAX),
    ];
    let decays = [
        Decay::None,
        Decay::HalfLife(1_440 * MINUTE),
        Decay::Linear(MINUTE),
        Decay::Window(i64::MAX),
    ];
    let count = 1 + bytes.below(4);
    let mut rule = |number: usize| {
        let page = match bytes.below(4) {
            0 => None,
            1 => Some(PAGES[bytes.below(6)].to_owned()),
            _ => {
                let text = bytes.text(24);
                check_pattern(&text).is_ok().then_some(text)
            }
        };
        Rule {
            name: format!("rule {number}"),
            group: number % 2,
            kinds: bytes.some_of(&KINDS).into_iter().map(|kind| (*kind).to_owned()).collect(),
            page,
            points: bytes.integer() as f64 / 8.0,
            repeat: repeats[bytes.below(8)],
            category: [None, Some(Category::Hot), Some(Category::Eliminatory)][bytes.below(3)],
        }
    };
    let rules = (0..count).map(&mut rule).collect();
    RuleSet {
        kind_names: vec![("purchase".to_owned(), vec!["achat".to_owned()])],
        ignore_page_case: bytes.flag(),
        web_kinds: vec!["page_view".to_owned(), "download".to_owned()],
        timeout: 30 * MINUTE,
        last_dwell: MINUTE,
        bot_events: [None, Some(3)][bytes.below(2)],
        density: [None, Some(Density { min_dwell: Some(MINUTE), ..Density::default() })]
            [bytes.below(2)]
        .clone(),
        bypass_kinds: vec!["purchase".to_owned()],
        decay: decays[bytes.below(4)],
        bounds: Bounds { floor: Some(-100.0), cap: None },
        groups: vec![Bounds::default(); 2],
        phase_window: 2_000 * MINUTE,
        rules,
    }
}

pub fn options(rules: &RuleSet, threads: usize, memory: Option<u64>) -> BehaviourOptions {
    BehaviourOptions {
        rules: rules.clone(),
        as_of: Some(5_000 * MINUTE),
        as_of_is_utc: false,
        from: None,
        from_zoned: false,
        timezone: "UTC".to_owned(),
        plain_integer_ids: false,
        memory,
        directory: None,
        threads: Some(threads),
        ledger: false,
        state: false,
    }
}

fn events(bytes: &mut Bytes) -> Vec<Event> {
    let mut events = Vec::new();
    while !bytes.is_empty() && events.len() < 300 {
        let flags = bytes.byte();
        events.push(Event {
            client: (flags & 7 != 7).then(|| bytes.integer()),
            // Each at an instant of its own: the order of those that share one is not their order here.
            instant: (flags >> 3 & 7 != 7).then(|| {
                bytes.integer().saturating_mul(MINUTE).saturating_add(events.len() as i64)
            }),
            kind: bytes.below(4),
            page: match flags >> 6 {
                0 => None,
                1 => Some(bytes.text(20)),
                _ => Some(PAGES[bytes.below(6)].to_owned()),
            },
            dwell: bytes.float(),
            id: (flags & 16 == 0).then(|| events.len() as i64 * 7),
            kept: flags != 0x2a,
        });
    }
    events
}

fn pass(
    rules: &RuleSet,
    events: &[Event],
    batch: usize,
    threads: usize,
    memory: Option<u64>,
) -> grc_core::Result<BehaviourOutcome> {
    let mut pass = BehaviourPass::new(options(rules, threads, memory))?;
    let batches = if events.is_empty() { vec![events] } else { events.chunks(batch).collect() };
    for events in batches {
        push(&mut pass, events)?;
    }
    pass.finish()
}

fn push(pass: &mut BehaviourPass, events: &[Event]) -> grc_core::Result<()> {
    let clients: Vec<i64> = events.iter().map(|event| event.client.unwrap_or(0)).collect();
    let instants: Vec<i64> = events.iter().map(|event| event.instant.unwrap_or(0)).collect();
    let ids: Vec<i64> = events.iter().map(|event| event.id.unwrap_or(0)).collect();
    let dwells: Vec<f64> = events.iter().map(|event| event.dwell).collect();
    let kinds = TextData::new(events.iter().map(|event| Some(KINDS[event.kind])));
    let pages = TextData::new(events.iter().map(|event| event.page.as_deref()));
    let bits = [
        packed(events.iter().map(|event| event.client.is_some())),
        packed(events.iter().map(|event| event.instant.is_some())),
        packed(events.iter().map(|event| event.id.is_some())),
        packed(events.iter().map(|event| event.kept)),
    ];
    let validity = |i: usize| Some(Bitmap { bytes: &bits[i], offset: 0 });
    pass.push(&[EventBatch {
        rows: events.len(),
        client: Column {
            values: IdValues::Integers(Integers::I64(&clients)),
            validity: validity(0),
        },
        timestamp: Column {
            values: DateValues::Instants { values: &instants, per_second: 1_000_000, zoned: false },
            validity: validity(1),
        },
        kind: Column { values: TextValues::Plain(kinds.texts()), validity: Some(kinds.validity()) },
        page: Some(Column {
            values: TextValues::Plain(pages.texts()),
            validity: Some(pages.validity()),
        }),
        dwell: Some(Column { values: AmountValues::F64(&dwells), validity: None }),
        clicks: None,
        channel: None,
        message: None,
        event_id: Some(Column {
            values: IdValues::Integers(Integers::I64(&ids)),
            validity: validity(2),
        }),
        machine_open: None,
        keep: Some(Column { values: Bitmap { bytes: &bits[3], offset: 0 }, validity: None }),
        consented: None,
    }])
}
