//! The messages on the broker. Each file has one message, whose golden vector is in `golden/`.

mod client_call;
mod control;
mod deferred;
mod evaluation;
mod invocation;
mod job;
mod provider_key;
mod reused_answer;
mod smoke_test;

pub use client_call::{CallEvent, CallFailure, CallProgress, ClientCall};
pub use control::Control;
pub use deferred::Deferred;
pub use evaluation::{EvaluatedSample, Evaluation, EvaluationPart};
pub use invocation::{Attempt, Call, ClientNote, Invocation};
pub use job::{Job, JobItem, JobKey, JobKind, JudgedAnswer};
pub use provider_key::{ProviderKeyReply, ProviderKeyRequest};
pub use reused_answer::ReusedAnswer;
pub use smoke_test::SmokeTest;
