//! TLS 1.3 as the mesh speaks it: aws-lc, X25519MLKEM768 first, ALPN h2, both ends with certificates.

use std::path::Path;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::WebPkiClientVerifier;
use rustls::{
    ClientConfig, ClientConnection, Connection, RootCertStore, ServerConfig, ServerConnection, version::TLS13,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};

use crate::flags::Flags;

const ALPN_H2: &[u8] = b"h2";

/// The connecting end.
#[derive(Clone)]
pub struct ClientTls {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

/// The accepting end; a client must show a certificate of the CA.
#[derive(Clone)]
pub struct ServerTls(Arc<ServerConfig>);

type Pair = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

// === impl ClientTls ===

impl ClientTls {
    /// From `--{prefix}ca`, and `--{prefix}cert` with `--{prefix}key`; `None` without the first. `name` is the flag
    /// that tells the name to be proved: a host, or an address (127.0.0.1 where it is missing).
    ///
    /// # Errors
    /// A flag is missing, or its file cannot be used; the flag is named.
    pub fn from_flags(flags: &Flags, prefix: &str, name: &str) -> Result<Option<Self>, String> {
        let own = own(flags, prefix)?;
        let Some(roots) = roots(flags, prefix)? else {
            let given = [format!("{prefix}cert"), format!("{prefix}key"), name.to_owned()];
            return match given.iter().find(|flag| flags.has(flag)) {
                Some(flag) => Err(format!("--{flag}: is of no use without --{prefix}ca; give that as well")),
                None => Ok(None),
            };
        };
        let expected = flags.find::<String>(name)?.unwrap_or_else(|| "127.0.0.1".to_owned());
        let config = client_config(roots, own).map_err(|error| format!("--{prefix}cert: {error}"))?;
        let server =
            ServerName::try_from(expected).map_err(|error| format!("--{name}: {error}; give a host's name"))?;
        Ok(Some(Self { config: Arc::new(config), name: server }))
    }

    /// A new session; nothing is resumed.
    ///
    /// # Errors
    /// The system gives no randomness.
    pub fn session(&self) -> std::io::Result<Connection> {
        let made = ClientConnection::new(self.config.clone(), self.name.clone());
        made.map(Into::into).map_err(std::io::Error::other)
    }
}

// === impl ServerTls ===

impl ServerTls {
    /// From `--{prefix}ca`, `--{prefix}cert` and `--{prefix}key`; `None` where none of them is there.
    ///
    /// # Errors
    /// One is missing, or its file cannot be used; the flag is named.
    pub fn from_flags(flags: &Flags, prefix: &str) -> Result<Option<Self>, String> {
        let (roots, own) = match (roots(flags, prefix)?, own(flags, prefix)?) {
            (None, None) => return Ok(None),
            (Some(roots), Some(own)) => (roots, own),
            (None, Some(_)) => return Err(format!("--{prefix}ca: is missing; give it beside --{prefix}cert")),
            (Some(_), None) => return Err(format!("--{prefix}cert: is missing; give it beside --{prefix}ca")),
        };
        server_config(roots, own).map(|config| Some(Self(Arc::new(config)))).map_err(|e| format!("--{prefix}cert: {e}"))
    }

    /// A new session.
    ///
    /// # Errors
    /// The system gives no randomness.
    pub fn session(&self) -> std::io::Result<Connection> {
        ServerConnection::new(self.0.clone()).map(Into::into).map_err(std::io::Error::other)
    }
}

fn provider() -> Arc<CryptoProvider> {
    let mut provider = aws_lc_rs::default_provider();
    // First in the list means preferred and sent as the key share, whatever the features of the crate say.
    let preferred = aws_lc_rs::kx_group::X25519MLKEM768;
    provider.kx_groups.retain(|group| group.name() != preferred.name());
    provider.kx_groups.insert(0, preferred);
    Arc::new(provider)
}

fn client_config(roots: RootCertStore, own: Option<Pair>) -> Result<ClientConfig, String> {
    let builder = ClientConfig::builder_with_provider(provider()).with_protocol_versions(&[&TLS13]);
    let builder = builder.map_err(|error| error.to_string())?.with_root_certificates(roots);
    let mut config = match own {
        Some((chain, key)) => builder.with_client_auth_cert(chain, key).map_err(|error| error.to_string())?,
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![ALPN_H2.to_vec()];
    config.resumption = Resumption::disabled();
    Ok(config)
}

fn server_config(roots: RootCertStore, (chain, key): Pair) -> Result<ServerConfig, String> {
    let provider = provider();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build();
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .map_err(|error| error.to_string())?
        .with_client_cert_verifier(verifier.map_err(|error| error.to_string())?)
        .with_single_cert(chain, key)
        .map_err(|error| error.to_string())?;
    config.alpn_protocols = vec![ALPN_H2.to_vec()];
    config.send_tls13_tickets = 1;
    Ok(config)
}

fn roots(flags: &Flags, prefix: &str) -> Result<Option<RootCertStore>, String> {
    let Some(certificates) = certificates(flags, &format!("{prefix}ca"))? else { return Ok(None) };
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate).map_err(|error| format!("--{prefix}ca: {error}; give a CA's certificate"))?;
    }
    Ok(Some(roots))
}

fn own(flags: &Flags, prefix: &str) -> Result<Option<Pair>, String> {
    let (cert, key) = (format!("{prefix}cert"), format!("{prefix}key"));
    match (certificates(flags, &cert)?, flags.find::<String>(&key)?) {
        (None, None) => Ok(None),
        (Some(chain), Some(path)) => {
            let found = PrivateKeyDer::from_pem_file(Path::new(&path));
            Ok(Some((chain, found.map_err(|error| unreadable(&key, &path, &error))?)))
        }
        (Some(_), None) => Err(format!("--{key}: is missing; give it beside --{cert}")),
        (None, Some(_)) => Err(format!("--{cert}: is missing; give it beside --{key}")),
    }
}

/// At least one certificate, where the flag is there.
fn certificates(flags: &Flags, flag: &str) -> Result<Option<Vec<CertificateDer<'static>>>, String> {
    let Some(path) = flags.find::<String>(flag)? else { return Ok(None) };
    let found = CertificateDer::pem_file_iter(&path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = found.map_err(|error| unreadable(flag, &path, &error))?;
    if found.is_empty() {
        return Err(format!("--{flag} {path}: holds no certificate; give a PEM file"));
    }
    Ok(Some(found))
}

fn unreadable(flag: &str, path: &str, error: &rustls_pki_types::pem::Error) -> String {
    format!("--{flag} {path}: {error}; give a PEM file")
}
