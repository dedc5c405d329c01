//! A connection for each call: what a handshake costs.

use crate::bad_server::{Fault, serve};
use crate::certificates::Certificates;
use crate::running::{L4, Running, load, output};

const SHAPE: &str = "--kind handshake --payload 100 --connections 3 --streams 1 --seconds 1";

fn ingress(backend: &str, certificates: &Certificates) -> Running {
    let inward = certificates.inward();
    let flags: Vec<&str> = ["--to", backend].into_iter().chain(inward.iter().map(String::as_str)).collect();
    Running::start(L4, &flags)
}

#[test]
fn each_slot_connects_again_and_again() {
    let (backend, certificates) = (Running::backend(), Certificates::made());
    let ingress = ingress(&backend.address, &certificates);
    let counted = load(&ingress.address, &format!("{SHAPE} --server-name echo.bench {}", certificates.of_client()));
    counted.assert_all_ok();
    assert!(counted.by_connection().0 > 1, "{:?}", counted.by_connection());
}

#[test]
fn a_server_of_another_name_is_refused() {
    let (backend, certificates) = (Running::backend(), Certificates::made());
    let ingress = ingress(&backend.address, &certificates);
    let other = format!("{SHAPE} --server-name other.bench {}", certificates.of_client());
    let flags = format!("--target {} --authority a {other}", ingress.address);
    let ended = output(&flags.split_whitespace().collect::<Vec<_>>());
    assert_eq!(ended.status.code(), Some(2));
    let line = String::from_utf8(ended.stderr).unwrap();
    assert!(line.contains("nothing could connect") && line.lines().count() == 1, "{line}");
}

#[test]
fn a_client_without_a_certificate_is_refused() {
    let (backend, certificates) = (Running::backend(), Certificates::made());
    let ingress = ingress(&backend.address, &certificates);
    let flags = format!(
        "--target {} --authority a {SHAPE} --server-name echo.bench --ca {}",
        ingress.address,
        certificates.path("ca.pem")
    );
    let ended = output(&flags.split_whitespace().collect::<Vec<_>>());
    assert_eq!(ended.status.code(), Some(2), "{}", String::from_utf8_lossy(&ended.stdout));
}

#[test]
fn a_handshake_whose_call_fails_is_failed() {
    let certificates = Certificates::made();
    let ingress = ingress(&serve(Fault::WrongByte), &certificates);
    let counted = load(&ingress.address, &format!("{SHAPE} --server-name echo.bench {}", certificates.of_client()));
    assert_eq!(counted.number("ok"), 0);
    counted.assert_failed("mismatch", counted.number("failed"));
}
