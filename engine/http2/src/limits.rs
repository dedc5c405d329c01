//! Bounds on what a peer's field section may cost.

/// Bounds on one received field section. `Default` gives the design's figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderLimits {
    /// Most bytes of a list, each field counting 32 more (RFC 9113 §6.5.2); default 16 384.
    pub max_list_bytes: u32,
    /// Most fields of a list, cookie crumbs counted one by one; default 128.
    pub max_fields: u32,
    /// Most CONTINUATION frames after one HEADERS; default 8.
    pub max_continuations: u32,
}

/// The limit a field section went over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HeaderLimit {
    /// [`HeaderLimits::max_list_bytes`].
    ListBytes,
    /// [`HeaderLimits::max_fields`].
    Fields,
}

// === impl HeaderLimits ===

impl Default for HeaderLimits {
    fn default() -> Self {
        Self { max_list_bytes: 16_384, max_fields: 128, max_continuations: 8 }
    }
}

// === impl HeaderLimit ===

impl HeaderLimit {
    /// What was too much, in words for a status message.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::ListBytes => "header list over its size limit",
            Self::Fields => "too many header fields",
        }
    }
}
