//! `--name value` flags; a wrong one is named with its cause and its remedy.

use std::collections::HashMap;
use std::fmt::Display;
use std::str::FromStr;

/// One flag of a program, as `--help` tells it.
pub struct Flag {
    /// Without its dashes.
    pub name: &'static str,
    /// What stands for its value.
    pub value: &'static str,
    /// What it is for, with unit and default.
    pub about: &'static str,
}

/// What `--help` prints, and which flags there are.
pub struct Usage {
    /// The program's name.
    pub program: &'static str,
    /// What it does, one sentence.
    pub about: &'static str,
    /// All of its flags.
    pub flags: &'static [Flag],
}

/// The flags that were given.
pub struct Flags(HashMap<String, String>);

// === impl Usage ===

impl Usage {
    /// The flags of this process. `--help` prints the usage and ends it with 0, a wrong flag ends it with 2 and a line.
    #[must_use]
    pub fn flags(&self) -> Flags {
        let words: Vec<String> = std::env::args().skip(1).collect();
        if words.iter().any(|word| word == "--help") {
            print!("{}", self.help());
            std::process::exit(0);
        }
        self.parse(words).unwrap_or_else(|error| self.refuse(&error))
    }

    /// Ends the process with 2, saying why in one line.
    pub fn refuse(&self, error: &str) -> ! {
        eprintln!("{}: {}", self.program, error.replace('\n', " "));
        std::process::exit(2);
    }

    fn parse(&self, words: impl IntoIterator<Item = String>) -> Result<Flags, String> {
        let (mut words, mut found) = (words.into_iter(), HashMap::new());
        while let Some(word) = words.next() {
            let name = word.strip_prefix("--").ok_or_else(|| format!("{word}: not a flag; --help lists them"))?;
            if self.flags.iter().all(|flag| flag.name != name) {
                return Err(format!("--{name}: no such flag; --help lists them"));
            }
            let value = words.next().ok_or_else(|| format!("--{name}: has no value; give one behind it"))?;
            if found.insert(name.to_owned(), value).is_some() {
                return Err(format!("--{name}: is given twice; leave one out"));
            }
        }
        Ok(Flags(found))
    }

    fn help(&self) -> String {
        let lines = self.flags.iter().map(|flag| {
            let head = format!("--{} {}", flag.name, flag.value);
            format!("  {head:<28} {}\n", flag.about)
        });
        format!("{}: {}\n\n{}", self.program, self.about, lines.collect::<String>())
    }
}

// === impl Flags ===

impl Flags {
    /// The value of a flag that must be there.
    ///
    /// # Errors
    /// The flag is missing or its value does not parse.
    pub fn get<T: FromStr<Err: Display>>(&self, name: &str) -> Result<T, String> {
        self.find(name)?.ok_or_else(|| format!("--{name}: is missing; --help tells what it is"))
    }

    /// The value of a flag that may be missing.
    ///
    /// # Errors
    /// Its value does not parse.
    pub fn find<T: FromStr<Err: Display>>(&self, name: &str) -> Result<Option<T>, String> {
        let Some(text) = self.0.get(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|error| format!("--{name} {text}: {error}; --help tells what it is"))
    }

    /// A number that must lie in `from..=to`; `default` where the flag is missing, and no default means it must be
    /// there.
    ///
    /// # Errors
    /// The flag is missing, is no number or lies outside.
    pub fn number<T>(&self, name: &str, from: T, to: T, default: Option<T>) -> Result<T, String>
    where
        T: FromStr<Err: Display> + PartialOrd + Display + Copy,
    {
        let value = match (self.find(name)?, default) {
            (Some(value), _) => value,
            (None, Some(default)) => return Ok(default),
            (None, None) => return self.get(name),
        };
        if !(from..=to).contains(&value) {
            return Err(format!("--{name} {value}: out of range; give {from} to {to}"));
        }
        Ok(value)
    }

    /// Whether a flag was given.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}
