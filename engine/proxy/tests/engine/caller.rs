//! A gRPC client on the h2 crate: one connection, calls by path, everything a caller can see.

use bytes::{Bytes, BytesMut};
use h2::client::SendRequest;
use http::{HeaderMap, Request};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// No test waits longer for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Clone)]
pub(crate) struct Caller {
    send: SendRequest<Bytes>,
    authority: String,
}

/// All that a caller sees of a reply.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    pub(crate) head: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: HeaderMap,
    pub(crate) trailers_only: bool,
}

/// Runs a test on a runtime of its own, for at most [`PATIENCE`].
pub(crate) fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async { tokio::time::timeout(PATIENCE, test).await.expect("in time") });
}

impl Caller {
    pub(crate) async fn connect(address: &str, authority: &str) -> Self {
        let stream = TcpStream::connect(address).await.expect("connected");
        Self::over(stream, authority).await
    }

    /// As gRPC libraries do with `grpc_proxy`: HTTP CONNECT first, HTTP/2 in the tunnel.
    pub(crate) async fn tunnel(address: &str, name: &str, authority: &str) -> Self {
        let mut stream = TcpStream::connect(address).await.expect("connected");
        let request = format!("CONNECT {name} HTTP/1.1\r\nHost: {name}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("written");
        let mut answer = [0; 39];
        stream.read_exact(&mut answer).await.expect("answered");
        assert_eq!(&answer, b"HTTP/1.1 200 Connection established\r\n\r\n");
        Self::over(stream, authority).await
    }

    async fn over(stream: TcpStream, authority: &str) -> Self {
        let (send, connection) = h2::client::handshake(stream).await.expect("http/2");
        tokio::spawn(connection);
        Self { send, authority: authority.to_owned() }
    }

    pub(crate) fn request(&self, method: &str) -> http::request::Builder {
        let uri = format!("http://{}/t.Echo/{method}", self.authority);
        Request::post(uri).header("content-type", "application/grpc").header("te", "trailers")
    }

    /// A call whose request is known as a whole.
    pub(crate) async fn call(&self, request: http::request::Builder, body: &[u8]) -> Reply {
        let mut send = self.send.clone().ready().await.expect("ready");
        let (reply, mut out) = send.send_request(request.body(()).expect("a request"), false).expect("sent");
        let sending = send_all(&mut out, Bytes::copy_from_slice(body));
        let ((), reply) = tokio::join!(sending, read_reply(reply));
        reply
    }

    pub(crate) async fn unary(&self, method: &str, body: &[u8]) -> Reply {
        self.call(self.request(method), body).await
    }

    /// A call whose two directions the test drives itself.
    pub(crate) async fn open(
        &self,
        request: http::request::Builder,
    ) -> (h2::client::ResponseFuture, h2::SendStream<Bytes>) {
        let mut send = self.send.clone().ready().await.expect("ready");
        send.send_request(request.body(()).expect("a request"), false).expect("sent")
    }
}

impl Reply {
    fn last(&self) -> &HeaderMap {
        if self.trailers_only { &self.head } else { &self.trailers }
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        self.last().get(name).map_or("", |value| value.to_str().expect("text"))
    }

    pub(crate) fn status(&self) -> &str {
        self.text("grpc-status")
    }

    pub(crate) fn message(&self) -> &str {
        self.text("grpc-message")
    }

    pub(crate) fn reason(&self) -> &str {
        self.text("tulle-reason")
    }
}

async fn send_all(out: &mut h2::SendStream<Bytes>, mut body: Bytes) {
    while !body.is_empty() {
        out.reserve_capacity(body.len());
        let Some(Ok(room)) = std::future::poll_fn(|cx| out.poll_capacity(cx)).await else { return };
        if out.send_data(body.split_to(room.min(body.len())), false).is_err() {
            return;
        }
    }
    let _ = out.send_data(Bytes::new(), true);
}

pub(crate) async fn read_reply(reply: h2::client::ResponseFuture) -> Reply {
    let mut seen = Reply::default();
    let response = match reply.await {
        Ok(response) => response,
        Err(_) => return seen,
    };
    seen.head = response.headers().clone();
    let mut body = response.into_body();
    seen.trailers_only = body.is_end_stream();
    let mut all = BytesMut::new();
    while let Some(chunk) = body.data().await {
        match chunk {
            Ok(chunk) => {
                let _ = body.flow_control().release_capacity(chunk.len());
                all.extend_from_slice(&chunk);
            }
            Err(_) => return seen,
        }
    }
    seen.body = all.to_vec();
    seen.trailers = body.trailers().await.ok().flatten().unwrap_or_default();
    seen
}
