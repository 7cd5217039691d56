//! JSON types of the HTTP API.

mod audit;
mod budget;
mod comparison;
mod dataset;
mod detailed_result;
mod event;
mod executor;
mod export;
mod held_back;
mod judge;
mod key_fault;
mod lighteval;
mod limits;
mod model_limit;
mod page;
mod problem;
mod provider;
mod record;
mod rescoring;
mod run;
mod scaling;
mod scores;
mod series;
mod settings;
mod smoke_test;
mod strict;
mod token;
mod usage;
mod webhook;

pub use audit::AuditEntry;
pub use budget::{Budget, BudgetDay, BudgetUse, RunBudgetLeft, WhenUsedUp, nanousd};
pub use comparison::{ChangedItem, Comparison, ComparisonQuery, ComparisonTest};
pub use dataset::{Dataset, DatasetItem};
pub use detailed_result::{CallSummary, DetailedResult, ResultOrder, ResultsQuery, ScoreClass};
pub use event::{RunEnd, RunEvent, RunItem, RunLog, RunProgress, RunStatusEvent};
pub use executor::{ExecutorKey, ExecutorLane, ExecutorRun, ExecutorStatus};
pub use export::{ExportFormat, ExportQuery};
pub use held_back::{HeldBack, HeldBackCause};
pub use judge::{Agreement, JudgeProgress, JudgedResult, Verdict};
pub use key_fault::KeyFault;
pub use lighteval::{LightevalMetric, LightevalOutcome};
pub use limits::{
    BudgetLeft, BudgetUnit, ExecutorShare, LimitUse, ProviderLimits, ResourceShare, ScopeLimits,
};
pub use model_limit::ModelLimit;
pub use page::{Page, PageQuery};
pub use problem::{Problem, ProblemError};
pub use provider::{
    ApiKeyView, Capabilities, HeaderView, NewApiKey, NewProvider, Provider, ProviderKind, ProviderPatch,
    ProviderProtocol, RateLimit,
};
pub use record::{InvocationRecord, ResultRecord};
pub use rescoring::{NewScoring, ScoreVersion, ScoringProgress};
pub use run::{Extension, NewRun, Run, RunCounters, RunLatency, RunMessage, RunPatch};
pub use scaling::{LaneBound, Scaling, ScalingLane};
pub use scores::{GroupScore, RunScores, ScoresQuery};
pub use series::{RunSeries, SeriesBucket};
pub(crate) use settings::{RETRIES, SECONDS};
pub use settings::{
    RequestOverride, RequestSettings, RetryOverride, RetrySettings, Settings, SettingsOverride,
};
pub use smoke_test::{SmokeTestError, SmokeTestReport, SmokeTestRequest};
pub use token::{CreatedToken, NewToken, Token, TokenPatch};
pub use usage::{UsageQuery, UsageRecord};
pub use webhook::{EndedRun, NewWebhook, Webhook, WebhookEvent};
