//! Which service an authority names, which route a call takes, which backend gets it.

use crate::balance::Cluster;
use crate::hash::FastMap;
use crate::random::Random;
use std::sync::Arc;

pub use crate::resilience::policy::RoutePolicy;

/// Longest authority, in bytes: a DNS name's 253, a colon and a port.
pub const MAX_AUTHORITY: usize = 259;

/// Services by lower-case authority.
#[derive(Debug, Default)]
pub(crate) struct Authorities(FastMap<Box<[u8]>, usize>);

/// One rule of a service's routing.
#[derive(Debug)]
pub struct Route {
    /// "route-document/rule", or "default".
    pub name: Arc<str>,
    /// What holds for calls on this route.
    pub policy: RoutePolicy,
    pub(crate) matches: Vec<RouteMatch>,
    pub(crate) backends: WeightedBackends,
}

/// A condition; every part that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RouteMatch {
    pub(crate) service: Option<Box<str>>,
    pub(crate) method: Option<Box<str>>,
    pub(crate) headers: Vec<(Box<str>, Box<[u8]>)>,
}

/// Clusters and the running sum of their weights.
#[derive(Debug)]
pub(crate) struct WeightedBackends {
    entries: Vec<(u32, Arc<Cluster>)>,
    last: Arc<Cluster>,
    total: u32,
}

// === impl Authorities ===

impl Authorities {
    /// Adds a name; the index that already had it, if there is one.
    pub(crate) fn add(&mut self, authority: &str, service: usize) -> Option<usize> {
        self.0.insert(authority.as_bytes().into(), service)
    }

    pub(crate) fn find(&self, authority: &[u8]) -> Option<usize> {
        let found = self.find_plain(authority);
        // Other spellings are rare: they are looked for only where there is nothing to lose.
        if found.is_some() {
            return found;
        }
        let mut plain = [0; MAX_AUTHORITY];
        self.find_plain(spelled_plainly(authority, &mut plain)?)
    }

    fn find_plain(&self, authority: &[u8]) -> Option<usize> {
        let whole = self.0.get(authority);
        whole.or_else(|| self.0.get(without_port(authority)?)).copied()
    }
}

/// In lower case and without the dots at the host's end (RFC 1034, section 3.1); `None` where that is nothing new.
fn spelled_plainly<'a>(authority: &[u8], into: &'a mut [u8; MAX_AUTHORITY]) -> Option<&'a [u8]> {
    let host = without_port(authority).unwrap_or(authority);
    let port = &authority[host.len()..];
    let dots = host.iter().rev().take_while(|byte| **byte == b'.').count();
    let is_new = dots > 0 || host.iter().any(u8::is_ascii_uppercase);
    // A dot behind a port, or behind an IPv6 address, ends no name.
    if !is_new || (dots > 0 && host.contains(&b':')) {
        return None;
    }
    let host = &host[..host.len() - dots];
    let plain = into.get_mut(..host.len() + port.len())?;
    plain[..host.len()].copy_from_slice(host);
    plain[host.len()..].copy_from_slice(port);
    plain.make_ascii_lowercase();
    Some(plain)
}

/// "host" of "host:port"; `None` where there is no port. The colons within "[::1]" are not a port's.
fn without_port(authority: &[u8]) -> Option<&[u8]> {
    let colon = authority.iter().rposition(|byte| *byte == b':')?;
    let port = &authority[colon + 1..];
    (!port.is_empty() && port.iter().all(u8::is_ascii_digit)).then_some(&authority[..colon])
}

// === impl Route ===

impl Route {
    /// A backend, chosen in proportion to the weights.
    #[must_use]
    pub fn pick_cluster(&self, random: &mut impl Random) -> &Arc<Cluster> {
        self.backends.pick(random)
    }

    /// The backends with their weights.
    pub fn backends(&self) -> impl Iterator<Item = (&Arc<Cluster>, u32)> {
        self.backends.weights()
    }

    pub(crate) fn matches(&self, path: &[u8], has: &impl Fn(&str, &[u8]) -> bool) -> bool {
        self.matches.is_empty() || self.matches.iter().any(|one| one.holds(path, has))
    }
}

// === impl RouteMatch ===

impl RouteMatch {
    fn holds(&self, path: &[u8], has: &impl Fn(&str, &[u8]) -> bool) -> bool {
        self.holds_for_path(path) && self.headers.iter().all(|(name, exact)| has(name, exact))
    }

    fn holds_for_path(&self, path: &[u8]) -> bool {
        if self.service.is_none() && self.method.is_none() {
            return true;
        }
        let Some((service, method)) = split_path(path) else { return false };
        self.service.as_ref().is_none_or(|wanted| wanted.as_bytes() == service)
            && self.method.as_ref().is_none_or(|wanted| wanted.as_bytes() == method)
    }
}

/// Service and method of "/package.Service/Method", on exactly the bytes that are forwarded.
pub(crate) fn split_path(path: &[u8]) -> Option<(&[u8], &[u8])> {
    let name = path.strip_prefix(b"/")?;
    let slash = name.iter().position(|byte| *byte == b'/')?;
    Some((&name[..slash], &name[slash + 1..]))
}

// === impl WeightedBackends ===

impl WeightedBackends {
    /// `None` where no weight is above 0. A weight of 0 receives nothing. The sum fits: 1,000,000 times fewer than 4,294.
    pub(crate) fn new(backends: Vec<(u32, Arc<Cluster>)>) -> Option<Self> {
        let mut total: u32 = 0;
        let mut entries = Vec::with_capacity(backends.len());
        for (weight, cluster) in backends.into_iter().filter(|(weight, _)| *weight > 0) {
            total = total.checked_add(weight)?;
            entries.push((total, cluster));
        }
        let (_, last) = entries.pop()?;
        Some(Self { entries, last, total })
    }

    fn pick(&self, random: &mut impl Random) -> &Arc<Cluster> {
        if self.entries.is_empty() {
            return &self.last;
        }
        let at = random.below(self.total);
        self.entries.iter().find(|(sum, _)| at < *sum).map_or(&self.last, |(_, cluster)| cluster)
    }

    fn weights(&self) -> impl Iterator<Item = (&Arc<Cluster>, u32)> {
        let all = self.entries.iter().map(|(sum, cluster)| (cluster, *sum)).chain([(&self.last, self.total)]);
        all.scan(0, |before, (cluster, sum)| Some((cluster, sum - std::mem::replace(before, sum))))
    }
}
