use std::{
    path::Path,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard},
};

use ring::digest::{Context, SHA256};

use crate::{TlsError, files::read};

/// Files of which something is made.
pub trait Source {
    type Made;
    fn paths(&self) -> Vec<&Path>;
    fn make(&self) -> Result<Self::Made, TlsError>;
}

/// Result of another look at the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reload {
    Unchanged,
    /// New connections use the new content.
    Changed,
}

/// A value that is made of files, and made again when their content changes.
pub struct Reloaded<S: Source> {
    source: S,
    now: RwLock<State<S::Made>>,
}

struct State<T> {
    made: Arc<T>,
    /// Hash of the content of which `made` was made, or of a later one that could not be used.
    seen: Vec<u8>,
    is_stale: bool,
}

impl<S: Source> Reloaded<S> {
    pub fn load(source: S) -> Result<Self, TlsError> {
        let seen = hash(&source.paths());
        let made = Arc::new(source.make()?);
        Ok(Self { source, now: RwLock::new(State { made, seen, is_stale: false }) })
    }

    pub fn current(&self) -> Arc<S::Made> {
        self.state().made.clone()
    }

    /// Returns true if the files have changed and cannot be used, so that the former content is used still.
    pub fn is_stale(&self) -> bool {
        self.state().is_stale
    }

    /// Looks at the files again. Returns an error once for each content that cannot be used.
    pub fn reload(&self) -> Result<Reload, TlsError> {
        let seen = hash(&self.source.paths());
        if self.state().seen == seen {
            return Ok(Reload::Unchanged);
        }
        let made = self.source.make();
        let mut now = self.now.write().unwrap_or_else(PoisonError::into_inner);
        now.seen = seen;
        now.is_stale = made.is_err();
        now.made = Arc::new(made?);
        Ok(Reload::Changed)
    }

    fn state(&self) -> RwLockReadGuard<'_, State<S::Made>> {
        self.now.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hashes the content of files. One that cannot be read counts as a content of its own.
fn hash(paths: &[&Path]) -> Vec<u8> {
    let mut hash = Context::new(&SHA256);
    for path in paths {
        let content = read(path).ok();
        let length = content.as_ref().map_or(u64::MAX, |content| content.len() as u64);
        hash.update(&length.to_be_bytes());
        hash.update(&content.unwrap_or_default());
    }
    hash.finish().as_ref().to_vec()
}
