//! What a server does about what it hears on a connection.

use super::{Line, Serving};
use crate::agenda::Event;
use crate::client::number;
use crate::execution::Seen;
use crate::passage::Conn;
use crate::scenario::{Ending, Starts};
use crate::world::World;
use tulle_http2::{ErrorCode, Event as Http2, Fields, HeadersKind, StreamId};
use tulle_mesh::resilience::deadline::parse_timeout;

pub(super) fn on_event(world: &mut World<'_>, at: (usize, Conn), line: &mut Line, event: Http2<'_>, fields: &Fields) {
    match event {
        Http2::Headers { stream, kind: HeadersKind::Request, end_stream, .. } => {
            line.stack.highest = stream.get();
            begin(world, at, line, stream, fields);
            if end_stream {
                request_ended(world, at, line, stream);
            }
        }
        Http2::Headers { .. } => world.judge.violated("crossed", "a request has trailers that nobody sent".into()),
        Http2::Data { stream, payload, end_stream, .. } => {
            line.stack.took(stream, payload.len() as u32, end_stream);
            if let Some(serving) = line.serving.get_mut(&stream.get()) {
                world.judge.came_up(serving.call, serving.received, payload);
                serving.received += payload.len() as u64;
            }
            if end_stream {
                request_ended(world, at, line, stream);
            }
        }
        Http2::Reset { stream, .. } => {
            line.stack.forget(stream);
            line.resets.count(world.now);
            if let Some(serving) = line.serving.remove(&stream.get()) {
                world.judge.works_at(serving.call, world.now);
            }
        }
        Http2::HeadersRefused { limit, .. } => {
            world.judge.violated("http2", format!("a server was sent fields over its limit: {}", limit));
        }
        Http2::StreamError { code: ErrorCode::REFUSED_STREAM, .. } => {}
        Http2::StreamError { stream, cause, .. } => {
            world
                .judge
                .violated("http2", format!("a sidecar broke HTTP/2 at a server on stream {}: {cause}", stream.get()));
        }
        Http2::Pong { payload } => {
            line.stack.pong(payload);
            line.hear_pong(payload);
        }
        Http2::GoAway { .. } | Http2::Settings | Http2::Refused { .. } => {}
    }
}

fn begin(world: &mut World<'_>, (server, conn): (usize, Conn), line: &mut Line, stream: StreamId, fields: &Fields) {
    let timeout = fields.get(b"grpc-timeout").and_then(parse_timeout);
    let path = fields.get(b":path").unwrap_or_default();
    let id = number(fields, b"x-call").map_or(usize::MAX, |id| id as usize);
    let seen = Seen { id, path, server, timeout };
    let Some((call, execution)) = world.judge.executed(world.now, seen) else { return };
    let reply = world.scenario.calls[call].reply(execution);
    world.note("execute", &[id as u64, execution as u64, server as u64], || {
        format!("{id} execution {execution} at server {server} on {conn:?} stream {}", stream.get())
    });
    let serving = Serving {
        call,
        stream,
        execution,
        reply,
        received: 0,
        has_begun: false,
        has_head: false,
        pieces: 0,
        sent: 0,
        asked: false,
        said: false,
    };
    line.serving.insert(stream.get(), serving);
    if reply.starts == Starts::AtHead || reply.ending == Ending::Refuse {
        start(world, (server, conn), line, stream);
    }
}

fn request_ended(world: &mut World<'_>, at: (usize, Conn), line: &mut Line, stream: StreamId) {
    let Some(serving) = line.serving.get_mut(&stream.get()) else { return };
    serving.asked = true;
    world.judge.came_up_whole(serving.call, serving.received);
    start(world, at, line, stream);
}

fn start(world: &mut World<'_>, (server, conn): (usize, Conn), line: &mut Line, stream: StreamId) {
    let Some(serving) = line.serving.get_mut(&stream.get()) else { return };
    if !std::mem::replace(&mut serving.has_begun, true) {
        let wait = serving.reply.delay;
        world.after(wait, Event::Serve { server, conn, stream: stream.get() });
    }
}
