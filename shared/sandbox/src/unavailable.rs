use std::path::PathBuf;

use crate::Tool;

/// Reason for which this machine can run no program of an answer.
#[derive(Debug, thiserror::Error)]
pub enum Unavailable {
    #[error("programs of answers run on Linux only")]
    NotLinux,
    #[error("Python is not installed at {0}; install it (Debian: apt-get install python3)")]
    NoPython(PathBuf),
    #[error("the sandbox contains only what is below /usr, and Python is at {0}")]
    PythonElsewhere(PathBuf),
    #[error(
        "neither bubblewrap nor unshare is installed in {folders:?}; \
         install one (Debian: apt-get install bubblewrap)"
    )]
    NoTool { folders: Vec<PathBuf> },
    #[error("{}", joined(.0))]
    NotContained(Vec<Refused>),
}

/// A tool that is installed and does not contain a program here.
#[derive(Debug, thiserror::Error)]
#[error("{tool} contains no program on this machine ({reason})")]
pub struct Refused {
    pub tool: Tool,
    pub reason: String,
}

fn joined(refused: &[Refused]) -> String {
    let lines: Vec<_> = refused.iter().map(ToString::to_string).collect();
    format!(
        "{}; the machine must let an ordinary user make namespaces of users, mounts and processes",
        lines.join("; ")
    )
}
