//! Tests of the wire format: bytes of earlier releases must decode for ever.
//!
//! Each message has a file in `golden/`. A test whose file is missing writes the file and fails once: look at the
//! file, and check it in. An existing file is never changed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say so")]

use std::{fmt::Debug, fs, path::Path};

use runmill_proto::{
    ErrorKind, Generation, Image, InvocationId, JobConfig, Judge, JudgedPart, Judging, Outcome, ProviderId,
    Remarks, RunConfig, RunId, Scale, Score, Scorer, Scoring, Stop, TokenId, TokenLogprob, ToolCall,
    TopLogprob, Usage, VerdictForm,
    api::{LightevalMetric, LightevalOutcome, RetryOverride, SmokeTestError, SmokeTestReport},
    chat,
    codec::{self, DecodeError, Message},
    message::{
        Attempt, Call, CallEvent, CallFailure, CallProgress, ClientCall, ClientNote, Control, Deferred,
        EvaluatedSample, Evaluation, EvaluationPart, Invocation, Job, JobItem, JobKind, JudgedAnswer,
        ProviderKeyReply, ProviderKeyRequest, ReusedAnswer, SmokeTest,
    },
};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

fn uuid(n: u128) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + n)
}

fn job() -> Job {
    Job {
        run_id: RunId::from_uuid(uuid(1)),
        ordinal: 41,
        sample: 2,
        epoch: 1,
        kind: JobKind::Answer,
        judged: None,
        reused: None,
        attempt: 3,
        failures: 0,
        possible_copy: false,
        term: 0,
        crashes: 0,
        provider_id: ProviderId::from_uuid(uuid(2)),
        model: "gpt-4o-mini".into(),
        item: JobItem::Inline(r#"{"id":"q41","type":"freeform","inputs":{"text":"6 x 7?"}}"#.into()),
        config: JobConfig {
            generation: Generation {
                temperature: Some(0.5),
                stop: Some(Stop::Many(vec!["\n\n".into()])),
                ..Generation::default()
            },
            system_prompt: Some("Be brief.".into()),
            scoring: Some(Scoring { tolerance: Some(0.01), ..Scoring::from(Scorer::Numeric) }),
            retry: RetryOverride { max_retries: Some(2), ..RetryOverride::default() },
            ..JobConfig::default()
        },
        deadline: Some("2026-11-22T18:00:00Z".parse().unwrap()),
    }
}

fn call() -> Call {
    let usage = Usage {
        prompt_tokens: 12,
        completion_tokens: 5,
        cached_tokens: 4,
        reasoning_tokens: 1,
        ..Usage::default()
    };
    Call {
        id: InvocationId::from_uuid(uuid(3)),
        provider_id: ProviderId::from_uuid(uuid(2)),
        model: "gpt-4o-mini".into(),
        attempts: vec![
            Attempt {
                started_at: "2026-11-22T17:00:00.25Z".parse().unwrap(),
                latency_ms: 31,
                status: Some(429),
                error_kind: Some(ErrorKind::RateLimited),
                error: Some("slow down".into()),
                usage: None,
                cost_nanousd: None,
                cost_unknown: None,
                key: None,
                unsent: false,
            },
            Attempt {
                started_at: "2026-11-22T17:00:01Z".parse().unwrap(),
                latency_ms: 420,
                status: Some(200),
                error_kind: None,
                error: None,
                usage: Some(usage),
                cost_nanousd: None,
                cost_unknown: None,
                key: None,
                unsent: false,
            },
        ],
        usage: Some(usage),
        started_at: "2026-11-22T17:00:00.25Z".parse().unwrap(),
        latency_ms: 1170,
        ttft_ms: Some(200),
        streamed: true,
        cost_nanousd: Some(4_800),
        remarks: Remarks::default(),
    }
}

fn invocation() -> Invocation {
    Invocation {
        run_id: RunId::from_uuid(uuid(1)),
        ordinal: 41,
        sample: 2,
        epoch: 1,
        item_id: "q41".into(),
        question: "6 x 7?".into(),
        call: call(),
        outcome: Outcome::Succeeded,
        error_kind: None,
        error: None,
        response: Some("The answer is 42.".into()),
        reasoning: Some("Six sevens.".into()),
        tool_calls: Vec::new(),
        logprobs: None,
        finish: None,
        answer_usage: None,
        score: Some(Score {
            scorer: "numeric".into(),
            version: 1,
            value: Some(1.0),
            extracted: Some("42".into()),
            detail: None,
        }),
        reused_from: None,
        client: None,
    }
}

fn deferred() -> Deferred {
    Deferred {
        run_id: RunId::from_uuid(uuid(1)),
        ordinal: 41,
        sample: 2,
        epoch: 1,
        attempt: 3,
        failures: 0,
        not_before: "2026-11-22T17:05:00Z".parse().unwrap(),
        reason: Deferred::WORKER_SHUTDOWN.into(),
        pause: false,
        pause_cause: None,
        unreachable: false,
        call: call(),
    }
}

/// Returns an invocation with every field that later releases added.
fn full_invocation() -> Invocation {
    let mut invocation = invocation();
    invocation.call.attempts[1].cost_nanousd = Some(4_800);
    invocation.call.attempts[1].key = Some("main".into());
    Invocation {
        tool_calls: vec![ToolCall {
            id: "call_1".into(),
            name: "multiply".into(),
            arguments: r#"{"a":6,"b":7}"#.into(),
        }],
        logprobs: Some(vec![TokenLogprob {
            token: "42".into(),
            logprob: -0.125,
            top_logprobs: vec![TopLogprob { token: "41".into(), logprob: -2.5 }],
        }]),
        ..invocation
    }
}

fn full_job() -> Job {
    let config = json!({
        "reasoning_effort": "low",
        "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}}},
        "tools": [{"type": "function", "function": {"name": "multiply", "parameters": {"type": "object"}}}],
        "tool_choice": "required",
        "top_logprobs": 1,
        "request": {"idle_timeout_seconds": 5.5},
        "retry": {"max_deferrals": 3},
    });
    let config = serde_json::from_value::<RunConfig>(config).unwrap().job().unwrap();
    Job { failures: 2, config, ..job() }
}

fn judge_config() -> JobConfig {
    let judge = Judge {
        provider_id: ProviderId::from_uuid(uuid(3)),
        model: "judge".into(),
        prompt: None,
        rubric: Some("the number is right".into()),
        source: JudgedPart::Extracted,
        verdict: VerdictForm::Scale,
        scale: Some(Scale { min: 0, max: 5 }),
        generation: Generation::default(),
    };
    let judging = Judging { run_id: RunId::from_uuid(uuid(4)), judge, is_added: true };
    JobConfig { judging: Some(Box::new(judging)), ..JobConfig::default() }
}

fn smoke_test() -> SmokeTest {
    SmokeTest { provider_id: ProviderId::from_uuid(uuid(2)), model: "gpt-4o-mini".into() }
}

fn smoke_test_report() -> SmokeTestReport {
    SmokeTestReport {
        ok: false,
        latency_ms: 120,
        ttft_ms: None,
        streamed: false,
        preview: None,
        usage: None,
        json_mode: None,
        cost_usd: None,
        key: Some("main".into()),
        answered_by: None,
        error: Some(SmokeTestError {
            kind: ErrorKind::Authentication,
            status: Some(401),
            message: "the provider refuses the key".into(),
            advice: "put a valid key".into(),
        }),
    }
}

fn check<M: Message + PartialEq + Debug>(name: &str, message: &M) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(format!("{name}.msgpack"));
    if !path.exists() {
        fs::write(&path, codec::encode(message)).unwrap();
        panic!("{} was missing and is written now: look at it and check it in", path.display());
    }
    check_old(name, message);
    assert_eq!(
        codec::encode(message),
        fs::read(&path).unwrap(),
        "the bytes have changed: add a field with a default, or a version"
    );
}

/// Like [`check`], for bytes that only earlier releases send.
fn check_old<M: Message + PartialEq + Debug>(name: &str, message: &M) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(format!("{name}.msgpack"));
    let bytes = fs::read(&path).unwrap();
    assert_eq!(&codec::decode::<M>(M::TYPE, &bytes).unwrap(), message, "what old bytes mean has changed");
}

#[test]
fn a_job_is_on_the_wire_as_ever() {
    check("job.v1.overrides", &job());
    check("job.v1.copy", &Job { possible_copy: true, term: 7, crashes: 2, ..job() });
    // A job of an earlier release, with `max_retries` by its short name.
    check_old("job.v1", &job());
}

#[test]
fn an_invocation_is_on_the_wire_as_ever() {
    check("invocation.v1", &invocation());
}

#[test]
fn a_deferral_is_on_the_wire_as_ever() {
    check("deferred.v1", &deferred());
}

#[test]
fn what_was_added_later_is_on_the_wire_as_ever() {
    check("job.v1.full", &full_job());
    let judged = Some(JudgedAnswer::Text("42".into()));
    check("job.v1.judge", &Job { kind: JobKind::Judge, judged, config: judge_config(), ..job() });
    let reused = ReusedAnswer {
        run_id: RunId::from_uuid(uuid(6)),
        outcome: Outcome::Truncated,
        response: "42".into(),
        reasoning: Some("Six by seven.".into()),
        tool_calls: full_invocation().tool_calls,
        logprobs: full_invocation().logprobs,
    };
    check("job.v1.reused", &Job { reused: Some(Box::new(reused)), ..job() });
    let reused_from = Some(RunId::from_uuid(uuid(6)));
    check("invocation.v1.reused", &Invocation { reused_from, ..invocation() });
    check("invocation.v1.full", &full_invocation());
    let scored = full_invocation();
    let score = scored.score.clone().map(|score| Score { version: 2, ..score });
    check("invocation.v1.newer_scorer", &Invocation { score, ..scored });
    check("deferred.v1.full", &Deferred { failures: 2, pause: true, ..deferred() });
}

#[test]
fn every_part_of_an_evaluation_is_on_the_wire_as_ever() {
    let answered = EvaluatedSample {
        item_id: "gsm8k|0:7".into(),
        body: r#"{"id":"gsm8k|0:7","type":"freeform","inputs":{"text":"6 x 7?"},"answer":"42"}"#.into(),
        question: "6 x 7?".into(),
        response: Some("42".into()),
        error_kind: None,
        error: None,
        score: Some(Score {
            scorer: "em".into(),
            version: 1,
            value: Some(1.0),
            extracted: None,
            detail: Some(r#"{"em":1.0}"#.into()),
        }),
    };
    let unanswered = EvaluatedSample {
        item_id: "gsm8k|0:8".into(),
        response: None,
        error_kind: Some(ErrorKind::EmptyAnswer),
        error: Some("Connection error.".into()),
        score: None,
        ..answered.clone()
    };
    let outcome = LightevalOutcome {
        metrics: vec![LightevalMetric { task: "gsm8k|0".into(), name: "em".into(), value: 0.5 }],
        samples: 2,
        unanswered: 1,
        reason: Some("Connection error.".into()),
    };
    let parts = [
        ("lines", EvaluationPart::Lines { number: 3, lines: vec!["loading".into()] }),
        ("samples", EvaluationPart::Samples { total: 2, first: 0, samples: vec![answered, unanswered] }),
        ("completed", EvaluationPart::Completed { outcome, version_hash: "898f".into() }),
        ("failed", EvaluationPart::Failed { reason: "LightEval ended with exit status: 1".into() }),
    ];
    for (name, part) in parts {
        let evaluation = Evaluation { run_id: RunId::from_uuid(uuid(1)), attempt: 2, part };
        check(&format!("evaluation.{name}.v1"), &evaluation);
    }
}

#[test]
fn a_smoke_test_is_on_the_wire_as_ever() {
    check("smoke_test.v1", &smoke_test());
    check("smoke_test_report.v1", &smoke_test_report());
}

#[test]
fn a_request_for_a_key_is_on_the_wire_as_ever() {
    let (id, provider_id) = (uuid(4), ProviderId::from_uuid(uuid(2)));
    check("provider_key.v1", &ProviderKeyRequest { id, provider_id, reply_key: vec![1, 2, 255] });
    let key = ProviderKeyReply::Key { label: "main".into(), sealed: vec![1, 2, 255] };
    check("provider_key_reply.v1.key", &key);
    check("provider_key_reply.v1.no_key", &ProviderKeyReply::NoKey);
    check("provider_key_reply.v1.refused", &ProviderKeyReply::Refused("no key is usable now".into()));
}

/// Returns a call of a client, with every field.
fn client_call() -> ClientCall {
    let tool_call =
        ToolCall { id: "call_1".into(), name: "multiply".into(), arguments: r#"{"a":6,"b":7}"#.into() };
    let image = Image::Url { url: "https://example.org/x.png".into() };
    let mut question = chat::Message::text(chat::Role::User, "6 x 7?");
    question.parts.push(chat::Part::Image(image));
    let asks =
        chat::Message { tool_calls: vec![tool_call], ..chat::Message::text(chat::Role::Assistant, "") };
    let result =
        chat::Message { tool_call_id: Some("call_1".into()), ..chat::Message::text(chat::Role::Tool, "42") };
    ClientCall {
        id: uuid(4),
        run_id: RunId::from_uuid(uuid(1)),
        token_id: Some(TokenId::from_uuid(uuid(5))),
        provider_id: ProviderId::from_uuid(uuid(2)),
        model: "gpt-4o-mini".into(),
        conversation: chat::Conversation {
            system: Some("Be brief.".into()),
            messages: vec![question, asks, result],
            generation: Generation { max_new_tokens: Some(9), ..Generation::default() },
        },
        config: JobConfig::default(),
        streams: true,
        ignored: vec!["user".into()],
        deadline: "2026-11-22T18:00:00Z".parse().unwrap(),
    }
}

#[test]
fn a_clients_call_and_its_events_are_on_the_wire_as_ever() {
    check("call.v1", &client_call());
    let event = |what| CallEvent { call_id: uuid(4), executor: "host:1".into(), seq: 3, what };
    check("call_event.v1.taken", &event(CallProgress::Taken));
    let tool_calls = vec![chat::ToolCallDelta { index: 1, id: "call_1".into(), ..Default::default() }];
    let delta = chat::Delta { text: "4".into(), reasoning: "Six".into(), tool_calls, ..Default::default() };
    check("call_event.v1.delta", &event(CallProgress::Delta(delta)));
    let answer = chat::ModelAnswer {
        text: "42".into(),
        reasoning: None,
        refusal: None,
        tool_calls: Vec::new(),
        logprobs: None,
        finish: chat::Finish::Stop,
        usage: Some(Usage { prompt_tokens: 12, completion_tokens: 5, ..Usage::default() }),
        remarks: Remarks::default(),
    };
    check("call_event.v1.answered", &event(CallProgress::Answered(Box::new(answer))));
    let failure = CallFailure {
        kind: ErrorKind::RateLimited,
        message: "slow down".into(),
        status: Some(429),
        retry_after_ms: Some(2_000),
    };
    check("call_event.v1.failed", &event(CallProgress::Failed(failure)));
    let note = ClientNote { token_id: Some(TokenId::from_uuid(uuid(5))), ignored: vec!["user".into()] };
    check("invocation.v1.client", &Invocation { client: Some(note), score: None, ..invocation() });
}

#[test]
fn every_control_message_is_on_the_wire_as_ever() {
    let run_id = RunId::from_uuid(uuid(1));
    let provider_id = ProviderId::from_uuid(uuid(2));
    let until = "2026-11-22T17:05:00Z".parse().unwrap();
    for (name, message) in [
        ("control.v1.run_canceled", Control::RunCanceled { run_id }),
        ("control.v1.run_draining", Control::RunDraining { run_id }),
        ("control.v1.run_paused", Control::RunPaused { run_id }),
        ("control.v1.run_resumed", Control::RunResumed { run_id }),
        ("control.v1.lane_cooldown", Control::LaneCooldown { provider_id, until, reason: "429".into() }),
        ("control.v1.provider_changed", Control::ProviderChanged { provider_id }),
        ("control.v1.settings_changed", Control::SettingsChanged),
        ("control.v1.call_canceled", Control::CallCanceled { call_id: uuid(4) }),
    ] {
        check(name, &message);
    }
}

/// A newer release may send one more field than this one knows.
#[test]
fn unknown_fields_are_skipped() {
    #[derive(Serialize)]
    struct NewerJob {
        #[serde(flatten)]
        job: Job,
        shard: Vec<(u8, String)>,
    }
    let newer = NewerJob { job: job(), shard: vec![(1, "of three".into())] };

    let bytes = rmp_serde::to_vec_named(&newer).unwrap();

    assert_eq!(codec::decode::<Job>(Job::TYPE, &bytes).unwrap(), job());
}

/// The oldest release sent only the fields that a job has had since then.
#[test]
fn absent_fields_have_defaults() {
    #[derive(Serialize)]
    struct OlderJob {
        run_id: RunId,
        ordinal: u32,
        sample: u32,
        epoch: u32,
        attempt: u32,
        provider_id: ProviderId,
        model: String,
        item: JobItem,
    }
    let Job { run_id, ordinal, sample, epoch, attempt, provider_id, model, item, .. } = job();
    let older = OlderJob { run_id, ordinal, sample, epoch, attempt, provider_id, model, item };

    let bytes = rmp_serde::to_vec_named(&older).unwrap();

    let want = Job { config: JobConfig::default(), deadline: None, ..job() };
    assert_eq!(codec::decode::<Job>(Job::TYPE, &bytes).unwrap(), want);
}

#[test]
fn an_unknown_kind_of_control_is_skipped() {
    let bytes = rmp_serde::to_vec_named(&serde_json::json!({"kind": "moon_phase", "phase": 3})).unwrap();
    assert_eq!(codec::decode::<Control>(Control::TYPE, &bytes).unwrap(), Control::Unknown);
}

#[test]
fn an_unknown_version_or_broken_bytes_say_so() {
    let version = codec::decode::<Job>("job.v2", &codec::encode(&job())).unwrap_err();
    assert!(matches!(version, DecodeError::UnknownType { .. }));
    assert_eq!(version.to_string(), "unknown message type `job.v2`; expected job.v1");

    let broken = codec::decode::<Job>("job.v1", b"\x81\xa6run_id").unwrap_err();
    assert!(broken.to_string().starts_with("the bytes are not a job.v1 message"), "{broken}");
}

/// A message that nests without end must be an error, not a stack that runs out.
#[test]
fn deep_nesting_is_an_error() {
    let bytes = vec![0x91; 200_000];
    assert!(codec::decode::<Job>("job.v1", &bytes).is_err());
}
