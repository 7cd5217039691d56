"""Types of what the API takes and answers. Generated from the description of the API by generate.py: do not edit."""

from typing import Any, Literal, NotRequired, TypeAlias, TypedDict


class Agreement(TypedDict):
    """Agreement of a run's judges."""
    agreed: int
    alpha: NotRequired[float | None]
    answers: int
    flipped: int
    vote: 'ScoreSummary'


Answer: TypeAlias = str | list[str]


class ApiKeyView(TypedDict):
    """An API key with its value masked: its last characters are shown, or none if it is short."""
    label: str
    masked: str
    weight: int


class Attempt(TypedDict):
    """One HTTP request."""
    cost_nanousd: NotRequired[int | None]
    cost_unknown: NotRequired[str | None]
    error: NotRequired[str | None]
    error_kind: 'NotRequired[ErrorKind | None]'
    key: NotRequired[str | None]
    latency_ms: int
    started_at: str
    status: NotRequired[int | None]
    unsent: NotRequired[bool]
    usage: 'NotRequired[Usage | None]'


class AttemptCounts(TypedDict):
    """Counts of one executor since its start, from which the fleet's adaptive limits are decided."""
    answered: NotRequired[int]
    failed: NotRequired[int]
    late: NotRequired[int]
    refused: NotRequired[int]
    saturated: NotRequired[int]
    started: NotRequired[int]


class AuditEntry(TypedDict):
    """A change that a token made."""
    action: str
    at: str
    detail: NotRequired[str | None]
    id: 'AuditId'
    object: NotRequired[str | None]
    tenant: 'Tenant'
    token: str
    token_id: 'NotRequired[TokenId | None]'


AuditId: TypeAlias = str


class Budget(TypedDict):
    """Largest use of a run, over all its calls, failed attempts and retries included. Null if not limited."""
    calls: NotRequired[int | None]
    cost_usd: NotRequired[float | None]
    tokens: NotRequired[int | None]
    when_used_up: 'NotRequired[WhenUsedUp]'


class BudgetLeft(TypedDict):
    """Rest of a budget."""
    left: float
    limit: float
    refills_at: str
    unit: 'BudgetUnit'


BudgetUnit: TypeAlias = Literal['calls', 'tokens', 'usd']


class CallSummary(TypedDict):
    """Use of the call that gave a result."""
    attempts: int
    cost_usd: NotRequired[float | None]
    latency_ms: int
    model: str
    provider_id: 'ProviderId'
    started_at: str
    ttft_ms: NotRequired[int | None]
    usage: 'NotRequired[Usage | None]'


class Capabilities(TypedDict):
    """Features that the provider has (true) or lacks (false). Null if not stated."""
    images: NotRequired[bool | None]
    json_mode: NotRequired[bool | None]
    reasoning: NotRequired[bool | None]
    streaming: NotRequired[bool | None]
    system_prompt: NotRequired[bool | None]
    thinking_tags: NotRequired[bool | None]


class ChangedItem(TypedDict):
    """Item whose score differs between two runs."""
    a: float
    b: float
    item_id: str


class ClientNote(TypedDict):
    """Record of what a client asked for, beside its call."""
    ignored: NotRequired[list[str]]
    token_id: 'NotRequired[TokenId | None]'


class Comparison(TypedDict):
    """Difference of two runs over the items that both have scored."""
    a: 'RunId'
    b: 'RunId'
    changed: 'list[ChangedItem]'
    difference: NotRequired[float | None]
    high: NotRequired[float | None]
    improved: int
    items: int
    low: NotRequired[float | None]
    mean_a: NotRequired[float | None]
    mean_b: NotRequired[float | None]
    only_a: int
    only_b: int
    p_value: NotRequired[float | None]
    stderr: NotRequired[float | None]
    test: 'ComparisonTest'
    warnings: list[str]
    worsened: int


ComparisonTest: TypeAlias = Literal['mcnemar', 'paired_t']


class Cooldown(TypedDict):
    """Time before which no executor calls, by the store's clock."""
    reason: str
    until: str


CreatedToken: TypeAlias = dict[str, Any]


class Dataset(TypedDict):
    """A stored dataset, without its items."""
    created_at: str
    id: 'DatasetId'
    item_count: int
    name: str
    tenant: 'NotRequired[Tenant]'
    version_hash: str


DatasetId: TypeAlias = str


DatasetItem: TypeAlias = dict[str, Any]


DetailedResult: TypeAlias = dict[str, Any]


ErrorKind: TypeAlias = Literal['connection', 'connect_timeout', 'first_token_timeout', 'idle_timeout', 'total_timeout', 'rate_limited', 'overloaded', 'server_error', 'truncated_stream', 'malformed_response', 'empty_answer', 'stream_rejected', 'invalid_request', 'context_length', 'content_policy', 'authentication', 'quota_exhausted', 'budget_used_up', 'bad_item', 'interrupted', 'deadline_passed', 'poisoned', 'quarantined', 'answer_too_large', 'no_answer', 'provider_unavailable']


class Executor(TypedDict):
    """State of an executor, as its last heartbeat reported it."""
    draining: bool
    lanes: 'list[ExecutorLane]'
    lighteval: NotRequired[bool]
    name: str
    runs: 'NotRequired[list[ExecutorRun]]'
    seen_at: str
    started_at: str
    version: str


class ExecutorKey(TypedDict):
    """State of one of a provider's API keys at an executor."""
    in_flight: int
    label: str
    set_aside: NotRequired[str | None]


class ExecutorLane(TypedDict):
    """Share of a provider's concurrency that an executor has, and its use."""
    concurrency: int
    fault: NotRequired[str | None]
    in_flight: int
    keys: 'NotRequired[list[ExecutorKey]]'
    provider_id: 'ProviderId'


class ExecutorRun(TypedDict):
    """Jobs of one run that an executor has in hand."""
    jobs: int
    run_id: str


class ExecutorShare(TypedDict):
    """Share of one executor in the limits of an account or of one model."""
    attempts: 'AttemptCounts'
    lease_ends_at: str
    name: str
    shares: 'list[ResourceShare]'
    waiting: int


class Extension(TypedDict):
    """More samples for a run."""
    samples: int


Finish: TypeAlias = Literal['stop', 'length', 'tool_calls', 'content_filter', 'other']


Fix: TypeAlias = Literal['buffered', 'streamed', 'no_stream_options', 'other_token_limit', 'full_model_name', 'short_model_name', 'system_in_question', 'no_temperature', 'no_top_p', 'no_top_k', 'no_seed', 'no_presence_penalty', 'no_frequency_penalty', 'no_repetition_penalty', 'no_repeat_penalty']


class Generation(TypedDict):
    """Sampling parameters. An absent one has the provider's default."""
    extra_body: NotRequired[dict[str, Any]]
    frequency_penalty: NotRequired[float | None]
    logprobs: NotRequired[bool | None]
    max_new_tokens: NotRequired[int | None]
    parallel_tool_calls: NotRequired[bool | None]
    presence_penalty: NotRequired[float | None]
    reasoning_effort: 'NotRequired[ReasoningEffort | None]'
    repetition_penalty: NotRequired[float | None]
    response_format: NotRequired[dict[str, Any] | None]
    seed: NotRequired[int | None]
    stop: 'NotRequired[Stop | None]'
    temperature: NotRequired[float | None]
    tool_choice: NotRequired[dict[str, Any] | None]
    tools: NotRequired[list[dict[str, Any]]]
    top_k: NotRequired[int | None]
    top_logprobs: NotRequired[int | None]
    top_p: NotRequired[float | None]


class GroupScore(TypedDict):
    """Score of a group of items."""
    high: NotRequired[float | None]
    items: int
    low: NotRequired[float | None]
    mean: NotRequired[float | None]
    name: NotRequired[str | None]
    stderr: NotRequired[float | None]
    unscored: int


class HeaderView(TypedDict):
    """An HTTP header with its value masked."""
    masked: str
    name: str


class HeldBack(TypedDict):
    """Reason outside of the run why it makes no progress."""
    cause: 'HeldBackCause'
    message: str


HeldBackCause: TypeAlias = Literal['no_feeder', 'no_executor', 'no_log_sink', 'queue_refused', 'broker_unreachable']


Image: TypeAlias = dict[str, Any]


class Inputs(TypedDict):
    audio: NotRequired[Any]
    images: 'NotRequired[list[Image]]'
    messages: 'NotRequired[list[Turn]]'
    text: NotRequired[str]
    video: NotRequired[Any]


InvocationId: TypeAlias = str


InvocationRecord: TypeAlias = dict[str, Any]


class Item(TypedDict):
    """One question with its reference answer: a line of a dataset."""
    answer: 'NotRequired[Answer | None]'
    answers: NotRequired[list[str]]
    checker: NotRequired[Any]
    choices: NotRequired[list[str]]
    criteria: NotRequired[Any]
    id: str
    inputs: 'Inputs'
    meta: NotRequired[Any]
    type: 'ItemType'


ItemType: TypeAlias = Literal['mcq_single', 'mcq_multi', 'freeform', 'code', 'judge_pairwise']


class JobConfig(TypedDict):
    """Part of a run's configuration that a job needs. Every job carries it."""
    generation: 'NotRequired[Generation]'
    prompt_template: NotRequired[str | None]
    request: 'NotRequired[RequestOverride]'
    retry: 'NotRequired[RetryOverride]'
    scoring: 'NotRequired[Scoring | None]'
    system_prompt: NotRequired[str | None]
    texts: 'NotRequired[Texts]'
    variation: 'NotRequired[Variation | None]'


class Judge(TypedDict):
    """A model that judges the answers of a run."""
    generation: 'NotRequired[Generation]'
    model: str
    prompt: NotRequired[str | None]
    provider_id: 'ProviderId'
    rubric: NotRequired[str | None]
    scale: 'NotRequired[Scale | None]'
    source: 'NotRequired[JudgedPart]'
    verdict: 'NotRequired[VerdictForm]'


class JudgeProgress(TypedDict):
    """A judge of a run's answers, with its progress."""
    calls: int
    cost_nanousd: NotRequired[int | None]
    failed: int
    judge: 'Judge'
    pause_reason: NotRequired[str | None]
    run_id: 'RunId'
    score: 'ScoreSummary'
    settled: int
    status: 'RunStatus'
    tokens: int
    total: int


JudgedPart: TypeAlias = Literal['answer', 'extracted']


class JudgedResult(TypedDict):
    """Verdicts on one answer."""
    item_id: str
    ordinal: int
    sample: int
    verdicts: 'list[Verdict]'
    vote: NotRequired[float | None]


LaneBound: TypeAlias = Literal['concurrency', 'rate', 'found', 'executors']


class LaneChange(TypedDict):
    """One change of adaptive limits."""
    at: str
    calls_per_second: NotRequired[float | None]
    concurrency: int
    reason: str


class LightevalMetric(TypedDict):
    """Metric of a task, over all of its samples."""
    name: str
    task: str
    value: float


class LightevalOutcome(TypedDict):
    """Result of LightEval."""
    metrics: 'list[LightevalMetric]'
    reason: NotRequired[str | None]
    samples: int
    unanswered: int


class LimitUse(TypedDict):
    """One limit of all executors together, and its use."""
    adaptive: NotRequired[float | None]
    burst: NotRequired[float | None]
    granted: float
    in_flight: NotRequired[int | None]
    resource: 'Resource'
    stated: NotRequired[float | None]
    wanted: float
    withheld: float


class ModelLimit(TypedDict):
    """Limits of one model within those of the account. Null if not stated."""
    concurrency: NotRequired[int | None]
    rpm: NotRequired[int | None]
    rps: NotRequired[float | None]
    tpm: NotRequired[int | None]


class NewApiKey(TypedDict):
    """An API key to store. Its value is encrypted when it arrives and never shown again."""
    label: str
    value: str
    weight: NotRequired[int]


class NewProvider(TypedDict):
    """A provider to add."""
    api_keys: 'NotRequired[list[NewApiKey]]'
    base_url: str
    capabilities: 'NotRequired[Capabilities]'
    headers: NotRequired[dict[str, str]]
    kind: 'ProviderKind'
    name: str
    protocol: 'NotRequired[ProviderProtocol | None]'
    proxy: NotRequired[str | None]
    rate_limit: 'NotRequired[RateLimit]'
    request: 'NotRequired[RequestOverride]'
    retry: 'NotRequired[RetryOverride]'
    shared: NotRequired[bool]


class NewRun(TypedDict):
    """Request to submit a run."""
    budget: 'NotRequired[Budget | None]'
    config: 'NotRequired[RunConfig]'
    dataset_id: 'NotRequired[DatasetId | None]'
    model: str
    name: NotRequired[str | None]
    priority: NotRequired[int | None]
    provider_id: 'ProviderId'
    webhook: 'NotRequired[NewWebhook | None]'


class NewScoring(TypedDict):
    """Request to score the stored answers of a run anew."""
    budget: 'NotRequired[Budget | None]'
    judges: 'NotRequired[list[Judge]]'
    scoring: 'NotRequired[Scoring | None]'


class NewToken(TypedDict):
    """A bearer token to create."""
    all_tenants: NotRequired[bool]
    budget: 'NotRequired[Budget | None]'
    expires_at: NotRequired[str | None]
    name: str
    providers: 'NotRequired[list[ProviderId] | None]'
    role: 'Role'
    tenant: 'NotRequired[Tenant | None]'


class NewWebhook(TypedDict):
    """Address that is told when a run ends."""
    url: str


Note: TypeAlias = Literal['usage_not_told', 'usage_unreadable', 'format_not_held', 'no_logprobs', 'no_end_mark', 'stopped_at_limit', 'other_model']


Outcome: TypeAlias = Literal['succeeded', 'refused', 'truncated', 'failed', 'canceled', 'budget_stopped']


class PageAuditEntry(TypedDict):
    """A page of a list. To get the next page, send `next` as `after`. The last page has no `next`."""
    items: 'list[AuditEntry]'
    next: NotRequired[str | None]


class PageDataset(TypedDict):
    """A page of a list. To get the next page, send `next` as `after`. The last page has no `next`."""
    items: 'list[Dataset]'
    next: NotRequired[str | None]


class PageDatasetItem(TypedDict):
    """A page of a list. To get the next page, send `next` as `after`. The last page has no `next`."""
    items: 'list[DatasetItem]'
    next: NotRequired[str | None]


class PageDetailedResult(TypedDict):
    """A page of a list. To get the next page, send `next` as `after`. The last page has no `next`."""
    items: 'list[DetailedResult]'
    next: NotRequired[str | None]


class PageInvocationRecord(TypedDict):
    """A page of a list. To get the next page, send `next` as `after`. The last page has no `next`."""
    items: 'list[InvocationRecord]'
    next: NotRequired[str | None]


class PageJudgedResult(TypedDict):
    """A page of a list. To get the next page, send `next` as `after`. The last page has no `next`."""
    items: 'list[JudgedResult]'
    next: NotRequired[str | None]


class PageProvider(TypedDict):
    """A page of a list. To get the next page, send `next` as `after`. The last page has no `next`."""
    items: 'list[Provider]'
    next: NotRequired[str | None]


class PageRun(TypedDict):
    """A page of a list. To get the next page, send `next` as `after`. The last page has no `next`."""
    items: 'list[Run]'
    next: NotRequired[str | None]


class PageToken(TypedDict):
    """A page of a list. To get the next page, send `next` as `after`. The last page has no `next`."""
    items: 'list[Token]'
    next: NotRequired[str | None]


class PageUsageRecord(TypedDict):
    """A page of a list. To get the next page, send `next` as `after`. The last page has no `next`."""
    items: 'list[UsageRecord]'
    next: NotRequired[str | None]


class Problem(TypedDict):
    """An error as `application/problem+json` (RFC 9457)."""
    detail: str
    errors: 'NotRequired[list[ProblemError]]'
    status: int
    title: str
    type: str


class ProblemError(TypedDict):
    """One wrong value in the body of a request."""
    detail: str
    pointer: str


class Provider(TypedDict):
    """A provider: an account at a vendor, or a server, with its keys and limits."""
    api_keys: 'list[ApiKeyView]'
    base_url: str
    capabilities: 'Capabilities'
    created_at: str
    headers: 'list[HeaderView]'
    id: 'ProviderId'
    kind: 'ProviderKind'
    name: str
    protocol: 'ProviderProtocol'
    proxy: NotRequired[str | None]
    rate_limit: 'RateLimit'
    request: 'NotRequired[RequestOverride]'
    retry: 'NotRequired[RetryOverride]'
    shared: NotRequired[bool]
    tenant: 'NotRequired[Tenant]'
    updated_at: str
    version: int


ProviderId: TypeAlias = str


ProviderKind: TypeAlias = Literal['openai', 'anthropic', 'google', 'custom']


class ProviderLimits(TypedDict):
    """Limits of a provider, and how the executors use them at the moment."""
    account: 'ScopeLimits'
    budgets: 'NotRequired[list[BudgetLeft]]'
    models: 'NotRequired[dict[str, ScopeLimits]]'
    now: str
    provider_id: 'ProviderId'


class ProviderPatch(TypedDict):
    """Changes of a provider. An absent field keeps its value. A list or an object replaces the whole old one."""
    api_keys: 'NotRequired[list[NewApiKey] | None]'
    base_url: NotRequired[str | None]
    capabilities: 'NotRequired[Capabilities | None]'
    headers: NotRequired[dict[str, str] | None]
    name: NotRequired[str | None]
    protocol: 'NotRequired[ProviderProtocol | None]'
    proxy: NotRequired[str | None]
    rate_limit: 'NotRequired[RateLimit | None]'
    request: 'NotRequired[RequestOverride | None]'
    retry: 'NotRequired[RetryOverride | None]'
    shared: NotRequired[bool | None]


ProviderProtocol: TypeAlias = Literal['openai_chat', 'openai_responses', 'anthropic_messages', 'gemini']


class RateLimit(TypedDict):
    """Limits of the account, shared by all executors. Null if not stated."""
    concurrency: NotRequired[int | None]
    cost_per_day_usd: NotRequired[float | None]
    models: 'NotRequired[dict[str, ModelLimit]]'
    rpm: NotRequired[int | None]
    rps: NotRequired[float | None]
    time_zone: NotRequired[str | None]
    tokens_per_day: NotRequired[int | None]
    tpm: NotRequired[int | None]


ReasoningEffort: TypeAlias = Literal['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']


class Remarks(TypedDict):
    """Remarks on a call that was answered: how its request differs from what was asked for, and what its ."""
    answered_by: NotRequired[str | None]
    fixes: 'NotRequired[list[Fix]]'
    notes: 'NotRequired[list[Note]]'


class RequestOverride(TypedDict):
    """Time-outs of a provider or a run, in seconds. They take precedence over the workspace's."""
    connect_timeout_seconds: NotRequired[float | None]
    first_token_timeout_seconds: NotRequired[float | None]
    idle_timeout_seconds: NotRequired[float | None]
    total_timeout_seconds: NotRequired[float | None]


class RequestSettings(TypedDict):
    """Time-outs of the workspace for one attempt, in seconds."""
    connect_timeout_seconds: NotRequired[float]
    first_token_timeout_seconds: NotRequired[float]
    idle_timeout_seconds: NotRequired[float]
    total_timeout_seconds: NotRequired[float]


Resource: TypeAlias = Literal['concurrency', 'rpm', 'rps', 'tpm']


class ResourceShare(TypedDict):
    """Share of one executor in one limit, with the unit of the limit."""
    granted: float
    in_flight: NotRequired[int | None]
    resource: 'Resource'
    wanted: float


class ResultRecord(TypedDict):
    """Result of a job. Each job has at most one."""
    answer_usage: 'NotRequired[Usage | None]'
    error: NotRequired[str | None]
    error_kind: 'NotRequired[ErrorKind | None]'
    finish: 'NotRequired[Finish | None]'
    invocation_id: 'InvocationId'
    item_id: str
    logprobs: 'NotRequired[list[TokenLogprob] | None]'
    ordinal: int
    outcome: 'Outcome'
    reasoning: NotRequired[str | None]
    response: NotRequired[str | None]
    reused_from: 'NotRequired[RunId | None]'
    sample: int
    score: 'NotRequired[Score | None]'
    settled_at: str
    tool_calls: 'NotRequired[list[ToolCall]]'


class RetryOverride(TypedDict):
    """Retry settings of a provider or a run. They take precedence over the workspace's."""
    backoff_base_seconds: NotRequired[float | None]
    backoff_max_seconds: NotRequired[float | None]
    budget_percent: NotRequired[float | None]
    max_deferrals: NotRequired[int | None]
    max_retries: NotRequired[int | None]
    trial_calls: NotRequired[int | None]
    wait_max_seconds: NotRequired[float | None]


class RetrySettings(TypedDict):
    """Retry settings of the workspace."""
    backoff_base_seconds: NotRequired[float]
    backoff_max_seconds: NotRequired[float]
    budget_percent: NotRequired[float]
    max_deferrals: NotRequired[int]
    max_retries: NotRequired[int]
    trial_calls: NotRequired[int]
    wait_max_seconds: NotRequired[float]


Role: TypeAlias = Literal['observe', 'submit', 'admin']


class Run(TypedDict):
    """A run with its progress."""
    answered_by: NotRequired[list[str]]
    budget: 'NotRequired[Budget | None]'
    budget_left: 'NotRequired[RunBudgetLeft | None]'
    cancel_graceful: NotRequired[bool]
    cancel_requested_at: NotRequired[str | None]
    config: 'RunConfig'
    cost_usd: NotRequired[float | None]
    counters: 'RunCounters'
    created_at: str
    dataset_id: 'DatasetId'
    errors: dict[str, int]
    finished_at: NotRequired[str | None]
    fixes: NotRequired[dict[str, int]]
    held_back: 'NotRequired[list[HeldBack]]'
    id: 'RunId'
    judges: 'NotRequired[list[JudgeProgress]]'
    kind: 'NotRequired[RunKind]'
    last_resumed_at: NotRequired[str | None]
    latency: 'RunLatency'
    lighteval: 'NotRequired[LightevalOutcome | None]'
    messages: 'NotRequired[list[RunMessage]]'
    model: str
    name: NotRequired[str | None]
    notes: NotRequired[dict[str, int]]
    pause_reason: NotRequired[str | None]
    paused: NotRequired[bool]
    paused_at: NotRequired[str | None]
    priority: int
    provider_id: 'ProviderId'
    rescoring: 'NotRequired[ScoringProgress | None]'
    resume_at: NotRequired[str | None]
    resumed_count: int
    retry_after: NotRequired[str | None]
    retry_count: int
    retry_reason: NotRequired[str | None]
    score: 'ScoreSummary'
    score_version: NotRequired[int]
    score_versions: 'NotRequired[list[ScoreVersion]]'
    seq: int
    started_at: NotRequired[str | None]
    status: 'RunStatus'
    tenant: 'NotRequired[Tenant]'
    unscored: NotRequired[dict[str, int]]
    usage: 'Usage'
    webhook: 'NotRequired[Webhook | None]'


class RunBudgetLeft(TypedDict):
    """Rest of a run's budget, by the calls that are recorded. Null if not limited."""
    calls: NotRequired[int | None]
    cost_usd: NotRequired[float | None]
    tokens: NotRequired[int | None]


RunConfig: TypeAlias = dict[str, Any]


class RunConfigJudges(TypedDict):
    """Judges in a run's configuration."""
    judge: 'NotRequired[Judge | None]'
    judges: 'NotRequired[list[Judge] | None]'


class RunConfigNumbers(TypedDict):
    """Numbers at the top level of a run's configuration."""
    concurrency: NotRequired[int | None]
    max_retries: NotRequired[int | None]
    samples: NotRequired[int | None]
    timeout_seconds: NotRequired[float | None]


class RunConfigScorers(TypedDict):
    """Scorers in a run's configuration."""
    scorers: 'NotRequired[list[Scoring] | None]'


class RunCounters(TypedDict):
    """Numbers of jobs and calls of a run. `settled` is the sum of the jobs of all outcomes."""
    budget_stopped: int
    calls: int
    canceled: int
    deferred: int
    duplicates: int
    failed: int
    fed: int
    refused: int
    retries: int
    reused: NotRequired[int]
    settled: int
    succeeded: int
    total: int
    truncated: int
    unpriced: NotRequired[int]
    unreached: NotRequired[int]
    untold_usage: NotRequired[int]


RunId: TypeAlias = str


RunKind: TypeAlias = Literal['evaluation', 'interactive', 'batch', 'lighteval', 'judge']


class RunLatency(TypedDict):
    """Latency of invocations in milliseconds, waits and retries included."""
    p50_ms: NotRequired[int | None]
    p99_ms: NotRequired[int | None]


class RunMessage(TypedDict):
    """Error text that failed jobs of a run have in common."""
    jobs: int
    kind: 'ErrorKind'
    text: str


class RunPatch(TypedDict):
    """Changes of a run that has not ended. An absent field keeps its value."""
    budget: NotRequired[Any]
    concurrency: NotRequired[int | None]
    priority: NotRequired[int | None]


class RunScores(TypedDict):
    """Scores of a run's items, all of them and by group."""
    agreement: 'NotRequired[Agreement | None]'
    all: 'GroupScore'
    groups: 'list[GroupScore]'
    reducer: str
    run_id: 'RunId'
    spread: NotRequired[float | None]
    strategies: 'list[GroupScore]'
    unscored_as: 'Unscored'


class RunSeries(TypedDict):
    """Course of a run: what happened in each of consecutive, equally long spans of time, the oldest first."""
    buckets: 'list[SeriesBucket]'


RunStatus: TypeAlias = Literal['pending', 'running', 'completed', 'failed', 'canceled']


class Scale(TypedDict):
    """Ends of a scale of verdicts."""
    max: int
    min: int


class Scaling(TypedDict):
    """Number of executors that the fleet can use, and the numbers from which it follows."""
    draining: int
    executor_calls: int
    executors: int
    executors_needed: int
    executors_wanted: int
    lanes: 'list[ScalingLane]'
    requests: int
    wanted_in_flight: int


class ScalingLane(TypedDict):
    """Work of one provider."""
    cooldown_until: NotRequired[str | None]
    executors_needed: int
    in_flight: int
    limit_in_flight: int
    limited_by: 'LaneBound'
    provider: str
    provider_id: 'ProviderId'
    waiting: int
    wanted_in_flight: int


class ScopeLimits(TypedDict):
    """Limits of an account or of one model there, and their use."""
    changes: 'list[LaneChange]'
    cooldown: 'NotRequired[Cooldown | None]'
    executors: 'list[ExecutorShare]'
    limits: 'list[LimitUse]'
    waiting: int


class Score(TypedDict):
    """Score of an answer."""
    detail: NotRequired[str | None]
    extracted: NotRequired[str | None]
    scorer: str
    value: NotRequired[float | None]
    version: NotRequired[int]


class ScoreSummary(TypedDict):
    """Score of a run, always with its coverage."""
    coverage: float
    mean: NotRequired[float | None]
    mean_otherwise: NotRequired[float | None]
    scored: int
    stderr: NotRequired[float | None]
    total: int
    unscored: NotRequired[int]
    unscored_as: 'NotRequired[Unscored]'


class ScoreVersion(TypedDict):
    """Scores that were made anew of a run's stored answers."""
    further: NotRequired[bool]
    made_at: str
    score: 'ScoreSummary'
    scoring: 'NotRequired[Scoring | None]'
    version: int


Scorer: TypeAlias = Literal['exact', 'includes', 'regex', 'numeric', 'choice', 'match', 'pattern', 'answer', 'f1', 'json', 'math', 'code', 'none']


class Scoring(TypedDict):
    """Scorer of a run and its settings."""
    pattern: NotRequired[str | None]
    scorer: 'Scorer'
    tolerance: NotRequired[float | None]


class ScoringProgress(TypedDict):
    """Scoring under way."""
    done: int
    scoring: 'NotRequired[Scoring | None]'
    total: int
    version: int


SeriesBucket = TypedDict('SeriesBucket', {'calls': int, 'cost_usd': NotRequired[float | None], 'errors': dict[str, int], 'from': str, 'in_flight': NotRequired[float | None], 'input_tokens': int, 'latency_p50_ms': NotRequired[int | None], 'latency_p99_ms': NotRequired[int | None], 'output_tokens': int, 'retries': int, 'settled': int, 'to': str, 'ttft_p50_ms': NotRequired[int | None], 'ttft_p99_ms': NotRequired[int | None]})


class Settings(TypedDict):
    """Workspace settings: the values that hold where neither the run nor the provider states its own."""
    request: 'NotRequired[RequestSettings]'
    retry: 'NotRequired[RetrySettings]'


class SmokeTestError(TypedDict):
    """Reason why no complete answer came, with advice."""
    advice: str
    kind: 'ErrorKind'
    message: str
    status: NotRequired[int | None]


class SmokeTestReport(TypedDict):
    """Report of a smoke test: the answer of a model to one short question, which an executor sent through ."""
    answered_by: NotRequired[str | None]
    cost_usd: NotRequired[float | None]
    error: 'NotRequired[SmokeTestError | None]'
    json_mode: NotRequired[bool | None]
    key: NotRequired[str | None]
    latency_ms: int
    ok: bool
    preview: NotRequired[str | None]
    streamed: bool
    ttft_ms: NotRequired[int | None]
    usage: 'NotRequired[Usage | None]'


class SmokeTestRequest(TypedDict):
    """Request for a smoke test."""
    model: str


Stop: TypeAlias = str | list[str]


Strategy: TypeAlias = Literal['shuffled_choices', 'whitespace', 'case', 'prefix', 'suffix']


Tenant: TypeAlias = str


Texts: TypeAlias = Literal['all', 'hashes', 'none']


class Token(TypedDict):
    """A bearer token, without its secret."""
    budget: 'NotRequired[Budget | None]'
    budget_left: 'NotRequired[RunBudgetLeft | None]'
    created_at: str
    expires_at: NotRequired[str | None]
    id: 'TokenId'
    last_used_at: NotRequired[str | None]
    name: str
    prefix: str
    providers: 'NotRequired[list[ProviderId] | None]'
    revoked_at: NotRequired[str | None]
    role: 'Role'
    tenant: 'NotRequired[Tenant | None]'


TokenId: TypeAlias = str


class TokenLogprob(TypedDict):
    """A token of the answer, and how likely it was."""
    logprob: float
    token: str
    top_logprobs: 'NotRequired[list[TopLogprob]]'


class TokenPatch(TypedDict):
    """Changes of a token. An absent field keeps its value."""
    budget: 'NotRequired[Budget | None]'


class ToolCall(TypedDict):
    """A call of a tool that the model asks for."""
    arguments: str
    id: str
    name: str


class TopLogprob(TypedDict):
    logprob: float
    token: str


class Turn(TypedDict):
    """One message of a conversation before a question."""
    content: str
    role: 'TurnRole'


TurnRole: TypeAlias = Literal['system', 'user', 'assistant']


Unscored: TypeAlias = Literal['skip', 'zero']


class Usage(TypedDict):
    """Numbers of tokens as the provider counted them. A part is never larger than its whole in a true count, ."""
    audio_input_tokens: NotRequired[int]
    audio_output_tokens: NotRequired[int]
    cache_write_tokens: NotRequired[int]
    cached_audio_tokens: NotRequired[int]
    cached_tokens: NotRequired[int]
    completion_tokens: NotRequired[int]
    image_input_tokens: NotRequired[int]
    image_output_tokens: NotRequired[int]
    long_cache_write_tokens: NotRequired[int]
    prompt_tokens: NotRequired[int]
    reasoning_tokens: NotRequired[int]
    web_searches: NotRequired[int]


class UsageRecord(TypedDict):
    """Sums over the recorded calls of one day that have a token, a provider and a model in common."""
    calls: int
    completion_tokens: int
    cost_usd: float
    day: str
    model: str
    prompt_tokens: int
    provider_id: 'ProviderId'
    tenant: 'Tenant'
    token_id: 'NotRequired[TokenId | None]'
    unpriced: int


class Variation(TypedDict):
    """Other forms in which a run asks each item, to see how much its score hangs on the form."""
    enabled: NotRequired[bool]
    per_item: NotRequired[int | None]
    strategies: 'NotRequired[list[Strategy]]'


class Verdict(TypedDict):
    """Verdict of one judge on one answer."""
    is_flipped: NotRequired[bool]
    judge: int
    reason: NotRequired[str | None]
    text: NotRequired[str | None]
    value: NotRequired[float | None]
    verdict: NotRequired[str | None]


VerdictForm: TypeAlias = Literal['binary', 'grades', 'scale', 'pairwise']


class Webhook(TypedDict):
    """Webhook of a run, and what came of the requests to it."""
    abandoned_at: NotRequired[str | None]
    attempts: int
    delivered_at: NotRequired[str | None]
    last_error: NotRequired[str | None]
    url: str


WhenUsedUp: TypeAlias = Literal['pause', 'stop']
