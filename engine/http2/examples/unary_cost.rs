//! Prints what a unary call costs in user space: a client and a server end joined in memory, ten calls in flight.

use std::time::Instant;

use tulle_http2::{Config, Connection, Event, Fields, HeadersKind, Role, StreamId, Token};

const IN_FLIGHT: u32 = 10;
const ROUNDS: u32 = 50_000;

fn main() {
    let now = Instant::now();
    let mut client = Connection::new(Config::new(Role::Client));
    let mut server = Connection::new(Config::new(Role::Server));
    let (request, response, trailers) = (request(), response(), trailers());
    let payload = [7u8; 100];
    let mut fields = Fields::new();
    let mut ended: Vec<StreamId> = Vec::new();
    for _ in 0..2 {
        let start = Instant::now();
        for _ in 0..ROUNDS {
            for token in 0..IN_FLIGHT {
                if let Ok(stream) = client.open(Token(token), &request, false) {
                    client.send_data(stream, &payload, true);
                }
            }
            carry(&mut client, &mut server, now, &mut fields, |event, _| {
                if let Event::Data { stream, end_stream: true, .. } = event {
                    ended.push(stream);
                }
            });
            for stream in ended.drain(..) {
                server.send_headers(stream, &response, false);
                server.send_data(stream, &payload, false);
                server.send_headers(stream, &trailers, true);
            }
            carry(&mut server, &mut client, now, &mut fields, |event, _| {
                if let Event::Headers { kind: HeadersKind::Trailers, .. } = event {}
            });
        }
        let calls = f64::from(ROUNDS * IN_FLIGHT);
        println!("{:.0} ns a call, both ends", start.elapsed().as_nanos() as f64 / calls);
    }
}

fn carry(
    from: &mut Connection,
    to: &mut Connection,
    now: Instant,
    fields: &mut Fields,
    mut each: impl FnMut(Event<'_>, &Fields),
) {
    let mut input = from.output();
    let length = input.len();
    loop {
        match to.receive(now, &mut input, fields) {
            Ok(Some(event)) => each(event, fields),
            Ok(None) => break,
            Err(error) => {
                eprintln!("{error}");
                std::process::exit(1);
            }
        }
    }
    from.advance_output(length);
}

fn request() -> Fields {
    let mut made = Fields::new();
    for (name, value) in [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/shop.v1.Orders/PlaceOrder"),
        (":authority", "orders.default:50051"),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
        ("user-agent", "grpc-python/1.80.0 grpc-c/52.0.0 (linux; chttp2)"),
        ("grpc-accept-encoding", "identity, deflate, gzip"),
        ("grpc-timeout", "4999m"),
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ] {
        made.push(name.as_bytes(), value.as_bytes());
    }
    made
}

fn response() -> Fields {
    let mut made = Fields::new();
    made.push(b":status", b"200");
    made.push(b"content-type", b"application/grpc");
    made.push(b"grpc-accept-encoding", b"identity, deflate, gzip");
    made
}

fn trailers() -> Fields {
    let mut made = Fields::new();
    made.push(b"grpc-status", b"0");
    made.push(b"grpc-message", b"");
    made
}
