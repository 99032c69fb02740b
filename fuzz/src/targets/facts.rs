//! Facts: every line is used or dropped for one reason, no money is lost, and neither the order of
//! the lines, nor batches, nor threads change a client.

use grc_core::columns::{AmountValues, Column, DateValues, IdValues, Ids, Integers, Texts};
use grc_core::facts::{Batch, Fact, FactsOptions, FactsPass, FactsTable, Request, Returns, Values};

use crate::bytes::{Bytes, TextData, on_threads, packed};

const DATES: [&str; 6] = [
    "2026-01-31",
    "2026-02-01T10:20:30",
    "2026-01-31 23:59:59.999999",
    "",
    "31/01/2026",
    "9999-12-31",
];
const IDS: [&str; 8] =
    ["7", "007", "c-0012", "c-0013", "C-00000000000000000017", "", "9223372036854775808", "é"];
const WINDOWS: [Option<&str>; 4] = [None, Some("90d"), Some("12mo"), Some("1y")];

#[derive(Debug, Clone)]
struct Line {
    client: Option<i64>,
    text: String,
    day: Option<i64>,
    money: Option<i64>,
    float: f64,
    order: i64,
    kept: bool,
}

/// The types of the columns, and what is asked.
#[derive(Debug)]
struct Plan {
    options: FactsOptions,
    ids: usize,
    dates: usize,
    amounts: usize,
}

/// Read lines in two ways.
pub fn facts(data: &[u8]) {
    on_threads(data, |threads| check(data, threads));
}

fn check(data: &[u8], threads: usize) {
    let mut bytes = Bytes(data);
    let plan = plan(&mut bytes);
    let lines = lines(&mut bytes);
    let once = pass(&plan, &lines, lines.len().max(1), 1);
    let mut turned = lines.clone();
    turned.reverse();
    let again = pass(&plan, &turned, 3, threads);
    assert_eq!(once.is_ok(), again.is_ok(), "{once:?} {again:?}");
    let (Ok(once), Ok(again)) = (once, again) else { return };
    check_account(&once, lines.len());
    if exact(&plan) {
        assert_eq!(once.account.rows_used, again.account.rows_used);
        assert_eq!(once.account.money_used, again.account.money_used);
        assert_eq!(ids(&once), ids(&again));
        // The last basket of an instant that two lines share is that of either.
        assert_eq!(comparable(&once), comparable(&again), "{plan:?} {lines:?}");
    }
}

/// Whether values need no rounding, whatever their order.
fn exact(plan: &Plan) -> bool {
    plan.amounts > 0
}

fn comparable(table: &FactsTable) -> String {
    format!("{:?}", table.facts)
}

/// The ids as they are written, wherever their bytes lie.
fn ids(table: &FactsTable) -> Vec<String> {
    match &table.ids {
        Ids::Signed(ids) => ids.iter().map(i64::to_string).collect(),
        Ids::Unsigned(ids) => ids.iter().map(u64::to_string).collect(),
        Ids::Texts { views, buffers } => {
            let texts = Texts { views, buffers: buffers.iter().map(Vec::as_slice).collect() };
            (0..views.len()).map(|row| String::from_utf8_lossy(texts.get(row)).into()).collect()
        }
    }
}

fn plan(bytes: &mut Bytes) -> Plan {
    let known: Vec<Fact> = Fact::NAMES.map(|(_, fact)| fact).to_vec();
    let mut chosen: Vec<Fact> = bytes.some_of(&known).into_iter().copied().collect();
    chosen.retain(|&fact| fact != Fact::LastBasket);
    chosen.push(Fact::Total);
    let window = WINDOWS[bytes.below(4)].map(str::to_owned);
    let scale = [2, 0, 6, 18, 19][bytes.below(5)];
    Plan {
        options: FactsOptions {
            facts: chosen
                .into_iter()
                .map(|fact| Request {
                    fact,
                    window: window.clone().filter(|_| fact != Fact::Total),
                })
                .collect(),
            as_of: [None, Some(20_500), Some(i32::MAX)][bytes.below(3)],
            returns: [Returns::Net, Returns::Drop, Returns::Keep][bytes.below(3)],
            order: bytes.flag(),
            money_scale: scale,
            timezone: ["UTC", "Europe/Paris", "nowhere"][bytes.below(3)].to_owned(),
            plain_integer_ids: bytes.flag(),
            threads: None,
        },
        ids: bytes.below(4),
        dates: bytes.below(4),
        amounts: bytes.below(3),
    }
}

fn lines(bytes: &mut Bytes) -> Vec<Line> {
    let mut lines = Vec::new();
    while !bytes.is_empty() && lines.len() < 400 {
        let flags = bytes.byte();
        let client = bytes.integer();
        lines.push(Line {
            client: (flags & 7 != 7).then_some(client),
            text: IDS[client.unsigned_abs() as usize % IDS.len()].to_owned(),
            day: (flags >> 3 & 7 != 7).then(|| 20_400 + bytes.integer() % 1_000),
            money: (flags >> 6 != 3).then(|| bytes.integer()),
            float: bytes.float(),
            order: i64::from(bytes.byte() % 4),
            kept: flags != 0x55,
        });
    }
    lines
}

fn pass(plan: &Plan, lines: &[Line], batch: usize, threads: usize) -> grc_core::Result<FactsTable> {
    let mut pass = FactsPass::new(FactsOptions { threads: Some(threads), ..plan.options.clone() })?;
    // One batch at least, be it empty.
    let batches = if lines.is_empty() { vec![lines] } else { lines.chunks(batch).collect() };
    for lines in batches {
        push(&mut pass, plan, lines)?;
    }
    pass.finish(true, false)
}

fn push(pass: &mut FactsPass, plan: &Plan, lines: &[Line]) -> grc_core::Result<()> {
    let there = |has: fn(&Line) -> bool| packed(lines.iter().map(has));
    let bits = [
        there(|line| line.client.is_some()),
        there(|line| line.day.is_some()),
        there(|line| line.money.is_some()),
        there(|line| line.kept),
    ];
    let validity = |i: usize| Some(grc_core::bitmap::Bitmap { bytes: &bits[i], offset: 0 });
    let ids: Vec<i64> = lines.iter().map(|line| line.client.unwrap_or(0)).collect();
    let unsigned: Vec<u64> = ids.iter().map(|&id| id as u64).collect();
    let float_ids: Vec<f64> = ids.iter().map(|&id| id as f64).collect();
    let texts = TextData::new(lines.iter().map(|line| Some(line.text.as_str())));
    let days: Vec<i32> = lines.iter().map(|line| line.day.unwrap_or(0) as i32).collect();
    let micros: Vec<i64> = days.iter().map(|&day| i64::from(day) * 86_400_000_000 + 7).collect();
    let dates = TextData::new(days.iter().map(|&day| Some(DATES[day.unsigned_abs() as usize % 6])));
    let cents: Vec<i64> = lines.iter().map(|line| line.money.unwrap_or(0)).collect();
    let decimals: Vec<i128> = cents.iter().map(|&cents| i128::from(cents)).collect();
    let floats: Vec<f64> = lines.iter().map(|line| line.float).collect();
    let orders: Vec<i64> = lines.iter().map(|line| line.order).collect();
    pass.push(vec![Batch {
        rows: lines.len(),
        client: Column {
            values: match plan.ids {
                0 => IdValues::Integers(Integers::I64(&ids)),
                1 => IdValues::Integers(Integers::U64(&unsigned)),
                2 => IdValues::Floats(&float_ids),
                _ => IdValues::Texts(texts.texts()),
            },
            validity: validity(0),
        },
        date: Column {
            values: match plan.dates {
                0 => DateValues::Days(&days),
                1 => DateValues::Instants { values: &micros, per_second: 1_000_000, zoned: false },
                2 => DateValues::Instants { values: &micros, per_second: 1_000_000, zoned: true },
                _ => DateValues::Texts(dates.texts()),
            },
            validity: validity(1),
        },
        amount: Column {
            values: match plan.amounts {
                0 => AmountValues::F64(&floats),
                1 => AmountValues::Integers(Integers::I64(&cents)),
                _ => AmountValues::Decimals(&decimals, 2),
            },
            validity: validity(2),
        },
        order: vec![Column { values: IdValues::Integers(Integers::I64(&orders)), validity: None }],
        keep: Some(Column {
            values: grc_core::bitmap::Bitmap { bytes: &bits[3], offset: 0 },
            validity: None,
        }),
    }])
}

/// Rows and money add up.
fn check_account(table: &FactsTable, rows: usize) {
    let account = &table.account;
    let dropped: u64 = account.dropped.iter().map(|reason| reason.0).sum();
    assert_eq!(account.rows_read, rows as u64);
    assert_eq!(account.rows_read, account.rows_used + dropped, "{account:?}");
    if let Some(Values::Decimals(totals, _)) = table.facts.last().map(|fact| &fact.values) {
        assert_eq!(totals.iter().sum::<i128>(), account.money_used, "{account:?}");
    }
}
