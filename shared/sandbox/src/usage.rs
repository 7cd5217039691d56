//! Memory of a sandbox, seen from outside, where its processes can stop nothing that counts.

use std::{fs, time::Duration};

use tokio::time;

use crate::{Limits, tree::below};

/// Time between two looks. In it, two processors can take some hundred megabytes.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Memory of the kernel for a file, without its content.
const FILE_BYTES: u64 = 1 << 10;

/// Returns once the processes below `root` have more memory than they may, with the files that they wrote.
pub(crate) async fn exceeds(root: Option<u32>, limits: &Limits) {
    let Some(root) = root else { return std::future::pending().await };
    let mut looks = time::interval(LOOK_EVERY);
    loop {
        looks.tick().await;
        let processes = below(root);
        let resident: u64 = processes.iter().map(|id| resident_bytes(*id)).sum();
        if resident + folder_bytes(&processes, limits.folder_bytes()) > limits.memory_bytes {
            return;
        }
    }
}

/// Returns 0 for a process that has ended.
fn resident_bytes(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
    resident.and_then(|kilobytes| kilobytes.trim().parse::<u64>().ok()).unwrap_or(0) << 10
}

/// Returns the memory of the sandbox's folder, which all its processes share, or 0 before it is there.
fn folder_bytes(processes: &[u32], size_bytes: u64) -> u64 {
    let folders = processes.iter().filter_map(|id| rustix::fs::statvfs(format!("/proc/{id}/root/tmp")).ok());
    // A process that has not entered the sandbox yet has the machine's folder there, which has another size.
    let folder = folders.into_iter().find(|folder| folder.f_blocks * folder.f_frsize == size_bytes);
    folder.map_or(0, |folder| {
        (folder.f_blocks - folder.f_bfree) * folder.f_frsize + (folder.f_files - folder.f_ffree) * FILE_BYTES
    })
}
