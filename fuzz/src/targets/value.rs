//! Value models: whatever clients and parameters are taken, chances are chances and counts are finite.

use grc_core::value::{
    ForecastPeriods, Histories, HistoryCells, PurchaseModel, PurchaseParameters, PurchaseProcess,
    SpendHistories, SpendParameters, beta_quantile, check_unit, fit_purchases, fit_spend, predict,
};

use crate::bytes::{Bytes, on_threads};

/// Predict and fit.
pub fn value(data: &[u8]) {
    on_threads(data, |_| check(data));
}

fn check(data: &[u8]) {
    let mut bytes = Bytes(data);
    let model = if bytes.flag() { PurchaseModel::BgNbd } else { PurchaseModel::MbgNbd };
    let sizes = [1e-12, 1e-8, 0.3, 1.0, 4.0, 1e4, 1e12];
    let mut size = || if bytes.flag() { bytes.float() } else { sizes[bytes.below(7)] };
    let parameters = [size(), size(), size(), size()];
    let spend = [size(), size(), size()];
    let unit = [0.001, 1.0, 7.0, 36_525.0, f64::NAN, 0.0][bytes.below(6)];
    let (mut repeats, mut last, mut observed, mut means) = (vec![], vec![], vec![], vec![]);
    while !bytes.is_empty() && repeats.len() < 100 {
        let (x, days, more) = (bytes.byte(), bytes.byte(), bytes.byte());
        repeats.push(u32::from(x));
        last.push(i32::from(days));
        observed.push(i32::from(days) + i32::from(more) * 10 - i32::from(more == 255) * 5_000);
        means.push(bytes.float());
    }
    let clients = Histories { repeats: &repeats, last: &last, observed: &observed };
    if let (Ok(parameters), Ok(unit)) = (PurchaseParameters::new(parameters), check_unit(unit)) {
        let process = PurchaseProcess { model, parameters, unit };
        let periods = ForecastPeriods {
            ends: &[30.0, 365.0, 36_525.0],
            discount_factors: &[1.0, 0.9, 0.0],
            horizons: &[0, 2],
        };
        if let Ok(found) = predict(&process, &clients, &periods) {
            assert!(found.p_alive.iter().all(|chance| (0.0..=1.0).contains(chance)), "{process:?}");
            let counts = found.purchases.iter().chain(&found.discounted).flatten();
            assert!(counts.clone().all(|count| count.is_finite() && *count >= 0.0), "{process:?}");
        }
        assert!((0.0..=1.0).contains(&beta_quantile(parameters.a, parameters.b, 0.5)));
    }
    if let Ok(spend) = SpendParameters::new(spend) {
        let of_each = spend.expected_of_each(&repeats, &means);
        assert!(
            of_each.iter().all(|money| !money.is_nan() && *money >= 0.0),
            "{spend:?} {means:?}"
        );
    }
    if repeats.len() >= 50 {
        if let Ok(cells) = HistoryCells::new(&clients)
            && let Ok(found) = fit_purchases(&cells, model, 7.0)
        {
            assert!(
                found.estimate.parameters.iter().all(|value| *value > 0.0 && value.is_finite())
            );
        }
        if let Ok(spends) = SpendHistories::new(&repeats, &means)
            && let Ok(found) = fit_spend(&spends)
        {
            assert!(
                found.estimate.parameters.iter().all(|value| *value > 0.0 && value.is_finite())
            );
        }
    }
}
