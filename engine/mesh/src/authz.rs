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

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Allow,
    Deny,
}

/// An action's rules, and those of them that are not for callers by name.
#[derive(Debug, Default)]
struct RuleSet {
    rules: Vec<AccessRule>,
    by_prefix: Vec<(Box<str>, usize)>,
    for_anyone: Vec<usize>,
}

/// The rules that name a caller, as indices of each action's.
#[derive(Debug, Default)]
struct ByName {
    deny: Vec<usize>,
    allow: Vec<usize>,
}

/// A service's rules and its default. A caller is looked up once, whatever the actions.
#[derive(Debug, Default)]
pub(crate) struct AccessRules {
    allow_by_default: bool,
    revision: u64,
    deny: RuleSet,
    allow: RuleSet,
    by_identity: FastMap<Box<str>, ByName>,
    /// Some rule names methods: then what an application might take for another spelling of one could get round it.
    names_methods: bool,
}

// === impl AccessRules ===

impl AccessRules {
    pub(crate) fn new(revision: u64, allow_by_default: bool) -> Self {
        Self { revision, allow_by_default, ..Self::default() }
    }

    pub(crate) fn add(&mut self, action: Action, rule: AccessRule, callers: Callers) {
        self.names_methods |= !rule.methods.is_empty();
        let set = match action {
            Action::Allow => &mut self.allow,
            Action::Deny => &mut self.deny,
        };
        let index = set.rules.len();
        set.rules.push(rule);
        let Callers::These(patterns) = callers else { return set.for_anyone.push(index) };
        for pattern in patterns {
            match (pattern, action) {
                (CallerPattern::Under(prefix), _) => set.by_prefix.push((prefix, index)),
                (CallerPattern::Exact(name), Action::Allow) => {
                    self.by_identity.entry(name).or_default().allow.push(index);
                }
                (CallerPattern::Exact(name), Action::Deny) => {
                    self.by_identity.entry(name).or_default().deny.push(index);
                }
            }
        }
    }

    /// An allow that names exactly these bytes holds for them; a deny holds besides for every spelling of its methods, so
    /// odd ones pass only where no rule speaks of methods.
    pub(crate) fn decide<'a>(&'a self, identity: &'a SpiffeId, path: &'a [u8]) -> Access<'a> {
        let refused = |rule, odd| Access::Deny(Denial { rule, odd, revision: self.revision, identity, path });
        // No rule is written for such a path, so none may be got round by it.
        if !path.starts_with(b"/") {
            return refused(None, None);
        }
        let by_name = self.by_identity.get(identity.as_str());
        let denies = || self.deny.of_caller(by_name.map_or(&[], |by| &by.deny), identity);
        // One walk where no deny comes near, which is nearly always.
        let near = denies().find(|rule| rule.takes_in_any_case(path));
        if near.is_some()
            && let Some(rule) = denies().find(|rule| rule.takes(path))
        {
            return refused(Some((&rule.policy, rule.rule)), None);
        }
        let allows = self.allow.of_caller(by_name.map_or(&[], |by| &by.allow), identity);
        let (named, taken) = named_and_taken(allows, path);
        if let Some(rule) = named {
            return Access::Allow { policy: Some(&rule.policy) };
        }
        if self.names_methods
            && let Some(odd) = spelling::oddity(path)
        {
            return refused(None, Some(odd));
        }
        if let Some(rule) = near {
            return refused(Some((&rule.policy, rule.rule)), None);
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
    /// The rules for a caller, which `by_name` are for it by name.
    #[inline]
    fn of_caller<'a>(
        &'a self,
        by_name: &'a [usize],
        identity: &'a SpiffeId,
    ) -> impl Iterator<Item = &'a AccessRule> + 'a {
        let under = self.by_prefix.iter().filter(|(prefix, _)| identity.as_str().starts_with(&**prefix));
        let found = by_name.iter().chain(under.map(|(_, index)| index)).chain(&self.for_anyone);
        found.map(|index| &self.rules[*index])
    }
}

/// The first rule that names the method itself, and the first that takes it, in one walk.
#[inline]
fn named_and_taken<'a>(
    rules: impl Iterator<Item = &'a AccessRule>,
    path: &[u8],
) -> (Option<&'a AccessRule>, Option<&'a AccessRule>) {
    let mut taken = None;
    for rule in rules {
        if rule.names(path) {
            return (Some(rule), taken.or(Some(rule)));
        }
        if taken.is_none() && rule.takes(path) {
            taken = Some(rule);
        }
    }
    (None, taken)
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
        self.methods.is_empty() || self.methods.iter().any(|pattern| pattern.takes_in_any_case(path))
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
