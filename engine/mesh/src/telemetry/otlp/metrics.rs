//! Every metric of a reading: the table that `sidecar/telemetry/series.py` has for Prometheus and the SDK.

use super::calls::{Calls, merged};
use super::exponential::{Exponential, seconds};
use super::messages::{
    AggregationTemporality, Data, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, KeyValue, Metric, Number,
    NumberDataPoint, Sum,
};
use super::names::{self, text};
use crate::proto::{CounterByLimit, EndpointSeries, OtlpFacts, ServiceSeries, Telemetry};

const CUMULATIVE: i32 = AggregationTemporality::Cumulative as i32;

/// What the points cover, nanoseconds since the epoch.
#[derive(Clone, Copy)]
struct Covered {
    start: u64,
    end: u64,
}

type Points = Vec<(Vec<KeyValue>, Number)>;

/// All that have a point.
pub(super) fn metrics(telemetry: &Telemetry, facts: &OtlpFacts) -> Vec<Metric> {
    let covered = Covered { start: telemetry.start_unix_nano, end: telemetry.time_unix_nano };
    let mut table = calls(&merged(&telemetry.calls, &facts.service), covered);
    table.extend(endpoints(&telemetry.endpoints, covered));
    table.extend(services(&telemetry.services, covered));
    table.extend(counters(telemetry, covered));
    table.push(covered.gauge(names::CONFIG_REVISION, "1", bare(telemetry.snapshot_revision)));
    let expiry = facts.certificate_not_after_unix;
    let expires = if expiry == 0 { Vec::new() } else { vec![(Vec::new(), Number::Int(expiry))] };
    table.push(covered.gauge(names::CERT_EXPIRY, "s", expires));
    table.into_iter().flatten().collect()
}

fn calls(calls: &[Calls<'_>], covered: Covered) -> Vec<Option<Metric>> {
    let of = |outbound: bool| calls.iter().filter(move |one| one.shown.outbound == outbound);
    let durations = |outbound| of(outbound).map(|one| duration(one, covered)).collect::<Vec<_>>();
    let retries = sums(of(true), covered, |one| one.retries);
    let unbounded = sums(of(true).filter(|one| one.without_deadline > 0), covered, |one| one.without_deadline);
    vec![
        histogram(names::CLIENT_CALL_DURATION, durations(true)),
        histogram(names::SERVER_CALL_DURATION, durations(false)),
        monotonic(names::REQUEST_BYTES, "By", sums(calls.iter(), covered, |one| one.request_bytes)),
        monotonic(names::RESPONSE_BYTES, "By", sums(calls.iter(), covered, |one| one.response_bytes)),
        monotonic(names::RETRIES, "{attempt}", retries),
        monotonic(names::WITHOUT_DEADLINE, "{call}", unbounded),
    ]
}

fn sums<'a>(
    calls: impl Iterator<Item = &'a Calls<'a>>,
    covered: Covered,
    value: fn(&Calls<'_>) -> u64,
) -> Vec<NumberDataPoint> {
    calls.map(|one| number(one.shown.attributes(), int(value(one)), covered.since(one))).collect()
}

fn duration(calls: &Calls<'_>, covered: Covered) -> ExponentialHistogramDataPoint {
    let buckets = Exponential::from(&calls.duration);
    ExponentialHistogramDataPoint {
        attributes: calls.shown.attributes(),
        start_time_unix_nano: covered.since(calls).start,
        time_unix_nano: covered.end,
        count: calls.duration.count.iter().sum(),
        sum: Some(seconds(calls.duration.sum_us as f64)),
        scale: buckets.scale,
        zero_count: buckets.zero_count,
        positive: buckets.positive,
        min: Some(buckets.minimum),
        max: Some(seconds(calls.duration.max_us as f64)),
    }
}

fn endpoints(series: &[EndpointSeries], covered: Covered) -> [Option<Metric>; 7] {
    let points = |value: fn(&EndpointSeries) -> Number| {
        let attributes = |one: &EndpointSeries| {
            vec![
                text(names::TARGET, &one.service),
                text(names::CLUSTER, &one.cluster),
                text(names::ENDPOINT, &one.endpoint),
            ]
        };
        series.iter().map(|one| (attributes(one), value(one))).collect::<Points>()
    };
    [
        covered.gauge(names::ENDPOINT_STATE, "1", points(|one| int(one.state as u64))),
        covered.sum(names::ENDPOINT_EJECTIONS, "{ejection}", points(|one| int(one.ejections))),
        covered.gauge(
            names::ENDPOINT_CONSECUTIVE_FAILURES,
            "{call}",
            points(|one| int(one.consecutive_failures.into())),
        ),
        covered.gauge(names::ENDPOINT_IN_FLIGHT, "{call}", points(|one| int(one.in_flight.into()))),
        covered.gauge(names::ENDPOINT_CONNECTIONS, "{connection}", points(|one| int(one.connections.into()))),
        covered.gauge(names::ENDPOINT_EWMA, "s", points(|one| Number::Double(seconds(one.ewma_us as f64)))),
        covered.gauge(names::ENDPOINT_OPEN_REMAINING, "s", points(open_remaining)),
    ]
}

fn open_remaining(series: &EndpointSeries) -> Number {
    let remaining = series.open_remaining.unwrap_or_default();
    Number::Double(remaining.seconds as f64 + f64::from(remaining.nanos) / 1e9)
}

fn services(series: &[ServiceSeries], covered: Covered) -> [Option<Metric>; 5] {
    let points = |value: fn(&ServiceSeries) -> u64| {
        series.iter().map(|one| (vec![text(names::TARGET, &one.service)], int(value(one)))).collect::<Points>()
    };
    [
        covered.gauge(names::SERVICE_STATE, "1", points(|one| one.state as u64)),
        covered.gauge(names::SERVICE_CONNECTIONS, "{connection}", points(|one| one.connections.into())),
        covered.gauge(names::SERVICE_PENDING, "{call}", points(|one| one.pending.into())),
        covered.gauge(names::SERVICE_REQUESTS, "{call}", points(|one| one.requests.into())),
        covered.sum(names::SERVICE_REFUSED, "{call}", series.iter().flat_map(refused).collect()),
    ]
}

fn refused(series: &ServiceSeries) -> [(Vec<KeyValue>, Number); 4] {
    let CounterByLimit { connections, pending, requests, retries } = series.refused.unwrap_or_default();
    let table = [("connections", connections), ("pending", pending), ("requests", requests), ("retries", retries)];
    table.map(|(limit, count)| (vec![text(names::TARGET, &series.service), text(names::LIMIT, limit)], int(count)))
}

/// One metric a name; what must stay 0 is there from the start: it has to be seen to be 0.
fn counters(telemetry: &Telemetry, covered: Covered) -> Vec<Option<Metric>> {
    let mut table: Vec<(&str, &str, Points)> = vec![
        (names::BROKEN_BY_MESH, "{call}", Vec::new()),
        (names::DROPPED_SPANS, "{span}", bare(telemetry.dropped_spans)),
        (names::DROPPED_SERIES, "{series}", bare(telemetry.dropped_series)),
    ];
    for counter in &telemetry.counters {
        let label = names::label_of(&counter.name).map(|key| text(key, &counter.label));
        let point = (label.into_iter().collect(), int(counter.value));
        match table.iter_mut().find(|(name, ..)| *name == counter.name) {
            Some((.., points)) => points.push(point),
            None => table.push((&counter.name, "1", vec![point])),
        }
    }
    if table[0].2.is_empty() {
        table[0].2 = bare(0);
    }
    table.into_iter().map(|(name, unit, points)| covered.sum(name, unit, points)).collect()
}

fn bare(value: u64) -> Points {
    vec![(Vec::new(), int(value))]
}

fn int(value: u64) -> Number {
    // OTLP has no unsigned number: what no sum will ever reach would be the largest.
    Number::Int(i64::try_from(value).unwrap_or(i64::MAX))
}

fn histogram(name: &str, data_points: Vec<ExponentialHistogramDataPoint>) -> Option<Metric> {
    let data = ExponentialHistogram { data_points, aggregation_temporality: CUMULATIVE };
    (!data.data_points.is_empty()).then(|| metric(name, "s", Data::ExponentialHistogram(data)))
}

fn metric(name: &str, unit: &str, data: Data) -> Metric {
    Metric { name: name.into(), unit: unit.into(), data: Some(data) }
}

// === impl Covered ===

impl Covered {
    fn gauge(self, name: &str, unit: &str, points: Points) -> Option<Metric> {
        let data_points = numbers(points, Covered { start: 0, ..self });
        (!data_points.is_empty()).then(|| metric(name, unit, Data::Gauge(Gauge { data_points })))
    }

    fn sum(self, name: &str, unit: &str, points: Points) -> Option<Metric> {
        monotonic(name, unit, numbers(points, self))
    }

    /// The calls of a series may count from later on; from an older engine they do not say.
    fn since(self, calls: &Calls<'_>) -> Self {
        let start = if calls.start_unix_nano == 0 { self.start } else { calls.start_unix_nano };
        Self { start, ..self }
    }
}

fn monotonic(name: &str, unit: &str, data_points: Vec<NumberDataPoint>) -> Option<Metric> {
    let sum = Sum { data_points, aggregation_temporality: CUMULATIVE, is_monotonic: true };
    (!sum.data_points.is_empty()).then(|| metric(name, unit, Data::Sum(sum)))
}

fn numbers(points: Points, covered: Covered) -> Vec<NumberDataPoint> {
    points.into_iter().map(|(attributes, value)| number(attributes, value, covered)).collect()
}

fn number(attributes: Vec<KeyValue>, value: Number, covered: Covered) -> NumberDataPoint {
    NumberDataPoint { start_time_unix_nano: covered.start, time_unix_nano: covered.end, value: Some(value), attributes }
}
