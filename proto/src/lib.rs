//! Ids, messages and the types of the HTTP API, which runmill's services share.
//!
//! Nothing here does I/O, reads a clock or knows a service. To change a message, add a field with a default or a new
//! version of the message; see [`codec`].

pub mod api;
mod batch_line;
pub mod chat;
mod choice_label;
pub mod codec;
mod config;
mod depth;
mod generation;
mod id;
mod image;
mod item;
pub mod lease;
pub mod message;
mod money;
mod outcome;
mod range;
mod remarks;
mod role;
mod score_summary;
mod tenant;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod text_enum;
mod texts;
mod turn;
mod usage;

pub use choice_label::{ONE_LETTER_LABELS, choice_label, labelled_choice};
pub use config::{
    ConfigFault, JobConfig, Judge, JudgedPart, Judging, Reuse, RunConfig, Scale, Scorer, Scoring, Strategy,
    Unscored, Variation, VerdictForm,
};
pub use depth::depth;
pub use generation::{
    Function, Generation, JsonSchema, NamedFunction, ReasoningEffort, ResponseFormat, Stop, TokenLogprob,
    Tool, ToolCall, ToolChoice, ToolMode, TopLogprob,
};
pub use id::{AuditId, DatasetId, InvocationId, ParseIdError, ProviderId, RunId, TokenId};
pub use image::{Image, ImageFault};
pub use item::{Answer, Inputs, Item, ItemFault, ItemRequest, ItemType};
pub use money::usd;
pub use outcome::{ErrorKind, Outcome, PauseCause, RunKind, RunStatus, Score};
pub use range::{Numeric, OutOfRange, Range};
pub use remarks::{Fix, Note, Remarks};
pub use role::Role;
pub use score_summary::ScoreSummary;
pub use tenant::{InvalidTenant, Tenant};
pub use text_enum::UnknownName;
pub use texts::Texts;
pub use turn::{Turn, TurnRole};
pub use usage::Usage;
