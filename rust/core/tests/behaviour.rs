//! Behavioural scores through the public interface: the worked example of the guide, and results
//! that depend neither on batches nor on threads nor on memory nor on what was saved in between.

use grc_core::behaviour::{
    BehaviourOptions, BehaviourOutcome, BehaviourPass, Bounds, Category, Decay, Density,
    EventBatch, EventIdColumn, EventOutcome, Phase, Repeat, Rule, RuleSet, StateBatch, TextColumn,
    TextValues,
};
use grc_core::bitmap::Bitmap;
use grc_core::columns::{AmountValues, Column, DateValues, IdValues, Ids, Integers, Texts};
use proptest::prelude::*;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// One event as a test writes it.
#[derive(Debug, Clone)]
struct Row {
    client: i64,
    instant: i64,
    kind: &'static str,
    page: Option<&'static str>,
    dwell: Option<f64>,
    clicks: Option<i32>,
    id: Option<i64>,
    machine: bool,
}

fn rule(name: &str, group: usize, kind: &str, page: Option<&str>, points: f64) -> Rule {
    Rule {
        name: name.to_owned(),
        group,
        kinds: vec![kind.to_owned()],
        page: page.map(str::to_owned),
        points,
        repeat: Repeat::Always,
        category: None,
    }
}

fn rules() -> RuleSet {
    let hot =
        |rule: Rule| Rule { category: Some(Category::Hot), repeat: Repeat::OncePerSession, ..rule };
    RuleSet {
        kind_names: Vec::new(),
        ignore_page_case: false,
        web_kinds: ["page_view", "search", "click", "download", "form_submit", "purchase"]
            .map(str::to_owned)
            .to_vec(),
        timeout: 1800 * SECOND,
        last_dwell: 0,
        bot_events: Some(100),
        density: Some(Density {
            min_dwell: Some(30 * SECOND),
            min_clicks: Some(2),
            ..Density::default()
        }),
        bypass_kinds: vec!["form_submit".to_owned(), "purchase".to_owned()],
        decay: Decay::HalfLife(30 * DAY),
        bounds: Bounds { floor: Some(0.0), cap: Some(100.0) },
        groups: vec![
            Bounds { floor: None, cap: Some(40.0) },
            Bounds { floor: None, cap: Some(10.0) },
        ],
        phase_window: 14 * DAY,
        rules: vec![
            rule("search", 0, "search", None, 5.0),
            hot(rule("pricing", 0, "page_view", Some("/tarifs"), 10.0)),
            hot(rule("contact", 0, "page_view", Some("/contact"), 15.0)),
            Rule { repeat: Repeat::Every(DAY), ..rule("open", 1, "email_open", None, 2.0) },
            Rule { repeat: Repeat::Once, ..rule("paper", 0, "download", None, 20.0) },
            Rule {
                repeat: Repeat::OncePerSession,
                category: Some(Category::Eliminatory),
                ..rule("jobs", 0, "page_view", Some("/recrutement"), -10.0)
            },
        ],
    }
}

fn options(as_of: i64) -> BehaviourOptions {
    BehaviourOptions {
        rules: rules(),
        as_of: Some(as_of),
        as_of_is_utc: false,
        from: None,
        from_zoned: false,
        timezone: "UTC".to_owned(),
        plain_integer_ids: false,
        memory: None,
        directory: None,
        threads: Some(2),
        ledger: false,
        state: false,
    }
}

/// String views and the buffer that the long ones stand in.
fn views(texts: &[Option<&str>]) -> (Vec<u128>, Vec<u8>) {
    let (mut views, mut buffer) = (Vec::new(), Vec::new());
    for text in texts {
        let text = text.unwrap_or("").as_bytes();
        let mut head = [0; 16];
        head[..4].copy_from_slice(&(text.len() as u32).to_le_bytes());
        if text.len() <= 12 {
            head[4..4 + text.len()].copy_from_slice(text);
        } else {
            head[4..8].copy_from_slice(&text[..4]);
            head[12..].copy_from_slice(&(buffer.len() as u32).to_le_bytes());
            buffer.extend_from_slice(text);
        }
        views.push(u128::from_le_bytes(head));
    }
    (views, buffer)
}

fn bits(values: impl Iterator<Item = bool>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (i, value) in values.enumerate() {
        if i % 8 == 0 {
            bytes.push(0);
        }
        *bytes.last_mut().unwrap() |= u8::from(value) << (i % 8);
    }
    bytes
}

fn push(pass: &mut BehaviourPass, rows: &[Row], with_ids: bool) {
    let clients: Vec<i64> = rows.iter().map(|row| row.client).collect();
    let instants: Vec<i64> = rows.iter().map(|row| row.instant).collect();
    let kinds: Vec<Option<&str>> = rows.iter().map(|row| Some(row.kind)).collect();
    let pages: Vec<Option<&str>> = rows.iter().map(|row| row.page).collect();
    let ((kinds, kind_buffer), (pages, page_buffer)) = (views(&kinds), views(&pages));
    let there = bits(rows.iter().map(|row| row.page.is_some()));
    let dwell: Vec<f64> = rows.iter().map(|row| row.dwell.unwrap_or(f64::NAN)).collect();
    let clicks: Vec<i32> = rows.iter().map(|row| row.clicks.unwrap_or(0)).collect();
    let machine = bits(rows.iter().map(|row| row.machine));
    let ids: Vec<i64> = rows.iter().map(|row| row.id.unwrap_or(0)).collect();
    let id_there = bits(rows.iter().map(|row| row.id.is_some()));
    let whole = |bytes| Bitmap { bytes, offset: 0 };
    let batch = EventBatch {
        rows: rows.len(),
        client: Column { values: IdValues::Integers(Integers::I64(&clients)), validity: None },
        timestamp: Column {
            values: DateValues::Instants { values: &instants, per_second: SECOND, zoned: false },
            validity: None,
        },
        kind: Column {
            values: TextValues::Plain(Texts { views: &kinds, buffers: vec![&kind_buffer] }),
            validity: None,
        },
        page: Some(Column {
            values: TextValues::Plain(Texts { views: &pages, buffers: vec![&page_buffer] }),
            validity: Some(whole(&there)),
        }),
        dwell: Some(Column { values: AmountValues::F64(&dwell), validity: None }),
        clicks: Some(Column {
            values: AmountValues::Integers(Integers::I32(&clicks)),
            validity: None,
        }),
        channel: None,
        message: None,
        event_id: with_ids.then_some(Column {
            values: IdValues::Integers(Integers::I64(&ids)),
            validity: Some(whole(&id_there)),
        }),
        machine_open: Some(Column { values: whole(&machine), validity: None }),
        keep: None,
        consented: None,
    };
    pass.push(&[batch]).unwrap();
}

fn run(options: BehaviourOptions, batches: &[&[Row]]) -> BehaviourOutcome {
    let mut pass = BehaviourPass::new(options).unwrap();
    push(&mut pass, &[], true);
    batches.iter().for_each(|rows| push(&mut pass, rows, true));
    pass.finish().unwrap()
}

/// A column of texts that a run gave, as the next one takes it.
fn texts<'a>(column: &'a TextColumn, there: &'a [u8]) -> Column<'a, Texts<'a>> {
    Column {
        values: Texts {
            views: &column.views,
            buffers: column.buffers.iter().map(Vec::as_slice).collect(),
        },
        validity: Some(Bitmap { bytes: there, offset: 0 }),
    }
}

/// The ids of events that a run gave, and which are there.
fn numbers(column: &EventIdColumn) -> (Vec<i64>, Vec<u8>) {
    let EventIdColumn::Signed(ids) = column else { panic!("event ids are integers here") };
    let there = bits(ids.iter().map(Option::is_some));
    (ids.iter().map(|id| id.unwrap_or(0)).collect(), there)
}

fn ids<'a>(values: &'a [i64], there: &'a [u8]) -> Column<'a, IdValues<'a>> {
    Column {
        values: IdValues::Integers(Integers::I64(values)),
        validity: Some(Bitmap { bytes: there, offset: 0 }),
    }
}

/// Go on from the state of an earlier run.
fn resume(options: BehaviourOptions, before: &BehaviourOutcome, rows: &[Row]) -> BehaviourOutcome {
    let state = before.state.as_ref().unwrap();
    let mut pass = BehaviourPass::new(options).unwrap();
    push(&mut pass, &[], true);
    let Ids::Signed(clients) = &state.ids else { panic!("ids are integers here") };
    let text = |column: &TextColumn| bits(column.validity.iter().copied());
    let (kind, page, message) = (text(&state.kind), text(&state.page), text(&state.message));
    let (event_id, id_there) = numbers(&state.event_id);
    let (seen, seen_there) = numbers(&state.seen);
    let ends: Vec<i64> =
        std::iter::once(0).chain(state.seen_ends.iter().map(|&end| end as i64)).collect();
    let batch = StateBatch {
        client: Column { values: IdValues::Integers(Integers::I64(clients)), validity: None },
        part: &state.part,
        instant: &state.instant,
        code: &state.code,
        number: &state.number,
        value: &state.value,
        kind: texts(&state.kind, &kind),
        page: texts(&state.page, &page),
        message: texts(&state.message, &message),
        event_id: ids(&event_id, &id_there),
        seen: ids(&seen, &seen_there),
        seen_ends: &ends,
    };
    pass.resume(&batch).unwrap();
    push(&mut pass, rows, true);
    pass.finish().unwrap()
}

/// One client's row: id, the bits of its sums, phase, last event, counts.
type Line = (i64, Vec<u64>, u8, i64, [u32; 5]);

/// The table of clients, to the bit.
fn table(outcome: &BehaviourOutcome) -> Vec<Line> {
    let scores = &outcome.scores;
    let Ids::Signed(ids) = &scores.ids else { panic!("ids are integers here") };
    (0..ids.len())
        .map(|i| {
            let mut sums = vec![scores.score[i].to_bits()];
            sums.extend(scores.groups.iter().map(|group| group[i].to_bits()));
            let [hot, warm, off] = &scores.hits;
            let counts = [scores.visits[i], scores.dense_visits[i], hot[i], warm[i], off[i]];
            (ids[i], sums, scores.phase[i], scores.last_event[i], counts)
        })
        .collect()
}

/// An instant of 2025.
fn at(month: i64, day: i64, hour: i64, minute: i64, second: i64) -> i64 {
    let before = [0, 31, 59][month as usize - 1];
    (20_089 + before + day - 1) * DAY + (hour * 3600 + minute * 60 + second) * SECOND
}

fn example() -> Vec<Row> {
    let row = |instant, kind, page, measures: Option<(f64, i32)>| Row {
        client: 7,
        instant,
        kind,
        page,
        dwell: measures.map(|(dwell, _)| dwell),
        clicks: measures.map(|(_, clicks)| clicks),
        id: None,
        machine: false,
    };
    vec![
        row(at(2, 26, 12, 0, 0), "page_view", Some("/tarifs"), Some((8.0, 1))),
        row(at(2, 28, 12, 0, 0), "email_open", None, None),
        row(at(2, 28, 20, 0, 0), "email_open", None, None),
        row(at(3, 15, 12, 0, 0), "search", None, Some((20.0, 1))),
        row(at(3, 15, 12, 0, 20), "page_view", Some("/tarifs"), Some((40.0, 2))),
        row(at(3, 15, 12, 1, 0), "page_view", Some("/tarifs"), Some((15.0, 1))),
        row(at(3, 30, 9, 0, 0), "download", None, Some((60.0, 1))),
        row(at(3, 30, 9, 30, 59), "page_view", Some("/contact"), Some((30.0, 1))),
        row(at(3, 30, 18, 0, 0), "page_view", Some("/recrutement"), Some((5.0, 0))),
    ]
}

#[test]
fn the_worked_example() {
    let events = example();
    let outcome = run(BehaviourOptions { ledger: true, ..options(at(3, 31, 0, 0, 0)) }, &[&events]);

    let expected = 2.0 * 0.5 + (5.0 + 10.0) * 0.5_f64.sqrt() + 20.0 + 15.0 - 10.0;
    assert!((outcome.scores.score[0] - expected).abs() < 1e-12);
    assert_eq!(format!("{:.4}", outcome.scores.score[0]), "36.6066");
    assert_eq!(outcome.scores.phase, [Phase::Decision as u8]);
    assert_eq!((outcome.scores.visits[0], outcome.scores.dense_visits[0]), (4, 2));
    assert_eq!(outcome.scores.hits.map(|hits| hits[0]), [1, 0, 1]);
    let ledger = outcome.ledger.unwrap();
    let (density, repeat) = (EventOutcome::Density, EventOutcome::Repeat);
    let given = EventOutcome::Awarded;
    let outcomes = [density, given, repeat, given, given, repeat, given, given, given];
    assert_eq!(ledger.outcome, outcomes.map(|outcome| outcome as u8));
    assert_eq!(ledger.visit_dwell[3..6], [Some(75 * SECOND); 3]);
    assert_eq!(ledger.visit_clicks[3..6], [Some(4); 3]);
    assert_eq!(ledger.visit_dwell[7], Some(90 * SECOND));
    let sum: f64 = ledger.contribution.iter().sum();
    assert!((sum - expected).abs() < 1e-12);
}

/// A second later the visit has ended, and the page alone is too short for the gate.
#[test]
fn thirty_minutes_end_a_visit() {
    let mut events = example();
    events[7].instant += SECOND;
    let outcome = run(options(at(3, 31, 0, 0, 0)), &[&events]);
    assert_eq!((outcome.scores.visits[0], outcome.scores.dense_visits[0]), (5, 1));
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let kinds = ["page_view", "page_view", "search", "email_open", "purchase", "download", "other"];
    let pages = ["/tarifs", "/contact", "/recrutement", "/a/page/beyond/twelve/bytes"];
    let row = (
        (0_i64..4, 0_i64..40 * 48, 0_i64..4),
        0_usize..7,
        proptest::option::of(0_usize..4),
        proptest::option::of(0_u32..4000),
        0_i32..3,
        proptest::option::of(0_i64..60),
        proptest::bool::weighted(0.1),
    );
    proptest::collection::vec(row, 0..120).prop_map(move |rows| {
        rows.into_iter()
            .map(|((client, half_hours, jitter), kind, page, dwell, clicks, id, machine)| Row {
                client,
                instant: at(2, 20, 0, 0, 0) + half_hours * 1800 * SECOND + (jitter - 2),
                kind: kinds[kind],
                page: page.map(|page| pages[page]),
                dwell: dwell.map(f64::from),
                clicks: Some(clicks),
                id,
                machine,
            })
            .collect()
    })
}

fn decays() -> impl Strategy<Value = Decay> {
    prop_oneof![
        Just(Decay::None),
        Just(Decay::HalfLife(30 * DAY)),
        Just(Decay::HalfLife(DAY / 4)),
        Just(Decay::Linear(20 * DAY)),
        Just(Decay::Window(10 * DAY)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_depends_on_order_batches_threads_or_memory(
        events in rows(),
        cut in 0_usize..120,
        threads in 1_usize..4,
        seed in any::<u64>(),
    ) {
        let as_of = at(3, 25, 7, 0, 0);
        let expected = run(options(as_of), &[&events]);
        let mut shuffled = events.clone();
        shuffled.sort_by_key(|row| row.instant.wrapping_mul(seed as i64 | 1) ^ row.client);
        let (a, b) = shuffled.split_at(cut.min(shuffled.len()));
        let other = BehaviourOptions { threads: Some(threads), memory: Some(1), ..options(as_of) };
        let found = run(other, &[a, b]);
        prop_assert_eq!(table(&found), table(&expected));
        prop_assert_eq!(found.account.dropped, expected.account.dropped);
    }

    #[test]
    fn two_runs_are_one(
        events in rows(),
        decay in decays(),
        first in 0_i64..40 * 48,
        second in 0_i64..40 * 48,
        within in 0_i64..1800,
    ) {
        let instant = |half_hours| at(2, 20, 0, 0, 0) + (half_hours * 1800 + within) * SECOND;
        let (first, second) = (instant(first.min(second)), instant(first.max(second)));
        let rules = RuleSet { decay, ..rules() };
        let whole = run(BehaviourOptions { rules: rules.clone(), ..options(second) }, &[&events]);
        let before = run(
            BehaviourOptions { rules: rules.clone(), state: true, ..options(first) },
            &[&events],
        );
        let after = resume(
            BehaviourOptions { rules, from: Some(first), ..options(second) },
            &before,
            &events,
        );
        prop_assert_eq!(table(&after), table(&whole));
        let programs = [&before, &after].map(|run| run.account.bot_visits);
        prop_assert_eq!(programs.iter().sum::<u64>(), whole.account.bot_visits);
    }
}
