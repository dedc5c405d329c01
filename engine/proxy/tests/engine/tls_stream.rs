//! TLS of a server under tokio: what h2 reads and writes.

use rustls::{ServerConfig, ServerConnection};
use std::io::{self, ErrorKind, Read, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

pub(crate) struct TlsStream {
    socket: TcpStream,
    session: ServerConnection,
}

impl TlsStream {
    /// Shakes hands; None where one of the two sides refuses.
    pub(crate) async fn accept(socket: TcpStream, config: Arc<ServerConfig>) -> Option<Self> {
        let session = ServerConnection::new(config).expect("a session");
        let mut made = Self { socket, session };
        std::future::poll_fn(|cx| made.poll_handshake(cx)).await.ok()?;
        Some(made)
    }

    /// The client's leaf, DER.
    pub(crate) fn certificate(&self) -> Vec<u8> {
        self.session.peer_certificates().and_then(|chain| chain.first()).expect("a certificate").to_vec()
    }

    fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.session.is_handshaking() {
            ready!(self.poll_out(cx))?;
            if self.session.is_handshaking() && ready!(self.poll_in(cx))? == 0 {
                return Poll::Ready(Err(ErrorKind::UnexpectedEof.into()));
            }
        }
        self.poll_out(cx)
    }

    fn poll_in(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut page = [0; 4096];
        let mut buffer = ReadBuf::new(&mut page);
        ready!(Pin::new(&mut self.socket).poll_read(cx, &mut buffer))?;
        let mut input = buffer.filled();
        let length = input.len();
        while !input.is_empty() {
            self.session.read_tls(&mut input)?;
            if let Err(error) = self.session.process_new_packets() {
                let _ = self.poll_out(cx);
                return Poll::Ready(Err(io::Error::new(ErrorKind::InvalidData, error)));
            }
        }
        Poll::Ready(Ok(length))
    }

    fn poll_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.session.wants_write() {
            ready!(self.socket.poll_write_ready(cx))?;
            match self.session.write_tls(&mut Now(&self.socket)) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                written => drop(written?),
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for TlsStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            match self.session.reader().read(out.initialize_unfilled()) {
                Ok(length) => {
                    out.advance(length);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
            if ready!(self.poll_in(cx))? == 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl AsyncWrite for TlsStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_out(cx))?;
        let taken = self.session.writer().write(bytes)?;
        let _ = self.poll_out(cx)?;
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_out(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.session.send_close_notify();
        ready!(self.poll_out(cx))?;
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

/// A socket that is written to at once or not at all.
struct Now<'s>(&'s TcpStream);

impl Write for Now<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
