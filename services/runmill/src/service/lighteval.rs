use std::path::{Path, PathBuf};

use runmill_config::LightevalFiles;
use runmill_lighteval::Program;

use crate::exit::UsageError;

/// Returns LightEval as the settings name it. Fails if a file or folder of it does not exist.
pub fn program(files: &LightevalFiles) -> anyhow::Result<Option<Program>> {
    let Some(path) = &files.program else { return Ok(None) };
    let path = checked("RUNMILL_LIGHTEVAL", path, "file", Path::is_file)?;
    let folder = |name: &str, path: &Option<PathBuf>| {
        path.as_ref().map(|path| checked(name, path, "folder", Path::is_dir)).transpose()
    };
    let tasks = folder("RUNMILL_LIGHTEVAL_TASKS", &files.tasks)?;
    let data = folder("RUNMILL_LIGHTEVAL_DATA", &files.data)?;
    Ok(Some(Program { path, tasks, data }))
}

/// Returns the path from the root, because LightEval has a working directory of its own.
fn checked(name: &str, path: &Path, kind: &str, exists: fn(&Path) -> bool) -> anyhow::Result<PathBuf> {
    if !exists(path) {
        return Err(UsageError::new(format!("{name}={}: there is no such {kind}", path.display())).into());
    }
    Ok(std::path::absolute(path)?)
}
