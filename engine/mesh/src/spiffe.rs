//! A workload's identity (SPIFFE ID specification, section 2).

use std::fmt;
use std::sync::Arc;

const SCHEME: &str = "spiffe://";
const MAX_BYTES: usize = 2048;
const MAX_TRUST_DOMAIN: usize = 255;

/// A valid SPIFFE id with a path: `spiffe://shop.local/shop/payments`. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpiffeId(Arc<str>);

/// What is wrong with a would-be SPIFFE id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidSpiffeId(&'static str);

// === impl SpiffeId ===

impl SpiffeId {
    /// Parses and checks `text`: scheme `spiffe`, a trust domain of `[a-z0-9._-]`, a non-empty path of segments of
    /// `[A-Za-z0-9._-]` none of which is empty, `.` or `..`, at most 2048 bytes.
    ///
    /// # Errors
    /// [`InvalidSpiffeId`] names the part.
    pub fn parse(text: &str) -> Result<Self, InvalidSpiffeId> {
        if text.len() > MAX_BYTES {
            return Err(InvalidSpiffeId("is longer than 2048 bytes"));
        }
        let rest = text.strip_prefix(SCHEME).ok_or(InvalidSpiffeId("does not begin with spiffe://"))?;
        let (domain, path) = rest.split_once('/').ok_or(InvalidSpiffeId("has no path"))?;
        check_trust_domain(domain)?;
        path.split('/').try_for_each(check_segment)?;
        Ok(Self(text.into()))
    }

    /// The whole id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The trust domain, without scheme.
    #[must_use]
    pub fn trust_domain(&self) -> &str {
        self.split().0
    }

    /// The path without its leading slash: `shop/payments`, which is also the service's name.
    #[must_use]
    pub fn path(&self) -> &str {
        self.split().1
    }

    fn split(&self) -> (&str, &str) {
        self.0[SCHEME.len()..].split_once('/').unwrap_or_default()
    }
}

/// Checks a trust domain's name: 1 to 255 of `[a-z0-9._-]`.
///
/// # Errors
/// [`InvalidSpiffeId`] says what is wrong.
pub fn check_trust_domain(domain: &str) -> Result<(), InvalidSpiffeId> {
    if domain.is_empty() || domain.len() > MAX_TRUST_DOMAIN {
        return Err(InvalidSpiffeId("has a trust domain that is empty or over 255 bytes"));
    }
    if !domain.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_')) {
        return Err(InvalidSpiffeId("has a trust domain with a character outside a-z, 0-9, '.', '-', '_'"));
    }
    Ok(())
}

fn check_segment(segment: &str) -> Result<(), InvalidSpiffeId> {
    if segment.is_empty() || segment == "." || segment == ".." {
        return Err(InvalidSpiffeId("has a path segment that is empty, '.' or '..'"));
    }
    if !segment.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_')) {
        return Err(InvalidSpiffeId("has a path with a character outside letters, digits, '.', '-', '_'"));
    }
    Ok(())
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// === impl InvalidSpiffeId ===

impl fmt::Display for InvalidSpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for InvalidSpiffeId {}
