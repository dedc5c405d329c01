//! The binding of the engine's verbs for Python: translation only, to `sidecar/_engine.pyi`.

mod errors;

use std::time::Duration;

use prost::Message;
use pyo3::prelude::*;
use tulle_proxy::otlp;
use tulle_proxy::proto::{EngineConfig, OtlpFacts, Telemetry};

use errors::to_python;

const MAX_GRACE_SECONDS: f64 = 120.0;
const MAX_POST_SECONDS: f64 = 120.0;

/// One data plane: listeners, workers, policy in force.
#[pyclass(frozen, module = "sidecar._engine")]
struct Engine(tulle_proxy::Engine);

// === impl Engine ===

// Whatever may wait (a disk, a lock, a worker) detaches: a thread of the agent that waits here holds up no other.
#[pymethods]
impl Engine {
    /// Check `config` (a serialized EngineConfig) and load a stored identity if there is one.
    #[new]
    fn new(py: Python<'_>, config: &[u8]) -> PyResult<Self> {
        let config = EngineConfig::decode(config)
            .map_err(|error| errors::InvalidConfig::new_err(format!("EngineConfig cannot be decoded: {error}")))?;
        let engine = py.detach(|| tulle_proxy::Engine::new(config)).map_err(to_python)?;
        Ok(Self(engine))
    }

    /// Bind the listeners and start the workers; returns serialized EngineAddresses.
    fn start(&self, py: Python<'_>) -> PyResult<Vec<u8>> {
        let addresses = py.detach(|| self.0.start()).map_err(to_python)?;
        Ok(addresses.encode_to_vec())
    }

    /// Put a serialized Snapshot in force for new calls, whole or not at all.
    fn apply(&self, py: Python<'_>, snapshot: &[u8]) -> PyResult<()> {
        py.detach(|| self.0.apply(snapshot)).map_err(to_python)
    }

    /// Dial the application at `address` ("ip:port") from now on: one of those that EngineConfig names.
    fn use_application(&self, py: Python<'_>, address: &str) -> PyResult<()> {
        py.detach(|| self.0.use_application(address)).map_err(to_python)
    }

    /// Make a new P-256 key, kept pending in memory, and return a PKCS#10 request (DER) signed by it.
    fn create_csr(&self, py: Python<'_>) -> PyResult<Vec<u8>> {
        py.detach(|| self.0.create_csr()).map_err(to_python)
    }

    /// Put the pending key with its chain and bundle in force for new handshakes and store all three.
    fn set_identity(&self, py: Python<'_>, chain_pem: &[u8], bundle_pem: &[u8]) -> PyResult<()> {
        py.detach(|| self.0.set_identity(chain_pem, bundle_pem)).map_err(to_python)
    }

    /// The SPIFFE id in force and the end of its leaf's life (Unix seconds), or None.
    fn identity(&self, py: Python<'_>) -> Option<(String, i64)> {
        let current = py.detach(|| self.0.identity())?;
        Some((current.spiffe_id, current.not_after_unix))
    }

    /// A serialized Telemetry, with the spans that wait or without; and how many waited.
    fn drain_telemetry(&self, py: Python<'_>, spans: bool) -> (Vec<u8>, usize) {
        py.detach(|| self.0.drain_telemetry(spans))
    }

    /// A serialized EngineEvents: what the engine did by itself since the last time, each event once.
    fn drain_events(&self, py: Python<'_>) -> Vec<u8> {
        py.detach(|| self.0.drain_events())
    }

    /// A unary gRPC call to the control plane over the kept mTLS connection; blocks for at most `timeout_seconds`.
    fn post(&self, py: Python<'_>, address: &str, method: &str, request: &[u8], timeout_seconds: f64) -> PyResult<()> {
        if !(0.0..=MAX_POST_SECONDS).contains(&timeout_seconds) {
            let text = format!("timeout_seconds: {timeout_seconds} is not between 0 and {MAX_POST_SECONDS}");
            return Err(errors::InvalidConfig::new_err(text));
        }
        let timeout = Duration::from_secs_f64(timeout_seconds);
        let posted = py.detach(|| self.0.post(address, method, request, timeout));
        posted.map_err(|error| errors::EngineError::new_err(error.to_string()))
    }

    /// What is in force, as JSON.
    fn describe(&self, py: Python<'_>) -> String {
        py.detach(|| self.0.describe())
    }

    /// Begin a graceful stop of the inbound side.
    fn drain(&self, py: Python<'_>) {
        py.detach(|| self.0.drain());
    }

    /// Drain both sides, then stop; True when every call ended within `grace_seconds` (0 to 120). Idempotent.
    fn shutdown(&self, py: Python<'_>, grace_seconds: f64) -> PyResult<bool> {
        if !(0.0..=MAX_GRACE_SECONDS).contains(&grace_seconds) {
            let text = format!("grace_seconds: {grace_seconds} is not between 0 and {MAX_GRACE_SECONDS}");
            return Err(errors::InvalidConfig::new_err(text));
        }
        let grace = Duration::from_secs_f64(grace_seconds);
        Ok(py.detach(|| self.0.shutdown(grace)))
    }
}

/// A serialized Telemetry as OTLP's ExportMetricsServiceRequest, serialized.
#[pyfunction]
fn otlp_metrics(py: Python<'_>, telemetry: &[u8], facts: &[u8]) -> PyResult<Vec<u8>> {
    let (telemetry, facts) = (decoded::<Telemetry>(telemetry)?, decoded::<OtlpFacts>(facts)?);
    Ok(py.detach(|| otlp::metrics_request(&telemetry, &facts)))
}

/// The spans of a serialized Telemetry as OTLP's ExportTraceServiceRequest, serialized.
#[pyfunction]
fn otlp_spans(py: Python<'_>, telemetry: &[u8], facts: &[u8]) -> PyResult<Vec<u8>> {
    let (telemetry, facts) = (decoded::<Telemetry>(telemetry)?, decoded::<OtlpFacts>(facts)?);
    Ok(py.detach(|| otlp::spans_request(telemetry, &facts)))
}

fn decoded<M: Message + Default>(bytes: &[u8]) -> PyResult<M> {
    M::decode(bytes).map_err(|error| errors::EngineError::new_err(format!("telemetry cannot be decoded: {error}")))
}

#[pymodule]
fn _engine(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("EngineError", py.get_type::<errors::EngineError>())?;
    module.add("InvalidConfig", py.get_type::<errors::InvalidConfig>())?;
    module.add("InvalidSnapshot", py.get_type::<errors::InvalidSnapshot>())?;
    module.add("InvalidIdentity", py.get_type::<errors::InvalidIdentity>())?;
    module.add("ListenFailed", py.get_type::<errors::ListenFailed>())?;
    module.add_function(wrap_pyfunction!(otlp_metrics, module)?)?;
    module.add_function(wrap_pyfunction!(otlp_spans, module)?)?;
    module.add_class::<Engine>()
}
