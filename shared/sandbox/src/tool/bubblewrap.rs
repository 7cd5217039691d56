use std::{ffi::OsString, fs, path::Path};

use super::{LINKED, words};
use crate::Settings;

/// Returns the arguments of `bwrap` before the program's.
pub(super) fn arguments(settings: &Settings) -> Vec<OsString> {
    let size = settings.limits.folder_bytes().to_string();
    let mut arguments = Vec::new();
    arguments.extend(words(["--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"]));
    arguments.extend(words(["--hostname", "sandbox", "--ro-bind", "/usr", "/usr"]));
    for name in LINKED {
        arguments.extend(linked(&Path::new("/").join(name)));
    }
    arguments.extend(words(["--proc", "/proc", "--dev", "/dev", "--size", &size, "--tmpfs", "/tmp"]));
    // Its own places are in memory, too, and are to be read only.
    arguments.extend(words(["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp", "--"]));
    arguments
}

fn linked(path: &Path) -> Vec<OsString> {
    if let Ok(target) = fs::read_link(path) {
        return vec!["--symlink".into(), target.into(), path.into()];
    }
    if path.is_dir() {
        return vec!["--ro-bind".into(), path.into(), path.into()];
    }
    Vec::new()
}
