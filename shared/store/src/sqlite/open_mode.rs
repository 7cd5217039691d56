use std::path::Path;

use crate::StoreError;

/// States which other processes may have the file open, and which runs this process works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// No other process has the file open, and this process works on all runs.
    Alone,
    /// Other processes may have the file open in this mode, and each works only on the runs that it has claimed.
    Shared,
}

impl OpenMode {
    /// Returns the error for a file that other processes have open.
    pub fn conflict(self, path: &Path) -> StoreError {
        let path = path.display();
        StoreError::Conflict(match self {
            Self::Alone => {
                format!("another runmill process has {path} open: stop it, or use another data directory")
            }
            Self::Shared => format!(
                "another runmill process has {path} for itself, such as `runmill serve`: name that server with \
                 --server, or use another data directory"
            ),
        })
    }
}
