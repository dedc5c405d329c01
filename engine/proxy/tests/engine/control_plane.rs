//! A control plane on the h2 crate and rustls that does what a call's method says, and tells what it saw.

use crate::authority::Authority;
use crate::caller::PATIENCE;
use crate::tls_stream::TlsStream;
use bytes::Bytes;
use h2::server::{Builder, Connection, SendResponse};
use h2::{Ping, PingPong};
use http::{HeaderMap, HeaderValue, Request, Response};
use socket2::{SockRef, Socket};
use std::net::{Shutdown, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::watch;

pub(crate) const CONTROL_PLANE: &str = "spiffe://shop.local/tulle/control-plane";
pub(crate) const HOST: &str = "control-plane.tulle";
/// A window that every request of some size has to wait for.
pub(crate) const SMALL_WINDOW: u32 = 4 * 1024;
const ANSWER: &[u8] = &[0, 0, 0, 0, 0];
/// More than half of a window, which is given back while the rest still comes.
const MUCH: usize = 60 * 1024;

/// A running server; it ends with this value.
pub(crate) struct ControlPlane {
    pub(crate) address: SocketAddr,
    seen: Receiver<Seen>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

/// What it saw, in order.
#[derive(Debug)]
pub(crate) enum Seen {
    /// A handshake with whoever showed this leaf (DER).
    Connection(Vec<u8>),
    /// A request, whole unless its method says otherwise.
    Call { path: String, head: HeaderMap, body: Vec<u8> },
    /// A PING was answered.
    Pong,
    /// A connection ended.
    Closed,
}

/// How its connections end.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Orderly,
    Reset,
}

impl End {
    fn of(self, socket: Socket) {
        match self {
            Self::Orderly => {
                // Closed with unread bytes it would end with a reset after all.
                let _ = socket.shutdown(Shutdown::Write);
                let mut rest = TcpStream::from_std(socket.into()).expect("a socket");
                tokio::spawn(async move { tokio::io::copy(&mut rest, &mut tokio::io::sink()).await });
            }
            Self::Reset => socket.set_linger(Some(Duration::ZERO)).expect("no lingering"),
        }
    }
}

impl ControlPlane {
    pub(crate) fn start(authority: &Authority) -> Self {
        Self::named(authority, CONTROL_PLANE, HOST)
    }

    /// Its connections end with a reset.
    pub(crate) fn abrupt(authority: &Authority) -> Self {
        Self::serving(authority.server(CONTROL_PLANE, HOST), End::Reset)
    }

    /// Shows a certificate with these names.
    pub(crate) fn named(authority: &Authority, spiffe_id: &str, host: &str) -> Self {
        Self::serving(authority.server(spiffe_id, host), End::Orderly)
    }

    fn serving(config: Arc<rustls::ServerConfig>, end: End) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("non-blocking");
        let address = listener.local_addr().expect("an address");
        let (tell, seen) = channel();
        let (stop, stopped) = watch::channel(false);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(serve(listener, config, end, tell, stopped));
        });
        Self { address, seen, stop, thread: Some(thread) }
    }

    pub(crate) fn next(&self) -> Seen {
        self.seen.recv_timeout(PATIENCE).expect("something happens")
    }

    /// The leaf of the connection that is made next.
    pub(crate) fn connection(&self) -> Vec<u8> {
        match self.next() {
            Seen::Connection(leaf) => leaf,
            other => panic!("no new connection but {other:?}"),
        }
    }

    /// Path, head and body of the call that comes next, on the connection that there is.
    pub(crate) fn call(&self) -> (String, HeaderMap, Vec<u8>) {
        match self.next() {
            Seen::Call { path, head, body } => (path, head, body),
            other => panic!("no call but {other:?}"),
        }
    }

    /// Nothing was seen that was not asked for.
    pub(crate) fn saw_no_more(&self) {
        assert!(self.seen.try_recv().is_err());
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

async fn serve(
    listener: std::net::TcpListener,
    config: Arc<rustls::ServerConfig>,
    end: End,
    tell: Sender<Seen>,
    mut stopped: watch::Receiver<bool>,
) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (socket, _) = accepted.expect("a connection");
                // What has been said is on its way then, however the connection ends.
                socket.set_nodelay(true).expect("no delay");
                tokio::spawn(connection(socket, config.clone(), end, tell.clone()));
            }
            _ = stopped.changed() => return,
        }
    }
}

async fn connection(socket: TcpStream, config: Arc<rustls::ServerConfig>, end: End, tell: Sender<Seen>) {
    let kept = SockRef::from(&socket).try_clone().expect("another handle");
    let Some(stream) = TlsStream::accept(socket, config).await else { return };
    let _ = tell.send(Seen::Connection(stream.certificate()));
    let mut builder = Builder::new();
    builder.initial_window_size(SMALL_WINDOW);
    if let Ok(mut http2) = builder.handshake::<_, Bytes>(stream).await {
        calls(&mut http2, &tell).await;
    }
    end.of(kept);
    let _ = tell.send(Seen::Closed);
}

/// Until one of the two sides ends the connection.
async fn calls(http2: &mut Connection<TlsStream, Bytes>, tell: &Sender<Seen>) {
    let mut pings = http2.ping_pong();
    while let Some(Ok((request, mut respond))) = http2.accept().await {
        let method = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
        match method.as_str() {
            "Close" | "CloseLong" => {
                take(request, respond, tell.clone(), http2).await;
                return;
            }
            "Leave" => {
                // Before the answer, so that whoever has that has this too.
                http2.graceful_shutdown();
                take(request, respond, tell.clone(), http2).await;
            }
            "Ping" => {
                take(request, respond, tell.clone(), http2).await;
                tokio::spawn(ping(pings.take().expect("once"), tell.clone()));
            }
            "Die" => {
                let _ = tell.send(seen(&request, Vec::new()));
                return;
            }
            "Hang" => drop(tokio::spawn(async move {
                let _request = request;
                let _ = std::future::poll_fn(|cx| respond.poll_reset(cx)).await;
            })),
            _ => drop(tokio::spawn(answer(request, respond, tell.clone()))),
        }
    }
}

/// As `answer`, and back when all of it has left.
async fn take(
    request: Request<h2::RecvStream>,
    respond: SendResponse<Bytes>,
    tell: Sender<Seen>,
    http2: &mut Connection<TlsStream, Bytes>,
) {
    let answering = tokio::spawn(answer(request, respond, tell));
    // Only a connection that is polled moves; nothing else is asked meanwhile.
    tokio::select! {
        done = answering => done.expect("answered"),
        _ = http2.accept() => panic!("one call at a time"),
    }
    let flushed = std::future::poll_fn(|cx| {
        let _ = http2.poll_accept(cx);
        std::task::Poll::Ready(())
    });
    flushed.await;
}

async fn ping(mut pings: PingPong, tell: Sender<Seen>) {
    if pings.ping(Ping::opaque()).await.is_ok() {
        let _ = tell.send(Seen::Pong);
    }
}

async fn answer(request: Request<h2::RecvStream>, mut respond: SendResponse<Bytes>, tell: Sender<Seen>) {
    let method = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
    match method.as_str() {
        "Refuse" => return trailers_only(&mut respond),
        "Silent" => return drop(respond.send_response(response("application/grpc", 200), true)),
        "Html" => return drop(respond.send_response(response("text/html", 503), true)),
        "Reset" => return respond.send_reset(h2::Reason::ENHANCE_YOUR_CALM),
        _ => {}
    }
    let (head, mut body) = request.into_parts();
    let mut whole = Vec::new();
    while let Some(Ok(chunk)) = body.data().await {
        let _ = body.flow_control().release_capacity(chunk.len());
        whole.extend_from_slice(&chunk);
    }
    let _ = tell.send(Seen::Call { path: head.uri.to_string(), head: head.headers, body: whole });
    let mut out = respond.send_response(response("application/grpc", 200), false).expect("open");
    match method.as_str() {
        "RefuseLate" => drop(out.send_trailers(status("8", "no%20r%C3%B6om%0A%zz"))),
        "Long" => {
            let _ = out.send_data(Bytes::from(vec![0; 100 * 1024]), false);
            let _ = std::future::poll_fn(|cx| out.poll_reset(cx)).await;
        }
        "CloseLong" => {
            let _ = out.send_data(Bytes::from(vec![0; MUCH]), false);
            let _ = out.send_trailers(status("0", ""));
        }
        _ => {
            let _ = out.send_data(Bytes::from_static(ANSWER), false);
            let _ = out.send_trailers(status("0", ""));
        }
    }
}

fn seen(request: &Request<h2::RecvStream>, body: Vec<u8>) -> Seen {
    Seen::Call { path: request.uri().to_string(), head: request.headers().clone(), body }
}

fn response(kind: &'static str, status: u16) -> Response<()> {
    Response::builder().status(status).header("content-type", kind).body(()).expect("a response")
}

fn trailers_only(respond: &mut SendResponse<Bytes>) {
    let mut head = response("application/grpc", 200);
    head.headers_mut().extend(status("14", "not now"));
    let _ = respond.send_response(head, true);
}

fn status(code: &'static str, message: &'static str) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static(code));
    trailers.insert("grpc-message", HeaderValue::from_static(message));
    trailers
}
