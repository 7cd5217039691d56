use std::{path::PathBuf, time::Duration};

use serde::Serialize;

use crate::Tool;

/// Programs that a sandbox is made with, and its limits.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Interpreter, an absolute path below `/usr`: the sandbox contains nothing else of the machine.
    pub python: PathBuf,
    /// Folders in which the tools are looked for, in this order.
    pub tool_folders: Vec<PathBuf>,
    /// Tools that may be used. The first that contains a test program is used.
    pub tools: Vec<Tool>,
    pub limits: Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            python: "/usr/bin/python3".into(),
            tool_folders: ["/usr/local/bin", "/usr/bin", "/bin"].map(PathBuf::from).into(),
            tools: vec![Tool::Bubblewrap, Tool::Unshare],
            limits: Limits::default(),
        }
    }
}

/// Limits of one program. One that exceeds them is stopped with a verdict of its own, or has an error of the operating
/// system.
#[derive(Clone, Debug, Serialize)]
pub struct Limits {
    /// Time from the start of the sandbox to the verdict.
    #[serde(skip)]
    pub wall: Duration,
    /// CPU time of each process, in whole seconds.
    pub cpu_seconds: u64,
    /// Address space of each process, and memory of all together with the files that they wrote. At least 64 MiB:
    /// two interpreters need half of it.
    pub memory_bytes: u64,
    /// Size of each file, and of all files in the folder together.
    pub file_bytes: u64,
    /// Number of processes and threads that the answer may have at the same time.
    pub processes: u32,
    /// Number of files that each process may have open.
    pub open_files: u32,
    /// Text that the program may print.
    #[serde(skip)]
    pub output_bytes: usize,
}

impl Limits {
    /// Returns the size of the sandbox's folder. The kernel makes folders in memory of whole pages; the largest pages
    /// that are in use have 64 KiB.
    pub(crate) const fn folder_bytes(&self) -> u64 {
        self.file_bytes.next_multiple_of(64 << 10)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            wall: Duration::from_secs(10),
            cpu_seconds: 10,
            memory_bytes: 512 << 20,
            file_bytes: 16 << 20,
            processes: 16,
            open_files: 64,
            output_bytes: 1 << 20,
        }
    }
}
