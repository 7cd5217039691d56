//! Space that is kept free for the results in hand when the disk becomes full: each of them was paid.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tokio::sync::watch;

use super::{
    error::is_full,
    open::{beside, broken},
};
use crate::StoreError;

/// Size of the file that is removed when the disk is full. It holds the answers of some thousand calls in flight.
const RESERVE_BYTES: usize = 16 * 1024 * 1024;

pub struct Space {
    database: PathBuf,
    reserve: PathBuf,
    /// The file that could not be written, with the reason, once the disk is full.
    full: watch::Sender<Option<String>>,
}

impl Space {
    pub fn new(database: &Path) -> Self {
        let reserve = beside(database, ".reserve");
        Self { database: database.to_owned(), reserve, full: watch::Sender::new(None) }
    }

    /// Writes the file that keeps the space, unless it is there.
    pub fn reserve(&self) -> Result<(), StoreError> {
        if fs::metadata(&self.reserve).is_ok_and(|found| found.len() >= RESERVE_BYTES as u64) {
            return Ok(());
        }
        // Zeros are written, because a file without written blocks keeps no space.
        fs::write(&self.reserve, vec![0; RESERVE_BYTES]).map_err(|error| {
            let _ = fs::remove_file(&self.reserve);
            broken(&self.reserve, &error)
        })
    }

    /// Frees the space if `error` says that the disk is full.
    pub fn look_at(&self, error: &StoreError) {
        if !is_full(error) {
            return;
        }
        let _ = fs::remove_file(&self.reserve);
        self.full.send_replace(Some(format!("writing {}: {error}", self.database.display())));
    }

    /// Waits until the disk is full. Returns the file that could not be written, with the reason.
    pub async fn full(&self) -> String {
        let mut full = self.full.subscribe();
        let reason = full.wait_for(Option::is_some).await.expect("`self` has the sender");
        reason.clone().unwrap_or_default()
    }
}
