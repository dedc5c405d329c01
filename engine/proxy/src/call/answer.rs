//! What an answer says of itself, and how much of that is believed: nobody speaks for the mesh but the mesh.

use super::Call;
use crate::pool::Target;
use tulle_http2::Fields;
use tulle_mesh::reason::Reason;
use tulle_mesh::resilience::retry::{Pushback, Told, parse_previous};
use tulle_mesh::status::Code;

/// Names the reason of a status that a proxy made (`REASON_TRAILER` in `protos/names.py`).
pub(crate) const REASON_TRAILER: &[u8] = b"tulle-reason";
/// Attempts that were made before (gRFC A6); in a failing answer, those after which a server may have acted.
pub(crate) const PREVIOUS_ATTEMPTS: &[u8] = b"grpc-previous-rpc-attempts";
const PUSHBACK: &[u8] = b"grpc-retry-pushback-ms";

/// Who gives an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaker {
    /// The application beside this sidecar, or an endpoint that has proved nothing: what it says in the mesh's name goes no
    /// further.
    Application,
    /// A sidecar whose identity is proven.
    Sidecar,
}

/// What a response's head or trailers say.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Said {
    /// 0 in trailers.
    pub(crate) http_status: u16,
    pub(crate) code: Option<Code>,
    pub(crate) pushback: Option<Pushback>,
    /// Why a proxy made the status.
    pub(crate) reason: Option<Reason>,
    /// Retries that were made further down.
    pub(crate) below: u32,
}

// === impl Speaker ===

impl Speaker {
    pub(crate) fn of(call: &Call) -> Self {
        match call.attempt.as_ref().map(|attempt| &attempt.target) {
            Some(Target::Endpoint(cell)) if cell.identity.is_some() => Self::Sidecar,
            Some(Target::Endpoint(_) | Target::Application(_)) | None => Self::Application,
        }
    }
}

// === impl Said ===

impl Said {
    /// Reads an answer's fields, and drops those that an application has no right to.
    pub(crate) fn by(speaker: Speaker, fields: &mut Fields) -> Self {
        let (mut said, mut as_mesh) = (Self::default(), false);
        for field in &*fields {
            match field.name {
                b":status" => said.http_status = number(field.value),
                b"grpc-status" if said.code.is_none() => said.code = Some(Code::from_header(field.value)),
                PUSHBACK => said.pushback = Some(Pushback::parse(field.value)),
                REASON_TRAILER => {
                    as_mesh = true;
                    said.reason = Reason::from_header(field.value);
                }
                PREVIOUS_ATTEMPTS => {
                    as_mesh = true;
                    said.below = parse_previous(field.value);
                }
                _ => {}
            }
        }
        if as_mesh && speaker == Speaker::Application {
            (said.reason, said.below) = (None, 0);
            fields.retain(|field| !matches!(field.name, REASON_TRAILER | PREVIOUS_ATTEMPTS));
        }
        said
    }
}

/// Marks a failing answer for whoever might try the call once more; nothing else of it changes.
pub(crate) fn tell(told: Told, fields: &mut Fields) {
    if told.previous_attempts > 0 {
        fields.remove(PREVIOUS_ATTEMPTS);
        fields.push(PREVIOUS_ATTEMPTS, told.previous_attempts.to_string().as_bytes());
    }
    if told.pushback_never {
        fields.remove(PUSHBACK);
        fields.push(PUSHBACK, b"-1");
    }
}

/// Three digits (the codec lets nothing else pass), or 0.
fn number(text: &[u8]) -> u16 {
    let [a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'] = text else { return 0 };
    u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0')
}
