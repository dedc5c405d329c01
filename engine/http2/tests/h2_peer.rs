//! The h2 crate as an independent peer, in both roles, over an in-memory pipe.

use std::collections::HashMap;
use std::time::Instant;

use bytes::Bytes;
use h2::{RecvStream, SendStream};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tulle_http2::{Config, Connection, Event, Fields, HeadersKind, Role, StreamId, Token};

/// A request on its way through our server.
#[derive(Default)]
struct Call {
    head: Fields,
    body: Vec<u8>,
    trailers: Fields,
}

/// Our server: answers each call with its own fields, body and trailers, until the peer hangs up.
async fn echo_server(mut io: DuplexStream) {
    let mut connection = Connection::new(Config::default());
    let mut calls: HashMap<StreamId, Call> = HashMap::new();
    let (mut fields, mut buffer) = (Fields::new(), vec![0; 10_000]);
    loop {
        flush(&mut connection, &mut io).await;
        let Ok(count @ 1..) = io.read(&mut buffer).await else { return };
        let mut input = &buffer[..count];
        while let Some(event) = connection.receive(Instant::now(), &mut input, &mut fields).expect("no error") {
            take(event, &fields, &mut connection, &mut calls);
        }
    }
}

async fn flush(connection: &mut Connection, io: &mut DuplexStream) {
    while !connection.output().is_empty() {
        let Ok(written) = io.write(connection.output()).await else { return };
        connection.advance_output(written);
        connection.pump();
    }
}

fn take(event: Event<'_>, fields: &Fields, connection: &mut Connection, calls: &mut HashMap<StreamId, Call>) {
    let ended = match event {
        Event::Headers { stream, kind, end_stream, .. } => {
            let call = calls.entry(stream).or_default();
            let list = if kind == HeadersKind::Trailers { &mut call.trailers } else { &mut call.head };
            list.clone_from(fields);
            end_stream.then_some(stream)
        }
        Event::Data { stream, payload, end_stream, .. } => {
            calls.entry(stream).or_default().body.extend_from_slice(payload);
            connection.release(stream, payload.len() as u32);
            end_stream.then_some(stream)
        }
        _ => None,
    };
    if let Some((stream, call)) = ended.and_then(|stream| calls.remove_entry(&stream)) {
        answer(connection, stream, &call);
    }
}

fn answer(connection: &mut Connection, stream: StreamId, call: &Call) {
    let mut head = Fields::new();
    head.push(b":status", b"200");
    for field in call.head.iter().filter(|field| field.name.starts_with(b"x-")) {
        head.push_field(&field);
    }
    connection.send_headers(stream, &head, false);
    connection.send_data(stream, &call.body, call.trailers.is_empty());
    if !call.trailers.is_empty() {
        connection.send_headers(stream, &call.trailers, true);
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime")
}

fn map(pairs: &[(String, String)]) -> HeaderMap {
    let mut made = HeaderMap::new();
    for (name, value) in pairs {
        let name = HeaderName::from_bytes(format!("x-{name}").as_bytes()).expect("a name");
        let mut value = HeaderValue::from_str(value).expect("a value");
        value.set_sensitive(name.as_str().ends_with('9'));
        made.append(name, value);
    }
    made
}

fn sorted(map: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    let mut made: Vec<_> = map.iter().map(|(n, v)| (n.to_string(), v.as_bytes().to_vec())).collect();
    made.sort();
    made
}

async fn send_all(sink: &mut SendStream<Bytes>, body: Bytes, trailers: HeaderMap) {
    let is_last = trailers.is_empty();
    sink.send_data(body, is_last).expect("the stream is open");
    if !is_last {
        sink.send_trailers(trailers).expect("the stream is open");
    }
}

async fn receive_all(stream: &mut RecvStream) -> (Vec<u8>, HeaderMap) {
    let mut body = Vec::new();
    while let Some(part) = stream.data().await {
        let part = part.expect("whole DATA");
        stream.flow_control().release_capacity(part.len()).expect("taken before");
        body.extend_from_slice(&part);
    }
    let trailers = stream.trailers().await.expect("whole trailers");
    (body, trailers.unwrap_or_default())
}

async fn call_our_server(lists: Vec<(HeaderMap, Bytes, HeaderMap)>) {
    let (near, far) = tokio::io::duplex(7_000);
    let server = tokio::spawn(echo_server(far));
    let (client, connection) = h2::client::handshake(near).await.expect("a handshake");
    let driver = tokio::spawn(connection);
    let mut client = client.ready().await.expect("ready");
    for (head, body, trailers) in lists {
        let mut request = Request::post("http://shop/orders.Orders/Place").body(()).expect("a request");
        *request.headers_mut() = head.clone();
        let (response, mut sink) = client.send_request(request, false).expect("room");
        send_all(&mut sink, body.clone(), trailers.clone()).await;
        let mut response = response.await.expect("a response");
        assert_eq!(sorted(response.headers()), sorted(&head));
        let (got, got_trailers) = receive_all(response.body_mut()).await;
        assert_eq!(got, body);
        assert_eq!(sorted(&got_trailers), sorted(&trailers));
    }
    drop(client);
    driver.await.expect("the driver ends").expect("no error");
    server.await.expect("the server ends");
}

/// h2 as an echo server.
async fn h2_server(io: DuplexStream) {
    let mut connection = h2::server::handshake(io).await.expect("a handshake");
    while let Some(accepted) = connection.accept().await {
        let (request, mut respond) = accepted.expect("a request");
        tokio::spawn(async move {
            let (head, mut stream) = request.into_parts();
            let (body, trailers) = receive_all(&mut stream).await;
            let mut response = Response::new(());
            *response.headers_mut() = head.headers;
            let mut sink = respond.send_response(response, false).expect("the stream is open");
            send_all(&mut sink, body.into(), trailers).await;
        });
    }
}

/// Our client: one call after the other; gives what came back for each.
async fn our_client(mut io: DuplexStream, lists: &[(HeaderMap, Bytes, HeaderMap)]) -> Vec<Call> {
    let mut connection = Connection::new(Config::new(Role::Client));
    let (mut fields, mut buffer, mut done) = (Fields::new(), vec![0; 5_000], Vec::new());
    for (at, (head, body, trailers)) in lists.iter().enumerate() {
        let stream = connection.open(Token(at as u32), &request(head), false).expect("room");
        connection.send_data(stream, body, trailers.is_empty());
        if !trailers.is_empty() {
            connection.send_headers(stream, &list(trailers), true);
        }
        let mut calls = HashMap::from([(stream, Call::default())]);
        let mut ended = false;
        while !ended {
            flush(&mut connection, &mut io).await;
            let count = io.read(&mut buffer).await.expect("the peer is there");
            let mut input = &buffer[..count];
            while let Some(event) = connection.receive(Instant::now(), &mut input, &mut fields).expect("no error") {
                ended |= note(event, &fields, &mut connection, &mut calls);
            }
        }
        done.extend(calls.into_values());
    }
    done
}

fn note(event: Event<'_>, fields: &Fields, connection: &mut Connection, calls: &mut HashMap<StreamId, Call>) -> bool {
    match event {
        Event::Headers { stream, kind, end_stream, .. } => {
            let call = calls.get_mut(&stream).expect("a call of ours");
            let list = if kind == HeadersKind::Trailers { &mut call.trailers } else { &mut call.head };
            list.clone_from(fields);
            end_stream
        }
        Event::Data { stream, payload, end_stream, .. } => {
            calls.get_mut(&stream).expect("a call of ours").body.extend_from_slice(payload);
            connection.release(stream, payload.len() as u32);
            end_stream
        }
        _ => false,
    }
}

fn request(head: &HeaderMap) -> Fields {
    let mut made = Fields::new();
    for (name, value) in [(":method", "POST"), (":scheme", "http"), (":path", "/a.B/C"), (":authority", "shop")] {
        made.push(name.as_bytes(), value.as_bytes());
    }
    append(head, &mut made);
    made
}

fn list(map: &HeaderMap) -> Fields {
    let mut made = Fields::new();
    append(map, &mut made);
    made
}

fn append(map: &HeaderMap, fields: &mut Fields) {
    for (name, value) in map {
        if value.is_sensitive() {
            fields.push_never_indexed(name.as_str().as_bytes(), value.as_bytes());
        } else {
            fields.push(name.as_str().as_bytes(), value.as_bytes());
        }
    }
}

fn custom(fields: &Fields) -> Vec<(String, Vec<u8>)> {
    let own = fields.iter().filter(|f| f.name.starts_with(b"x-"));
    let mut made: Vec<_> = own.map(|f| (String::from_utf8_lossy(f.name).into_owned(), f.value.to_vec())).collect();
    made.sort();
    made
}

async fn call_h2_server(lists: Vec<(HeaderMap, Bytes, HeaderMap)>) {
    let (near, far) = tokio::io::duplex(7_000);
    let server = tokio::spawn(h2_server(far));
    let calls = our_client(near, &lists).await;
    for (call, (head, body, trailers)) in calls.iter().zip(&lists) {
        assert_eq!(custom(&call.head), sorted(head));
        assert_eq!(call.body, body[..]);
        assert_eq!(custom(&call.trailers), sorted(trailers));
    }
    server.abort();
}

fn lists() -> impl Strategy<Value = Vec<(HeaderMap, Bytes, HeaderMap)>> {
    let pair = ("[a-z0-9-]{0,10}", "[!-~]{0,60}");
    let fields = || prop::collection::vec(pair, 0..15).prop_map(|pairs| map(&pairs));
    let body = prop::collection::vec(any::<u8>(), 0..500).prop_map(Bytes::from);
    prop::collection::vec((fields(), body, fields()), 1..8).prop_map(|calls| [calls.clone(), calls].concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn h2_calls_our_server_with_random_fields(lists in lists()) {
        runtime().block_on(call_our_server(lists));
    }

    #[test]
    fn our_client_calls_h2_with_random_fields(lists in lists()) {
        runtime().block_on(call_h2_server(lists));
    }
}

#[test]
fn a_megabyte_crosses_every_window_both_ways() {
    let body: Bytes = (0..1_000_000u32).map(|n| (n % 251) as u8).collect::<Vec<_>>().into();
    let trailers = map(&[("end".to_owned(), "yes".to_owned())]);
    let call = vec![(HeaderMap::new(), body, trailers)];
    runtime().block_on(call_our_server(call.clone()));
    runtime().block_on(call_h2_server(call));
}

#[test]
fn lists_longer_than_a_frame_go_in_continuations() {
    let long = |name: &str| (name.to_owned(), "v".repeat(5_000));
    let head = map(&[long("a"), long("b"), long("c")]);
    let call = vec![(head, Bytes::from_static(b"x"), HeaderMap::new())];
    runtime().block_on(call_our_server(call.clone()));
    runtime().block_on(call_h2_server(call));
}
