//! The first bytes of a plaintext connection, through a worker: cut anywhere they come to the same, and what a slow and
//! plain reading of them says.

use std::sync::Arc;
use std::time::Instant;

use tulle_proxy::worker::{Action, Listener, Worker};
use tulle_proxy::{Settings, proto};

use crate::hand::PREFACE;
use crate::script::Script;

const ESTABLISHED: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";
const CONNECT: &[u8] = b"CONNECT ";
const MOST_HEAD: usize = 8 * 1024;
/// What is told apart before it is answered; the peer of anything else is a stranger from its first odd byte.
const BEGINNINGS: [&[u8]; 11] = [
    PREFACE,
    CONNECT,
    b"\x16\x03",
    b"GET ",
    b"POST ",
    b"PUT ",
    b"HEAD ",
    b"DELETE ",
    b"OPTIONS ",
    b"PATCH ",
    b"TRACE ",
];

/// What a reader without haste makes of the whole.
#[derive(Debug, PartialEq, Eq)]
enum Plain {
    More,
    Http2,
    Tunnel { rest: usize },
    Refused,
}

/// The first byte tells the size of the pieces, the second what is put before the rest.
pub fn run(data: &[u8]) {
    let mut script = Script::new(data);
    let piece = usize::from(script.byte() % 32) + 1;
    let before: &[u8] = match script.byte() % 4 {
        0 => b"",
        1 => b"CONNECT a.b:80 HTTP/1.1\r\n\r\n",
        2 => b"CONNECT ",
        _ => PREFACE,
    };
    let input = [before, script.rest()].concat();
    let plain = plainly(&input);
    let (output, closed) = in_pieces(&input, input.len().max(1));
    let cut = in_pieces(&input, piece);
    assert_eq!((&output, closed), (&cut.0, cut.1), "in pieces of {piece}");
    match plain {
        Plain::More => assert!(output.is_empty() && !closed, "{:?}", output.escape_ascii().to_string()),
        Plain::Http2 => assert!(speaks_http2(&output), "{:?}", output.escape_ascii().to_string()),
        Plain::Tunnel { rest } => {
            let after = output.strip_prefix(ESTABLISHED).expect("a CONNECT is answered");
            // The codec's greeting comes with it; behind the head only HTTP/2 is taken.
            assert!(speaks_http2(after));
            let begins = &input[rest..];
            let is_http2 = begins.iter().zip(PREFACE).all(|(a, b)| a == b);
            assert!(is_http2 || closed, "something else than HTTP/2 was taken behind a CONNECT");
        }
        Plain::Refused => {
            assert!(closed, "what is not understood is closed");
            assert!(!speaks_http2(&output), "{:?}", output.escape_ascii().to_string());
        }
    }
}

/// All that a fresh worker writes to a connection whose bytes come in pieces, and whether it closes it.
pub fn in_pieces(input: &[u8], piece: usize) -> (Vec<u8>, bool) {
    let config = proto::EngineConfig {
        service: "shop/front".into(),
        instance: "front-1".into(),
        outbound_listen: "127.0.0.1:0".into(),
        workers: 1,
        ..Default::default()
    };
    let now = Instant::now();
    let settings = Settings::try_from(config).expect("a good config");
    let mut worker = Worker::new(Arc::new(settings), now, 1, 7);
    let key = worker.accept(Listener::Outbound);
    let (mut output, mut closed) = (Vec::new(), false);
    for bytes in input.chunks(piece) {
        worker.turn(now);
        worker.received(key, bytes);
    }
    worker.settle();
    while let Some(dirty) = worker.next_dirty() {
        while !worker.output(dirty).is_empty() {
            output.extend_from_slice(worker.output(dirty));
            let length = worker.output(dirty).len();
            worker.wrote(dirty, length);
        }
        worker.flushed(dirty);
    }
    while let Some(action) = worker.next_action() {
        assert_eq!(action, Action::Close { key }, "nothing is connected before a request");
        closed = true;
    }
    assert_eq!(worker.connection_count(), usize::from(!closed));
    (output, closed)
}

fn speaks_http2(output: &[u8]) -> bool {
    output.get(3) == Some(&crate::hand::SETTINGS)
}

fn plainly(input: &[u8]) -> Plain {
    if input.starts_with(PREFACE) {
        return Plain::Http2;
    }
    if BEGINNINGS.iter().any(|known| known.len() > input.len() && known.starts_with(input)) {
        return Plain::More;
    }
    if !input.starts_with(CONNECT) {
        return Plain::Refused;
    }
    let Some(end) = (0..input.len()).find(|at| input[*at..].starts_with(b"\r\n\r\n")) else {
        return if input.len() >= MOST_HEAD { Plain::Refused } else { Plain::More };
    };
    if end + 4 > MOST_HEAD {
        return Plain::Refused;
    }
    let line = &input[CONNECT.len()..];
    let line = &line[..line.iter().position(|byte| *byte == b'\r').unwrap_or(line.len())];
    let good = [&b" HTTP/1.1"[..], b" HTTP/1.0"].iter().find_map(|version| line.strip_suffix(*version));
    let is_name = |name: &[u8]| {
        name.len() <= 259 && name.iter().all(|byte| matches!(byte, b'!'..=b'~') && !b"/?#@".contains(byte))
    };
    match good {
        Some(name) if is_name(name) => Plain::Tunnel { rest: end + 4 },
        _ => Plain::Refused,
    }
}
