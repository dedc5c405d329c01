//! The load generator: unary gRPC calls over some connections, closed loop or at a rate from intended start times.
//!
//! A call counts only when grpc-status is 0 and every byte of the message came back as it was sent.
#![forbid(unsafe_code)]

#[path = "tulle-loadgen/call.rs"]
mod call;
#[path = "tulle-loadgen/caller.rs"]
mod caller;
#[path = "tulle-loadgen/pace.rs"]
mod pace;

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token as Key};
use std::os::fd::AsRawFd;

use call::{Shape, Tally};
use caller::Caller;
use pace::Pace;
use tulle_bench::flags::Flags;

const TIMER: Key = Key(usize::MAX);
/// How long calls still in flight at the end may take.
const LAST_CALLS: Duration = Duration::from_secs(5);

struct Plan {
    target: SocketAddr,
    connections: usize,
    streams: usize,
    time: Duration,
    rate: Option<f64>,
    shape: Shape,
}

fn main() {
    match plan().and_then(|plan| run(&plan)) {
        Ok(summary) => println!("{summary}"),
        Err(error) => {
            eprintln!("tulle-loadgen: {error}");
            std::process::exit(2);
        }
    }
}

fn plan() -> Result<Plan, String> {
    let flags = Flags::from_env()?;
    Ok(Plan {
        target: flags.get("target")?,
        connections: flags.get("connections")?,
        streams: flags.get("streams")?,
        time: Duration::from_secs_f64(flags.get("seconds")?),
        rate: flags.find("rate")?,
        shape: Shape::new(&flags.get::<String>("authority")?, &flags.get::<String>("path")?, flags.get("payload")?),
    })
}

fn run(plan: &Plan) -> Result<serde_json::Value, String> {
    let mut tally = Tally::default();
    let started = Instant::now();
    drive(plan, &mut tally, started).map_err(|error| error.to_string())?;
    Ok(tally.summary(plan.time.as_secs_f64()))
}

fn drive(plan: &Plan, tally: &mut Tally, started: Instant) -> std::io::Result<()> {
    let mut poll = Poll::new()?;
    let mut pace = Pace::new(plan.rate, started, plan.time)?;
    poll.registry().register(&mut SourceFd(&pace.timer().as_raw_fd()), TIMER, Interest::READABLE)?;
    let mut callers = connect(plan, &poll)?;
    let mut events = Events::with_capacity(1024);
    let (end, mut turn) = (started + plan.time, 0);
    loop {
        let now = Instant::now();
        start_calls(plan, &mut callers, &mut pace, &mut turn, now);
        flush(&mut callers, tally);
        let busy: usize = callers.iter().map(Caller::in_flight).sum();
        if now > end && (busy == 0 || now > end + LAST_CALLS) {
            tally.failed += busy as u64;
            return Ok(());
        }
        let limit = if now > end { LAST_CALLS } else { end - now } + Duration::from_millis(1);
        match poll.poll(&mut events, Some(limit)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            other => other?,
        }
        for event in &events {
            match event.token() {
                TIMER => pace.acknowledge(),
                Key(number) => callers[number].read(&plan.shape, tally, end)?,
            }
        }
    }
}

fn connect(plan: &Plan, poll: &Poll) -> std::io::Result<Vec<Caller>> {
    (0..plan.connections)
        .map(|number| {
            let mut caller = Caller::connect(plan.target, plan.streams)?;
            poll.registry().register(caller.socket(), Key(number), Interest::READABLE | Interest::WRITABLE)?;
            Ok(caller)
        })
        .collect()
}

/// Closed loop: fills every free slot. At a rate: starts what is due, on connections in turn, as slots allow.
fn start_calls(plan: &Plan, callers: &mut [Caller], pace: &mut Pace, turn: &mut usize, now: Instant) {
    if pace.is_closed_loop() {
        if now < pace.end() {
            callers.iter_mut().for_each(|caller| while caller.start(&plan.shape, now) {});
        }
        return;
    }
    while let Some(intended) = pace.due(now) {
        let free = (0..callers.len()).map(|step| (*turn + step) % callers.len()).find(|n| callers[*n].is_free());
        let Some(number) = free else { return };
        callers[number].start(&plan.shape, intended);
        *turn = number + 1;
        pace.take();
    }
}

fn flush(callers: &mut [Caller], tally: &mut Tally) {
    for caller in callers {
        if caller.flush().is_err() {
            tally.failed += caller.in_flight() as u64;
            caller.forget();
        }
    }
}
