//! The figures as a table for people and as JSON for programs.

use super::options::Plan;
use super::tally::Tally;
use crate::histogram::Histogram;
use crate::json::{quoted, Object};

const PERCENTILES: [(&str, f64); 5] = [("p50", 50.0), ("p90", 90.0), ("p95", 95.0), ("p99", 99.0), ("p99.9", 99.9)];

pub fn table(plan: &Plan, tally: &Tally) -> String {
    let rate = match plan.rate {
        Some(rate) => format!("open loop, {rate} requests/s {:?}", plan.spacing),
        None => "closed loop".into(),
    };
    let mut lines = vec![
        format!(
            "{rate}, {} connections, {:.1} s after {:.1} s",
            plan.connections,
            seconds(plan, tally),
            plan.warm_up.as_secs_f64()
        ),
        format!(
            "requests/s {:.1}   answers {}   failed {}   unanswered {}",
            per_second(plan, tally),
            tally.answered,
            tally.failed(),
            tally.unanswered
        ),
    ];
    lines.extend(tally.failures.iter().map(|(reason, count)| format!("  {count} × {reason}")));
    lines.push(format!(
        "{:<14}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}",
        "ms", "mean", "p50", "p90", "p95", "p99", "p99.9", "max"
    ));
    lines.push(row("latency", &tally.latency));
    if plan.stream {
        lines.push(row("first chunk", &tally.first_chunk));
        lines.push(row("between chunks", &tally.gap));
    }
    lines.join("\n")
}

pub fn json(plan: &Plan, tally: &Tally) -> String {
    let failures = tally.failures.iter().fold(Object::new(), |o, (reason, count)| o.count(reason, *count)).end();
    let mut object = Object::new()
        .text("url", &format!("http://{}{}", plan.target.authority, plan.target.path))
        .text("loop", if plan.rate.is_some() { "open" } else { "closed" })
        .raw("rate_per_s", &plan.rate.map_or("null".into(), |rate| rate.to_string()))
        .raw("arrivals", &plan.rate.map_or("null".into(), |_| quoted(&format!("{:?}", plan.spacing).to_lowercase())))
        .count("connections", plan.connections as u64)
        .count("request_bytes", plan.request.len() as u64)
        .number("warm_up_s", plan.warm_up.as_secs_f64())
        .number("seconds", seconds(plan, tally))
        .count("answered_in_all", tally.answered_in_all)
        .count("answered", tally.answered)
        .count("failed", tally.failed())
        .count("unanswered", tally.unanswered)
        .raw("failures", &failures)
        .count("answer_bytes", tally.bytes)
        .number("requests_per_s", per_second(plan, tally))
        .raw("latency_ms", &distribution(&tally.latency));
    if plan.stream {
        object = object
            .raw("first_chunk_ms", &distribution(&tally.first_chunk))
            .raw("gap_ms", &distribution(&tally.gap))
            .count("chunks", tally.first_chunk.count() + tally.gap.count());
    }
    object.end()
}

fn seconds(plan: &Plan, tally: &Tally) -> f64 {
    tally.seconds(tally.answered_in_all + tally.failed() >= plan.requests)
}

fn per_second(plan: &Plan, tally: &Tally) -> f64 {
    tally.arrived as f64 / seconds(plan, tally).max(1e-9)
}

/// Mean, percentiles and maximum in milliseconds.
fn figures(histogram: &Histogram) -> Vec<(&'static str, f64)> {
    let percentiles = PERCENTILES.iter().map(|(name, percent)| (*name, histogram.percentile_ns(*percent) as f64 / 1e6));
    let mut figures = vec![("mean", histogram.mean_ns() / 1e6)];
    figures.extend(percentiles);
    figures.push(("max", histogram.max_ns() as f64 / 1e6));
    figures
}

fn row(name: &str, histogram: &Histogram) -> String {
    figures(histogram).iter().fold(format!("{name:<14}"), |line, (_, ms)| line + &format!("{ms:>9.3}"))
}

fn distribution(histogram: &Histogram) -> String {
    figures(histogram).iter().fold(Object::new(), |o, (name, ms)| o.number(name, *ms)).end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distribution_in_milliseconds() {
        let mut histogram = Histogram::new();
        histogram.add(100);
        let all = r#""p50":0.000100,"p90":0.000100,"p95":0.000100,"p99":0.000100,"p99.9":0.000100"#;
        assert_eq!(distribution(&histogram), format!(r#"{{"mean":0.000100,{all},"max":0.000100}}"#));
        assert_eq!(row("x", &histogram).split_whitespace().count(), 8);
    }
}
