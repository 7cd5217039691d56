use std::path::PathBuf;

use crate::{reader::Reader, variable};

/// LightEval, as this machine has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LightevalFiles {
    /// Path of the command `lighteval`. `None`: an executor runs no LightEval.
    pub program: Option<PathBuf>,
    /// Folder of files with tasks of one's own.
    pub tasks: Option<PathBuf>,
    /// Folder with local data sets.
    pub data: Option<PathBuf>,
}

/// Reads the paths. Only the process that uses them looks at the files: the settings of a dispatcher may be those of an
/// executor on another machine.
pub(crate) fn lighteval_files(read: &Reader<'_>) -> LightevalFiles {
    let path = |variable| read.text(variable).map(PathBuf::from);
    LightevalFiles {
        program: path(&variable::LIGHTEVAL),
        tasks: path(&variable::LIGHTEVAL_TASKS),
        data: path(&variable::LIGHTEVAL_DATA),
    }
}
