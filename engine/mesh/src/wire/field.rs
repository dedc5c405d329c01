//! Single fields: durations, names, authorities, limits.

use crate::proto;
use crate::resilience::breaker::ServiceLimits;
use crate::router::MAX_AUTHORITY;
use crate::status::{Code, CodeSet};
use std::fmt::Display;
use std::time::Duration;

/// What is wrong with a resource: "field: what it holds and what it should".
#[derive(Debug)]
pub(super) struct Fault(pub(super) String);

const MAX_NAME: usize = 255;

pub(super) fn fault(field: impl Display, what: impl Display) -> Fault {
    Fault(format!("{field}: {what}"))
}

impl Fault {
    /// The same fault, seen from the field that holds this one.
    pub(super) fn within(self, field: impl Display) -> Self {
        Self(format!("{field}.{}", self.0))
    }
}

/// A duration above zero; `None` where it is absent.
pub(super) fn duration(field: &str, wire: Option<&prost_types::Duration>) -> Result<Option<Duration>, Fault> {
    let Some(wire) = wire else { return Ok(None) };
    let seconds = u64::try_from(wire.seconds).ok();
    let nanos = u32::try_from(wire.nanos).ok().filter(|nanos| *nanos < 1_000_000_000);
    match seconds.zip(nanos).map(|(seconds, nanos)| Duration::new(seconds, nanos)) {
        Some(duration) if !duration.is_zero() => Ok(Some(duration)),
        _ => Err(fault(field, format!("is {} s {} ns; must be above zero", wire.seconds, wire.nanos))),
    }
}

/// A resource's name: printable ASCII with a slash within, "namespace/name".
pub(super) fn name(field: &str, text: &str) -> Result<(), Fault> {
    let two_parts = text.split_once('/').is_some_and(|(left, right)| !left.is_empty() && !right.is_empty());
    if !two_parts || text.len() > MAX_NAME || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(fault(
            field,
            format!("is {text:?}; must be \"namespace/name\" of at most 255 printable characters"),
        ));
    }
    Ok(())
}

/// A lower-case authority.
pub(super) fn authority(at: usize, text: &str) -> Result<(), Fault> {
    let fits = !text.is_empty() && text.len() <= MAX_AUTHORITY;
    if !fits || !text.bytes().all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_uppercase()) {
        let must = "must be \"host\" or \"host:port\" in lower case, at most 259 bytes";
        return Err(fault(format_args!("authorities[{at}]"), format!("is {text:?}; {must}")));
    }
    Ok(())
}

/// A number of at least 1.
pub(super) fn at_least_one(field: &str, value: u32) -> Result<u32, Fault> {
    if value == 0 { Err(fault(field, "is 0; must be at least 1")) } else { Ok(value) }
}

/// gRPC status codes, each of those that may stand there.
pub(super) fn codes(wire: &[u32], allowed: &[Code]) -> Result<CodeSet, Fault> {
    let one = |(at, number): (usize, &u32)| {
        let code = Code::from_number(*number).filter(|code| allowed.contains(code));
        code.ok_or_else(|| {
            let names: Vec<_> = allowed.iter().map(|code| format!("{code} {}", code.number())).collect();
            fault(format_args!("status_codes[{at}]"), format!("is {number}; must be one of {}", names.join(", ")))
        })
    };
    wire.iter().enumerate().map(one).collect::<Result<Vec<_>, _>>().map(|codes| CodeSet::of(&codes))
}

/// A circuit breaker's limits; the defaults where it is absent.
pub(super) fn limits(wire: Option<&proto::CircuitBreaker>) -> Result<ServiceLimits, Fault> {
    let Some(wire) = wire else { return Ok(ServiceLimits::default()) };
    Ok(ServiceLimits {
        connections: at_least_one("circuit_breaker.max_connections", wire.max_connections)?,
        pending: at_least_one("circuit_breaker.max_pending", wire.max_pending)?,
        requests: at_least_one("circuit_breaker.max_requests", wire.max_requests)?,
        retries: wire.max_retries,
    })
}

/// Declared methods: each path "/package.Service/Method".
pub(super) fn methods(wire: &[proto::Method]) -> Result<&[proto::Method], Fault> {
    let is_method = |path: &str| {
        let parts = path.strip_prefix('/').and_then(|name| name.split_once('/'));
        parts.is_some_and(|(service, method)| !service.is_empty() && !method.is_empty() && !method.contains('/'))
    };
    match wire.iter().position(|method| !is_method(&method.path)) {
        None => Ok(wire),
        Some(at) => {
            let what = format!("is {:?}; must be \"/package.Service/Method\"", wire[at].path);
            Err(fault(format_args!("methods[{at}].path"), what))
        }
    }
}
