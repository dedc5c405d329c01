//! `Route`: matches, weighted backends, policy.

use super::field::{Fault, codes, duration, fault};
use crate::balance::Cluster;
use crate::hash::FastMap;
use crate::proto;
use crate::resilience::budget::BudgetPolicy;
use crate::resilience::retry::{Backoff, MAX_ATTEMPTS, RetryPolicy};
use crate::router::{Route, RouteMatch, RoutePolicy, WeightedBackends};
use crate::status::Code;
use std::sync::Arc;

const MAX_WEIGHT: u32 = 1_000_000;
/// The statuses that a policy may have tried again.
const RETRYABLE: [Code; 5] =
    [Code::Cancelled, Code::DeadlineExceeded, Code::ResourceExhausted, Code::Internal, Code::Unavailable];

pub(super) fn build(wire: &proto::Route, clusters: &FastMap<Box<str>, Arc<Cluster>>) -> Result<Route, Fault> {
    if wire.name.is_empty() {
        return Err(fault("name", "is empty; must be \"document/rule\" or \"default\""));
    }
    let matches = wire
        .matches
        .iter()
        .enumerate()
        .map(|(at, one)| route_match(one).map_err(|fault| fault.within(format_args!("matches[{at}]"))));
    Ok(Route {
        name: wire.name.as_str().into(),
        policy: policy(wire.policy.as_ref())?,
        matches: matches.collect::<Result<_, _>>()?,
        backends: backends(&wire.backends, clusters)?,
    })
}

fn route_match(wire: &proto::RouteMatch) -> Result<RouteMatch, Fault> {
    let given = |text: &str| (!text.is_empty()).then(|| text.into());
    let mut headers = Vec::with_capacity(wire.headers.len());
    for (at, one) in wire.headers.iter().enumerate() {
        let valid = !one.name.is_empty() && one.name.bytes().all(|b| b.is_ascii_graphic() && !b.is_ascii_uppercase());
        if !valid {
            return Err(fault(
                format_args!("headers[{at}].name"),
                format!("is {:?}; must be a field name in lower case", one.name),
            ));
        }
        headers.push((one.name.as_str().into(), one.exact.as_bytes().into()));
    }
    Ok(RouteMatch { service: given(&wire.service), method: given(&wire.method), headers })
}

fn backends(
    wire: &[proto::WeightedCluster],
    clusters: &FastMap<Box<str>, Arc<Cluster>>,
) -> Result<WeightedBackends, Fault> {
    let one = |(at, backend): (usize, &proto::WeightedCluster)| {
        if backend.weight > MAX_WEIGHT {
            let what = format!("is {}; must be 0 to 1,000,000", backend.weight);
            return Err(fault(format_args!("backends[{at}].weight"), what));
        }
        let cluster = clusters.get(backend.cluster.as_str()).ok_or_else(|| {
            let what = format!("\"{}\" is not among the snapshot's clusters", backend.cluster);
            fault(format_args!("backends[{at}].cluster"), what)
        })?;
        Ok((backend.weight, cluster.clone()))
    };
    let backends = wire.iter().enumerate().map(one).collect::<Result<Vec<_>, _>>()?;
    WeightedBackends::new(backends)
        .ok_or_else(|| fault("backends", "no weight is above 0, or their sum is over 4,294,967,295"))
}

fn policy(wire: Option<&proto::RoutePolicy>) -> Result<RoutePolicy, Fault> {
    let absent = proto::RoutePolicy::default();
    let wire = wire.unwrap_or(&absent);
    Ok(RoutePolicy {
        request_timeout: duration("policy.request_timeout", wire.request_timeout.as_ref())?,
        per_try_timeout: duration("policy.per_try_timeout", wire.per_try_timeout.as_ref())?,
        retry: retry(wire.retry.as_ref()).map_err(|fault| fault.within("policy.retry"))?,
        idempotent: wire.idempotent,
    })
}

/// The defaults where the whole of it is absent; nothing to add where it is there.
fn retry(wire: Option<&proto::Retry>) -> Result<RetryPolicy, Fault> {
    let Some(wire) = wire else { return Ok(RetryPolicy::default()) };
    if wire.attempts == 0 || wire.attempts > MAX_ATTEMPTS {
        return Err(fault("attempts", format!("is {}; must be 1 to {MAX_ATTEMPTS}", wire.attempts)));
    }
    if wire.budget_percent > 100 {
        return Err(fault("budget_percent", format!("is {}; must be 0 to 100", wire.budget_percent)));
    }
    let default = Backoff::default();
    let base = duration("backoff_base", wire.backoff_base.as_ref())?.unwrap_or(default.base);
    let max = duration("backoff_max", wire.backoff_max.as_ref())?.unwrap_or(default.max);
    if max < base {
        return Err(fault("backoff_max", "is below backoff_base; must be at least that"));
    }
    Ok(RetryPolicy {
        attempts: wire.attempts,
        codes: codes(&wire.status_codes, &RETRYABLE)?,
        backoff: Backoff { base, max },
        budget: BudgetPolicy { percent: wire.budget_percent, min_per_second: wire.budget_min_per_second },
    })
}
