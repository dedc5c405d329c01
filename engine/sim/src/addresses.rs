//! Where sidecars and servers listen, and what lies on the way there.

use crate::fault::Link;
use crate::passage::Actor;
use std::net::SocketAddr;

/// Servers that a run can have.
const MOST: usize = 16;

/// Where the sidecar before a server takes calls.
pub(crate) fn inbound_address(server: usize) -> SocketAddr {
    SocketAddr::from(([10, 0, 1, server as u8 + 1], 7000))
}

/// Where a server itself does.
pub(crate) fn app_address(server: usize) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 9000 + server as u16))
}

/// Who listens at an address, and what lies between.
pub(crate) fn place(address: SocketAddr, from: usize) -> (Actor, Link) {
    for server in 0..MOST {
        if address == inbound_address(server) {
            return (Actor::Sidecar(server + 1), Link::Mesh(server));
        }
        if address == app_address(server) {
            let link = if from == 0 { Link::Mesh(server) } else { Link::App(server) };
            return (Actor::Server(server), link);
        }
    }
    panic!("nobody is at {address}");
}
