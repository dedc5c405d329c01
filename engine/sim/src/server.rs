//! An application that is called, and that does with each call what the scenario says.

mod age;
mod hearing;
mod resets;
mod words;

use crate::agenda::Event;
use crate::client::send;
use crate::fault::Side;
use crate::passage::{Actor, Conn, News};
use crate::pattern::Whose;
use crate::pings::Pings;
use crate::reading::Reading;
use crate::scenario::{Ending, Reply, ServerPlan};
use crate::stack::{Manners, Stack};
use crate::world::World;
use hearing::on_event;
use resets::Resets;
use std::collections::BTreeMap;
use tulle_http2::{ErrorCode, Fields, Role, StreamId};
use words::{claim, has_head, response, trailers};

struct Line {
    stack: Stack,
    serving: BTreeMap<u32, Serving>,
    /// Its last stream is named; it ends with that.
    leaves: bool,
    resets: Resets,
}

/// One execution of a call.
struct Serving {
    call: usize,
    stream: StreamId,
    execution: usize,
    reply: Reply,
    received: u64,
    has_begun: bool,
    has_head: bool,
    pieces: u32,
    sent: u64,
    /// All of the request is here; all of the reply has been said, be some of it queued.
    asked: bool,
    said: bool,
}

pub(crate) struct Server {
    index: usize,
    plan: ServerPlan,
    lines: BTreeMap<Conn, Line>,
    pub(crate) paused: bool,
    reading: Reading,
}

// === impl Line ===

impl Line {
    fn reset(&mut self, stream: StreamId, code: ErrorCode) {
        self.stack.codec.reset(stream, code);
        self.serving.remove(&stream.get());
    }

    /// Nothing more of a request is wanted whose answer is complete, be the request not.
    fn reset_what_is_answered(&mut self) {
        let codec = &self.stack.codec;
        let answered = |serving: &&Serving| serving.said && !serving.asked && codec.queued(serving.stream) == 0;
        let code = |serving: &Serving| Some((serving.stream, serving.reply.then_resets?));
        let resets: Vec<_> = self.serving.values().filter(answered).filter_map(code).collect();
        for (stream, code) in resets {
            self.reset(stream, ErrorCode(code));
        }
    }
}

// === impl Server ===

impl Server {
    pub(crate) fn new(index: usize, plan: ServerPlan) -> Self {
        let reading = Reading::new(plan.pace, Event::ServerReads(index));
        Self { index, plan, lines: BTreeMap::new(), paused: false, reading }
    }

    pub(crate) fn news(&mut self, world: &mut World<'_>, conn: Conn, news: News) {
        match news {
            News::Accepted => self.accept(world, conn),
            News::Readable => self.read(world, conn),
            News::Writable => self.flush(world, conn),
            News::Closed => {
                self.lines.remove(&conn);
                world.close(conn, Side::Listener);
            }
            News::Established | News::Refused => {}
        }
    }

    fn accept(&mut self, world: &mut World<'_>, conn: Conn) {
        let ServerPlan { window, max_streams, max_frame, pace, habits, .. } = self.plan;
        let manners = Manners { window, max_streams, max_frame, pace, estimates: habits.estimates };
        let mut stack = Stack::new(Role::Server, manners, b"");
        stack.pings = habits.pings.map(|rule| Pings::new(rule, world.now));
        self.lines.insert(conn, Line { stack, serving: BTreeMap::new(), leaves: false, resets: Resets::default() });
        self.begin_to_age(world, conn);
        self.flush(world, conn);
    }

    /// The process is gone, and its connections with it.
    pub(crate) fn crash(&mut self, world: &mut World<'_>) {
        world.net.listening.remove(&Actor::Server(self.index));
        for (conn, _) in std::mem::take(&mut self.lines) {
            world.cut(conn);
        }
    }

    pub(crate) fn go_away(&mut self, world: &mut World<'_>) {
        for conn in self.lines.keys().copied().collect::<Vec<_>>() {
            self.lines.get_mut(&conn).expect("a line").stack.codec.shutdown();
            self.flush(world, conn);
        }
    }

    pub(crate) fn resettle(&mut self, world: &mut World<'_>, window: u32, max_streams: u32) {
        for conn in self.lines.keys().copied().collect::<Vec<_>>() {
            self.lines.get_mut(&conn).expect("a line").stack.resettle(window, max_streams);
            self.flush(world, conn);
        }
    }

    pub(crate) fn resume(&mut self, world: &mut World<'_>) {
        self.paused = false;
        for conn in self.lines.keys().copied().collect::<Vec<_>>() {
            self.read(world, conn);
        }
    }

    fn read(&mut self, world: &mut World<'_>, conn: Conn) {
        while !self.paused
            && self.lines.contains_key(&conn)
            && let Some(bytes) = world.read(conn, Side::Listener)
        {
            if self.is_pestered(world, conn, &bytes) {
                return self.lose_patience(world, conn);
            }
            self.receive(world, conn, &bytes);
            if self.lines.get(&conn).is_some_and(|line| line.is_flooded(self.plan.habits.most_resets)) {
                return self.end_at_once(world, conn, b"too_many_resets");
            }
        }
        self.flush(world, conn);
        self.reading.go_on(world, self.lines.values().map(|line| &line.stack));
    }

    fn is_pestered(&mut self, world: &World<'_>, conn: Conn, bytes: &[u8]) -> bool {
        let pings = self.lines.get_mut(&conn).and_then(|line| line.stack.pings.as_mut());
        pings.is_some_and(|pings| pings.heard(world.now, bytes))
    }

    /// As real ones do: with all its calls.
    fn lose_patience(&mut self, world: &mut World<'_>, conn: Conn) {
        let calls = self.lines.get(&conn).map_or(0, |line| line.serving.len());
        self.end_at_once(world, conn, b"too_many_pings");
        let words = format!("server {} was pinged too often and ends a connection with {calls} calls", self.index);
        world.judge.violated("pings", words);
    }

    fn end_at_once(&mut self, world: &mut World<'_>, conn: Conn, words: &[u8]) {
        let Some(line) = self.lines.get_mut(&conn) else { return };
        line.stack.complain(words);
        self.flush(world, conn);
        self.lines.remove(&conn);
        world.close(conn, Side::Listener);
    }

    fn receive(&mut self, world: &mut World<'_>, conn: Conn, mut input: &[u8]) {
        let mut fields = Fields::new();
        let now = world.instant();
        loop {
            let Some(line) = self.lines.get_mut(&conn) else { return };
            match line.stack.codec.receive(now, &mut input, &mut fields) {
                Ok(Some(event)) => on_event(world, (self.index, conn), line, event, &fields),
                Ok(None) => return,
                Err(error) => {
                    return world.judge.violated("http2", format!("a sidecar broke HTTP/2 at a server: {error:?}"));
                }
            }
        }
    }

    /// The next thing of a reply.
    pub(crate) fn serve(&mut self, world: &mut World<'_>, conn: Conn, stream: u32) {
        let Some(line) = self.lines.get_mut(&conn) else { return };
        let Some(serving) = line.serving.get_mut(&stream) else { return };
        if serving.said {
            return;
        }
        let reply = serving.reply;
        world.judge.works_at(serving.call, world.now);
        let id = world.scenario.calls[serving.call].id;
        if !serving.has_head && has_head(&reply) {
            serving.has_head = true;
            line.stack.codec.send_headers(serving.stream, &response(&reply, id, serving.execution), false);
        }
        if has_head(&reply) && serving.pieces < reply.body.pieces {
            serving.pieces += 1;
            let whose = Whose::Response { call: id, execution: serving.execution };
            serving.sent += send(&mut line.stack, serving.stream, whose, serving.sent, reply.body.bytes, false);
            let wait = if serving.pieces < reply.body.pieces { reply.body.gap } else { std::time::Duration::ZERO };
            world.after(wait, Event::Serve { server: self.index, conn, stream });
            return self.flush(world, conn);
        }
        self.end(world, conn, stream);
        self.flush(world, conn);
    }

    fn end(&mut self, world: &mut World<'_>, conn: Conn, stream: u32) {
        let line = self.lines.get_mut(&conn).expect("a line");
        let Some(serving) = line.serving.get(&stream) else { return };
        let (reply, id, at) = (serving.reply, world.scenario.calls[serving.call].id, serving.stream);
        let execution = serving.execution;
        world.note("reply", &[id as u64, execution as u64], || {
            format!("{id} execution {execution}: {:?}", reply.ending)
        });
        let codec = &mut line.stack.codec;
        match reply.ending {
            Ending::Status(code) => codec.send_headers(at, &trailers(&reply, id, execution, code), true),
            Ending::Only(code) => {
                let mut fields = response(&reply, id, execution);
                fields.push(b"grpc-status", code.to_string().as_bytes());
                claim(&reply, &mut fields);
                codec.send_headers(at, &fields, true);
            }
            Ending::Http(_) => codec.send_headers(at, &response(&reply, id, execution), true),
            Ending::NoStatus => {
                codec.send_data(at, b"", true);
            }
            Ending::Reset(code) => return line.reset(at, ErrorCode(code)),
            Ending::Refuse => return line.reset(at, ErrorCode::REFUSED_STREAM),
            Ending::Cut => {
                self.flush(world, conn);
                self.lines.remove(&conn);
                return world.cut(conn);
            }
            Ending::Silence => return,
        }
        if let Some(serving) = line.serving.get_mut(&stream) {
            serving.said = true;
        }
    }

    fn flush(&mut self, world: &mut World<'_>, conn: Conn) {
        let Some(line) = self.lines.get_mut(&conn) else { return };
        line.reset_what_is_answered();
        world.flush(conn, Side::Listener, &mut line.stack);
        for serving in line.serving.values() {
            let queued = line.stack.codec.queued(serving.stream) as u64;
            world.judge.went_down(serving.call, serving.sent - queued);
        }
        // What has just left the queue may have been an answer's end.
        line.reset_what_is_answered();
        world.flush(conn, Side::Listener, &mut line.stack);
        let codec = &line.stack.codec;
        line.serving.retain(|_, serving| !(serving.asked && serving.said) || codec.queued(serving.stream) > 0);
        self.close_if_left(world, conn);
    }

    pub(crate) fn read_on(&mut self, world: &mut World<'_>) {
        self.reading.begin();
        for conn in self.lines.keys().copied().collect::<Vec<_>>() {
            self.lines.get_mut(&conn).expect("a line").stack.read_on();
            self.flush(world, conn);
        }
        self.reading.go_on(world, self.lines.values().map(|line| &line.stack));
    }
}
