//! A run: the scenario's events, the network's and the sidecars' timers in order of time; invariants after every step.

use crate::agenda::Event;
use crate::client::Client;
use crate::control::Control;
use crate::judge::{Own, Violation};
use crate::panics;
use crate::passage::{Actor, Conn, NetEvent, News};
use crate::scenario::Scenario;
use crate::server::Server;
use crate::sidecar::Sidecar;
use crate::tamper::{Mutation, Tamper};
use crate::time::Time;
use crate::trace::Trace;
use crate::world::World;
use std::time::{Duration, Instant};

/// After the scenario's end what can end by itself has ended: a stall takes 60 s to be found.
const PATIENCE: Duration = Duration::from_secs(90);
/// After this even what still moves is taken for stuck.
const SLOWEST: Duration = Duration::from_secs(3_600);
/// A closing connection waits 1 s.
const AFTERMATH: Duration = Duration::from_secs(5);
/// Idle connections go after 15 minutes.
const IDLE: Duration = Duration::from_secs(20 * 60);
/// Steps at one moment after which the mesh is taken for one that never rests.
const MOST_AT_ONCE: u32 = 100_000;

/// How a run is made.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Keeps the lines of its trace.
    pub recording: bool,
    /// Plants a fault.
    pub mutation: Mutation,
}

/// What came of a run.
#[derive(Debug)]
pub struct Outcome {
    /// What did not hold, if anything.
    pub violation: Option<Violation>,
    /// What happened.
    pub trace: Trace,
    /// Executions at servers.
    pub executions: usize,
    /// PINGs that sidecars sent.
    pub pings: u64,
    /// The latest moment.
    pub ended: Time,
}

/// A mesh with its surroundings.
pub(crate) struct Run<'s> {
    pub(crate) world: World<'s>,
    pub(crate) clients: Vec<Client>,
    pub(crate) servers: Vec<Server>,
    pub(crate) sidecars: Vec<Sidecar>,
    pub(crate) control: Control,
}

// === impl Options ===

impl Default for Options {
    fn default() -> Self {
        Self { recording: false, mutation: Mutation::Nothing }
    }
}

/// Plays a scenario to its end, or to the first thing that does not hold; a panic in the mesh is such a thing.
#[must_use]
pub fn play(scenario: &Scenario, options: Options) -> Outcome {
    let mut run = Run::new(scenario, options);
    if let Err(words) = panics::caught(|| run.all()) {
        run.world.judge.violated("panic", words);
    }
    let executions = run.world.judge.records.iter().map(|record| record.executions).sum();
    let pings = run.sidecars.iter().map(|sidecar| sidecar.pings).sum();
    let World { judge, trace, now, .. } = run.world;
    Outcome { violation: judge.violation, trace, executions, pings, ended: now }
}

// === impl Run ===

impl<'s> Run<'s> {
    fn new(scenario: &'s Scenario, options: Options) -> Self {
        let (trace, tamper) = (Trace::new(options.recording), Tamper::new(options.mutation));
        let mut world = World::new(scenario, Instant::now(), trace, tamper);
        let sidecar = |index: usize| Sidecar::new(index, &world);
        let sidecars: Vec<_> = (0..=scenario.servers.len()).map(sidecar).collect();
        for index in 0..sidecars.len() {
            world.net.listening.insert(Actor::Sidecar(index));
        }
        let clients = scenario.clients.iter().enumerate().map(|(at, plan)| Client::new(at, plan.clone())).collect();
        let servers = scenario.servers.iter().enumerate().map(|(at, plan)| Server::new(at, plan.clone())).collect();
        let control = Control::new(sidecars.len());
        let mut run = Self { world, clients, servers, sidecars, control };
        run.put_down();
        run
    }

    fn put_down(&mut self) {
        let world = &mut self.world;
        for server in 0..world.scenario.servers.len() {
            world.net.listening.insert(Actor::Server(server));
        }
        for (at, push) in world.scenario.pushes.iter().enumerate() {
            world.agenda.at(Time::START + push.at, Event::Push(at));
        }
        for (at, call) in world.scenario.calls.iter().enumerate() {
            world.agenda.at(Time::START + call.at, Event::Call(at));
        }
        for (at, fault) in world.scenario.faults.iter().enumerate() {
            world.agenda.at(Time::START + fault.at, Event::Fault(at));
        }
    }

    fn all(&mut self) {
        let end = Time::START + self.world.scenario.lasts;
        self.until(end, |_| false);
        self.wait_for_the_slow(end);
        self.end_the_endless();
        self.until(self.world.now + AFTERMATH, |_| false);
        self.check_calls_gone();
        for client in &mut self.clients {
            client.leave(&mut self.world);
        }
        self.until(self.world.now + IDLE, |_| false);
        self.check_all_gone();
    }

    /// What moves still may be slow: a megabyte through a window of a hundred bytes.
    fn wait_for_the_slow(&mut self, end: Time) {
        let mut until = end + PATIENCE;
        loop {
            let before = self.world.judge.arrived_bytes();
            self.until(until, Self::is_done);
            if self.is_done() || self.world.judge.arrived_bytes() == before || until > end + SLOWEST {
                return;
            }
            until = until + PATIENCE;
        }
    }

    fn is_done(&self) -> bool {
        let idle = |sidecar: &Sidecar| sidecar.worker.calls_in_flight() == 0;
        self.world.judge.open() == 0 && self.sidecars.iter().all(idle)
    }

    fn until(&mut self, end: Time, done: impl Fn(&Self) -> bool) {
        while self.world.judge.violation.is_none() && !done(self) {
            match self.next_time().filter(|time| *time <= end) {
                Some(time) => {
                    self.world.now = self.world.now.max(time);
                    self.step();
                }
                None => {
                    self.world.now = self.world.now.max(end);
                    return;
                }
            }
        }
    }

    fn next_time(&self) -> Option<Time> {
        let timers = self.sidecars.iter().filter_map(|sidecar| sidecar.next_time(&self.world));
        timers.chain(self.world.agenda.next_time()).min()
    }

    /// All that is due at this moment, and what follows at once.
    fn step(&mut self) {
        self.world.trace.step();
        // A connection may have taken nothing until now: what was due on it by then could not be told.
        self.check();
        for _ in 0..MOST_AT_ONCE {
            while let Some(event) = self.world.agenda.pop(self.world.now) {
                self.handle(event);
            }
            if !self.turn() {
                return self.check();
            }
        }
        self.world.judge.violated("rest", "the mesh never rests".into());
    }

    fn turn(&mut self) -> bool {
        let mut any = false;
        for sidecar in &mut self.sidecars {
            if sidecar.next_time(&self.world).is_some_and(|time| time <= self.world.now) {
                any = true;
                sidecar.turn(&mut self.world);
            }
        }
        any || self.world.agenda.next_time().is_some_and(|time| time <= self.world.now)
    }

    fn handle(&mut self, event: Event) {
        if let Event::Net(event) = event {
            return self.net(event);
        }
        if let Event::Cancel(call) = event {
            return self.give_up(call, Own::Cancelled);
        }
        if let Event::CallersTimeOver(call) = event {
            return self.give_up(call, Own::TimeOver);
        }
        let world = &mut self.world;
        match event {
            Event::Call(call) => self.clients[world.scenario.calls[call].client].call(world, call),
            Event::Say(call) => self.clients[world.scenario.calls[call].client].say(world, call),
            Event::Redial(client) => self.clients[client].redial(world),
            Event::ClientReads(client) => self.clients[client].read_on(world),
            Event::Serve { server, conn, stream } => self.servers[server].serve(world, conn, stream),
            Event::Sip(client) => self.clients[client].sip(world),
            Event::TooOld { server, conn } => self.servers[server].is_too_old(world, conn),
            Event::ServerReads(server) => self.servers[server].read_on(world),
            Event::Fault(fault) => self.begin_fault(fault),
            Event::Heal(fault) => self.heal(fault),
            Event::Push(push) => self.control.push(world, push),
            Event::Snapshot { sidecar, epoch, revision } => {
                self.control.deliver(world, &mut self.sidecars[sidecar], epoch, revision);
            }
            Event::Answer { sidecar, epoch, .. } => self.control.answered(world, sidecar, epoch),
            Event::Rejoin { sidecar, epoch } => {
                self.control.rejoin(world, sidecar, epoch, self.sidecars[sidecar].revision);
            }
            Event::GraceOver(sidecar) => self.sidecars[sidecar].stop(),
            Event::Net(_) | Event::Cancel(_) | Event::CallersTimeOver(_) => {}
        }
    }

    fn give_up(&mut self, call: usize, why: Own) {
        self.clients[self.world.scenario.calls[call].client].give_up(&mut self.world, call, why);
    }

    fn net(&mut self, event: NetEvent) {
        let world = &mut self.world;
        let told = world.net.handle(world.now, &mut world.agenda, &mut world.trace, event);
        let Some((actor, conn, _, news)) = told else { return };
        world.note("net", &[u64::from(conn.0), news as u64], || format!("{actor:?} {conn:?} {news:?}"));
        self.tell(actor, conn, news);
    }

    fn tell(&mut self, actor: Actor, conn: Conn, news: News) {
        match actor {
            Actor::Client(client) => self.clients[client].news(&mut self.world, conn, news),
            Actor::Server(server) => self.servers[server].news(&mut self.world, conn, news),
            Actor::Sidecar(sidecar) => self.sidecars[sidecar].hear(conn, news),
        }
    }

    /// Calls that nothing would end but their callers.
    fn end_the_endless(&mut self) {
        for call in 0..self.world.scenario.calls.len() {
            if self.world.judge.violation.is_none() && self.world.judge.is_endless(call) {
                self.give_up(call, Own::Endless);
            }
        }
    }

    fn check(&mut self) {
        let (world, front) = (&mut self.world, &self.sidecars[0]);
        let now = world.now;
        if world.judge.next_due().is_some_and(|due| due + Duration::from_millis(1) < now) {
            let blocked: Vec<Conn> = front.blocked(&world.net);
            world.judge.look_for_late(now, |conn| blocked.contains(&conn));
        }
    }
}
