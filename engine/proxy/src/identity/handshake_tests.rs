//! Handshakes between two identities, in memory: who gets in, who does not, and that renewal breaks nobody.

use std::io::{Read, Write};
use std::sync::Arc;

use rustls::{
    ClientConfig, ClientConnection, Error, HandshakeKind, NamedGroup, ProtocolVersion, ServerConfig, ServerConnection,
};
use rustls_pki_types::ServerName;

use super::authority_tests::{Authority, HOUR, leaf};
use super::{Identity, check_alpn, peer_spiffe_id};

const ORDERS: &str = "spiffe://shop.local/shop/orders";
const PAYMENTS: &str = "spiffe://shop.local/shop/payments";

/// Two ends of one connection.
struct Pair {
    client: ClientConnection,
    server: ServerConnection,
}

impl Pair {
    fn new(client: Arc<ClientConfig>, server: Arc<ServerConfig>) -> Self {
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let client = ClientConnection::new(client, name).unwrap();
        Self { client, server: ServerConnection::new(server).unwrap() }
    }

    fn shake(mut self) -> Result<Self, Error> {
        while self.client.wants_write() || self.server.wants_write() {
            carry(&mut self.client, &mut self.server)?;
            carry(&mut self.server, &mut self.client)?;
        }
        Ok(self)
    }

    fn say(&mut self, text: &[u8]) -> Vec<u8> {
        self.client.writer().write_all(text).unwrap();
        carry(&mut self.client, &mut self.server).unwrap();
        let mut heard = vec![0; text.len()];
        self.server.reader().read_exact(&mut heard).unwrap();
        heard
    }
}

fn carry<A, B, X, Y>(from: &mut A, to: &mut B) -> Result<(), Error>
where
    A: std::ops::DerefMut<Target = rustls::ConnectionCommon<X>>,
    B: std::ops::DerefMut<Target = rustls::ConnectionCommon<Y>>,
    X: rustls::SideData,
    Y: rustls::SideData,
{
    let mut bytes = Vec::new();
    while from.wants_write() {
        from.write_tls(&mut bytes).unwrap();
    }
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        to.read_tls(&mut rest).unwrap();
        to.process_new_packets()?;
    }
    Ok(())
}

fn shake(caller: &Identity, expected: &str, callee: &Identity) -> Result<Pair, Error> {
    let client = caller.client_config(expected).unwrap();
    Pair::new(client, callee.server_config().unwrap()).shake()
}

fn refusal(caller: &Identity, expected: &str, callee: &Identity) -> String {
    match shake(caller, expected, callee) {
        Ok(_) => panic!("the handshake went through"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn two_workloads_of_one_mesh_meet_over_tls_1_3_with_post_quantum_keys() {
    let authority = Authority::new();
    let pair = shake(&authority.identity(ORDERS), PAYMENTS, &authority.identity(PAYMENTS)).unwrap();
    assert_eq!(pair.client.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    let group = pair.server.negotiated_key_exchange_group().unwrap().name();
    assert_eq!(group, NamedGroup::X25519MLKEM768);
    assert_eq!(pair.client.handshake_kind(), Some(HandshakeKind::Full), "a hello retry costs a round trip");
    assert!(check_alpn(&pair.client).is_ok() && check_alpn(&pair.server).is_ok());
    let caller = pair.server.peer_certificates().unwrap().first().unwrap();
    assert_eq!(peer_spiffe_id(caller).unwrap().as_str(), ORDERS);
}

#[test]
fn a_server_of_another_identity_is_refused() {
    let authority = Authority::new();
    let text = refusal(&authority.identity(ORDERS), PAYMENTS, &authority.identity(ORDERS));
    assert!(text.contains(ORDERS) && text.contains(PAYMENTS), "{text}");
}

#[test]
fn a_caller_of_another_ca_is_refused() {
    let mesh = Authority::new();
    let stranger =
        Identity::open_with(None, Arc::new(super::authority_tests::Frozen(super::authority_tests::NOW))).unwrap();
    let csr = stranger.create_csr().unwrap();
    let other = Authority::new();
    let chain = other.chain(&csr, &leaf(ORDERS, HOUR));
    // It trusts both roots, so that it is the server that refuses.
    let both = format!("{}{}", mesh.bundle(), other.bundle());
    stranger.set(chain.as_bytes(), both.as_bytes()).unwrap();
    let text = refusal(&stranger, PAYMENTS, &mesh.identity(PAYMENTS));
    assert!(text.contains("UnknownIssuer") || text.contains("BadSignature"), "{text}");
}

#[test]
fn a_server_of_another_ca_is_refused() {
    let text = refusal(&Authority::new().identity(ORDERS), PAYMENTS, &Authority::new().identity(PAYMENTS));
    assert!(text.contains("UnknownIssuer") || text.contains("BadSignature"), "{text}");
}

#[test]
fn another_trust_domain_is_refused_even_from_the_same_root() {
    let authority = Authority::new();
    let foreign = "spiffe://other.local/shop/payments";
    let text = refusal(&authority.identity(ORDERS), foreign, &authority.identity(foreign));
    assert!(text.contains("not of the trust domain shop.local"), "{text}");
}

#[test]
fn an_expired_server_is_refused() {
    let authority = Authority::new();
    let callee = authority.identity(PAYMENTS);
    authority.issue(&callee, PAYMENTS, 10);
    let later = Arc::new(super::authority_tests::Frozen(super::authority_tests::NOW + 11));
    let caller = Identity::open_with(None, later).unwrap();
    authority.issue(&caller, ORDERS, HOUR);
    let text = refusal(&caller, PAYMENTS, &callee);
    assert!(text.contains("xpired"), "{text}");
}

#[test]
fn an_expired_caller_is_refused() {
    let authority = Authority::new();
    let caller = authority.identity(ORDERS);
    authority.issue(&caller, ORDERS, 10);
    let later = Arc::new(super::authority_tests::Frozen(super::authority_tests::NOW + 11));
    let callee = Identity::open_with(None, later).unwrap();
    authority.issue(&callee, PAYMENTS, HOUR);
    let text = refusal(&caller, PAYMENTS, &callee);
    assert!(text.contains("xpired"), "{text}");
}

#[test]
fn a_caller_without_a_certificate_is_refused() {
    let authority = Authority::new();
    let mut config = authority.identity(ORDERS).client_config(PAYMENTS).unwrap().as_ref().clone();
    config.client_auth_cert_resolver = Arc::new(NoCertificate);
    let pair = Pair::new(Arc::new(config), authority.identity(PAYMENTS).server_config().unwrap());
    assert!(matches!(pair.shake(), Err(Error::NoCertificatesPresented)));
}

#[test]
fn a_caller_without_alpn_or_with_http_1_alone_is_refused() {
    let authority = Authority::new();
    for protocols in [vec![], vec![b"http/1.1".to_vec()]] {
        let mut config = authority.identity(ORDERS).client_config(PAYMENTS).unwrap().as_ref().clone();
        config.alpn_protocols = protocols;
        let pair = Pair::new(Arc::new(config), authority.identity(PAYMENTS).server_config().unwrap());
        assert!(pair.shake().is_err());
    }
}

#[test]
fn a_server_without_alpn_is_caught_by_the_check() {
    let authority = Authority::new();
    let mut config = authority.identity(PAYMENTS).server_config().unwrap().as_ref().clone();
    config.alpn_protocols.clear();
    let client = authority.identity(ORDERS).client_config(PAYMENTS).unwrap();
    let pair = Pair::new(client, Arc::new(config)).shake().unwrap();
    assert!(check_alpn(&pair.client).is_err());
}

#[test]
fn a_renewal_leaves_open_connections_alone_and_serves_new_ones() {
    let authority = Authority::new();
    let (caller, callee) = (authority.identity(ORDERS), authority.identity(PAYMENTS));
    let mut open = shake(&caller, PAYMENTS, &callee).unwrap();
    let before = open.client.peer_certificates().unwrap().to_vec();
    authority.issue(&caller, ORDERS, 2 * HOUR);
    authority.issue(&callee, PAYMENTS, 2 * HOUR);
    assert_eq!(open.say(b"still here"), b"still here");
    let new = shake(&caller, PAYMENTS, &callee).unwrap();
    assert_ne!(new.client.peer_certificates().unwrap(), before.as_slice());
}

#[test]
fn sessions_resume_within_a_generation_and_not_across_a_renewal() {
    let authority = Authority::new();
    let (caller, callee) = (authority.identity(ORDERS), authority.identity(PAYMENTS));
    shake(&caller, PAYMENTS, &callee).unwrap();
    let again = shake(&caller, PAYMENTS, &callee).unwrap();
    assert_eq!(again.server.handshake_kind(), Some(HandshakeKind::Resumed));
    authority.issue(&callee, PAYMENTS, 2 * HOUR);
    let renewed = shake(&caller, PAYMENTS, &callee).unwrap();
    assert_eq!(renewed.server.handshake_kind(), Some(HandshakeKind::Full));
}

#[derive(Debug)]
struct NoCertificate;

impl rustls::client::ResolvesClientCert for NoCertificate {
    fn resolve(&self, _: &[&[u8]], _: &[rustls::SignatureScheme]) -> Option<Arc<rustls::sign::CertifiedKey>> {
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}
