//! One plain value of each message, for tests. A test states the fields that matter to it and takes the others from
//! here. Beside them: the numbers at which a range is tested.

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    DatasetId, Generation, InvocationId, JobConfig, Judge, JudgedPart, Outcome, ProviderId, RunConfig, RunId,
    VerdictForm,
    api::{ExecutorStatus, NewRun},
    message::{Attempt, Call, Invocation, Job, JobItem, JobKey, JobKind},
};

/// Returns the job of a key in a run's first pass, fed for the first time, with an empty item.
pub fn job(JobKey { run_id, ordinal, sample }: JobKey) -> Job {
    Job {
        run_id,
        ordinal,
        sample,
        epoch: 0,
        kind: JobKind::Answer,
        judged: None,
        reused: None,
        attempt: 0,
        failures: 0,
        possible_copy: false,
        term: 0,
        crashes: 0,
        provider_id: ProviderId::from_uuid(Uuid::nil()),
        model: "m".into(),
        item: JobItem::Inline(String::new()),
        config: JobConfig::default(),
        deadline: None,
    }
}

/// Returns the key of the first sample of the item at `ordinal`, of a run that no store has.
pub fn key(ordinal: u32) -> JobKey {
    JobKey { run_id: RunId::from_uuid(Uuid::nil()), ordinal, sample: 0 }
}

/// Returns an attempt that was answered after 5 ms.
pub fn attempt() -> Attempt {
    Attempt {
        started_at: Timestamp::UNIX_EPOCH,
        latency_ms: 5,
        status: Some(200),
        error_kind: None,
        error: None,
        usage: None,
        cost_nanousd: None,
        cost_unknown: None,
        key: None,
        unsent: false,
    }
}

/// Returns a streamed call of one attempt, with neither usage nor cost.
pub fn call(id: InvocationId) -> Call {
    let unsent = Call::unsent(id, ProviderId::from_uuid(Uuid::nil()), "m", Timestamp::UNIX_EPOCH);
    Call { attempts: vec![attempt()], latency_ms: 5, streamed: true, ..unsent }
}

/// Returns a job of a run's first pass that ended with `outcome`, without a text or a score.
pub fn invocation(key: JobKey, call: Call, outcome: Outcome) -> Invocation {
    let item_id = format!("q{}", key.ordinal);
    Invocation { item_id, question: "?".into(), ..Invocation::new(key, call, outcome) }
}

/// Returns the status of an executor that began at `at`, was seen then and has no lane.
pub fn executor(name: &str, at: Timestamp) -> ExecutorStatus {
    ExecutorStatus {
        name: name.into(),
        version: "0.1.0".into(),
        started_at: at,
        seen_at: at,
        draining: false,
        lanes: Vec::new(),
        runs: Vec::new(),
        lighteval: false,
    }
}

/// Returns a judge with all defaults, but for the form of its verdict.
pub fn judge(verdict: VerdictForm) -> Judge {
    Judge {
        provider_id: ProviderId::from_uuid(Uuid::from_u128(3)),
        model: "judge".into(),
        prompt: None,
        rubric: None,
        source: JudgedPart::Answer,
        verdict,
        scale: None,
        generation: Generation::default(),
    }
}

/// Returns a request for a run without a configuration.
pub fn new_run(provider_id: ProviderId, dataset_id: DatasetId) -> NewRun {
    NewRun {
        name: None,
        provider_id,
        model: "m".into(),
        dataset_id: Some(dataset_id),
        config: RunConfig::default(),
        priority: None,
        budget: None,
        webhook: None,
    }
}

/// Returns the ends of a range, and numbers just outside, from the rule that its error states: `must be a whole number
/// from 1 to 64`.
///
/// # Panics
///
/// Panics if the rule has other words.
#[expect(clippy::unwrap_used, reason = "a rule without a range is a fault that fails the test")]
pub fn range_ends(rule: &str) -> ([String; 2], Vec<String>) {
    let (kind, range) = rule.split_once(" from ").unwrap();
    let (min, max) = range.split_once(" to ").unwrap();
    let outside = if kind.contains("whole") {
        let [low, high] = [min, max].map(|end| end.parse::<i128>().unwrap());
        vec![(low - 1).to_string(), (high + 1).to_string(), format!("{low}.5")]
    } else {
        let [low, high] = [min, max].map(|end| end.parse::<f64>().unwrap());
        vec![(low - 1e-7).to_string(), (high + 1e-7).to_string()]
    };
    ([min.to_owned(), max.to_owned()], outside)
}
