//! Another HTTP/2 stack, the h2 crate's server, in memory and polled by hand: what it sees as calls.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use h2::server::{Connection, Handshake, SendResponse};
use h2::{RecvStream, SendStream};
use http::{HeaderMap, HeaderValue, Response};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::seen::List;

/// A request as the application sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) authority: Option<String>,
    /// Sorted by name; fields of one name stay in their order.
    pub(crate) fields: List,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: List,
    /// Came to its end, whole.
    pub(crate) whole: bool,
    /// Was reset, or refused by this stack.
    pub(crate) broken: bool,
}

/// A server that echoes.
pub(crate) struct Stack {
    pipe: Rc<RefCell<Pipe>>,
    state: State,
    open: Vec<Open>,
    pub(crate) calls: Vec<Call>,
    pub(crate) failed: bool,
}

enum State {
    Greeting(Handshake<Wire, Bytes>),
    Serving(Connection<Wire, Bytes>),
    Over,
}

/// A request whose end has not come yet.
struct Open {
    at: usize,
    body: RecvStream,
    responder: SendResponse<Bytes>,
}

#[derive(Default)]
struct Pipe {
    to_server: VecDeque<u8>,
    from_server: Vec<u8>,
    closed: bool,
}

struct Wire(Rc<RefCell<Pipe>>);

// === impl Stack ===

impl Stack {
    pub(crate) fn new() -> Self {
        let pipe = Rc::new(RefCell::new(Pipe::default()));
        let mut builder = h2::server::Builder::new();
        builder.max_concurrent_streams(100).initial_window_size(1 << 20).initial_connection_window_size(1 << 20);
        let state = State::Greeting(builder.handshake(Wire(pipe.clone())));
        Self { pipe, state, open: Vec::new(), calls: Vec::new(), failed: false }
    }

    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        self.pipe.borrow_mut().to_server.extend(bytes);
    }

    pub(crate) fn close(&mut self) {
        self.pipe.borrow_mut().closed = true;
        self.run();
    }

    /// Until nothing moves any more; what the server writes.
    pub(crate) fn run(&mut self) -> Vec<u8> {
        let mut context = Context::from_waker(Waker::noop());
        loop {
            let before = (self.pipe.borrow().to_server.len(), self.pipe.borrow().from_server.len(), self.news());
            self.serve(&mut context);
            self.read_bodies(&mut context);
            let after = (self.pipe.borrow().to_server.len(), self.pipe.borrow().from_server.len(), self.news());
            if before == after {
                break;
            }
        }
        std::mem::take(&mut self.pipe.borrow_mut().from_server)
    }

    fn news(&self) -> (usize, usize, bool) {
        (self.calls.len(), self.open.len(), matches!(self.state, State::Serving(_)))
    }

    fn serve(&mut self, context: &mut Context<'_>) {
        if let State::Greeting(handshake) = &mut self.state {
            match Pin::new(handshake).poll(context) {
                Poll::Pending => return,
                Poll::Ready(Ok(connection)) => self.state = State::Serving(connection),
                Poll::Ready(Err(_)) => return self.over(),
            }
        }
        while let State::Serving(connection) = &mut self.state {
            match connection.poll_accept(context) {
                Poll::Pending => return,
                Poll::Ready(Some(Ok((request, responder)))) => self.accept(request, responder),
                Poll::Ready(Some(Err(_)) | None) => return self.over(),
            }
        }
    }

    fn over(&mut self) {
        self.failed |= !self.pipe.borrow().closed;
        self.state = State::Over;
    }

    fn accept(&mut self, request: http::Request<RecvStream>, responder: SendResponse<Bytes>) {
        let (head, body) = request.into_parts();
        let at = self.calls.len();
        self.calls.push(Call {
            method: head.method.to_string(),
            path: head.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
            authority: head.uri.authority().map(ToString::to_string),
            fields: sorted(&head.headers),
            ..Call::default()
        });
        self.open.push(Open { at, body, responder });
    }

    fn read_bodies(&mut self, context: &mut Context<'_>) {
        let calls = &mut self.calls;
        self.open.retain_mut(|open| {
            let call = &mut calls[open.at];
            read(open, call, context);
            if call.whole {
                answer(&mut open.responder, call);
            }
            !call.whole && !call.broken
        });
    }
}

fn read(open: &mut Open, call: &mut Call, context: &mut Context<'_>) {
    loop {
        match open.body.poll_data(context) {
            Poll::Pending => return,
            Poll::Ready(Some(Ok(bytes))) => {
                call.body.extend_from_slice(&bytes);
                let _ = open.body.flow_control().release_capacity(bytes.len());
            }
            Poll::Ready(Some(Err(_))) => return call.broken = true,
            Poll::Ready(None) => break,
        }
    }
    match open.body.poll_trailers(context) {
        Poll::Pending => {}
        Poll::Ready(Ok(trailers)) => {
            call.trailers = trailers.as_ref().map(sorted).unwrap_or_default();
            call.whole = true;
        }
        Poll::Ready(Err(_)) => call.broken = true,
    }
}

/// The body back, and how long it was.
fn answer(responder: &mut SendResponse<Bytes>, call: &Call) {
    let mut head = Response::new(());
    head.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    let Ok(mut stream) = responder.send_response(head, false) else { return };
    let _ = say(&mut stream, call);
}

fn say(stream: &mut SendStream<Bytes>, call: &Call) -> Result<(), h2::Error> {
    stream.send_data(Bytes::from(call.body.clone()), false)?;
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    trailers.insert("x-length", HeaderValue::from(call.body.len()));
    stream.send_trailers(trailers)
}

fn sorted(map: &HeaderMap) -> List {
    let mut list: List =
        map.iter().map(|(name, value)| (name.as_str().as_bytes().to_vec(), value.as_bytes().to_vec())).collect();
    list.sort_by(|a, b| a.0.cmp(&b.0));
    list
}

// === impl Wire ===

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut pipe = self.0.borrow_mut();
        if pipe.to_server.is_empty() {
            return if pipe.closed { Poll::Ready(Ok(())) } else { Poll::Pending };
        }
        let some = into.remaining().min(pipe.to_server.len());
        let bytes: Vec<u8> = pipe.to_server.drain(..some).collect();
        into.put_slice(&bytes);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.borrow_mut().from_server.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
