//! Which field of a malformed section broke which rule, for the words of a status message.

use std::fmt;

use crate::headers::{Expected, Facts};
use crate::mark::Mark;
use crate::{Field, Fields};

/// Longest part of a name that is told.
const MOST_NAME: usize = 100;

/// A rule of RFC 9113 §8.2 or §8.3 that a field section broke. Its `Display` is for a status message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub(crate) stream: u32,
    field: Option<String>,
    rule: &'static str,
}

// === impl Fault ===

impl Fault {
    /// The field's name in printable ASCII; none where the section as a whole is at fault.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// The rule, in words that follow the name: "a line feed in a value".
    #[must_use]
    pub fn rule(&self) -> &'static str {
        self.rule
    }

    /// Looks through a section that was found to break `rule`.
    #[cold]
    pub(crate) fn find(stream: u32, fields: &Fields, expected: Expected, rule: &'static str) -> Self {
        let field = by_itself(fields).or_else(|| out_of_place(fields, expected)).or_else(|| unlike(fields, rule));
        let shown = |field: Field<'_>| {
            let name = &field.name[..field.name.len().min(MOST_NAME)];
            name.escape_ascii().to_string()
        };
        Self { stream, field: field.map(shown), rule }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field {
            Some(field) => write!(f, "field \"{field}\": {}", self.rule),
            None => f.write_str(self.rule),
        }
    }
}

/// The first field that is malformed whatever the section.
fn by_itself(fields: &Fields) -> Option<Field<'_>> {
    let mut facts = Facts::default();
    fields.iter().find(|field| {
        facts.note(field.value, Mark::of_name(field.name).with_value(field.value));
        facts.is_malformed()
    })
}

/// The first pseudo-header that does not belong into the section.
fn out_of_place(fields: &Fields, expected: Expected) -> Option<Field<'_>> {
    let of_status = |field: &Field<'_>| field.name == b":status";
    fields.iter().filter(|field| field.name.starts_with(b":")).find(|field| match expected {
        Expected::Request => of_status(field),
        Expected::Response => !of_status(field),
        Expected::Trailers => true,
    })
}

fn unlike<'f>(fields: &'f Fields, rule: &str) -> Option<Field<'f>> {
    fields.iter().find(|field| rule == Facts::UNLIKE_HOST && field.name == b"host")
}
