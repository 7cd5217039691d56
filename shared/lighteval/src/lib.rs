//! Runs LightEval (0.13.0) as a process of its own, and reads its metrics and samples.
//!
//! LightEval has three traps, which are errors here and never a score of 0: a call that failed to the end becomes an empty
//! answer, a server that cannot be reached ends with exit code 0, and two caches answer in place of the model. So the
//! process has a working directory of its own with both caches in it, its log is read for calls that failed, and a sample
//! without an answer is no sample.
//!
//! The process ends with its caller: when its future is dropped, when it is stopped, and when the calling process dies.

mod error;
mod evaluation;
mod folder;
mod log;
mod order;
mod process;
mod program;
mod results;
mod samples;

pub use error::{EvaluationError, OrderFault};
pub use evaluation::{Evaluation, Metric, Sample};
pub use log::LogLine;
pub use order::{Order, Tasks};
pub use program::Program;
