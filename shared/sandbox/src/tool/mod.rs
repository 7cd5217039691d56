//! Programs that start others with namespaces of their own.

mod bubblewrap;
mod unshare;

use std::{
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
};

use rustix::process::geteuid;
use tokio::process::Command;

use crate::Settings;

/// User and group in whose name a sandbox runs if this process is root's: the kernel does not limit root's processes.
const NOBODY: u32 = 65534;

/// Folders of the machine that a program needs beside `/usr`. Most are links into it today.
const LINKED: [&str; 5] = ["bin", "lib", "lib32", "lib64", "sbin"];

/// Environment of the judge. Little of each process's address space is then set aside for threads' memory.
const ENVIRONMENT: [(&str, &str); 3] =
    [("PATH", "/usr/bin:/usr/sbin:/bin:/sbin"), ("LANG", "C.UTF-8"), ("MALLOC_ARENA_MAX", "2")];

/// A tool that makes sandboxes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// `bwrap` of bubblewrap.
    Bubblewrap,
    /// `unshare` and others of util-linux.
    Unshare,
}

impl Tool {
    const fn program(self) -> &'static str {
        match self {
            Self::Bubblewrap => "bwrap",
            Self::Unshare => "unshare",
        }
    }

    /// Returns where the tool is installed.
    pub(crate) fn find(self, folders: &[PathBuf]) -> Option<PathBuf> {
        folders.iter().map(|folder| folder.join(self.program())).find(|path| path.is_file())
    }

    /// Returns the command that runs the judge's source in a new sandbox. It has no variable of this process.
    pub(crate) fn command(self, path: &Path, settings: &Settings, judge: &str) -> Command {
        let mut command = Command::new(path);
        command.args(match self {
            Self::Bubblewrap => bubblewrap::arguments(settings),
            Self::Unshare => unshare::arguments(settings),
        });
        command.arg(&settings.python).args(["-I", "-S", "-B", "-c", judge]);
        command.env_clear().envs(ENVIRONMENT).current_dir("/");
        if geteuid().is_root() {
            // The groups of root go with it.
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.program())
    }
}

/// Returns the arguments as the operating system takes them.
fn words<const N: usize>(words: [&str; N]) -> impl Iterator<Item = OsString> {
    words.map(OsString::from).into_iter()
}
