//! Who may call what: any deny that matches denies, then any allow that matches allows, else the default.

mod spelling;

use crate::hash::FastMap;
use crate::router::split_path;
use crate::spiffe::SpiffeId;
use std::fmt;
use std::sync::Arc;

/// The decision on one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access<'a> {
    /// It may pass. `policy` is the AccessPolicy that allows it; `None` where the default does.
    Allow {
        /// "namespace/policy".
        policy: Option<&'a Arc<str>>,
    },
    /// It may not.
    Deny(Denial<'a>),
}

/// Why a call was refused. Displays as the status message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial<'a> {
    /// The AccessPolicy and the index of its rule; `None` where no policy allows the call.
    pub rule: Option<(&'a Arc<str>, u32)>,
    /// What is odd about the path, where that is why: an application might take it for another method's.
    pub odd: Option<&'static str>,
    /// The revision in force.
    pub revision: u64,
    identity: &'a SpiffeId,
    path: &'a [u8],
}

/// An AccessPolicy's rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AccessRule {
    pub(crate) policy: Arc<str>,
    pub(crate) rule: u32,
    /// Empty: any method.
    pub(crate) methods: Vec<MethodPattern>,
}

/// Which callers a rule is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Callers {
    Anyone,
    These(Vec<CallerPattern>),
}

/// One caller, or all under a prefix that ends in `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CallerPattern {
    Exact(Box<str>),
    Under(Box<str>),
}

/// A method as it stands in `:path`, or all of a service ("/package.Service/").
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MethodPattern {
    Exact(Box<[u8]>),
    AllOf(Box<[u8]>),
}

/// What an action's rules look like to a caller: found by its identity, without trying each.
#[derive(Debug, Default)]
pub(crate) struct RuleSet {
    rules: Vec<AccessRule>,
    by_identity: FastMap<Box<str>, Vec<usize>>,
    by_prefix: Vec<(Box<str>, usize)>,
    for_anyone: Vec<usize>,
}

/// A service's rules and its default.
#[derive(Debug, Default)]
pub(crate) struct AccessRules {
    pub(crate) deny: RuleSet,
    pub(crate) allow: RuleSet,
    pub(crate) allow_by_default: bool,
    pub(crate) revision: u64,
    /// Some rule names methods: then what an application might take for another spelling of one could get round it.
    pub(crate) names_methods: bool,
}

// === impl AccessRules ===

impl AccessRules {
    /// An allow that names exactly these bytes holds for them; a deny holds besides for every spelling of its methods, so
    /// odd ones pass only where no rule speaks of methods.
    pub(crate) fn decide<'a>(&'a self, identity: &'a SpiffeId, path: &'a [u8]) -> Access<'a> {
        let refused = |rule, odd| Access::Deny(Denial { rule, odd, revision: self.revision, identity, path });
        // No rule is written for such a path, so none may be got round by it.
        if !path.starts_with(b"/") {
            return refused(None, None);
        }
        if let Some(rule) = self.deny.find(identity, |rule| rule.takes(path)) {
            return refused(Some((&rule.policy, rule.rule)), None);
        }
        let (named, taken) = self.allow.find_both(identity, path);
        if self.names_methods {
            if let Some(rule) = named {
                return Access::Allow { policy: Some(&rule.policy) };
            }
            if let Some(odd) = spelling::oddity(path) {
                return refused(None, Some(odd));
            }
            if let Some(rule) = self.deny.find(identity, |rule| rule.takes_in_any_case(path)) {
                return refused(Some((&rule.policy, rule.rule)), None);
            }
        }
        match taken {
            Some(rule) => Access::Allow { policy: Some(&rule.policy) },
            None if self.allow_by_default => Access::Allow { policy: None },
            None => refused(None, None),
        }
    }
}

// === impl RuleSet ===

impl RuleSet {
    pub(crate) fn add(&mut self, rule: AccessRule, callers: Callers) {
        let index = self.rules.len();
        self.rules.push(rule);
        match callers {
            Callers::Anyone => self.for_anyone.push(index),
            Callers::These(patterns) => patterns.into_iter().for_each(|one| self.add_caller(one, index)),
        }
    }

    fn add_caller(&mut self, pattern: CallerPattern, index: usize) {
        match pattern {
            CallerPattern::Exact(identity) => self.by_identity.entry(identity).or_default().push(index),
            CallerPattern::Under(prefix) => self.by_prefix.push((prefix, index)),
        }
    }

    fn find(&self, identity: &SpiffeId, takes: impl Fn(&AccessRule) -> bool) -> Option<&AccessRule> {
        self.of_caller(identity).find(|rule| takes(rule))
    }

    /// The first rule that names the method itself, and the first that takes it: the caller is looked up once.
    fn find_both(&self, identity: &SpiffeId, path: &[u8]) -> (Option<&AccessRule>, Option<&AccessRule>) {
        let mut taken = None;
        for rule in self.of_caller(identity) {
            if rule.names(path) {
                return (Some(rule), taken.or(Some(rule)));
            }
            if taken.is_none() && rule.takes(path) {
                taken = Some(rule);
            }
        }
        (None, taken)
    }

    fn of_caller(&self, identity: &SpiffeId) -> impl Iterator<Item = &AccessRule> {
        let exact = self.by_identity.get(identity.as_str()).into_iter().flatten();
        let under = self.by_prefix.iter().filter(|(prefix, _)| identity.as_str().starts_with(&**prefix));
        let found = exact.chain(under.map(|(_, index)| index)).chain(&self.for_anyone);
        found.map(|index| &self.rules[*index])
    }
}

// === impl AccessRule ===

impl AccessRule {
    fn takes(&self, path: &[u8]) -> bool {
        self.methods.is_empty() || self.methods.iter().any(|pattern| pattern.takes(path))
    }

    /// Whether it names this method itself, not all or all of a service.
    fn names(&self, path: &[u8]) -> bool {
        self.methods.iter().any(|pattern| matches!(pattern, MethodPattern::Exact(exact) if **exact == *path))
    }

    /// Some servers' routes do not tell "/a.A/M" from "/a.a/m" (ASP.NET Core).
    fn takes_in_any_case(&self, path: &[u8]) -> bool {
        self.methods.iter().any(|pattern| pattern.takes_in_any_case(path))
    }
}

impl MethodPattern {
    fn takes(&self, path: &[u8]) -> bool {
        match self {
            Self::Exact(exact) => **exact == *path,
            Self::AllOf(prefix) => path.starts_with(prefix),
        }
    }

    fn takes_in_any_case(&self, path: &[u8]) -> bool {
        match self {
            Self::Exact(exact) => exact.eq_ignore_ascii_case(path),
            Self::AllOf(prefix) => path.get(..prefix.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(prefix)),
        }
    }
}

// === impl Denial ===

impl fmt::Display for Denial<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { revision, identity, .. } = self;
        if let Some((policy, rule)) = self.rule {
            return write!(f, "denied to {identity} by AccessPolicy {policy}, rule {rule}, revision {revision}");
        }
        let (service, method) = split_path(self.path).unwrap_or((self.path, b""));
        let (service, method) = (service.escape_ascii(), method.escape_ascii());
        write!(f, "no AccessPolicy allows {identity} to call {service}/{method}")?;
        if let Some(odd) = self.odd {
            write!(f, ": the path has {odd}, which may stand for another method, and no rule names it so")?;
        }
        write!(f, ", revision {revision}")
    }
}
