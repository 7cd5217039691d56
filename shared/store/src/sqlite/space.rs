//! Space that is kept free for the results in hand when the disk becomes full: each of them was paid.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use rustix::{fs::FallocateFlags, io::Errno};
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
        fill(&self.reserve).map_err(|error| {
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

/// Makes a file that keeps its space. A file without written blocks keeps none, so zeros are written where blocks cannot be
/// allocated without them.
fn fill(path: &Path) -> io::Result<()> {
    let mut file = File::create(path)?;
    match rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, RESERVE_BYTES as u64) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => file.write_all(&vec![0; RESERVE_BYTES]),
        allocated => Ok(allocated?),
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    /// Returns the error of a database that has no space left.
    fn full() -> StoreError {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch("CREATE TABLE t (x); PRAGMA max_page_count = 2").unwrap();
        db.execute("INSERT INTO t VALUES (zeroblob(100000))", []).unwrap_err().into()
    }

    #[tokio::test]
    async fn a_full_disk_frees_the_reserve_and_is_told_with_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let space = Space::new(&folder.path().join("runmill.db"));
        space.reserve().unwrap();
        assert_eq!(fs::metadata(&space.reserve).unwrap().len(), RESERVE_BYTES as u64);

        space.look_at(&StoreError::Unavailable("the database is locked".to_owned()));
        assert!(space.reserve.exists() && space.full.borrow().is_none());
        space.look_at(&full());

        assert!(!space.reserve.exists());
        let told = space.full().await;
        assert!(told.contains("runmill.db: ") && told.contains("disk is full"), "{told}");
    }

    #[test]
    fn a_disk_without_room_for_the_reserve_is_refused_with_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let space = Space::new(&folder.path().join("absent/runmill.db"));
        let error = space.reserve().unwrap_err().to_string();
        assert!(error.contains("runmill.db.reserve: "), "{error}");
    }
}
