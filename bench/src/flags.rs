//! `--name value` flags; a wrong one is named with its cause.

use std::collections::HashMap;
use std::str::FromStr;

/// The flags of this process.
pub struct Flags(HashMap<String, String>);

// === impl Flags ===

impl Flags {
    /// Reads `--name value` pairs.
    ///
    /// # Errors
    /// A word without its partner, or not a flag.
    pub fn from_env() -> Result<Self, String> {
        let mut words = std::env::args().skip(1);
        let mut found = HashMap::new();
        while let Some(word) = words.next() {
            let name = word.strip_prefix("--").ok_or_else(|| format!("{word}: not a flag"))?;
            let value = words.next().ok_or_else(|| format!("--{name}: has no value"))?;
            found.insert(name.to_owned(), value);
        }
        Ok(Self(found))
    }

    /// The value of a flag that must be there.
    ///
    /// # Errors
    /// The flag is missing or its value does not parse.
    pub fn get<T: FromStr>(&self, name: &str) -> Result<T, String> {
        self.find(name)?.ok_or_else(|| format!("--{name}: is missing"))
    }

    /// The value of a flag that may be missing.
    ///
    /// # Errors
    /// Its value does not parse.
    pub fn find<T: FromStr>(&self, name: &str) -> Result<Option<T>, String> {
        let Some(text) = self.0.get(name) else {
            return Ok(None);
        };
        text.parse().map(Some).map_err(|_| format!("--{name} {text}: not a value of its kind"))
    }
}
