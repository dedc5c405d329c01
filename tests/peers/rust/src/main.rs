//! tonic as a server of the contract; `--nagle` serves as most of its users do, and leaves Nagle's algorithm on.

mod contract;
mod peers;
mod record;

use std::time::Duration;

use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use contract::service::peers_server::PeersServer;
use peers::Peers;

#[derive(Default)]
struct Flags {
    port: u16,
    max_connection_age: Option<Duration>,
    is_nagle: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let flags = flags(std::env::args().skip(1))?;
    let listener = TcpListener::bind(("127.0.0.1", flags.port)).await?;
    println!("{{\"port\": {}}}", listener.local_addr()?.port());
    let mut server = Server::builder();
    if let Some(age) = flags.max_connection_age {
        server = server.max_connection_age(age);
    }
    let router = server.add_service(PeersServer::new(Peers::default()));
    if flags.is_nagle {
        router.serve_with_incoming(TcpListenerStream::new(listener)).await?;
    } else {
        router.serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true))).await?;
    }
    Ok(())
}

fn flags(given: impl Iterator<Item = String>) -> Result<Flags, String> {
    let mut flags = Flags::default();
    for flag in given {
        if flag == "--nagle" {
            flags.is_nagle = true;
            continue;
        }
        let (name, value) = flag.split_once('=').ok_or_else(|| format!("{flag} has no value"))?;
        let number: u64 = value.parse().map_err(|error| format!("{flag}: {error}"))?;
        match name {
            "--port" => flags.port = u16::try_from(number).map_err(|error| format!("{flag}: {error}"))?,
            "--max-connection-age-ms" => flags.max_connection_age = Some(Duration::from_millis(number)),
            _ => return Err(format!("{flag} is no flag")),
        }
    }
    Ok(flags)
}
