//! Contact plans: whatever offers and limits there are, a plan keeps to the limits, is worth no more
//! than its bound, and is the same in whatever order offers come.

use std::collections::HashMap;

use grc_core::plan::{
    ContactPlan, Limits, OfferColumns, Offers, Reason, order_of_offers, plan_contacts,
    sweep_budgets,
};

use crate::bytes::{Bytes, on_threads};

/// Offers that a fuzzer has the patience for.
const MOST_OFFERS: usize = 60;

/// Plan the contacts of some offers.
pub fn plan(data: &[u8]) {
    on_threads(data, |_| check(data));
}

/// One offer.
#[derive(Debug, Clone, Copy)]
struct Row {
    client: u32,
    channel: u8,
    gain: f64,
    cost: f64,
    pressure: f64,
}

fn check(data: &[u8]) {
    let mut bytes = Bytes(data);
    let channels = 1 + bytes.below(4);
    let limits = limits(&mut bytes, channels);
    let has_households = bytes.flag();
    let mut rows = Vec::new();
    while !bytes.is_empty() && rows.len() < MOST_OFFERS {
        rows.push(Row {
            client: bytes.below(16) as u32,
            channel: bytes.below(channels) as u8,
            gain: bytes.float(),
            cost: bytes.float().abs(),
            pressure: if bytes.flag() { bytes.float().abs() } else { 0.0 },
        });
    }
    let mut clients: Vec<u32> = rows.iter().map(|row| row.client).collect();
    clients.sort_unstable();
    clients.dedup();
    for row in &mut rows {
        row.client = clients.binary_search(&row.client).expect("it is one of them") as u32;
    }
    let households: Vec<u32> = clients.iter().map(|client| client / 2).collect();
    let households = has_households.then_some(&*households);

    let names: Vec<String> = (0..channels).map(|channel| format!("c{channel}")).collect();
    let Some(order) = order(&rows) else { return };
    let Ok(offers) = offers(&rows, &order, households, &names) else { return };
    let found = plan_contacts(&offers, &limits);
    let budgets = [2.0 * limits.budget.unwrap_or(1.0), 0.0, limits.budget.unwrap_or(1.0)];
    if let Ok(plans) = sweep_budgets(&offers, &limits, &budgets) {
        assert!(plans[1].value <= plans[2].value && plans[2].value <= plans[0].value);
        for (budget, plan) in budgets.into_iter().zip(&plans) {
            keeps_to(
                &rows,
                &order,
                households,
                &Limits { budget: Some(budget), ..limits.clone() },
                plan,
            );
        }
    }

    let mut others = rows;
    others.reverse();
    let order_of_others = self::order(&others).expect("it was one before");
    let same =
        self::offers(&others, &order_of_others, households, &names).expect("they were taken");
    match (found, plan_contacts(&same, &limits)) {
        (Ok(plan), Ok(other)) => {
            assert_eq!(plan, other);
            keeps_to(&others, &order_of_others, households, &limits, &plan);
        }
        (Err(error), Err(other)) => {
            assert_eq!(error.to_string(), other.to_string());
            assert!(!error.to_string().contains('\n'), "{error}");
        }
        (found, other) => panic!("{found:?} {other:?}"),
    }
}

fn limits(bytes: &mut Bytes, channels: usize) -> Limits {
    Limits {
        budget: bytes.flag().then(|| bytes.float().abs()),
        capacity: (0..channels).map(|_| bytes.flag().then(|| bytes.below(12) as u64)).collect(),
        minimum: (0..channels).map(|_| (bytes.below(16) as u64).saturating_sub(12)).collect(),
        max_contacts: bytes.flag().then(|| bytes.below(4) as u32),
    }
}

/// The rows as the kernels read them, equals by what they are worth; none if money is no number.
fn order(rows: &[Row]) -> Option<Vec<u32>> {
    if rows.iter().any(|row| row.gain.is_nan() || row.cost.is_nan() || row.pressure.is_nan()) {
        return None;
    }
    let client: Vec<u32> = rows.iter().map(|row| row.client).collect();
    let channel: Vec<u8> = rows.iter().map(|row| row.channel).collect();
    let (mut order, tied) = order_of_offers(&client, &channel).expect("clients have no gaps");
    let slot = |row: u32| (rows[row as usize].client, rows[row as usize].channel);
    assert!(order.windows(2).all(|pair| slot(pair[0]) <= slot(pair[1])));
    let is_tied = |place: usize| {
        let mut beside = [place.wrapping_sub(1), place + 1].into_iter();
        beside.any(|other| order.get(other).is_some_and(|row| slot(*row) == slot(order[place])))
    };
    let expected: Vec<u32> =
        (0..order.len()).filter(|place| is_tied(*place)).map(|place| place as u32).collect();
    assert_eq!(tied, expected);
    order.sort_by(|a, b| {
        let (one, other) = (&rows[*a as usize], &rows[*b as usize]);
        slot(*a)
            .cmp(&slot(*b))
            .then(one.gain.total_cmp(&other.gain))
            .then(one.cost.total_cmp(&other.cost))
            .then(one.pressure.total_cmp(&other.pressure))
    });
    Some(order)
}

fn offers(
    rows: &[Row],
    order: &[u32],
    household: Option<&[u32]>,
    names: &[String],
) -> grc_core::Result<Offers> {
    let column = |of: fn(&Row) -> f64| rows.iter().map(of).collect::<Vec<f64>>();
    let columns = OfferColumns {
        order,
        client: &rows.iter().map(|row| row.client).collect::<Vec<_>>(),
        household,
        channel: &rows.iter().map(|row| row.channel).collect::<Vec<_>>(),
        gain: &column(|row| row.gain),
        cost: &column(|row| row.cost),
        pressure: Some(&column(|row| row.pressure)),
    };
    Offers::new(&columns, names)
}

fn keeps_to(
    rows: &[Row],
    order: &[u32],
    household: Option<&[u32]>,
    limits: &Limits,
    plan: &ContactPlan,
) {
    let units = |money: f64| (money * 1e6).round_ties_even() as i128;
    let chosen = order.iter().zip(&plan.reasons).filter(|(_, reason)| **reason == Reason::Chosen);
    let chosen: Vec<&Row> = chosen.map(|(row, _)| &rows[*row as usize]).collect();
    let cost: i128 = chosen.iter().map(|row| units(row.cost)).sum();
    assert!(limits.budget.is_none_or(|budget| cost <= units(budget)), "{cost} {limits:?}");
    let value = |row: &&Row| units(row.gain) - units(row.cost) - units(row.pressure);
    let value = chosen.iter().map(value).sum::<i128>() as f64 / 1e6;
    assert!((plan.value - value).abs() <= 1e-12 * value.abs(), "{value} {plan:?}");
    assert!(plan.value <= plan.bound, "{plan:?}");
    let (mut of_slot, mut of_unit) = (HashMap::new(), HashMap::new());
    let mut of_channel = vec![0_u64; limits.capacity.len()];
    for row in chosen {
        of_channel[usize::from(row.channel)] += 1;
        *of_slot.entry((row.client, row.channel)).or_insert(0) += 1;
        let unit = household.map_or(row.client, |household| household[row.client as usize]);
        *of_unit.entry(unit).or_insert(0) += 1;
    }
    assert!(of_slot.values().all(|contacts| *contacts == 1), "{plan:?}");
    let most = limits.max_contacts.unwrap_or(u32::MAX);
    assert!(of_unit.values().all(|contacts| *contacts <= most), "{plan:?}");
    assert_eq!(of_channel, plan.contacts);
    for (channel, contacts) in of_channel.into_iter().enumerate() {
        assert!(contacts >= limits.minimum[channel], "{plan:?}");
        assert!(limits.capacity[channel].is_none_or(|most| contacts <= most), "{plan:?}");
    }
}
