//! Columns of the records whose types are defined elsewhere.

use jiff::Timestamp;
use runmill_proto::{
    ErrorKind, Outcome, ProviderId,
    api::{AuditEntry, CallSummary, Dataset, InvocationRecord, ResultRecord, SettingsOverride},
    message::{Call, ClientNote, Invocation, JobKey},
    usd,
};
use serde::de::IgnoredAny;

use crate::{
    DetailedRow, LogEntry, ProviderRow, RequestHash, SealedSecret, SecretOwner, StoreError, UsageSum,
    WebhookRow,
    columns::{Cells, Column, ColumnList, Columns, Dialect, Role, Stored as _, columns},
};

columns! {
    Dataset {
        fixed id,
        fixed tenant,
        fixed name,
        fixed version_hash,
        fixed item_count,
        fixed created_at,
    }
}

columns! {
    AuditEntry {
        fixed id,
        fixed at,
        fixed tenant,
        fixed token,
        fixed token_id,
        fixed action,
        fixed object,
        fixed detail,
    }
}

columns! {
    WebhookRow {
        fixed run_id,
        fixed url,
        fixed ends,
        updated attempts,
        updated first_at,
        updated due_at,
        updated delivered_at,
        updated abandoned_at,
        updated last_error,
    }
}

columns! {
    ProviderRow {
        fixed id,
        fixed tenant,
        updated shared,
        updated name,
        updated kind,
        updated protocol,
        updated base_url,
        updated proxy,
        updated capabilities,
        updated rate_limit,
        group settings,
        updated version,
        fixed created_at,
        updated updated_at,
        ; else secrets
    }
}

/// Adds a row of the join of providers with their secrets. A provider without secrets has one row without a secret.
pub fn push_joined(providers: &mut Vec<ProviderRow>, cells: &mut Cells<'_>) -> Result<(), StoreError> {
    let provider: ProviderRow = cells.record()?;
    let secret: Option<SealedSecret> = cells.record()?;
    if providers.last().is_none_or(|last| last.id != provider.id) {
        providers.push(provider);
    }
    if let Some(last) = providers.last_mut() {
        last.secrets.extend(secret);
    }
    Ok(())
}

columns! {
    SettingsOverride {
        updated request,
        updated retry,
    }
}

/// A secret of a provider, to be inserted.
pub struct NewSecretRow<'a> {
    pub provider_id: ProviderId,
    /// Position among the provider's secrets, from 0.
    pub position: u32,
    pub secret: &'a SealedSecret,
}

columns! {
    SealedSecret from NewSecretRow<'_>, keys (provider_id, position) {
        fixed id = secret.id,
        fixed kind = secret.kind,
        fixed name = secret.name,
        fixed sealed = secret.sealed,
        fixed masked = secret.masked,
        fixed weight = secret.weight,
    }
}

impl Columns for SecretOwner {
    fn list(columns: &mut Vec<Column>) {
        columns.push(Column { name: "provider_id", sql_type: ProviderId::TYPE, role: Role::Fixed });
        SealedSecret::list(columns);
    }

    fn read(cells: &mut Cells<'_>) -> Result<Self, StoreError> {
        Ok(Self { provider_id: cells.take("provider_id")?, secret: cells.record()? })
    }
}

/// Returns the outcomes of jobs that have an answer.
pub fn answers() -> Vec<&'static str> {
    Outcome::ALL.iter().filter(|outcome| outcome.is_answer()).map(|outcome| outcome.as_str()).collect()
}

/// Returns the hash of a request as it is stored.
pub fn request_hash(bytes: &[u8]) -> Result<RequestHash, StoreError> {
    let hash = bytes.try_into().map_err(|_| StoreError::Broken("a hash has another length".to_owned()))?;
    Ok(RequestHash(hash))
}

/// Result of a job, to be inserted.
pub struct NewResult<'a> {
    pub invocation: &'a Invocation,
    pub settled_at: Timestamp,
}

columns! {
    ResultRecord from NewResult<'_>, keys (run_id = invocation.run_id) {
        fixed ordinal = invocation.ordinal,
        fixed sample = invocation.sample,
        fixed item_id = invocation.item_id,
        fixed invocation_id = invocation.call.id,
        fixed outcome = invocation.outcome,
        fixed error_kind = invocation.error_kind,
        fixed error = invocation.error,
        fixed response = invocation.response,
        fixed reasoning = invocation.reasoning,
        fixed tool_calls = invocation.tool_calls,
        fixed logprobs = invocation.logprobs,
        fixed finish = invocation.finish,
        fixed answer_usage = invocation.answer_usage,
        fixed score = invocation.score,
        fixed reused_from = invocation.reused_from,
        fixed settled_at,
    }
}

/// Call of a message, to be inserted.
pub struct NewInvocation<'a> {
    key: JobKey,
    call: &'a Call,
    outcome: Option<Outcome>,
    error_kind: Option<ErrorKind>,
    client: Option<ClientNote>,
}

impl<'a> From<&'a LogEntry> for NewInvocation<'a> {
    fn from(entry: &'a LogEntry) -> Self {
        let (outcome, error_kind) = (entry.outcome(), entry.error_kind());
        Self { key: entry.key(), call: entry.call(), outcome, error_kind, client: entry.client().cloned() }
    }
}

columns! {
    InvocationRecord from NewInvocation<'_>, keys (run_id = key.run_id) {
        fixed id = call.id,
        fixed ordinal = key.ordinal,
        fixed sample = key.sample,
        fixed provider_id = call.provider_id,
        fixed model = call.model,
        fixed outcome,
        fixed error_kind,
        fixed attempts = call.attempts,
        fixed usage = call.usage,
        fixed cost_nanousd = call.cost_nanousd,
        fixed streamed = call.streamed,
        fixed started_at = call.started_at,
        fixed latency_ms = call.latency_ms,
        fixed ttft_ms = call.ttft_ms,
        fixed remarks = call.remarks,
        fixed client,
    }
}

/// Columns of `invocations` that a summary is made of, in the order of the table's.
const SUMMARISED: [&str; 8] =
    ["provider_id", "model", "attempts", "usage", "cost_nanousd", "started_at", "latency_ms", "ttft_ms"];

impl Columns for CallSummary {
    fn list(columns: &mut Vec<Column>) {
        let mut all = Vec::new();
        InvocationRecord::list(&mut all);
        columns.extend(all.into_iter().filter(|column| SUMMARISED.contains(&column.name)));
    }

    fn read(cells: &mut Cells<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            provider_id: cells.take("provider_id")?,
            model: cells.take("model")?,
            attempts: length(&cells.take::<String>("attempts")?)?,
            usage: cells.take("usage")?,
            cost_usd: cells.take::<Option<i64>>("cost_nanousd")?.map(usd),
            started_at: cells.take("started_at")?,
            latency_ms: cells.take("latency_ms")?,
            ttft_ms: cells.take("ttft_ms")?,
        })
    }
}

/// Returns the length of a JSON array, without reading what is in it.
fn length(json: &str) -> Result<u64, StoreError> {
    let items: Vec<IgnoredAny> = serde_json::from_str(json)
        .map_err(|error| StoreError::Broken(format!("column attempts: {error}")))?;
    Ok(items.len() as u64)
}

/// Returns the columns of a [`DetailedRow`] in a join of `results` with `invocations` and `dataset_items`.
pub fn detailed_columns() -> String {
    let results = ColumnList::of::<ResultRecord>().select("results");
    let invocations = ColumnList::of::<CallSummary>().select("invocations");
    format!("{results}, {invocations}, dataset_items.body")
}

/// Reads a row of such a join.
pub fn detailed_row(cells: &mut Cells<'_>) -> Result<DetailedRow, StoreError> {
    Ok(DetailedRow { result: cells.record()?, call: cells.record()?, item: cells.take("body")? })
}

/// Sums of a day, to be added to those of the same key.
pub struct NewUsage {
    /// Number among the rows of the same key, so that writers seldom wait for each other.
    pub shard: u32,
    pub sum: UsageSum,
}

columns! {
    UsageSum from NewUsage, keys (shard) {
        fixed day = sum.day,
        fixed tenant = sum.tenant,
        fixed token_id = sum.token_id,
        fixed provider_id = sum.provider_id,
        fixed model = sum.model,
        fixed calls = sum.calls,
        fixed prompt_tokens = sum.prompt_tokens,
        fixed completion_tokens = sum.completion_tokens,
        fixed cost_nanousd = sum.cost_nanousd,
        fixed unpriced = sum.unpriced,
    }
}

/// Returns the end of an insertion into `usage_days`, by which the sums of a row that is there already grow. A sum stops at
/// the largest number that a column can have.
pub fn usage_grows(dialect: Dialect) -> String {
    let least = match dialect {
        Dialect::Postgres => "least",
        Dialect::Sqlite => "min",
    };
    let grow = |sum: &&str| {
        format!("{sum} = usage_days.{sum} + {least}(excluded.{sum}, 9223372036854775807 - usage_days.{sum})")
    };
    let sums = ["calls", "prompt_tokens", "completion_tokens", "cost_nanousd", "unpriced"];
    let sums: Vec<_> = sums.iter().map(grow).collect();
    let key = "day, shard, tenant, token_id, provider_id, model";
    format!("ON CONFLICT ({key}) DO UPDATE\nSET {}", sums.join(",\n    "))
}
