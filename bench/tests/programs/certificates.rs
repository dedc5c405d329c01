//! One CA and two leaves in a folder of their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose, SanType};

pub(crate) const NAME: &str = "echo.bench";

/// Paths of PEM files; the folder goes with it.
pub(crate) struct Certificates(PathBuf);

type Authority = CertifiedIssuer<'static, KeyPair>;

// === impl Certificates ===

impl Certificates {
    /// The server proves a host's name.
    pub(crate) fn made() -> Self {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        fs::write(folder.join("ca.pem"), authority.pem()).unwrap();
        leaf(&folder, "server", vec![SanType::DnsName(NAME.try_into().unwrap())], &authority);
        leaf(&folder, "client", Vec::new(), &authority);
        Self(folder)
    }

    pub(crate) fn path(&self, file: &str) -> String {
        self.0.join(file).to_str().unwrap().to_owned()
    }

    /// `--in-*` of an L4 copy.
    pub(crate) fn inward(&self) -> Vec<String> {
        self.flags("in-", "server")
    }

    /// `--out-*` of an L4 copy.
    pub(crate) fn outward(&self) -> Vec<String> {
        let mut flags = self.flags("out-", "client");
        flags.extend(["--out-name".to_owned(), NAME.to_owned()]);
        flags
    }

    /// The load generator's flags, but for the server's name.
    pub(crate) fn of_client(&self) -> String {
        self.flags("", "client").join(" ")
    }

    fn flags(&self, prefix: &str, side: &str) -> Vec<String> {
        let files = [("ca", "ca.pem".to_owned()), ("cert", format!("{side}.pem")), ("key", format!("{side}.key"))];
        files.into_iter().flat_map(|(flag, file)| [format!("--{prefix}{flag}"), self.path(&file)]).collect()
    }
}

impl Drop for Certificates {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn leaf(folder: &Path, side: &str, names: Vec<SanType>, authority: &Authority) {
    let mut params = CertificateParams::default();
    params.subject_alt_names = names;
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    fs::write(folder.join(format!("{side}.pem")), certificate.pem()).unwrap();
    fs::write(folder.join(format!("{side}.key")), key.serialize_pem()).unwrap();
}
