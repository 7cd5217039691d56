use std::fmt;

use serde::Deserialize;

/// Result of running a program.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// The tests ran to their end.
    Passed,
    /// A test failed, or the answer's code raised an error or ended before the tests did.
    Failed { reason: String },
    /// The limit of time was reached, on the wall or of the CPU.
    TimedOut,
    /// A process needed more memory than its limit, or all together did.
    OutOfMemory,
    /// A signal ended the answer's process, as after a fault in native code.
    Killed { signal: i32 },
    /// The program printed more than it may.
    TooMuchOutput,
    /// The sandbox itself failed, or was ended by the program. It says nothing about the answer unless it is ended
    /// in the same way again.
    Broken { reason: String },
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => f.write_str("the tests passed"),
            Self::Failed { reason } => f.write_str(reason),
            Self::TimedOut => f.write_str("the program reached its limit of time"),
            Self::OutOfMemory => f.write_str("the program reached its limit of memory"),
            Self::Killed { signal } => write!(f, "the program was ended by signal {signal}"),
            Self::TooMuchOutput => f.write_str("the program printed too much"),
            Self::Broken { reason } => write!(f, "the sandbox failed: {reason}"),
        }
    }
}
