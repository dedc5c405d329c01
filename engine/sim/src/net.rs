//! The network: connections that delay, cut, hold back, lose and forget, and never reorder within one way.

use crate::agenda::{Agenda, Event};
use crate::chance;
use crate::fault::{Link, Side};
use crate::passage::{Actor, Conn, NetEvent, News, Taken};
use crate::scenario::{LinkPlan, NetworkPlan, Segments};
use crate::time::Time;
use crate::trace::Trace;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;
use tulle_mesh::random::Random;

/// Most bytes of one segment.
const MOST: usize = 65_536;
const MTU: usize = 1_448;

/// One way of a connection, towards one end.
#[derive(Debug, Default)]
struct Way {
    flight: VecDeque<Vec<u8>>,
    arrived: VecDeque<Vec<u8>>,
    /// Written and not known to be read.
    outstanding: usize,
    last: Time,
    written: u64,
}

#[derive(Debug)]
struct Connection {
    link: Link,
    ends: [Actor; 2],
    tls: bool,
    /// This end may read and write.
    ready: [bool; 2],
    /// This end has let go of it, or was told that it is over.
    gone: [bool; 2],
    /// Nothing passes any more, and nobody is told.
    void: bool,
    /// By the end that reads.
    ways: [Way; 2],
}

/// How a link fares just now.
#[derive(Clone, Copy, Debug, Default)]
struct Weather {
    closed_until: Time,
    slower_by: Duration,
}

/// All connections.
#[derive(Debug)]
pub(crate) struct Net {
    seed: u64,
    plan: NetworkPlan,
    connections: Vec<Connection>,
    weather: BTreeMap<Link, Weather>,
    pub(crate) listening: BTreeSet<Actor>,
}

// === impl Net ===

impl Net {
    pub(crate) fn new(seed: u64, plan: NetworkPlan) -> Self {
        Self { seed, plan, connections: Vec::new(), weather: BTreeMap::new(), listening: BTreeSet::new() }
    }

    pub(crate) fn link(&self, conn: Conn) -> Link {
        self.at(conn).link
    }

    pub(crate) fn actor(&self, conn: Conn, side: Side) -> Actor {
        self.at(conn).ends[side as usize]
    }

    /// Connections of a link that both ends believe in, in the order in which they were made.
    pub(crate) fn open_on(&self, link: Link) -> Vec<Conn> {
        let open = |(_, c): &(usize, &Connection)| c.link == link && c.gone == [false; 2] && !c.void;
        self.connections.iter().enumerate().filter(open).map(|(at, _)| Conn(at as u32)).collect()
    }

    /// Connections of which one end is somebody's, be they still being made.
    pub(crate) fn held_by(&self, actor: Actor) -> Vec<Conn> {
        let ends = |c: &Connection| (0..2).any(|side| c.ends[side] == actor && !c.gone[side]);
        let held = self.connections.iter().enumerate().filter(|(_, c)| ends(c));
        held.map(|(at, _)| Conn(at as u32)).collect()
    }

    /// Whether the end has room for more of what it writes.
    pub(crate) fn is_writable(&self, conn: Conn, side: Side) -> bool {
        self.at(conn).ready[side as usize] && self.room(conn, side) > 0
    }

    /// How much of it.
    pub(crate) fn room(&self, conn: Conn, side: Side) -> usize {
        let connection = self.at(conn);
        let outstanding = connection.ways[side.other() as usize].outstanding;
        self.link_plan(connection.link).buffer.saturating_sub(outstanding)
    }

    pub(crate) fn dial(&mut self, now: Time, agenda: &mut Agenda, from: Actor, to: Actor, link: Link) -> Conn {
        let conn = Conn(self.connections.len() as u32);
        self.connections.push(Connection {
            link,
            ends: [from, to],
            tls: matches!((from, to), (Actor::Sidecar(_), Actor::Sidecar(_))),
            ready: [false; 2],
            gone: [false; 2],
            void: false,
            ways: [Way::default(), Way::default()],
        });
        agenda.at(now + self.delay(link, conn, Side::Listener), Event::Net(NetEvent::Dial(conn)));
        conn
    }

    /// Takes as much as there is room for, in the pieces in which it will arrive.
    pub(crate) fn write(&mut self, now: Time, agenda: &mut Agenda, conn: Conn, from: Side, bytes: &[u8]) -> usize {
        let taken = bytes.len().min(self.room(conn, from));
        let mut rest = &bytes[..taken];
        while !rest.is_empty() {
            let length = self.segment(conn, from).min(rest.len());
            let (piece, later) = rest.split_at(length);
            self.send(now, agenda, conn, from, piece.to_vec());
            rest = later;
        }
        taken
    }

    fn send(&mut self, now: Time, agenda: &mut Agenda, conn: Conn, from: Side, piece: Vec<u8>) {
        let to = from.other();
        let delay = self.delay(self.at(conn).link, conn, to);
        let connection = &mut self.connections[conn.0 as usize];
        let (void, over) = (connection.void, connection.gone[to as usize]);
        let way = &mut connection.ways[to as usize];
        way.outstanding += piece.len();
        way.written += 1;
        if void || over {
            return;
        }
        way.last = way.last.max(now + delay);
        way.flight.push_back(piece);
        agenda.at(way.last, Event::Net(NetEvent::Arrive(conn, to)));
    }

    /// The next piece that has arrived at this end.
    pub(crate) fn read(&mut self, now: Time, agenda: &mut Agenda, conn: Conn, at: Side) -> Option<Vec<u8>> {
        let delay = self.delay(self.at(conn).link, conn, at.other());
        let connection = &mut self.connections[conn.0 as usize];
        if !connection.ready[at as usize] {
            return None;
        }
        let piece = connection.ways[at as usize].arrived.pop_front()?;
        agenda.at(now + delay, Event::Net(NetEvent::Freed(conn, at.other(), piece.len())));
        Some(piece)
    }

    pub(crate) fn has_arrived(&self, conn: Conn, at: Side) -> bool {
        let connection = self.at(conn);
        connection.ready[at as usize] && !connection.ways[at as usize].arrived.is_empty()
    }

    /// This end lets go; what it wrote still arrives, then its goodbye.
    pub(crate) fn close(&mut self, now: Time, agenda: &mut Agenda, conn: Conn, side: Side) {
        let other = side.other();
        let delay = self.delay(self.at(conn).link, conn, other);
        let connection = &mut self.connections[conn.0 as usize];
        if std::mem::replace(&mut connection.gone[side as usize], true) || connection.void {
            return;
        }
        let at = connection.ways[other as usize].last.max(now + delay);
        agenda.at(at, Event::Net(NetEvent::Fin(conn, other)));
    }

    /// What is on its way is lost, and both ends learn of it.
    pub(crate) fn cut(&mut self, now: Time, agenda: &mut Agenda, conn: Conn) {
        for side in [Side::Dialer, Side::Listener] {
            let delay = self.delay(self.at(conn).link, conn, side);
            // What either end writes before it learns of it is lost like the rest.
            self.connections[conn.0 as usize].void = true;
            agenda.at(now + delay, Event::Net(NetEvent::Reset(conn, side)));
        }
    }

    /// One end is gone, and the other will never hear of it.
    pub(crate) fn break_half(&mut self, now: Time, agenda: &mut Agenda, conn: Conn, dead: Side) {
        self.connections[conn.0 as usize].void = true;
        agenda.at(now, Event::Net(NetEvent::Reset(conn, dead)));
    }

    pub(crate) fn partition(&mut self, link: Link, until: Time) {
        let weather = self.weather.entry(link).or_default();
        weather.closed_until = weather.closed_until.max(until);
    }

    /// All that is sent from now on takes so much longer.
    pub(crate) fn slow(&mut self, link: Link, by: Duration) {
        self.weather.entry(link).or_default().slower_by = by;
    }

    pub(crate) fn closed_until(&self, link: Link) -> Time {
        self.weather.get(&link).map_or(Time::START, |weather| weather.closed_until)
    }

    /// What comes of an event, and for whom.
    pub(crate) fn handle(
        &mut self,
        now: Time,
        agenda: &mut Agenda,
        trace: &mut Trace,
        event: NetEvent,
    ) -> Option<(Actor, Conn, Side, News)> {
        let conn = event.conn();
        let opens = self.closed_until(self.at(conn).link);
        // A reset is noticed on this side of a partition as well; all else waits.
        if now < opens && !matches!(event, NetEvent::Reset(..)) {
            let later = opens + self.delay(self.at(conn).link, conn, Side::Listener);
            agenda.at(later, Event::Net(event));
            return None;
        }
        let (side, news) = match event {
            NetEvent::Dial(_) => return self.dialed(now, agenda, conn),
            NetEvent::Answer(_, taken) => (Side::Dialer, self.answered(now, agenda, conn, taken)?),
            NetEvent::Handshaken(_, side) => (side, self.handshaken(conn, side)?),
            NetEvent::Arrive(_, side) => (side, self.arrived(trace, conn, side)?),
            NetEvent::Fin(_, side) => (side, self.ended(now, agenda, conn, side)?),
            NetEvent::Reset(_, side) => (side, self.over(conn, side)?),
            NetEvent::Freed(_, side, bytes) => (side, self.freed(conn, side, bytes)?),
        };
        Some((self.at(conn).ends[side as usize], conn, side, news))
    }

    fn dialed(&mut self, now: Time, agenda: &mut Agenda, conn: Conn) -> Option<(Actor, Conn, Side, News)> {
        let connection = self.at(conn);
        if connection.void || connection.gone[Side::Dialer as usize] {
            return None;
        }
        let listener = connection.ends[Side::Listener as usize];
        let (link, tls) = (connection.link, connection.tls);
        let taken = if self.listening.contains(&listener) { Taken::Yes } else { Taken::No };
        let delay = self.delay(link, conn, Side::Dialer);
        agenda.at(now + delay, Event::Net(NetEvent::Answer(conn, taken)));
        if taken == Taken::No {
            return None;
        }
        if tls {
            agenda.at(now + delay * 3, Event::Net(NetEvent::Handshaken(conn, Side::Listener)));
        } else {
            self.connections[conn.0 as usize].ready[Side::Listener as usize] = true;
        }
        Some((listener, conn, Side::Listener, News::Accepted))
    }

    fn answered(&mut self, now: Time, agenda: &mut Agenda, conn: Conn, taken: Taken) -> Option<News> {
        let delay = self.delay(self.at(conn).link, conn, Side::Listener);
        let connection = &mut self.connections[conn.0 as usize];
        if connection.void || connection.gone[Side::Dialer as usize] {
            return None;
        }
        match taken {
            Taken::No => {
                connection.gone[Side::Dialer as usize] = true;
                Some(News::Refused)
            }
            Taken::Yes if connection.tls => {
                agenda.at(now + delay, Event::Net(NetEvent::Handshaken(conn, Side::Dialer)));
                None
            }
            Taken::Yes => self.handshaken(conn, Side::Dialer),
        }
    }

    fn handshaken(&mut self, conn: Conn, side: Side) -> Option<News> {
        let connection = &mut self.connections[conn.0 as usize];
        if connection.void || connection.gone[side as usize] {
            return None;
        }
        connection.ready[side as usize] = true;
        Some(News::Established)
    }

    fn arrived(&mut self, trace: &mut Trace, conn: Conn, side: Side) -> Option<News> {
        let connection = &mut self.connections[conn.0 as usize];
        if connection.void || connection.gone[side as usize] {
            return None;
        }
        let way = &mut connection.ways[side as usize];
        let piece = way.flight.pop_front()?;
        trace.bytes(&piece);
        way.arrived.push_back(piece);
        connection.ready[side as usize].then_some(News::Readable)
    }

    /// What is still on its way comes first.
    fn ended(&mut self, now: Time, agenda: &mut Agenda, conn: Conn, side: Side) -> Option<News> {
        let connection = self.at(conn);
        let waits = !connection.ways[side as usize].flight.is_empty() || self.has_arrived(conn, side);
        if connection.void || connection.gone[side as usize] {
            return None;
        }
        if waits {
            let later = now + Duration::from_millis(1);
            agenda.at(later, Event::Net(NetEvent::Fin(conn, side)));
            return None;
        }
        self.over(conn, side)
    }

    fn over(&mut self, conn: Conn, side: Side) -> Option<News> {
        let connection = &mut self.connections[conn.0 as usize];
        if std::mem::replace(&mut connection.gone[side as usize], true) {
            return None;
        }
        connection.ways[side as usize].arrived.clear();
        Some(News::Closed)
    }

    fn freed(&mut self, conn: Conn, side: Side, bytes: usize) -> Option<News> {
        let buffer = self.link_plan(self.at(conn).link).buffer;
        let connection = &mut self.connections[conn.0 as usize];
        let way = &mut connection.ways[side.other() as usize];
        let was_full = way.outstanding >= buffer;
        way.outstanding -= bytes;
        (was_full && !connection.void && !connection.gone[side as usize]).then_some(News::Writable)
    }

    fn at(&self, conn: Conn) -> &Connection {
        &self.connections[conn.0 as usize]
    }

    fn link_plan(&self, link: Link) -> &LinkPlan {
        match link {
            Link::Entry(_) | Link::App(_) => &self.plan.local,
            Link::Mesh(_) | Link::Control(_) => &self.plan.far,
        }
    }

    fn delay(&self, link: Link, conn: Conn, to: Side) -> Duration {
        let plan = self.link_plan(link);
        let written = self.connections.get(conn.0 as usize).map_or(0, |c| c.ways[to as usize].written);
        let unit = chance::of(self.seed, &[1, u64::from(conn.0), to as u64, written]).unit();
        let slower_by = self.weather.get(&link).map_or(Duration::ZERO, |weather| weather.slower_by);
        plan.latency + plan.jitter.mul_f64(unit) + slower_by
    }

    fn segment(&self, conn: Conn, from: Side) -> usize {
        let written = self.at(conn).ways[from.other() as usize].written;
        let mut random = chance::of(self.seed, &[2, u64::from(conn.0), from as u64, written]);
        match self.plan.segments {
            Segments::Whole => MOST,
            Segments::Mtu => MTU,
            Segments::Tiny => 1 + random.below(200) as usize,
        }
    }
}
