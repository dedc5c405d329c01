//! What is decided about a call to the application: who calls, and whether it may.

use super::reply::Refusal;
use std::sync::Arc;
use tulle_http2::Fields;
use tulle_mesh::authz::Access;
use tulle_mesh::method::MethodInfo;
use tulle_mesh::reason::Reason;
use tulle_mesh::snapshot::{Inbound, Snapshot};
use tulle_mesh::spiffe::SpiffeId;

/// What holds for an inbound call from its first byte to its last.
#[derive(Clone, Debug)]
pub(crate) struct Admitted {
    pub(crate) policy: Arc<Inbound>,
    /// The caller's proven identity.
    pub(crate) peer: Option<SpiffeId>,
    pub(crate) method: MethodInfo,
}

/// Authorizes by the proven identity and exactly the bytes of `:path` that are forwarded.
///
/// `anyone` is who calls on the benchmark's plaintext listener: an identity that no policy names, so that only
/// `allow_by_default` lets it pass.
pub(crate) fn decide(
    snapshot: Option<&Snapshot>,
    peer: Option<&SpiffeId>,
    anyone: &SpiffeId,
    head: &Fields,
) -> Result<Admitted, Refusal> {
    let Some(policy) = snapshot.and_then(Snapshot::inbound) else {
        return Err(Refusal::local(
            Reason::Denied,
            "denied: this sidecar has no policy yet, and without one nobody may call",
        ));
    };
    let path = head.get(b":path").unwrap_or_default();
    match policy.authorize(peer.unwrap_or(anyone), path) {
        // A rule for any *authenticated* caller is not for one who proved nothing.
        Access::Allow { policy: Some(rule) } if peer.is_none() => {
            Err(Refusal::local(Reason::Denied, format!("denied: {rule} allows callers that prove an identity")))
        }
        Access::Allow { .. } => {
            Ok(Admitted { policy: policy.clone(), peer: peer.cloned(), method: policy.method(path) })
        }
        Access::Deny(denial) => Err(Refusal::local(Reason::Denied, denial.to_string())),
    }
}
