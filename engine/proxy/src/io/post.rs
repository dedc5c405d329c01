//! Unary gRPC calls to the control plane, over one mTLS connection that stays. All of it blocks: it is for a thread of the
//! agent's, never for a worker's.

mod answer;
mod deadline;
mod error;
mod request;
mod session;
mod socket;

use crate::identity::Identity;
use crate::io::shared::locked;
use rustls::ClientConfig;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use deadline::Deadline;
use request::Request;
use session::{Ending, Session};

pub use error::{Phase, PostError};

/// The connection, while there is one.
#[derive(Default)]
pub(crate) struct Poster(Mutex<Option<Session>>);

// === impl Poster ===

impl Poster {
    /// Makes one call; once more, on a new connection, where the kept one turns out to be closed.
    pub(crate) fn post(
        &self,
        identity: &Identity,
        address: &str,
        method: &str,
        message: &[u8],
        timeout: Duration,
    ) -> Result<(), PostError> {
        let deadline = Deadline::after(timeout);
        let config = identity.control_plane_config().ok_or(PostError::NoIdentity)?;
        let request = Request::new(method, message)?;
        if let Some(kept) = self.take(address, &config, deadline)
            && let Ending::Final(result) = self.call(kept, &request)
        {
            return result;
        }
        let fresh = Session::open(address, config, deadline)?;
        self.call(fresh, &request).into_result()
    }

    /// Out of its place while it is used: whoever posts meanwhile makes a connection of their own and waits for nobody.
    fn take(&self, address: &str, config: &Arc<ClientConfig>, deadline: Deadline) -> Option<Session> {
        let kept = locked(&self.0).take();
        kept.filter(|session| session.fits(address, config)).and_then(|session| session.caught_up(deadline))
    }

    fn call(&self, mut session: Session, request: &Request<'_>) -> Ending {
        let ending = session.call(request);
        if ending.leaves_connection() {
            *locked(&self.0) = Some(session);
        }
        ending
    }
}
