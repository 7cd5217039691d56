//! The processes of a sandbox, seen from outside.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Child;

/// Processes of a sandbox, by the tool's own. They are killed when this is dropped.
pub(crate) struct Tree(pub Child);

impl Tree {
    /// Kills all processes, if the tool's own has not been waited for.
    pub(crate) fn kill(&self) {
        let Some(tool) = self.0.id() else { return };
        // The first process of the sandbox takes all others with it. The tool then ends by itself, and so its child is
        // no zombie that waits for the first process of the machine, which may be this one.
        let inside = children(tool);
        let killed = inside.into_iter().filter(|id| kill(*id)).count();
        if killed == 0 {
            kill(tool);
        }
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        self.kill();
    }
}

fn kill(id: u32) -> bool {
    let id = i32::try_from(id).ok().and_then(Pid::from_raw);
    id.is_some_and(|id| kill_process(id, Signal::KILL).is_ok())
}

/// Returns the processes that descend from `root`, and itself first. One whose parent ended is a child of the sandbox's
/// first process.
pub(crate) fn below(root: u32) -> Vec<u32> {
    let mut found = vec![root];
    let mut next = 0;
    while let Some(id) = found.get(next).copied() {
        found.extend(children(id));
        next += 1;
    }
    found
}

fn children(id: u32) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{id}/task")) else { return Vec::new() };
    let lists =
        threads.flatten().filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>())
        .collect()
}
