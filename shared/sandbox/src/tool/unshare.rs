use std::ffi::OsString;

use super::{LINKED, words};
use crate::Settings;

/// Makes the file system of the sandbox and gives up all rights in it. It is a constant: what varies comes as
/// arguments, and nothing of a program does.
const ROOM: &str = include_str!("room.sh");

/// Returns the arguments of `unshare` before the program's.
pub(super) fn arguments(settings: &Settings) -> Vec<OsString> {
    let size = settings.limits.folder_bytes().to_string();
    let mut arguments = Vec::new();
    arguments.extend(words(["--user", "--map-root-user", "--mount", "--net", "--ipc", "--uts", "--cgroup"]));
    arguments.extend(words(["--pid", "--fork", "--kill-child", "--"]));
    arguments.extend(words(["sh", "-euc", ROOM, "room", &size, &LINKED.join(" ")]));
    arguments
}
