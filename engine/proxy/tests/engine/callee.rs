//! A gRPC server on the h2 crate that does what the path says, and remembers what it saw.

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, HeaderValue, Request, Response};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use tokio::sync::watch;

/// Bytes of the answer to the method Large.
pub(crate) const LARGE: usize = 600_000;

/// A running server; it ends with this value.
pub(crate) struct Callee {
    pub(crate) address: SocketAddr,
    pub(crate) seen: Arc<Seen>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

/// What the server saw.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) calls: AtomicUsize,
    pub(crate) connections: AtomicUsize,
    pub(crate) resets: AtomicUsize,
    pub(crate) heads: Mutex<Vec<HeaderMap>>,
    pub(crate) changed: tokio::sync::Notify,
}

impl Callee {
    pub(crate) fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("non-blocking");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = watch::channel(false);
        let seen = Arc::new(Seen::default());
        let shared = seen.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(serve(listener, shared, stopped));
        });
        Self { address, seen, stop, thread: Some(thread) }
    }
}

impl Drop for Callee {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

async fn serve(listener: std::net::TcpListener, seen: Arc<Seen>, mut stopped: watch::Receiver<bool>) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted.expect("a connection");
                seen.connections.fetch_add(1, SeqCst);
                tokio::spawn(connection(stream, seen.clone()));
            }
            _ = stopped.changed() => return,
        }
    }
}

async fn connection(stream: tokio::net::TcpStream, seen: Arc<Seen>) {
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    while let Some(Ok((request, respond))) = connection.accept().await {
        tokio::spawn(answer(request, respond, seen.clone()));
    }
}

async fn answer(request: Request<RecvStream>, mut respond: SendResponse<Bytes>, seen: Arc<Seen>) {
    let number = seen.calls.fetch_add(1, SeqCst);
    seen.heads.lock().expect("heads").push(request.headers().clone());
    seen.changed.notify_waiters();
    let method = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
    let head = request.headers().clone();
    let mut body = request.into_body();
    match method.as_str() {
        "FailOnce" if number == 0 => return trailers_only(&mut respond, "14", "try me again"),
        "FailLateOnce" if number == 0 => return fail_late(&mut respond),
        "FailLate" => return fail_late(&mut respond),
        "Fail" => return trailers_only(&mut respond, "14", "never"),
        "RefuseOnce" if number == 0 => return respond.send_reset(Reason::REFUSED_STREAM),
        "Reset" => return respond.send_reset(Reason::INTERNAL_ERROR),
        "Early" => return early(&mut respond),
        "Hang" => return hang(&mut respond, &seen).await,
        _ => {}
    }
    let mut response = Response::new(());
    *response.headers_mut() = echoed(&head);
    let Ok(mut out) = respond.send_response(response, false) else { return };
    match method.as_str() {
        "Large" => large(&mut body, &mut out).await,
        "Slow" => swallow(&mut body, &mut out).await,
        "Sip" => sip(&mut body, &mut out).await,
        _ => echo(&mut body, &mut out).await,
    }
}

fn echoed(head: &HeaderMap) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/grpc"));
    for (name, value) in head.iter().filter(|(name, _)| name.as_str().starts_with("x-")) {
        headers.append(name.clone(), value.clone());
    }
    headers
}

async fn echo(body: &mut RecvStream, out: &mut SendStream<Bytes>) {
    while let Some(chunk) = body.data().await {
        let Ok(chunk) = chunk else { return };
        let length = chunk.len();
        if send_all(out, chunk).await.is_none() {
            return;
        }
        let _ = body.flow_control().release_capacity(length);
    }
    let _ = out.send_trailers(status("0", None));
}

/// Answers a whole request with [`LARGE`] bytes.
async fn large(body: &mut RecvStream, out: &mut SendStream<Bytes>) {
    while body.data().await.is_some() {}
    if send_all(out, Bytes::from(vec![7; LARGE])).await.is_some() {
        let _ = out.send_trailers(status("0", None));
    }
}

/// Answers with the number of bytes received.
async fn swallow(body: &mut RecvStream, out: &mut SendStream<Bytes>) {
    let mut total = 0u64;
    while let Some(chunk) = body.data().await {
        let Ok(chunk) = chunk else { return };
        total += chunk.len() as u64;
        let _ = body.flow_control().release_capacity(chunk.len());
    }
    let _ = send_all(out, Bytes::from(total.to_string())).await;
    let _ = out.send_trailers(status("0", None));
}

/// Takes a whole window, and from then on a thousand bytes at a time: whoever sends more than that always has some queued.
async fn sip(body: &mut RecvStream, out: &mut SendStream<Bytes>) {
    const WINDOW: usize = 65_535;
    let mut taken = 0;
    while taken < WINDOW {
        let Some(Ok(chunk)) = body.data().await else { return };
        taken += chunk.len();
    }
    let _ = body.flow_control().release_capacity(1_000);
    swallow(body, out).await;
}

async fn send_all(out: &mut SendStream<Bytes>, mut chunk: Bytes) -> Option<()> {
    while !chunk.is_empty() {
        out.reserve_capacity(chunk.len());
        let room = std::future::poll_fn(|cx| out.poll_capacity(cx)).await?.ok()?;
        out.send_data(chunk.split_to(room.min(chunk.len())), false).ok()?;
    }
    Some(())
}

fn trailers_only(respond: &mut SendResponse<Bytes>, code: &'static str, message: &'static str) {
    let mut response = Response::new(());
    *response.headers_mut() = status(code, Some(message));
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    let _ = respond.send_response(response, true);
}

fn fail_late(respond: &mut SendResponse<Bytes>) {
    let mut response = Response::new(());
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    if let Ok(mut out) = respond.send_response(response, false) {
        let _ = out.send_trailers(status("14", Some("late")));
    }
}

/// Ends the reply before the request has ended.
fn early(respond: &mut SendResponse<Bytes>) {
    trailers_only(respond, "5", "enough");
}

async fn hang(respond: &mut SendResponse<Bytes>, seen: &Seen) {
    let _ = std::future::poll_fn(|cx| respond.poll_reset(cx)).await;
    seen.resets.fetch_add(1, SeqCst);
    seen.changed.notify_waiters();
    seen.changed.notify_one();
}

fn status(code: &'static str, message: Option<&'static str>) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static(code));
    if let Some(message) = message {
        trailers.insert("grpc-message", HeaderValue::from_static(message));
    }
    trailers.append("t-bin", HeaderValue::from_static("AAEC"));
    trailers.append("t-bin", HeaderValue::from_static("AwQF"));
    trailers
}
