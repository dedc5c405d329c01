//! Setting, refusing and storing an identity.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::authority_tests::{Authority, Frozen, HOUR, NOW, leaf};
use super::{CurrentIdentity, Identity, InvalidIdentity};

const ORDERS: &str = "spiffe://shop.local/shop/orders";
const PAYMENTS: &str = "spiffe://shop.local/shop/payments";

/// A folder of its own that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self(std::env::temp_dir().join(format!("tulle-identity-{}-{number}", std::process::id())))
    }

    fn open(&self) -> Identity {
        self.open_at(NOW)
    }

    fn open_at(&self, now: u64) -> Identity {
        Identity::open_with(Some(self.0.clone()), Arc::new(Frozen(now))).unwrap()
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.0.join(file)).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn in_force(spiffe_id: &str, life: i64) -> Option<CurrentIdentity> {
    Some(CurrentIdentity { spiffe_id: spiffe_id.to_owned(), not_after_unix: NOW.cast_signed() + life })
}

#[test]
fn a_new_identity_has_nothing_in_force() {
    let identity = Identity::open_with(None, Arc::new(Frozen(NOW))).unwrap();
    assert_eq!(identity.current(), None);
    assert!(identity.server_config().is_none() && identity.client_config(PAYMENTS).is_none());
}

#[test]
fn an_identity_survives_a_restart() {
    let (folder, authority) = (Folder::new(), Authority::new());
    authority.issue(&folder.open(), PAYMENTS, HOUR);
    assert_eq!(folder.open().current(), in_force(PAYMENTS, HOUR));
}

#[test]
fn the_folder_and_the_key_are_for_this_user_alone() {
    let (folder, authority) = (Folder::new(), Authority::new());
    authority.issue(&folder.open(), PAYMENTS, HOUR);
    assert_eq!(mode(&folder.0), 0o700);
    assert_eq!(mode(&folder.0.join("key.pem")), 0o600);
    assert!(folder.read("key.pem").contains("PRIVATE KEY"));
    assert!(folder.read("chain.pem").contains("BEGIN CERTIFICATE"));
    assert_eq!(folder.read("bundle.pem"), authority.bundle());
}

#[test]
fn a_folder_that_others_may_enter_is_refused() {
    let folder = Folder::new();
    fs::DirBuilder::new().mode(0o755).create(&folder.0).unwrap();
    fs::set_permissions(&folder.0, fs::Permissions::from_mode(0o755)).unwrap();
    let refused = Identity::open(Some(folder.0.clone())).err().unwrap();
    assert!(refused.to_string().contains("0755"), "{refused}");
}

#[test]
fn a_renewal_keeps_one_generation_on_disk() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let identity = folder.open();
    authority.issue(&identity, PAYMENTS, HOUR);
    authority.issue(&identity, PAYMENTS, 2 * HOUR);
    let generations = fs::read_dir(&folder.0)
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("generation-"));
    assert_eq!(generations.count(), 1);
    assert_eq!(folder.open().current(), in_force(PAYMENTS, 2 * HOUR));
}

#[test]
fn a_crash_before_the_swap_leaves_the_old_identity_whole() {
    let (folder, authority) = (Folder::new(), Authority::new());
    authority.issue(&folder.open(), PAYMENTS, HOUR);
    // What a crash leaves: a half-written next generation and a link that was never put in place.
    let half = folder.0.join("generation-2");
    fs::create_dir(&half).unwrap();
    fs::write(half.join("key.pem"), "half").unwrap();
    symlink("generation-2", folder.0.join("current.next")).unwrap();
    let identity = folder.open();
    assert_eq!(identity.current(), in_force(PAYMENTS, HOUR));
    authority.issue(&identity, PAYMENTS, 2 * HOUR);
    assert_eq!(folder.open().current(), in_force(PAYMENTS, 2 * HOUR));
}

#[test]
fn a_stored_identity_that_has_expired_is_not_in_force_and_says_so() {
    let (folder, authority) = (Folder::new(), Authority::new());
    authority.issue(&folder.open(), PAYMENTS, 10);
    let identity = folder.open_at(NOW + 11);
    assert_eq!(identity.current(), None);
    let refusal = identity.stored_refusal().unwrap().to_string();
    assert!(refusal.contains("xpired"), "{refusal}");
}

#[test]
fn a_damaged_key_is_not_in_force_and_a_new_identity_may_be_set() {
    let (folder, authority) = (Folder::new(), Authority::new());
    authority.issue(&folder.open(), PAYMENTS, HOUR);
    fs::write(folder.0.join("key.pem"), [0xff, 0xfe]).unwrap();
    let identity = folder.open();
    assert_eq!(identity.current(), None);
    authority.issue(&identity, PAYMENTS, HOUR);
    assert_eq!(folder.open().current(), in_force(PAYMENTS, HOUR));
}

#[test]
fn the_key_in_force_may_get_a_new_chain() {
    let authority = Authority::new();
    let identity = Identity::open_with(None, Arc::new(Frozen(NOW))).unwrap();
    let csr = identity.create_csr().unwrap();
    for life in [HOUR, 2 * HOUR] {
        let chain = authority.chain(&csr, &leaf(PAYMENTS, life));
        identity.set(chain.as_bytes(), authority.bundle().as_bytes()).unwrap();
        assert_eq!(identity.current(), in_force(PAYMENTS, life));
    }
}

#[test]
fn a_chain_for_another_key_is_refused_and_the_last_identity_stays() {
    let authority = Authority::new();
    let identity = authority.identity(PAYMENTS);
    let stranger = Identity::open_with(None, Arc::new(Frozen(NOW))).unwrap();
    let chain = authority.chain(&stranger.create_csr().unwrap(), &leaf(ORDERS, HOUR));
    let refused = identity.set(chain.as_bytes(), authority.bundle().as_bytes());
    assert!(matches!(refused, Err(InvalidIdentity::KeyMismatch)));
    assert_eq!(identity.current(), in_force(PAYMENTS, HOUR));
}

#[test]
fn a_chain_that_the_bundle_does_not_vouch_for_is_refused() {
    let (authority, other) = (Authority::new(), Authority::new());
    let identity = authority.identity(PAYMENTS);
    let chain = authority.chain(&identity.create_csr().unwrap(), &leaf(PAYMENTS, HOUR));
    let refused = identity.set(chain.as_bytes(), other.bundle().as_bytes());
    assert!(matches!(refused, Err(InvalidIdentity::Untrusted(_))), "{refused:?}");
}

#[test]
fn a_bundle_that_holds_a_leaf_or_nothing_is_refused() {
    let authority = Authority::new();
    let identity = authority.identity(PAYMENTS);
    let chain = authority.chain(&identity.create_csr().unwrap(), &leaf(PAYMENTS, HOUR));
    for bundle in [chain.clone(), String::new()] {
        assert!(identity.set(chain.as_bytes(), bundle.as_bytes()).is_err());
    }
    assert!(identity.set(b"", authority.bundle().as_bytes()).is_err());
    assert_eq!(identity.current(), in_force(PAYMENTS, HOUR));
}

#[test]
fn client_configurations_are_made_once_an_identity_and_generation() {
    let authority = Authority::new();
    let identity = authority.identity(ORDERS);
    let first = identity.client_config(PAYMENTS).unwrap();
    assert!(Arc::ptr_eq(&first, &identity.client_config(PAYMENTS).unwrap()));
    authority.issue(&identity, ORDERS, 2 * HOUR);
    assert!(!Arc::ptr_eq(&first, &identity.client_config(PAYMENTS).unwrap()));
    assert!(identity.client_config("payments").is_none());
}
