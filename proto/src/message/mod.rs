//! The messages on the broker. Each file has one message, whose golden vector is in `golden/`.

mod control;
mod deferred;
mod invocation;
mod job;
mod smoke_test;

pub use control::Control;
pub use deferred::Deferred;
pub use invocation::{Attempt, Call, Invocation};
pub use job::{Job, JobItem, JobKey, JobKind};
pub use smoke_test::SmokeTest;
