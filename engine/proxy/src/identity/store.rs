//! The identity on disk: a crash at any instant leaves the old trio or the new one, never a mixture.
//!
//! Each generation is a subfolder of its own; the link `current` names the one in force and is replaced by a
//! rename, which is atomic. `key.pem`, `chain.pem` and `bundle.pem` are links through it, so readers know three
//! fixed names.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::{InvalidIdentity, generation::Trio};

// The names that the agent reads: protos/names.py, IDENTITY_*.
const KEY: &str = "key.pem";
const CHAIN: &str = "chain.pem";
const BUNDLE: &str = "bundle.pem";

const CURRENT: &str = "current";
const CURRENT_NEXT: &str = "current.next";
const GENERATION_PREFIX: &str = "generation-";

/// An identity folder, mode 0700, of one engine.
pub(crate) struct Store {
    dir: PathBuf,
}

// === impl Store ===

impl Store {
    /// Makes the folder where it is missing; refuses one that others may enter.
    pub(crate) fn open(dir: PathBuf) -> Result<Self, InvalidIdentity> {
        let store = Self { dir };
        store.prepare().map_err(|error| store.refuse(&error))?;
        Ok(store)
    }

    /// The stored trio, or None where nothing has been stored yet.
    pub(crate) fn load(&self) -> Result<Option<Trio>, InvalidIdentity> {
        match self.read() {
            Ok(trio) => Ok(Some(trio)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.refuse(&error)),
        }
    }

    pub(crate) fn save(&self, trio: &Trio) -> Result<(), InvalidIdentity> {
        self.write(trio).map_err(|error| self.refuse(&error))
    }

    fn prepare(&self) -> io::Result<()> {
        if !self.dir.exists() {
            DirBuilder::new().recursive(true).mode(0o700).create(&self.dir)?;
        }
        let metadata = fs::metadata(&self.dir)?;
        if !metadata.is_dir() {
            return Err(io::Error::other("it is not a folder"));
        }
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(io::Error::other(format!("its mode is {mode:04o}")));
        }
        Ok(())
    }

    fn read(&self) -> io::Result<Trio> {
        let generation = self.dir.join(CURRENT);
        Ok(Trio {
            key_pem: String::from_utf8_lossy(&fs::read(generation.join(KEY))?).into_owned(),
            chain_pem: fs::read(generation.join(CHAIN))?,
            bundle_pem: fs::read(generation.join(BUNDLE))?,
        })
    }

    fn write(&self, trio: &Trio) -> io::Result<()> {
        let previous = fs::read_link(self.dir.join(CURRENT)).ok();
        let name = next_generation(previous.as_deref());
        let generation = self.dir.join(&name);
        remove_if_there(&generation)?;
        DirBuilder::new().mode(0o700).create(&generation)?;
        write_synced(&generation.join(KEY), trio.key_pem.as_bytes(), 0o600)?;
        write_synced(&generation.join(CHAIN), &trio.chain_pem, 0o644)?;
        write_synced(&generation.join(BUNDLE), &trio.bundle_pem, 0o644)?;
        File::open(&generation)?.sync_all()?;
        replace_link(&name, &self.dir.join(CURRENT_NEXT), &self.dir.join(CURRENT))?;
        for file in [KEY, CHAIN, BUNDLE] {
            self.publish(file)?;
        }
        File::open(&self.dir)?.sync_all()?;
        self.forget_all_but(&name)
    }

    // A fixed name that goes through `current`; made once, since what it points to never changes.
    fn publish(&self, file: &str) -> io::Result<()> {
        let (target, link) = (format!("{CURRENT}/{file}"), self.dir.join(file));
        if fs::read_link(&link).is_ok_and(|found| found == Path::new(&target)) {
            return Ok(());
        }
        replace_link(&target, &self.dir.join(format!("{file}.next")), &link)
    }

    fn forget_all_but(&self, name: &str) -> io::Result<()> {
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            let found = entry.file_name();
            if found.to_string_lossy().starts_with(GENERATION_PREFIX) && found != name {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }

    fn refuse(&self, error: &io::Error) -> InvalidIdentity {
        InvalidIdentity::Folder { path: self.dir.display().to_string(), cause: error.to_string() }
    }
}

fn next_generation(previous: Option<&Path>) -> String {
    let number = previous
        .and_then(|path| path.to_str())
        .and_then(|name| name.strip_prefix(GENERATION_PREFIX))
        .and_then(|digits| digits.parse::<u64>().ok())
        .unwrap_or(0);
    format!("{GENERATION_PREFIX}{}", number.wrapping_add(1))
}

fn replace_link(target: &str, next: &Path, link: &Path) -> io::Result<()> {
    match fs::remove_file(next) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => symlink(target, next)?,
    }
    fs::rename(next, link)
}

fn remove_if_there(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn write_synced(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
