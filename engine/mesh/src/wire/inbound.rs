//! `Inbound`: who this workload is and who may call it.

use super::field::{Fault, fault, limits, methods, name};
use crate::authz::{AccessRule, AccessRules, Action, CallerPattern, Callers, MethodPattern};
use crate::method::Methods;
use crate::proto;
use crate::resilience::breaker::ServiceBreaker;
use crate::snapshot::{Inbound, Snapshot};
use crate::spiffe::SpiffeId;
use std::sync::Arc;

pub(super) fn build(
    wire: &proto::Inbound,
    snapshot: &proto::Snapshot,
    previous: Option<&Snapshot>,
) -> Result<Inbound, Fault> {
    let identity = SpiffeId::parse(&wire.identity);
    let identity = identity.map_err(|cause| fault("identity", format!("{:?} {cause}", wire.identity)))?;
    if identity.trust_domain() != snapshot.trust_domain {
        let what = format!("{identity} is not of the trust domain {}", snapshot.trust_domain);
        return Err(fault("identity", what));
    }
    name("service", &wire.service)?;
    let previous = previous.and_then(Snapshot::inbound).filter(|p| *p.service == *wire.service);
    let limits = limits(wire.circuit_breaker.as_ref())?;
    Ok(Inbound {
        identity,
        service: wire.service.as_str().into(),
        breaker: Arc::new(ServiceBreaker::new(limits, previous.map(|p| &*p.breaker))),
        methods: Methods::new(methods(&wire.methods)?, previous.map(|p| &p.methods)),
        access: access(wire, snapshot.revision)?,
    })
}

fn access(wire: &proto::Inbound, revision: u64) -> Result<AccessRules, Fault> {
    let mut rules = AccessRules::new(revision, wire.allow_by_default);
    for (at, one) in wire.rules.iter().enumerate() {
        let within = |fault: Fault| fault.within(format_args!("rules[{at}]"));
        let action = match proto::AccessAction::try_from(one.action) {
            Ok(proto::AccessAction::Allow) => Action::Allow,
            Ok(proto::AccessAction::Deny) => Action::Deny,
            _ => return Err(within(fault("action", format!("is {}; must be ALLOW 1 or DENY 2", one.action)))),
        };
        let (rule, callers) = rule(one).map_err(within)?;
        rules.add(action, rule, callers);
    }
    Ok(rules)
}

fn rule(wire: &proto::AccessRule) -> Result<(AccessRule, Callers), Fault> {
    if wire.policy.is_empty() {
        return Err(fault("policy", "is empty; must be \"namespace/policy\""));
    }
    let methods = wire.methods.iter().enumerate().map(|(at, one)| method(at, one));
    let rule = AccessRule {
        policy: wire.policy.as_str().into(),
        rule: wire.rule,
        methods: methods.collect::<Result<_, _>>()?,
    };
    if wire.identities.is_empty() {
        return Ok((rule, Callers::Anyone));
    }
    let callers = wire.identities.iter().enumerate().map(|(at, one)| caller(at, one));
    Ok((rule, Callers::These(callers.collect::<Result<_, _>>()?)))
}

/// "spiffe://domain/path", or a prefix that ends in "/*".
fn caller(at: usize, text: &str) -> Result<CallerPattern, Fault> {
    let Some(prefix) = text.strip_suffix('*').filter(|prefix| prefix.ends_with('/')) else {
        let exact = SpiffeId::parse(text);
        let exact = exact.map_err(|cause| fault(format_args!("identities[{at}]"), format!("{text:?} {cause}")))?;
        return Ok(CallerPattern::Exact(exact.as_str().into()));
    };
    // Any id under the prefix must be possible, so the prefix with a segment behind it is checked.
    match SpiffeId::parse(&format!("{prefix}a")) {
        Ok(_) => Ok(CallerPattern::Under(prefix.into())),
        Err(cause) => Err(fault(format_args!("identities[{at}]"), format!("{text:?} {cause}"))),
    }
}

/// "package.Service/Method" or "package.Service/*".
fn method(at: usize, text: &str) -> Result<MethodPattern, Fault> {
    let parts = text.split_once('/').filter(|(service, method)| {
        !service.is_empty() && !service.contains('*') && !method.is_empty() && !method.contains('/')
    });
    match parts {
        Some((service, "*")) => Ok(MethodPattern::AllOf(format!("/{service}/").into_bytes().into())),
        Some((_, method)) if !method.contains('*') => Ok(MethodPattern::Exact(format!("/{text}").into_bytes().into())),
        _ => Err(fault(
            format_args!("methods[{at}]"),
            format!("is {text:?}; must be \"package.Service/Method\" or \"package.Service/*\""),
        )),
    }
}
