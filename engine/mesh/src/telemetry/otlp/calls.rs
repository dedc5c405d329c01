//! Calls by the attributes that they go out under: callers that are no workloads are all "external", and one attribute set
//! must be one point.

use super::messages::KeyValue;
use super::names::{self, text, truth};
use crate::proto::{CallSeries, Direction, Histogram};
use std::collections::{BTreeMap, HashMap};

/// What tells one point from another.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Shown<'a> {
    pub(super) outbound: bool,
    method: &'a str,
    status: &'static str,
    source: &'a str,
    target: &'a str,
    cluster: &'a str,
    reason: &'a str,
    mtls: bool,
}

/// All series that show as one.
pub(super) struct Calls<'a> {
    pub(super) shown: Shown<'a>,
    pub(super) request_bytes: u64,
    pub(super) response_bytes: u64,
    pub(super) retries: u64,
    pub(super) without_deadline: u64,
    /// Since when all of it counts: the start of the youngest series.
    pub(super) start_unix_nano: u64,
    pub(super) duration: Histogram,
}

/// In the order of each one's first series; `service` is this sidecar's own.
pub(super) fn merged<'a>(series: &'a [CallSeries], service: &'a str) -> Vec<Calls<'a>> {
    let mut calls: Vec<Calls<'a>> = Vec::with_capacity(series.len());
    let mut places = HashMap::with_capacity(series.len());
    for one in series {
        let shown = Shown::of(one, service);
        let place = *places.entry(shown).or_insert(calls.len());
        match calls.get_mut(place) {
            Some(known) => known.add(one),
            None => calls.push(Calls::first(shown, one)),
        }
    }
    calls
}

// === impl Shown ===

impl<'a> Shown<'a> {
    fn of(series: &'a CallSeries, service: &'a str) -> Self {
        let outbound = series.direction == i32::from(Direction::Outbound);
        let peer = if outbound { &series.peer } else { names::workload(&series.peer) };
        Self {
            outbound,
            method: &series.method,
            status: names::status_name(series.grpc_status),
            source: if outbound { service } else { peer },
            target: if outbound { peer } else { service },
            cluster: if outbound { &series.cluster } else { "" },
            reason: &series.reason,
            mtls: series.mtls,
        }
    }

    pub(super) fn attributes(&self) -> Vec<KeyValue> {
        let mut attributes = vec![
            text(names::RPC_METHOD, self.method),
            text(names::RPC_STATUS, self.status),
            text(names::SOURCE, self.source),
            text(names::TARGET, self.target),
            truth(names::MTLS, self.mtls),
        ];
        if self.outbound {
            attributes.push(text(names::CLUSTER, self.cluster));
        }
        if !self.reason.is_empty() {
            attributes.push(text(names::REASON, self.reason));
        }
        attributes
    }
}

// === impl Calls ===

impl<'a> Calls<'a> {
    fn first(shown: Shown<'a>, series: &CallSeries) -> Self {
        Self {
            shown,
            request_bytes: series.request_bytes,
            response_bytes: series.response_bytes,
            retries: series.retries,
            without_deadline: series.without_deadline,
            start_unix_nano: series.start_unix_nano,
            duration: series.duration.clone().unwrap_or_default(),
        }
    }

    fn add(&mut self, series: &CallSeries) {
        self.request_bytes += series.request_bytes;
        self.response_bytes += series.response_bytes;
        self.retries += series.retries;
        self.without_deadline += series.without_deadline;
        self.start_unix_nano = self.start_unix_nano.max(series.start_unix_nano);
        if let Some(duration) = &series.duration {
            self.duration = sum(&self.duration, duration);
        }
    }
}

fn sum(first: &Histogram, second: &Histogram) -> Histogram {
    let mut counts = BTreeMap::new();
    for one in [first, second] {
        for (index, count) in one.index.iter().zip(&one.count) {
            *counts.entry(*index).or_insert(0) += count;
        }
    }
    let (index, count) = counts.into_iter().unzip();
    Histogram {
        scale: first.scale,
        index,
        count,
        sum_us: first.sum_us + second.sum_us,
        max_us: first.max_us.max(second.max_us),
    }
}
