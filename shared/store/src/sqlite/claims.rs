//! Names that processes have claimed in a shared file, such as those of the runs that they work on.
//!
//! A claim is a lock on a file, so that the claims of a process end with it, however it ends.

use std::{
    collections::HashMap,
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::open::{beside, broken};
use crate::StoreError;

/// Claims of this process.
pub struct Claims {
    folder: PathBuf,
    held: Mutex<HashMap<String, File>>,
}

impl Claims {
    pub fn new(database: &Path) -> Self {
        Self { folder: folder(database), held: Mutex::default() }
    }

    /// Claims `name`. Returns false if another process has it.
    pub fn claim(&self, name: &str) -> Result<bool, StoreError> {
        let path = self.folder.join(name);
        let opened = fs::create_dir_all(&self.folder).and_then(|()| File::create(&path));
        let file = opened.map_err(|error| broken(&path, &error))?;
        match file.try_lock() {
            Ok(()) => {
                self.held().insert(name.to_owned(), file);
                Ok(true)
            }
            Err(TryLockError::WouldBlock) => Ok(self.has(name)),
            Err(TryLockError::Error(error)) => Err(broken(&path, &error)),
        }
    }

    /// Returns true if another process has claimed `name`.
    pub fn is_taken(&self, name: &str) -> Result<bool, StoreError> {
        let path = self.folder.join(name);
        if self.has(name) || !path.exists() {
            return Ok(false);
        }
        let file = File::open(&path).map_err(|error| broken(&path, &error))?;
        match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(broken(&path, &error)),
        }
    }

    pub fn has(&self, name: &str) -> bool {
        self.held().contains_key(name)
    }

    fn held(&self) -> MutexGuard<'_, HashMap<String, File>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn folder(database: &Path) -> PathBuf {
    beside(database, ".claims")
}

/// Removes the files of earlier claims. It is called only while no other process has the database open, because a file
/// that is removed could be locked by one process and made anew by another.
pub fn discard(database: &Path) {
    if let Err(error) = fs::remove_dir_all(folder(database))
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(%error, "the files of earlier claims are not removed");
    }
}
