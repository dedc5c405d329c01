//! What a server's replies say in their fields.

use crate::scenario::{Ending, Reply};
use tulle_http2::Fields;

pub(super) fn has_head(reply: &Reply) -> bool {
    !matches!(reply.ending, Ending::Only(_) | Ending::Http(_) | Ending::Refuse)
        && (reply.body.pieces > 0 || matches!(reply.ending, Ending::Status(_) | Ending::NoStatus))
}

pub(super) fn response(reply: &Reply, id: usize, execution: usize) -> Fields {
    let mut fields = Fields::new();
    let status = if let Ending::Http(status) = reply.ending { status } else { 200 };
    fields.push(b":status", status.to_string().as_bytes());
    fields.push(b"content-type", b"application/grpc");
    name(reply, &mut fields, id, execution);
    fields
}

pub(super) fn trailers(reply: &Reply, id: usize, execution: usize, code: u32) -> Fields {
    let mut fields = Fields::new();
    fields.push(b"grpc-status", code.to_string().as_bytes());
    name(reply, &mut fields, id, execution);
    claim(reply, &mut fields);
    fields
}

/// What only sidecars should say.
pub(super) fn claim(reply: &Reply, fields: &mut Fields) {
    if let Some(reason) = reply.claims {
        fields.push(b"tulle-reason", reason.as_bytes());
    }
}

fn name(reply: &Reply, fields: &mut Fields, id: usize, execution: usize) {
    fields.push(b"x-call", id.to_string().as_bytes());
    fields.push(b"x-exec", execution.to_string().as_bytes());
    if let Some(pushback) = reply.pushback {
        fields.push(b"grpc-retry-pushback-ms", pushback.to_string().as_bytes());
    }
}
