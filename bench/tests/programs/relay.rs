//! The copy of bytes: ends and full buffers are passed on.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Duration;

use crate::certificates::Certificates;
use crate::running::{L4, Running};

/// How long bytes may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);
/// More than sockets and both copies may hold.
const MUCH: usize = 64 << 20;

struct Copied {
    client: TcpStream,
    target: TcpStream,
    _copies: Vec<Running>,
}

fn copy(to: &TcpListener, flags: Vec<String>) -> Running {
    let to = to.local_addr().unwrap().to_string();
    Running::start(L4, &["--to", &to].into_iter().chain(flags.iter().map(String::as_str)).collect::<Vec<_>>())
}

/// Carries bytes both ways from now on, until one side ends.
fn splice(one: TcpStream, other: TcpStream) {
    for (mut from, mut to) in [(one.try_clone().unwrap(), other.try_clone().unwrap()), (other, one)] {
        std::thread::spawn(move || std::io::copy(&mut from, &mut to));
    }
}

fn plain() -> Copied {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let only = copy(&listener, Vec::new());
    let client = TcpStream::connect(&only.address).unwrap();
    Copied { client, target: listener.accept().unwrap().0, _copies: vec![only] }
}

fn with_tls() -> Copied {
    let (listener, certificates) = (TcpListener::bind("127.0.0.1:0").unwrap(), Certificates::made());
    let ingress = copy(&listener, certificates.inward());
    let to = ["--to".to_owned(), ingress.address.clone()];
    let flags: Vec<String> = to.into_iter().chain(certificates.outward()).collect();
    let egress = Running::start(L4, &flags.iter().map(String::as_str).collect::<Vec<_>>());
    let client = TcpStream::connect(&egress.address).unwrap();
    Copied { client, target: listener.accept().unwrap().0, _copies: vec![ingress, egress] }
}

fn assert_a_half_close_is_passed_on(mut copied: Copied) {
    copied.client.write_all(b"question").unwrap();
    copied.client.shutdown(Shutdown::Write).unwrap();
    let (mut question, mut answer) = (String::new(), String::new());
    copied.target.read_to_string(&mut question).unwrap();
    copied.target.write_all(b"answer").unwrap();
    drop(copied.target);
    copied.client.read_to_string(&mut answer).unwrap();
    assert_eq!((question.as_str(), answer.as_str()), ("question", "answer"));
}

fn assert_a_full_target_holds_the_client_up(mut copied: Copied) {
    let piece: Vec<u8> = (0..1 << 20).map(|n: u32| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    copied.client.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
    let mut written = 0;
    while written < MUCH {
        match copied.client.write(&piece[written % piece.len()..]) {
            Ok(bytes) => written += bytes,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(written < MUCH, "all of it was taken though nobody reads");
    copied.client.shutdown(Shutdown::Write).unwrap();
    let mut came = Vec::new();
    copied.target.read_to_end(&mut came).unwrap();
    assert_eq!(came.len(), written);
    assert!(came.chunks(piece.len()).all(|part| part == &piece[..part.len()]));
}

#[test]
fn a_half_close_is_passed_on() {
    assert_a_half_close_is_passed_on(plain());
}

#[test]
fn a_half_close_is_passed_on_under_tls() {
    assert_a_half_close_is_passed_on(with_tls());
}

#[test]
fn what_a_client_says_and_ends_within_the_handshake_arrives() {
    let (listener, between) = (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let certificates = Certificates::made();
    let ingress = copy(&listener, certificates.inward());
    let egress = copy(&between, certificates.outward());
    let mut client = TcpStream::connect(&egress.address).unwrap();
    let held = between.accept().unwrap().0;
    client.write_all(b"question").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    // The copy takes events in turn: once it has connected for another client it has heard this one out.
    let _other = TcpStream::connect(&egress.address).unwrap();
    between.accept().unwrap();
    splice(held, TcpStream::connect(&ingress.address).unwrap());
    let (mut target, mut question) = (listener.accept().unwrap().0, String::new());
    target.set_read_timeout(Some(PATIENCE)).unwrap();
    target.read_to_string(&mut question).unwrap();
    assert_eq!(question, "question");
}

#[test]
fn a_full_target_holds_the_client_up() {
    assert_a_full_target_holds_the_client_up(plain());
}

#[test]
fn a_full_target_holds_the_client_up_under_tls() {
    assert_a_full_target_holds_the_client_up(with_tls());
}

#[test]
fn a_target_that_closes_closes_the_client() {
    let Copied { mut client, target, _copies } = plain();
    drop(target);
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
}

#[test]
fn a_target_that_is_not_there_closes_the_client() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let copy = Running::start(L4, &["--to", &address]);
    let mut client = TcpStream::connect(&copy.address).unwrap();
    assert!(matches!(client.read(&mut [0]), Ok(0) | Err(_)));
}
