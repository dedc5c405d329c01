//! Every execution that has a key.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use tonic::metadata::MetadataMap;

use crate::contract::{Ending, Execution, Record};

#[derive(Clone, Default)]
pub struct Kept(Arc<Mutex<Vec<Execution>>>);

/// A running execution; dropped before its end it was cancelled.
pub struct Running {
    kept: Kept,
    at: Option<usize>,
    ending: Ending,
}

// === impl Kept ===

impl Kept {
    pub fn begin(&self, key: &str, metadata: &MetadataMap) -> Running {
        let at = (!key.is_empty()).then(|| {
            let mut all = self.lock();
            all.push(Execution {
                key: key.to_owned(),
                previous_attempts: told(metadata, "grpc-previous-rpc-attempts"),
                deadline_ms: milliseconds(&told(metadata, "grpc-timeout")),
                ending: Ending::Running.into(),
                ended_ns: 0,
            });
            all.len() - 1
        });
        Running { kept: self.clone(), at, ending: Ending::Cancelled }
    }

    pub fn of(&self, prefix: &str) -> Record {
        let executions = self.lock().iter().filter(|one| one.key.starts_with(prefix)).cloned().collect();
        Record { executions }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Execution>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Running ===

impl Running {
    pub fn ended(mut self) {
        self.ending = Ending::Ended;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(at) = self.at else { return };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
        if let Some(one) = self.kept.lock().get_mut(at) {
            one.ending = self.ending.into();
            one.ended_ns = i64::try_from(now).unwrap_or(i64::MAX);
        }
    }
}

fn told(metadata: &MetadataMap, name: &str) -> String {
    let values: Vec<&str> = metadata.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    values.join(",")
}

/// `grpc-timeout` in milliseconds, -1 for none.
fn milliseconds(timeout: &str) -> i64 {
    let Some((number, unit)) = timeout.split_at_checked(timeout.len().saturating_sub(1)) else { return -1 };
    let Ok(number) = number.parse::<i64>() else { return -1 };
    match unit {
        "H" => number.saturating_mul(3_600_000),
        "M" => number.saturating_mul(60_000),
        "S" => number.saturating_mul(1_000),
        "m" => number,
        "u" => number / 1_000,
        "n" => number / 1_000_000,
        _ => -1,
    }
}
