//! Which method a path names, and under which bounded label it is counted.

use crate::hash::{self, FastMap};
use crate::outcome::Outcome;
use crate::proto;
use crate::reason::Reason;
use crate::status::Code;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

/// Methods that are learned where a service declares none.
pub const LEARNED_METHODS: usize = 64;
/// Of these, as many may be methods that were not yet seen to succeed.
pub const LEARNED_FAILING: usize = 48;
/// Of these, as many may be methods that were only seen to be refused by policy.
pub const LEARNED_DENIED: usize = 16;
/// Slots of the learned table: twice the bound, so that probing stays short.
const SLOTS: usize = LEARNED_METHODS * 2;
const MAX_LEARNED_BYTES: usize = 256;
const OTHER: &str = "other";

/// A method's label within its service's [`Methods`]; small, and the same for as long as that table lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MethodLabel(u16);

/// What is known of a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MethodInfo {
    /// Under which label it is counted.
    pub label: MethodLabel,
    /// Whether one request gets one response; `None` where the method is not declared.
    pub unary: Option<bool>,
    /// Whether the client streams; `None` where the method is not declared.
    pub client_streaming: Option<bool>,
    /// Whether executing it twice does no harm.
    pub idempotent: bool,
}

/// A service's methods: the declared ones or, where none is, the first 64 that its application was seen to have.
#[derive(Clone, Debug, Default)]
pub struct Methods {
    declared: Declared,
    learned: Arc<Learned>,
}

#[derive(Clone, Debug, Default)]
struct Declared {
    by_path: FastMap<Box<[u8]>, MethodInfo>,
    names: Vec<Box<str>>,
}

/// Labels met on the way, in an open-addressed table that is written once a slot and read without a lock.
#[derive(Debug)]
struct Learned {
    slots: [OnceLock<Box<str>>; SLOTS],
    count: AtomicU32,
}

// === impl MethodLabel ===

impl MethodLabel {
    /// What is counted as `other`.
    pub const OTHER: Self = Self(u16::MAX);

    /// A small number for tables with one place a method; labels may share one.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

// === impl MethodInfo ===

impl MethodInfo {
    fn unknown(label: MethodLabel) -> Self {
        Self { label, unary: None, client_streaming: None, idempotent: false }
    }
}

// === impl Methods ===

impl Methods {
    /// A table of the declared methods. `previous` hands on what was learned.
    #[must_use]
    pub fn new(declared: &[proto::Method], previous: Option<&Self>) -> Self {
        let learned = previous.map(|p| p.learned.clone()).unwrap_or_default();
        let mut methods = Self { declared: Declared::default(), learned };
        declared.iter().take(usize::from(u16::MAX)).for_each(|method| methods.declared.add(method));
        methods
    }

    /// What is known of the method at `path`; `other` until it is declared or learned.
    #[must_use]
    pub fn find(&self, path: &[u8]) -> MethodInfo {
        if self.declared.names.is_empty() {
            return MethodInfo::unknown(self.learned.find(path).unwrap_or(MethodLabel::OTHER));
        }
        let known = self.declared.by_path.get(path).copied();
        known.unwrap_or(MethodInfo::unknown(MethodLabel::OTHER))
    }

    /// The label under which a call to `path` that ended with `outcome` is counted. Where nothing is declared, the name is
    /// learned if the application answered as one that has the method: names that nobody has must not take the places of
    /// those that it has.
    #[must_use]
    pub fn learn(&self, path: &[u8], outcome: &Outcome) -> MethodLabel {
        let places = places(outcome);
        if places == 0 || !self.declared.names.is_empty() {
            return self.find(path).label;
        }
        self.learned.label(path, places)
    }

    /// The label's text: `package.Service/Method`, or `other`.
    #[must_use]
    pub fn name(&self, label: MethodLabel) -> &str {
        let learned = || self.learned.slots.get(label.index()).and_then(OnceLock::get);
        let name = if self.declared.names.is_empty() { learned() } else { self.declared.names.get(label.index()) };
        name.map_or(OTHER, |name| name)
    }
}

// === impl Declared ===

impl Declared {
    fn add(&mut self, method: &proto::Method) {
        let info = MethodInfo {
            label: MethodLabel(self.names.len() as u16),
            unary: Some(!method.client_streaming && !method.server_streaming),
            client_streaming: Some(method.client_streaming),
            idempotent: method.idempotent,
        };
        self.by_path.insert(method.path.as_bytes().into(), info);
        self.names.push(method.path.trim_start_matches('/').into());
    }
}

// === impl Learned ===

impl Default for Learned {
    fn default() -> Self {
        Self { slots: [const { OnceLock::new() }; SLOTS], count: AtomicU32::new(0) }
    }
}

impl Learned {
    fn find(&self, path: &[u8]) -> Option<MethodLabel> {
        self.look_up(path.strip_prefix(b"/")?).ok()
    }

    /// Its label; takes one of `places` where it has none.
    fn label(&self, path: &[u8], places: usize) -> MethodLabel {
        let Some(name) = path.strip_prefix(b"/") else { return MethodLabel::OTHER };
        match self.look_up(name) {
            Ok(label) => label,
            // Only what is new has its form checked.
            Err(Some(at)) => method_name(path).map_or(MethodLabel::OTHER, |name| self.learn(at, name, places)),
            Err(None) => MethodLabel::OTHER,
        }
    }

    /// The name's label, else the slot where it belongs, if there is one.
    fn look_up(&self, name: &[u8]) -> Result<MethodLabel, Option<usize>> {
        let start = hash::of(name) as usize;
        for probe in 0..SLOTS {
            let at = start.wrapping_add(probe) % SLOTS;
            match self.slots[at].get() {
                Some(known) if known.as_bytes() == name => return Ok(MethodLabel(at as u16)),
                Some(_) => {}
                None => return Err(Some(at)),
            }
        }
        Err(None)
    }

    /// Takes a place, then the slot. When another worker was quicker with the slot and another name, this call is counted
    /// as `other` and the next one finds its own place.
    fn learn(&self, at: usize, name: &str, places: usize) -> MethodLabel {
        let admit = |count| (count < places as u32).then_some(count + 1);
        if self.count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, admit).is_err() {
            return MethodLabel::OTHER;
        }
        if self.slots[at].set(name.into()).is_ok() {
            return MethodLabel(at as u16);
        }
        self.count.fetch_sub(1, Ordering::Relaxed);
        match self.slots[at].get() {
            Some(known) if **known == *name => MethodLabel(at as u16),
            _ => MethodLabel::OTHER,
        }
    }
}

/// How many places may be taken by a method whose call ended so.
fn places(outcome: &Outcome) -> usize {
    match (outcome.is_own_answer(), outcome.code) {
        (true, Code::Ok) => LEARNED_METHODS,
        (true, Code::Unimplemented) => 0,
        (true, _) => LEARNED_FAILING,
        (false, _) if *outcome == Outcome::local(Reason::Denied) => LEARNED_DENIED,
        (false, _) => 0,
    }
}

/// `package.Service/Method` of a path that may become a label: printable ASCII, two non-empty parts, at most 256 bytes.
fn method_name(path: &[u8]) -> Option<&str> {
    if path.len() > MAX_LEARNED_BYTES || !path.iter().all(u8::is_ascii_graphic) {
        return None;
    }
    let name = std::str::from_utf8(path).ok()?.strip_prefix('/')?;
    let (service, method) = name.split_once('/')?;
    (!service.is_empty() && !method.is_empty() && !method.contains('/')).then_some(name)
}
