//! An ordered list of fields in one arena, made once and used again.

/// One field of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'f> {
    /// Lower-case name, pseudo-headers with their colon.
    pub name: &'f [u8],
    /// The value's bytes.
    pub value: &'f [u8],
    /// Must stay a never-indexed literal on every hop (RFC 7541 §7.1.3).
    pub never_indexed: bool,
    /// Cached hash of name and value; 0 where not computed.
    pub(crate) hash: u32,
}

/// An ordered field list: names and values lie in one arena, so clearing and filling again allocates nothing.
#[derive(Debug, Default)]
pub struct Fields {
    bytes: Vec<u8>,
    spans: Vec<Span>,
}

/// Walks a [`Fields`] in order.
#[derive(Clone, Debug)]
pub struct FieldIter<'f> {
    bytes: &'f [u8],
    spans: std::slice::Iter<'f, Span>,
}

/// A field whose value lies right behind its name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair<'f> {
    pub(crate) bytes: &'f [u8],
    /// Bytes of the name.
    pub(crate) name: usize,
    pub(crate) never_indexed: bool,
    /// 0 where not computed.
    pub(crate) hash: u32,
}

#[derive(Clone, Copy, Debug)]
struct Span {
    start: u32,
    name: u32,
    value: u32,
    hash: u32,
    never_indexed: bool,
}

// === impl Fields ===

impl Fields {
    /// An empty list.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets all fields, keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.spans.clear();
    }

    /// Appends a field.
    #[inline]
    pub fn push(&mut self, name: &[u8], value: &[u8]) {
        self.append(name, value, false, 0);
    }

    /// Appends a field that no hop may put in a table (RFC 7541 §7.1.3).
    pub fn push_never_indexed(&mut self, name: &[u8], value: &[u8]) {
        self.append(name, value, true, 0);
    }

    /// Appends a field of another list with its flag and its cached hash.
    #[inline]
    pub fn push_field(&mut self, field: &Field<'_>) {
        self.append(field.name, field.value, field.never_indexed, field.hash);
    }

    /// Bytes of memory that the list holds, used or not.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.bytes.capacity() + self.spans.capacity() * size_of::<Span>()
    }

    /// The fields in order.
    #[inline]
    #[must_use]
    pub fn iter(&self) -> FieldIter<'_> {
        FieldIter { bytes: &self.bytes, spans: self.spans.iter() }
    }

    /// The first value under `name`.
    #[must_use]
    pub fn get(&self, name: &[u8]) -> Option<&[u8]> {
        let span = self.spans.iter().find(|span| span.is_named(name, &self.bytes))?;
        Some(field(&self.bytes, span).value)
    }

    /// Gives `value` to every field called `name`, where it stands; says whether there was one. What it had stays in
    /// the arena until `clear`.
    pub fn set(&mut self, name: &[u8], value: &[u8]) -> bool {
        let Self { bytes, spans } = self;
        let mut found = false;
        for span in spans.iter_mut().filter(|span| span.name as usize == name.len()) {
            if span.is_named(name, bytes) {
                *span = put(bytes, name, value, span.never_indexed, 0);
                found = true;
            }
        }
        found
    }

    /// How many fields.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The list's size as RFC 9113 §6.5.2 counts it: 32 bytes more for each field.
    #[must_use]
    pub fn list_bytes(&self) -> usize {
        self.spans.iter().map(|s| s.name as usize + s.value as usize + 32).sum()
    }

    /// Drops the fields for which `keep` says no; their bytes stay in the arena until `clear`.
    pub fn retain(&mut self, mut keep: impl FnMut(Field<'_>) -> bool) {
        let bytes = &self.bytes;
        self.spans.retain(|span| keep(field(bytes, span)));
    }

    /// Drops every field called `name`.
    pub fn remove(&mut self, name: &[u8]) {
        self.retain(|f| f.name != name);
    }

    /// The fields as the encoder wants them: name and value in one piece.
    #[inline]
    pub(crate) fn pairs(&self) -> impl Iterator<Item = Pair<'_>> {
        self.spans.iter().map(|span| {
            let start = span.start as usize;
            Pair {
                bytes: &self.bytes[start..start + (span.name + span.value) as usize],
                name: span.name as usize,
                never_indexed: span.never_indexed,
                hash: span.hash,
            }
        })
    }

    /// Appends a field that a table has in one piece.
    #[inline]
    pub(crate) fn append_pair(&mut self, pair: Pair<'_>) {
        let start = self.bytes.len() as u32;
        self.bytes.extend_from_slice(pair.bytes);
        self.spans.push(Span {
            start,
            name: pair.name as u32,
            value: (pair.bytes.len() - pair.name) as u32,
            hash: pair.hash,
            never_indexed: pair.never_indexed,
        });
    }

    #[inline]
    pub(crate) fn append(&mut self, name: &[u8], value: &[u8], never_indexed: bool, hash: u32) {
        let span = put(&mut self.bytes, name, value, never_indexed, hash);
        self.spans.push(span);
    }
}

// === impl Span ===

impl Span {
    /// The length first: it rules out most, and costs no look at the arena.
    #[inline]
    fn is_named(&self, name: &[u8], bytes: &[u8]) -> bool {
        let start = self.start as usize;
        self.name as usize == name.len() && &bytes[start..start + name.len()] == name
    }
}

impl Clone for Fields {
    fn clone(&self) -> Self {
        Self { bytes: self.bytes.clone(), spans: self.spans.clone() }
    }

    fn clone_from(&mut self, source: &Self) {
        self.bytes.clone_from(&source.bytes);
        self.spans.clone_from(&source.spans);
    }
}

impl PartialEq for Fields {
    fn eq(&self, other: &Self) -> bool {
        let key = |f: Field<'_>| (f.name.to_vec(), f.value.to_vec(), f.never_indexed);
        self.len() == other.len() && self.iter().map(key).eq(other.iter().map(key))
    }
}

impl Eq for Fields {}

impl<'f> IntoIterator for &'f Fields {
    type Item = Field<'f>;
    type IntoIter = FieldIter<'f>;

    fn into_iter(self) -> FieldIter<'f> {
        self.iter()
    }
}

// === impl Pair ===

impl<'f> Pair<'f> {
    #[inline]
    pub(crate) fn name(self) -> &'f [u8] {
        &self.bytes[..self.name]
    }

    #[inline]
    pub(crate) fn value(self) -> &'f [u8] {
        &self.bytes[self.name..]
    }
}

// === impl FieldIter ===

impl<'f> Iterator for FieldIter<'f> {
    type Item = Field<'f>;

    #[inline]
    fn next(&mut self) -> Option<Field<'f>> {
        self.spans.next().map(|span| field(self.bytes, span))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.spans.size_hint()
    }
}

impl ExactSizeIterator for FieldIter<'_> {}

#[inline]
fn put(bytes: &mut Vec<u8>, name: &[u8], value: &[u8], never_indexed: bool, hash: u32) -> Span {
    let start = bytes.len() as u32;
    bytes.extend_from_slice(name);
    bytes.extend_from_slice(value);
    Span { start, name: name.len() as u32, value: value.len() as u32, hash, never_indexed }
}

#[inline]
fn field<'f>(bytes: &'f [u8], span: &Span) -> Field<'f> {
    let (start, middle) = (span.start as usize, (span.start + span.name) as usize);
    Field {
        name: &bytes[start..middle],
        value: &bytes[middle..middle + span.value as usize],
        never_indexed: span.never_indexed,
        hash: span.hash,
    }
}
