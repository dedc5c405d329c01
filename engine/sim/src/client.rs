//! An application that calls, with its own HTTP/2 and its own idea of time.

use crate::agenda::Event;
use crate::fault::{Link, Side};
use crate::judge::{End, Own, Told};
use crate::passage::{Actor, Conn, News};
use crate::pattern::{self, Whose};
use crate::policy::AUTHORITY;
use crate::reading::Reading;
use crate::scenario::{ClientPlan, Entry};
use crate::stack::{Manners, Stack};
use crate::world::World;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use tulle_http2::{ErrorCode, Event as Http2, Fields, HeadersKind, Role, StreamId, Token};

const CONNECT: &[u8] = b"CONNECT echo.shop:80 HTTP/1.1\r\nhost: echo.shop:80\r\n\r\n";
/// After its connection was refused.
const REDIAL: Duration = Duration::from_millis(100);
/// SETTINGS_MAX_FRAME_SIZE of every client.
const FRAME: u32 = 16_384;

/// One connection.
struct Line {
    stack: Stack,
    ready: bool,
    /// What is left of the answer to a CONNECT.
    http1: Option<Vec<u8>>,
    talks: BTreeMap<u32, Talk>,
    going_away: bool,
}

/// One call on its stream.
struct Talk {
    call: usize,
    stream: StreamId,
    pieces: u32,
    sent: u64,
    got: u64,
    http: u32,
    /// Which execution answers.
    execution: Option<usize>,
    ended: bool,
}

pub(crate) struct Client {
    index: usize,
    plan: ClientPlan,
    lines: BTreeMap<Conn, Line>,
    current: Option<Conn>,
    /// Calls that have no stream yet.
    waiting: VecDeque<usize>,
    pub(crate) paused: bool,
    /// It has read of its socket, and not yet got through that.
    is_sated: bool,
    reading: Reading,
}

// === impl Client ===

impl Client {
    pub(crate) fn new(index: usize, plan: ClientPlan) -> Self {
        let reading = Reading::new(plan.pace, Event::ClientReads(index));
        let (lines, waiting) = (BTreeMap::new(), VecDeque::new());
        Self { index, plan, lines, current: None, waiting, paused: false, is_sated: false, reading }
    }

    pub(crate) fn call(&mut self, world: &mut World<'_>, call: usize) {
        self.waiting.push_back(call);
        self.serve_waiting(world);
    }

    fn dial(&mut self, world: &mut World<'_>) {
        let (from, to) = (Actor::Client(self.index), Actor::Sidecar(0));
        let conn = world.net.dial(world.now, &mut world.agenda, from, to, Link::Entry(self.index));
        let ClientPlan { window, pace, estimates, .. } = self.plan;
        let manners = Manners { window, max_streams: 0, max_frame: FRAME, pace, estimates };
        let tunnel = self.plan.entry == Entry::Connect;
        let first: &[u8] = if tunnel { CONNECT } else { b"" };
        let stack = Stack::new(Role::Client, manners, first);
        let http1 = tunnel.then(Vec::new);
        self.lines.insert(conn, Line { stack, ready: false, http1, talks: BTreeMap::new(), going_away: false });
        self.current = Some(conn);
    }

    pub(crate) fn redial(&mut self, world: &mut World<'_>) {
        self.serve_waiting(world);
    }

    /// Calls get streams while there are some.
    fn serve_waiting(&mut self, world: &mut World<'_>) {
        while let Some(call) = self.waiting.front().copied() {
            let Some(conn) = self.current else { return self.dial(world) };
            let line = self.lines.get_mut(&conn).expect("the current line");
            if !line.ready || line.http1.is_some() || line.stack.codec.capacity() == 0 {
                return;
            }
            self.waiting.pop_front();
            if !world.judge.is_over(call) {
                self.open(world, conn, call);
            }
        }
    }

    fn open(&mut self, world: &mut World<'_>, conn: Conn, call: usize) {
        let plan = &world.scenario.calls[call];
        let fields = head(plan);
        let line = self.lines.get_mut(&conn).expect("a line");
        let stream = line.stack.codec.open(Token(0), &fields, plan.request.pieces == 0).expect("a stream");
        let talk = Talk { call, stream, pieces: 0, sent: 0, got: 0, http: 0, execution: None, ended: false };
        line.talks.insert(stream.get(), talk);
        world.judge.sent(call, world.now, conn, stream.get());
        world.note("call", &[plan.id as u64], || {
            format!("{} begins: {:?} on {conn:?} stream {}", plan.id, plan.kind, stream.get())
        });
        if let Some(after) = plan.cancel_after {
            world.after(after, Event::Cancel(call));
        }
        if let Some(timeout) = plan.timeout.filter(|_| self.plan.keeps_deadlines) {
            world.after(timeout, Event::CallersTimeOver(call));
        }
        self.say(world, call);
    }

    /// The next piece of a request.
    pub(crate) fn say(&mut self, world: &mut World<'_>, call: usize) {
        let plan = &world.scenario.calls[call];
        let Some((conn, talk, stack)) = self.talk(call) else { return };
        while talk.pieces < plan.request.pieces {
            talk.pieces += 1;
            let last = talk.pieces == plan.request.pieces;
            talk.sent +=
                send(stack, talk.stream, Whose::Request { call: plan.id }, talk.sent, plan.request.bytes, last);
            if !last && !plan.request.gap.is_zero() {
                world.after(plan.request.gap, Event::Say(call));
                break;
            }
        }
        self.flush(world, conn);
    }

    pub(crate) fn give_up(&mut self, world: &mut World<'_>, call: usize, why: Own) {
        if world.judge.is_over(call) {
            return;
        }
        if let Some((conn, talk, stack)) = self.talk(call) {
            let stream = talk.stream;
            stack.codec.reset(stream, ErrorCode::CANCEL);
            stack.forget(stream);
            self.lines.get_mut(&conn).expect("a line").talks.remove(&stream.get());
            self.flush(world, conn);
        }
        world.judge.ended(call, world.now, End::Own(why));
    }

    /// Closes everything; its calls are its own fault.
    pub(crate) fn leave(&mut self, world: &mut World<'_>) {
        for (conn, line) in std::mem::take(&mut self.lines) {
            for talk in line.talks.values() {
                world.judge.ended(talk.call, world.now, End::Own(Own::Left));
            }
            world.close(conn, Side::Dialer);
        }
        self.current = None;
        for call in std::mem::take(&mut self.waiting) {
            world.judge.ended(call, world.now, End::Own(Own::Left));
        }
    }

    pub(crate) fn news(&mut self, world: &mut World<'_>, conn: Conn, news: News) {
        match news {
            News::Established => {
                if let Some(line) = self.lines.get_mut(&conn) {
                    line.ready = true;
                }
                self.flush(world, conn);
                self.serve_waiting(world);
            }
            News::Refused => self.refused(world, conn),
            News::Readable => self.read(world, conn),
            News::Writable => self.flush(world, conn),
            News::Closed => self.closed(world, conn),
            News::Accepted => {}
        }
    }

    /// Nobody listens: those that wait are told, as a library without wait-for-ready does.
    fn refused(&mut self, world: &mut World<'_>, conn: Conn) {
        self.lines.remove(&conn);
        self.current = None;
        for call in std::mem::take(&mut self.waiting) {
            world.judge.ended(call, world.now, End::NotSent);
        }
    }

    fn closed(&mut self, world: &mut World<'_>, conn: Conn) {
        let Some(line) = self.lines.remove(&conn) else { return };
        for talk in line.talks.values().filter(|talk| !talk.ended) {
            world.judge.ended(talk.call, world.now, End::Lost);
        }
        world.close(conn, Side::Dialer);
        if self.current == Some(conn) {
            self.current = None;
            world.after(REDIAL, Event::Redial(self.index));
        }
    }

    pub(crate) fn resume(&mut self, world: &mut World<'_>) {
        self.paused = false;
        for conn in self.lines.keys().copied().collect::<Vec<_>>() {
            self.read(world, conn);
        }
    }

    pub(crate) fn sip(&mut self, world: &mut World<'_>) {
        self.is_sated = false;
        for conn in self.lines.keys().copied().collect::<Vec<_>>() {
            self.read(world, conn);
        }
    }

    fn read(&mut self, world: &mut World<'_>, conn: Conn) {
        while !self.paused
            && !self.is_sated
            && self.lines.contains_key(&conn)
            && let Some(bytes) = world.read(conn, Side::Dialer)
        {
            self.receive(world, conn, &bytes);
            if let Some(pause) = self.plan.sips {
                self.is_sated = true;
                world.after(pause, Event::Sip(self.index));
            }
        }
        self.flush(world, conn);
        self.serve_waiting(world);
        self.reading.go_on(world, self.lines.values().map(|line| &line.stack));
    }

    fn receive(&mut self, world: &mut World<'_>, conn: Conn, bytes: &[u8]) {
        let line = self.lines.get_mut(&conn).expect("a line");
        let mut input = bytes;
        let whole;
        if let Some(answer) = &mut line.http1 {
            answer.extend_from_slice(bytes);
            let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return };
            if !answer.starts_with(b"HTTP/1.1 200 ") {
                return world.judge.violated("connect", format!("CONNECT was answered {}", answer.escape_ascii()));
            }
            whole = answer.split_off(end + 4);
            line.http1 = None;
            input = &whole;
        }
        let mut fields = Fields::new();
        let now = world.instant();
        loop {
            match line.stack.codec.receive(now, &mut input, &mut fields) {
                Ok(Some(event)) => on_event(world, line, event, &fields),
                Ok(None) => return,
                Err(error) => {
                    return world.judge.violated("http2", format!("the callers' sidecar broke HTTP/2: {error:?}"));
                }
            }
            if line.going_away && self.current == Some(conn) {
                self.current = None;
            }
        }
    }

    fn flush(&mut self, world: &mut World<'_>, conn: Conn) {
        let Some(line) = self.lines.get_mut(&conn).filter(|line| line.ready) else { return };
        world.flush(conn, Side::Dialer, &mut line.stack);
        for talk in line.talks.values() {
            let queued = line.stack.codec.queued(talk.stream) as u64;
            world.judge.went_up(talk.call, talk.sent - queued);
        }
    }

    pub(crate) fn read_on(&mut self, world: &mut World<'_>) {
        self.reading.begin();
        for conn in self.lines.keys().copied().collect::<Vec<_>>() {
            self.lines.get_mut(&conn).expect("a line").stack.read_on();
            self.flush(world, conn);
        }
        self.reading.go_on(world, self.lines.values().map(|line| &line.stack));
    }

    fn talk(&mut self, call: usize) -> Option<(Conn, &mut Talk, &mut Stack)> {
        self.lines.iter_mut().find_map(|(conn, line)| {
            let talk = line.talks.values_mut().find(|talk| talk.call == call && !talk.ended)?;
            Some((*conn, talk, &mut line.stack))
        })
    }
}

/// Queues `length` bytes of a message; gives their number.
pub(crate) fn send(stack: &mut Stack, stream: StreamId, whose: Whose, at: u64, length: u32, last: bool) -> u64 {
    let mut left = length as usize;
    let mut at = at;
    loop {
        let some = left.min(pattern::MOST);
        left -= some;
        stack.codec.send_data(stream, whose.bytes(at, some), last && left == 0);
        at += some as u64;
        if left == 0 {
            return u64::from(length);
        }
    }
}

fn head(plan: &crate::scenario::CallPlan) -> Fields {
    let mut fields = Fields::new();
    fields.push(b":method", b"POST");
    fields.push(b":scheme", b"http");
    fields.push(b":path", format!("/{}", plan.kind.method()).as_bytes());
    fields.push(b":authority", AUTHORITY.as_bytes());
    fields.push(b"te", b"trailers");
    fields.push(b"content-type", b"application/grpc");
    fields.push(b"x-call", plan.id.to_string().as_bytes());
    if let Some(timeout) = plan.timeout {
        fields.push(b"grpc-timeout", format!("{}m", timeout.as_millis()).as_bytes());
    }
    if plan.head_bytes > 0 {
        fields.push(b"x-long", &vec![b'a'; plan.head_bytes as usize]);
    }
    fields
}

fn on_event(world: &mut World<'_>, line: &mut Line, event: Http2<'_>, fields: &Fields) {
    match event {
        Http2::Headers { stream, kind, end_stream, .. } => {
            let Some(talk) = line.talks.get_mut(&stream.get()) else { return };
            if kind == HeadersKind::Response {
                talk.http = number(fields, b":status").unwrap_or(0);
                talk.execution = number(fields, b"x-exec").map(|n| n as usize);
                world.judge.is_of(talk.call, fields);
            }
            if end_stream {
                told(world, talk, fields, kind);
                line.talks.remove(&stream.get());
                line.stack.forget(stream);
            }
        }
        Http2::Data { stream, payload, end_stream, .. } => {
            line.stack.took(stream, payload.len() as u32, end_stream);
            let Some(talk) = line.talks.get_mut(&stream.get()) else { return };
            world.judge.came_down(talk.call, talk.execution, talk.got, payload);
            talk.got += payload.len() as u64;
            if end_stream {
                told(world, talk, &Fields::new(), HeadersKind::Trailers);
                line.talks.remove(&stream.get());
            }
        }
        Http2::Reset { stream, code, .. } => finish(world, line, stream, End::Reset(code.0)),
        Http2::Refused { stream, .. } => finish(world, line, stream, End::Refused),
        Http2::StreamError { stream, cause, .. } => {
            world
                .judge
                .violated("http2", format!("the callers' sidecar broke HTTP/2 on stream {}: {cause}", stream.get()));
        }
        Http2::HeadersRefused { limit, .. } => {
            world.judge.violated("http2", format!("a caller was sent fields over its limit: {limit}"));
        }
        Http2::GoAway { .. } => line.going_away = true,
        Http2::Pong { payload } => line.stack.pong(payload),
        Http2::Settings => {}
    }
}

fn told(world: &mut World<'_>, talk: &mut Talk, fields: &Fields, kind: HeadersKind) {
    talk.ended = true;
    let told = Told {
        status: number(fields, b"grpc-status"),
        http: talk.http,
        reason: fields.get(b"tulle-reason").map(|reason| String::from_utf8_lossy(reason).into_owned()),
        message: fields.get(b"grpc-message").map(|m| String::from_utf8_lossy(m).into_owned()).unwrap_or_default(),
        head: talk.execution,
        tail: number(fields, b"x-exec").map(|n| n as usize),
        bytes: talk.got,
        is_only: kind == HeadersKind::Response,
    };
    world.note("told", &[talk.call as u64, u64::from(told.status.unwrap_or(99))], || {
        format!("{} {told:?}", world_id(talk))
    });
    world.judge.ended(talk.call, world.now, End::Told(told));
}

fn world_id(talk: &Talk) -> String {
    format!("call at {}", talk.call)
}

fn finish(world: &mut World<'_>, line: &mut Line, stream: StreamId, end: End) {
    line.stack.forget(stream);
    if let Some(talk) = line.talks.remove(&stream.get()) {
        world.judge.ended(talk.call, world.now, end);
    }
}

pub(crate) fn number(fields: &Fields, name: &[u8]) -> Option<u32> {
    std::str::from_utf8(fields.get(name)?).ok()?.parse().ok()
}
