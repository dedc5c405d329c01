//! The engine's refusals as Python exceptions: one type a cause, as `sidecar/_engine.pyi` has them.

use pyo3::exceptions::PyException;
use pyo3::{PyErr, create_exception};

create_exception!(
    sidecar._engine,
    EngineError,
    PyException,
    "A refusal by the engine: one lower-case line with cause and remedy."
);
create_exception!(sidecar._engine, InvalidConfig, EngineError, "A field of EngineConfig is wrong; the text names it.");
create_exception!(
    sidecar._engine,
    InvalidSnapshot,
    EngineError,
    "A snapshot was refused whole: args are the detail and the resource."
);
create_exception!(
    sidecar._engine,
    InvalidIdentity,
    EngineError,
    "A certificate chain or bundle does not fit the key, the SPIFFE rules or one another."
);
create_exception!(
    sidecar._engine,
    ListenFailed,
    EngineError,
    "An address cannot be bound; the text names field, address and cause."
);

/// The one place where the engine's errors become Python's.
pub(crate) fn to_python(error: tulle_proxy::EngineError) -> PyErr {
    use tulle_proxy::EngineError as Cause;

    match error {
        Cause::InvalidSnapshot { resource, detail } => InvalidSnapshot::new_err((detail, resource)),
        Cause::InvalidConfig(cause) => InvalidConfig::new_err(cause.to_string()),
        Cause::InvalidIdentity(cause) => InvalidIdentity::new_err(cause),
        Cause::ListenFailed(cause) => ListenFailed::new_err(cause.to_string()),
        other => EngineError::new_err(other.to_string()),
    }
}
