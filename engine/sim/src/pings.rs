//! How often gRPC servers let a client ping (grpc-go `http2_server.go` `handlePing`, grpcio `ping_abuse_policy.cc`,
//! grpc-java `KeepAliveEnforcer`): once in five minutes, and anew after the server has sent HEADERS or DATA. The third
//! strike ends the connection.

use crate::frames::{self, Before, Walker};
use crate::habits::PingRule;
use crate::time::Time;
use std::time::Duration;

const ALLOWED_EVERY: Duration = Duration::from_secs(5 * 60);
const STRIKES: u32 = 2;

/// What one connection of a server has seen.
#[derive(Debug)]
pub(crate) struct Pings {
    rule: PingRule,
    began: Time,
    input: Walker,
    output: Walker,
    last: Option<Time>,
    strikes: u32,
}

// === impl Pings ===

impl Pings {
    pub(crate) fn new(rule: PingRule, now: Time) -> Self {
        let (input, output) = (Walker::new(Before::Preface), Walker::new(Before::Nothing));
        let mut pings = Self { rule, began: now, input, output, last: None, strikes: 0 };
        pings.forgive();
        pings
    }

    /// The client's bytes; true where the server's patience is over.
    pub(crate) fn heard(&mut self, now: Time, bytes: &[u8]) -> bool {
        let mut pings = 0;
        self.input.feed(bytes, |frame| pings += u32::from(frame.kind == frames::PING && !frame.has(frames::ACK)));
        for _ in 0..pings {
            let too_early = self.last.is_some_and(|last| now.since(last) < ALLOWED_EVERY);
            self.strikes += u32::from(too_early);
            // Java counts from the last PING that was allowed, the others from the last one.
            if !too_early || self.rule == PingRule::Go {
                self.last = Some(now);
            }
        }
        self.strikes > STRIKES
    }

    /// The server's own bytes.
    pub(crate) fn said(&mut self, bytes: &[u8]) {
        let mut answers = false;
        self.output.feed(bytes, |frame| answers |= matches!(frame.kind, frames::HEADERS | frames::DATA));
        if answers {
            self.forgive();
        }
    }

    fn forgive(&mut self) {
        self.strikes = 0;
        self.last = (self.rule == PingRule::Java).then_some(self.began);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After how many PINGs, one every ten seconds, a server loses its patience.
    fn most(rule: PingRule, answers: impl Fn(u64) -> bool) -> Option<u64> {
        let mut pings = Pings::new(rule, Time::START);
        assert!(!pings.heard(Time::START, frames::PREFACE));
        let ping = frames::bytes_of(frames::PING, 0, 0, b"12345678");
        (1..20).find(|count| {
            if answers(*count) {
                pings.said(&frames::bytes_of(frames::DATA, 0, 1, b"x"));
            }
            pings.heard(Time::START + Duration::from_secs(10) * *count as u32, &ping)
        })
    }

    #[test]
    fn the_third_strike_is_the_fourth_ping_to_go_and_the_third_to_java() {
        assert_eq!(most(PingRule::Go, |_| false), Some(4));
        assert_eq!(most(PingRule::Java, |_| false), Some(3));
    }

    #[test]
    fn data_in_between_makes_any_number_welcome() {
        assert_eq!(most(PingRule::Go, |_| true), None);
        assert_eq!(most(PingRule::Java, |count| count % 2 == 0), None);
    }
}
