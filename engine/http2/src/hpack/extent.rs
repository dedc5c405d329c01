//! How far a piece of a header block holds whole fields: found by the framing of RFC 7541 §6 alone, nothing is decoded.

use super::integer;

/// Size updates that may begin a block (RFC 7541 §4.2).
const MOST_UPDATES: usize = 2;
/// Most octets of an integer that we read: one that is given so many and is no integer is broken, not cut off.
const INTEGER: usize = 5;

/// What lies behind the whole fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// The beginning of a field, or nothing.
    Cut,
    /// The beginning of a field whose value is too long to be kept: so many bytes until the value's own begin, and how
    /// many those are in all.
    LongValue { head: usize, length: usize },
    /// The beginning of a field whose name is too long to be kept.
    LongName,
    /// What is no HPACK; the decoder says why.
    Broken,
}

/// Bytes of a value that are waited for even where it is too long to be kept: what it begins with may be told.
const GLANCE: usize = 2 * 1024;

/// Why a field does not end within its piece.
type Short = Rest;

/// Bytes of `piece` that hold whole fields, and what follows them. Strings of over `longest` bytes are not waited for.
/// Size updates count once a field follows: together with it they are judged.
pub(super) fn whole_fields(piece: &[u8], longest: usize) -> (usize, Rest) {
    let (mut whole, mut at, mut updates) = (0, 0, 0);
    while let Some(&first) = piece.get(at) {
        let is_update = first & 0xe0 == 0x20;
        updates += usize::from(is_update);
        match field(&piece[at..], longest) {
            Ok(_) if is_update && updates > MOST_UPDATES => return (whole, Rest::Broken),
            Ok(bytes) => at += bytes,
            Err(rest @ Rest::LongValue { .. }) => return (at, rest),
            Err(rest) => return (whole, rest),
        }
        if !is_update {
            whole = at;
        }
    }
    (whole, Rest::Cut)
}

/// Bytes of the field or size update that `source` begins with.
fn field(source: &[u8], longest: usize) -> Result<usize, Short> {
    let mut rest = source;
    let (prefix, is_literal) = match source.first() {
        Some(0x80..) => (7, false),
        Some(0x40..) => (6, true),
        Some(0x20..) => (5, false),
        _ => (4, true),
    };
    let index = number(&mut rest, prefix)?;
    if is_literal {
        if index == 0 {
            string(&mut rest, longest).map_err(|short| match short {
                Rest::LongValue { .. } => Rest::LongName,
                short => short,
            })?;
        }
        let before = source.len() - rest.len();
        string(&mut rest, longest).map_err(|short| match short {
            Rest::LongValue { head, length } => Rest::LongValue { head: before + head, length },
            short => short,
        })?;
    }
    Ok(source.len() - rest.len())
}

fn string(source: &mut &[u8], longest: usize) -> Result<(), Short> {
    let before = source.len();
    let length = number(source, 7)? as usize;
    match source.split_at_checked(length) {
        Some((_, rest)) => *source = rest,
        None if length > longest && source.len() >= GLANCE => {
            return Err(Rest::LongValue { head: before - source.len(), length });
        }
        None => return Err(Rest::Cut),
    }
    Ok(())
}

fn number(source: &mut &[u8], prefix: u32) -> Result<u32, Short> {
    let given = source.len();
    integer::read(source, prefix).ok_or(if given < INTEGER { Rest::Cut } else { Rest::Broken })
}
