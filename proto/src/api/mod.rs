//! The JSON of the HTTP API.

mod dataset;
mod event;
mod executor;
mod page;
mod problem;
mod provider;
mod record;
mod run;
mod settings;

pub use dataset::{Dataset, DatasetItem};
pub use event::{RunEnd, RunEvent, RunItem, RunLog, RunProgress, RunStatusEvent};
pub use executor::{Executor, ExecutorLane};
pub use page::{Page, PageQuery};
pub use problem::{Problem, ProblemError};
pub use provider::{
    ApiKeyView, Capabilities, HeaderView, NewApiKey, NewProvider, Provider, ProviderKind, ProviderPatch,
    RateLimit,
};
pub use record::{InvocationRecord, ResultRecord};
pub use run::{NewRun, Run, RunCounters, RunLatency};
pub use settings::{RequestSettings, RetrySettings, Settings};
