//! A sidecar's process: the worker in it and the configuration that it starts with.

use crate::addresses::app_address;
use crate::policy::AUTHORITY;
use crate::world::World;
use std::sync::Arc;
use tulle_proxy::worker::Worker;
use tulle_proxy::{Settings, proto};

/// A worker as `starts` others were before it.
pub(super) fn worker(world: &World<'_>, index: usize, starts: u64) -> Worker {
    let settings = Arc::new(Settings::try_from(config(index)).expect("a good config"));
    let seed = world.scenario.seed.wrapping_mul(31).wrapping_add(index as u64 + starts * 1_000);
    Worker::new(settings, world.instant(), 1_000_000_000, seed ^ world.tamper.noise())
}

fn config(index: usize) -> proto::EngineConfig {
    let common = proto::EngineConfig { workers: 1, trace_ratio: 0.2, ..Default::default() };
    match index {
        0 => proto::EngineConfig {
            service: "shop/front".into(),
            instance: "front-1".into(),
            outbound_listen: "127.0.0.1:0".into(),
            upstream_ports: vec![proto::UpstreamPort { listen: "127.0.0.1:0".into(), authority: AUTHORITY.into() }],
            ..common
        },
        _ => proto::EngineConfig {
            service: "shop/echo".into(),
            instance: format!("echo-{}", index - 1),
            inbound_listen: "127.0.0.1:0".into(),
            application: app_address(index - 1).to_string(),
            identity_dir: "unused".into(),
            ..common
        },
    }
}
