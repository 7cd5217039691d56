use std::path::{Path, PathBuf};

/// Commit of the release before.
const BEFORE: &str = include_str!("../../upgrade/BEFORE");

/// A binary under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// The release before, which `make upgrade` builds.
    Before,
    /// The binary of this checkout.
    Now,
}

impl Release {
    pub fn program(self) -> PathBuf {
        match self {
            Self::Now => env!("CARGO_BIN_EXE_runmill").into(),
            Self::Before => {
                let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("..");
                let program = target.join("upgrade").join(BEFORE.trim()).join("runmill");
                assert!(program.exists(), "{} is not built: run `make upgrade`", program.display());
                program
            }
        }
    }
}
