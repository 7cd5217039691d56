//! Output of the commands. A reader that goes away, or a full disk behind standard output, never ends a run. Words of models,
//! providers and files never steer the terminal.

mod sheet;
mod table;
mod text;

use std::{
    fmt::Display,
    io::{self, Write, stderr, stdout},
};

pub use sheet::Sheet;
pub use table::{Column, FittedTable, terminal_width};
pub use text::{one_line, plain};

/// Failure of standard output.
#[derive(Debug, thiserror::Error)]
pub enum PrintError {
    /// The reader has gone, such as `head`. It wants no more, so this is no failure of the command.
    #[error("standard output is closed")]
    Closed,
    #[error("writing standard output: {0}")]
    Failed(io::Error),
}

impl From<io::Error> for PrintError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Failed(error),
        }
    }
}

/// Prints a text for people on standard output.
pub fn print(text: impl Display) -> Result<(), PrintError> {
    print_data(plain(&text.to_string()))
}

/// Prints a text for programs on standard output, as it is.
pub fn print_data(text: impl Display) -> Result<(), PrintError> {
    let mut out = stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}

/// Prints a text for people on standard error, if somebody still reads it.
pub fn print_note(text: impl Display) {
    print_error_data(plain(&text.to_string()));
}

/// Prints a text for programs on standard error, as it is, if somebody still reads it.
pub fn print_error_data(text: impl Display) {
    let _ = writeln!(stderr().lock(), "{text}");
}

/// As [`print_note`], with the arguments of `format!`.
macro_rules! note {
    ($($arg:tt)*) => { $crate::screen::print_note(format_args!($($arg)*)) };
}
pub(crate) use note;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_reader_that_has_gone_is_no_failure() {
        assert!(matches!(io::Error::from(io::ErrorKind::BrokenPipe).into(), PrintError::Closed));
        for kind in [io::ErrorKind::StorageFull, io::ErrorKind::PermissionDenied] {
            assert!(matches!(io::Error::from(kind).into(), PrintError::Failed(_)), "{kind:?}");
        }
    }
}
