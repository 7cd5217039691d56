use std::{collections::HashMap, sync::Arc};

use runmill_proto::{
    ErrorKind, Fix, InvocationId, Note, Outcome, Remarks, RunId, RunStatus, Score, TokenLogprob, ToolCall,
    TopLogprob,
    api::{CallSummary, InvocationRecord, ResultOrder, ResultRecord, RunEvent, ScoreClass},
    message::{Invocation, JobKey},
    usd,
};
use serde_json::json;
use uuid::Uuid;

use super::{
    Stores,
    world::{
        all_results, answered, assert_counters_equal_rows, at, at_ms, attempt, batch, config, create,
        deferred, event_names, events, failed, fed_run, new_run, pending_run,
    },
};
use crate::{DetailedRow, LogBatch, LogEntry, ResultFilter, RunRow, Transition, Written};

fn result_of(invocation: &Invocation, second: i64) -> ResultRecord {
    ResultRecord {
        ordinal: invocation.ordinal,
        sample: invocation.sample,
        item_id: invocation.item_id.clone(),
        invocation_id: invocation.call.id,
        outcome: invocation.outcome,
        error_kind: invocation.error_kind,
        error: invocation.error.clone(),
        response: invocation.response.clone(),
        reasoning: invocation.reasoning.clone(),
        tool_calls: invocation.tool_calls.clone(),
        logprobs: invocation.logprobs.clone(),
        finish: invocation.finish,
        answer_usage: invocation.answer_usage,
        reused_from: invocation.reused_from,
        score: invocation.score.clone(),
        settled_at: at(second),
    }
}

fn record_of(invocation: &Invocation) -> InvocationRecord {
    let call = &invocation.call;
    InvocationRecord {
        id: call.id,
        ordinal: invocation.ordinal,
        sample: invocation.sample,
        provider_id: call.provider_id,
        model: call.model.clone(),
        outcome: Some(invocation.outcome),
        error_kind: invocation.error_kind,
        attempts: call.attempts.clone(),
        usage: call.usage,
        cost_nanousd: call.cost_nanousd,
        streamed: call.streamed,
        started_at: call.started_at,
        latency_ms: call.latency_ms,
        ttft_ms: call.ttft_ms,
        remarks: call.remarks.clone(),
        client: invocation.client.clone(),
    }
}

pub async fn a_batch_is_recorded_as_it_came(stores: &Stores) {
    let store = &*stores.one;
    let run = fed_run(store, 5).await;
    let mut right = answered(&run, 0);
    right.call.remarks =
        Remarks { fixes: vec![Fix::NoSeed], notes: vec![Note::OtherModel], answered_by: Some("m2".into()) };
    let wrong = failed(&run, 1);
    let mut bare = answered(&run, 2);
    bare.call.attempts.clear();
    (bare.call.usage, bare.call.cost_nanousd, bare.call.ttft_ms) = (None, None, None);
    (bare.outcome, bare.response, bare.reasoning, bare.score) = (Outcome::Canceled, None, None, None);
    let entries = [right.clone(), wrong.clone(), bare.clone()];

    let written = store.write_logs(&batch(entries.clone()), at(2)).await.unwrap();

    assert_eq!(written, Written { results: 3, ..Written::default() });
    assert_eq!(
        all_results(&*stores.other, run.id).await,
        entries.each_ref().map(|entry| result_of(entry, 2))
    );
    let invocations = stores.other.invocations(run.id, None, 10).await.unwrap();
    assert_eq!(invocations, entries.each_ref().map(record_of));
    let row = store.run(run.id).await.unwrap();
    assert_eq!((row.stats.settled(), row.stats.calls, row.stats.retries), (3, 3, 1));
    assert_eq!((row.stats.usage.prompt_tokens, row.stats.cost_nanousd), (20, Some(3_000)));
    assert_eq!((row.score().mean, row.stats.errors[&ErrorKind::Overloaded]), (Some(1.0), 1));
    assert_counters_equal_rows(store, run.id).await;
}

pub async fn a_batch_written_again_changes_nothing(stores: &Stores) {
    let store = &*stores.one;
    let run = fed_run(store, 9).await;
    let mut entries: Vec<LogEntry> = vec![answered(&run, 0).into(), failed(&run, 1).into()];
    entries.push(deferred(&run, 2, at(60)).into());
    let batch = LogBatch(entries);
    store.write_logs(&batch, at(2)).await.unwrap();
    let (row, results) = (store.run(run.id).await.unwrap(), all_results(store, run.id).await);

    let written = stores.other.write_logs(&batch, at(9)).await.unwrap();

    assert_eq!(written, Written { redelivered: 3, ..Written::default() });
    assert_eq!(store.run(run.id).await.unwrap(), row);
    assert_eq!(all_results(store, run.id).await, results);
    assert_counters_equal_rows(store, run.id).await;
}

pub async fn a_batch_written_in_parts_again_changes_nothing(stores: &Stores) {
    let store = &*stores.one;
    let run = fed_run(store, 9).await;
    let all: Vec<_> = (0..4).map(|n| answered(&run, n)).collect();
    store.write_logs(&batch(all[..2].to_vec()), at(2)).await.unwrap();

    // The batch has two known messages and two new ones, one of them twice.
    let overlapping = [&all[..], &all[3..]].concat();
    let written = store.write_logs(&batch(overlapping), at(3)).await.unwrap();

    assert_eq!(written, Written { results: 2, redelivered: 3, ..Written::default() });
    assert_eq!(store.run(run.id).await.unwrap().stats.duplicates, 0);
    assert_counters_equal_rows(store, run.id).await;
}

pub async fn a_job_has_one_result(stores: &Stores) {
    let store = &*stores.one;
    let run = fed_run(store, 9).await;
    let (first, second, third) = (answered(&run, 0), failed(&run, 0), answered(&run, 0));

    let one = store.write_logs(&batch([first.clone(), second]), at(2)).await.unwrap();
    let other = store.write_logs(&batch([third]), at(3)).await.unwrap();

    assert_eq!((one.results, other.results, one.redelivered + other.redelivered), (1, 0, 0));
    assert_eq!(all_results(store, run.id).await, [result_of(&first, 2)]);
    let row = store.run(run.id).await.unwrap();
    assert_eq!((row.stats.settled(), row.stats.duplicates, row.stats.calls), (1, 2, 4));
    assert_eq!(store.invocations(run.id, None, 10).await.unwrap().len(), 3);
    assert_counters_equal_rows(store, run.id).await;
}

pub async fn overlapping_batches_of_two_writers_count_once(stores: &Stores) {
    const ITEMS: u32 = 300;
    let runs = Arc::new([fed_run(&*stores.one, ITEMS).await, fed_run(&*stores.one, ITEMS).await]);
    // Each message is in several batches of both writers, and each batch is about both runs.
    let messages: Vec<LogEntry> =
        (0..ITEMS).flat_map(|n| runs.each_ref().map(|run| LogEntry::from(answered(run, n)))).collect();
    let writer = |store: crate::SharedStore, step: usize, backwards: bool| {
        let mut batches: Vec<_> = messages.windows(60).step_by(step).map(<[LogEntry]>::to_vec).collect();
        batches.push(messages[messages.len() - 60..].to_vec());
        if backwards {
            batches.reverse();
        }
        tokio::spawn(async move {
            let mut results = 0;
            for batch in batches {
                results += store.write_logs(&LogBatch(batch), at(2)).await.unwrap().results;
            }
            results
        })
    };

    let one = writer(stores.one.clone(), 20, false);
    let other = writer(stores.other.clone(), 30, true);

    assert_eq!(one.await.unwrap() + other.await.unwrap(), u64::from(2 * ITEMS));
    for run in runs.iter() {
        let row = stores.one.run(run.id).await.unwrap();
        assert_eq!((row.status, row.stats.settled()), (RunStatus::Completed, u64::from(ITEMS)));
        assert_counters_equal_rows(&*stores.one, run.id).await;
    }
}

pub async fn the_last_result_completes_the_run(stores: &Stores) {
    let store = &*stores.one;
    let run = fed_run(store, 3).await;
    let first = store.write_logs(&batch([answered(&run, 0), failed(&run, 1)]), at(2)).await.unwrap();
    assert_eq!(first.ended, []);

    let last = store.write_logs(&batch([answered(&run, 2)]), at(3)).await.unwrap();

    assert_eq!(last.ended, [run.id]);
    let row = store.run(run.id).await.unwrap();
    assert_eq!((row.status, row.finished_at), (RunStatus::Completed, Some(at(3))));
    let names = event_names(store, run.id).await;
    assert_eq!(names[names.len() - 2..], ["run_progress", "run_status"]);
}

pub async fn a_result_before_its_feeding_starts_the_run(stores: &Stores) {
    let store = &*stores.one;
    let run = pending_run(store, 2).await;

    store.write_logs(&batch([answered(&run, 0)]), at(2)).await.unwrap();
    let started = store.run(run.id).await.unwrap();
    assert_eq!(
        (started.status, started.started_at, started.in_queue()),
        (RunStatus::Running, Some(at(2)), 0)
    );

    store.write_logs(&batch([answered(&run, 1)]), at(3)).await.unwrap();
    let ended = store.run(run.id).await.unwrap();
    assert_eq!((ended.status, ended.cursor.fed), (RunStatus::Completed, 2));
    store.mark_fed(run.id, 2, &[], at(4)).await.unwrap();
    assert_eq!(store.run(run.id).await.unwrap(), ended);
}

pub async fn a_message_of_an_unknown_run_is_an_orphan(stores: &Stores) {
    let store = &*stores.one;
    let run = fed_run(store, 2).await;
    let unknown = RunRow { id: RunId::from_uuid(Uuid::now_v7()), ..run.clone() };

    let written = store.write_logs(&batch([answered(&unknown, 0), answered(&run, 0)]), at(2)).await.unwrap();

    assert_eq!(written, Written { results: 1, orphaned: 1, ..Written::default() });
    assert_eq!(store.invocations(unknown.id, None, 10).await.unwrap(), []);
    assert_eq!(all_results(store, unknown.id).await, []);
}

pub async fn a_message_of_a_job_that_its_run_does_not_have_is_refused(stores: &Stores) {
    let store = &*stores.one;
    let mut row = new_run(store, 3).await;
    row.submission.config = config(json!({"samples": 2}));
    row.total = 6;
    create(store, &row).await;
    store.mark_fed(row.id, 6, &[], at(1)).await.unwrap();
    let before = store.run(row.id).await.unwrap();
    let last = Invocation { sample: 1, ..answered(&row, 2) };
    let table: [(LogEntry, &str); 4] = [
        (answered(&row, 3).into(), "item 3, and run"),
        (deferred(&row, u32::MAX, at(9)).into(), "has 3 items"),
        (Invocation { sample: 2, ..answered(&row, 0) }.into(), "sample 2, and run"),
        (Invocation { epoch: 1, ..answered(&row, 0) }.into(), "epoch 1, and run"),
    ];

    for (claim, want) in table {
        let refused = store.write_logs(&batch([last.clone().into(), claim]), at(2)).await.unwrap_err();

        assert!(refused.is_of_the_row() && refused.to_string().contains(want), "{refused}");
    }

    assert_eq!(store.run(row.id).await.unwrap(), before, "nothing of these batches is recorded");
    assert_eq!(store.invocations(row.id, None, 10).await.unwrap(), []);
    let written = store.write_logs(&batch([last]), at(2)).await.unwrap();
    assert_eq!(written, Written { results: 1, ..Written::default() }, "the last job is one of the run");
}

pub async fn what_a_model_asked_to_call_and_its_log_probabilities_come_back(stores: &Stores) {
    let store = &*stores.one;
    let run = fed_run(store, 3).await;
    let call = |id: &str| ToolCall {
        id: id.into(),
        name: "weather".into(),
        // The arguments that a model writes need not be JSON.
        arguments: "{\"city\": \"K\u{f6}ln\"".into(),
    };
    let token = TokenLogprob {
        token: "4".into(),
        logprob: -0.1,
        top_logprobs: vec![TopLogprob { token: "four".into(), logprob: -2.5 }],
    };
    let entries = [
        Invocation { tool_calls: vec![call("a"), call("")], ..answered(&run, 0) },
        Invocation { logprobs: Some(vec![token]), ..answered(&run, 1) },
        Invocation { logprobs: Some(Vec::new()), ..answered(&run, 2) },
    ];

    store.write_logs(&batch(entries.clone()), at(2)).await.unwrap();

    let results = all_results(&*stores.other, run.id).await;
    assert_eq!(results, entries.each_ref().map(|entry| result_of(entry, 2)));
}

pub async fn a_canceled_run_ends_with_its_last_job_in_the_queue(stores: &Stores) {
    let store = &*stores.one;
    let run = pending_run(store, 9).await;
    store.mark_fed(run.id, 3, &[], at(1)).await.unwrap();
    store.transition(run.id, Transition::Cancel, at(2)).await.unwrap();
    let canceled = Invocation { outcome: Outcome::Canceled, score: None, ..answered(&run, 1) };

    let first = store.write_logs(&batch([answered(&run, 0), canceled]), at(3)).await.unwrap();
    let last = store.write_logs(&batch([deferred(&run, 2, at(60))]), at(4)).await.unwrap();

    assert_eq!((first.ended, last.ended), (vec![], vec![run.id]));
    let row = store.run(run.id).await.unwrap();
    assert_eq!((row.status, row.finished_at), (RunStatus::Canceled, Some(at(4))));
    assert_eq!((row.cursor.deferred, row.retry.count, row.retry.after), (0, 0, None));
    assert_counters_equal_rows(store, run.id).await;
}

pub async fn a_result_after_the_cancellation_is_recorded(stores: &Stores) {
    let store = &*stores.one;
    let run = fed_run(store, 1).await;
    store.transition(run.id, Transition::Cancel, at(2)).await.unwrap();
    store.end_canceled(run.id, at(2), at(3)).await.unwrap();

    let written = store.write_logs(&batch([answered(&run, 0)]), at(4)).await.unwrap();

    assert_eq!((written.results, written.ended), (1, vec![]));
    let row = store.run(run.id).await.unwrap();
    assert_eq!((row.status, row.finished_at), (RunStatus::Canceled, Some(at(3))));
    assert_counters_equal_rows(store, run.id).await;
}

pub async fn progress_is_at_most_five_a_second(stores: &Stores) {
    let store = &*stores.one;
    let run = fed_run(store, 40).await;
    for n in 0..40 {
        // These are twenty batches a second, for two seconds.
        store.write_logs(&batch([answered(&run, n)]), at_ms(2_000 + 50 * i64::from(n))).await.unwrap();
    }

    let progress: Vec<_> = events(store, run.id)
        .await
        .into_iter()
        .filter_map(|event| match event {
            RunEvent::RunProgress(progress) => Some(progress.counters.settled),
            _ => None,
        })
        .collect();
    assert_eq!(progress, [1, 5, 9, 13, 17, 21, 25, 29, 33, 37, 40]);
}

pub async fn every_message_has_its_events(stores: &Stores) {
    let store = &*stores.one;
    let run = fed_run(store, 9).await;
    let mut retried = answered(&run, 0);
    retried.call.attempts.insert(0, attempt(Some(ErrorKind::RateLimited)));
    let entries: Vec<LogEntry> = vec![
        retried.clone().into(),
        failed(&run, 1).into(),
        deferred(&run, 2, at(60)).into(),
        answered(&run, 0).into(),
    ];

    store.write_logs(&LogBatch(entries), at(2)).await.unwrap();

    let names = event_names(store, run.id).await;
    let want = [
        vec!["run_status", "run_status"],
        vec!["run_log", "run_log", "run_item"],
        vec!["run_log", "run_log", "run_log", "run_item"],
        vec!["run_log", "run_log"],
        // The job has its result already, so the call alone is recorded.
        vec!["run_log"],
        vec!["run_progress", "run_status"],
    ];
    assert_eq!(names, want.concat());
    let events = events(store, run.id).await;
    let RunEvent::RunLog(attempt) = &events[2] else { panic!("{:?}", events[2]) };
    assert_eq!(
        (attempt.outcome, attempt.error_kind, attempt.retry_count),
        (None, Some(ErrorKind::RateLimited), 0)
    );
    let RunEvent::RunLog(log) = &events[3] else { panic!("{:?}", events[3]) };
    assert_eq!((log.outcome, log.retry_count, log.ttft_ms), (Some(Outcome::Succeeded), 1, Some(90)));
    let RunEvent::RunItem(item) = &events[4] else { panic!("{:?}", events[4]) };
    assert_eq!(
        (&item.question, &item.answer, &item.score),
        (&retried.question, &retried.response, &retried.score)
    );
}

pub async fn a_nul_from_a_model_loses_nothing(stores: &Stores) {
    let store = &*stores.one;
    let mut row = new_run(store, 2).await;
    row.submission.model = "a\0b".into();
    row.submission.name = Some("\0".into());
    let run = create(store, &row).await;
    let nul = || Some("before\0after".to_owned());
    let mut wild = failed(&run, 0);
    wild.item_id = "q\0".into();
    (wild.error, wild.response, wild.reasoning) = (nul(), nul(), nul());
    wild.call.attempts[0].error = nul();
    let mut scored = answered(&run, 1);
    scored.score.as_mut().unwrap().extracted = nul();
    scored.question = "why\0?".into();

    let written = store.write_logs(&batch([wild, scored]), at(2)).await.unwrap();

    assert_eq!((written.results, written.ended), (2, vec![run.id]));
    let results = all_results(store, run.id).await;
    let response = results[0].response.as_deref().unwrap();
    assert!(["before\0after", "before\u{fffd}after"].contains(&response), "{response:?}");
    assert!(results[1].score.as_ref().unwrap().extracted.as_deref().unwrap().ends_with("after"));
    assert_counters_equal_rows(store, run.id).await;
}

pub async fn an_empty_batch_is_written(stores: &Stores) {
    assert_eq!(stores.one.write_logs(&LogBatch::default(), at(2)).await.unwrap(), Written::default());
}

pub async fn results_and_invocations_are_paged(stores: &Stores) {
    let store = &*stores.one;
    let mut run = new_run(store, 5).await;
    run.submission.config = config(json!({"samples": 2}));
    run.total = 10;
    create(store, &run).await;
    let second_sample = Invocation { sample: 1, ..answered(&run, 1) };
    let entries = [answered(&run, 2), answered(&run, 1), second_sample, answered(&run, 0)];
    store.write_logs(&batch(entries.clone()), at(2)).await.unwrap();

    let key = |ordinal, sample| JobKey { run_id: run.id, ordinal, sample };
    let page = store.results(run.id, &ResultFilter::default(), None, 2).await.unwrap();
    assert_eq!(page.iter().map(|r| (r.ordinal, r.sample)).collect::<Vec<_>>(), [(0, 0), (1, 0)]);
    let page = store.results(run.id, &ResultFilter::default(), Some(key(1, 0)), 9).await.unwrap();
    assert_eq!(page.iter().map(|r| (r.ordinal, r.sample)).collect::<Vec<_>>(), [(1, 1), (2, 0)]);

    let mut records = entries.each_ref().map(record_of);
    records.sort_by_key(|record| record.id);
    assert_eq!(store.invocations(run.id, None, 3).await.unwrap(), records[..3]);
    assert_eq!(store.invocations(run.id, Some(records[2].id), 3).await.unwrap(), records[3..]);
}

pub async fn results_are_found_by_outcome_error_score_and_item(stores: &Stores) {
    let store = &*stores.one;
    let run = fed_run(store, 5).await;
    let scored = |ordinal, value| {
        let given = Score { scorer: "exact".into(), version: 1, value, extracted: None, detail: None };
        let mut answered = answered(&run, ordinal);
        answered.call.latency_ms = 100 - u64::from(ordinal);
        Invocation { score: Some(given), response: Some(format!("Is 10{ordinal}%_ it?")), ..answered }
    };
    let unreferenced = Invocation { score: None, ..answered(&run, 4) };
    let entries =
        [scored(0, Some(1.0)), scored(1, Some(0.5)), scored(2, None), failed(&run, 3), unreferenced];
    let kind = entries[3].error_kind.unwrap();
    store.write_logs(&batch(entries), at(2)).await.unwrap();

    let all = ResultFilter::default();
    let of_class = |class| ResultFilter { score: Some(class), ..ResultFilter::default() };
    let outcomes = |outcomes: &[Outcome]| ResultFilter { outcomes: outcomes.to_vec(), ..all.clone() };
    let kinds = |kinds: &[ErrorKind]| ResultFilter { error_kinds: kinds.to_vec(), ..all.clone() };
    let item_id = Some(store.results(run.id, &all, None, 9).await.unwrap()[1].item_id.clone());
    let text = |text: &str| ResultFilter { text: Some(text.to_owned()), ..all.clone() };
    let order = |order| ResultFilter { order: Some(order), ..outcomes(&[Outcome::Succeeded]) };
    let table: [(ResultFilter, &[u32]); 17] = [
        (all.clone(), &[0, 1, 2, 3, 4]),
        (of_class(ScoreClass::Right), &[0]),
        (of_class(ScoreClass::Wrong), &[1]),
        (of_class(ScoreClass::Unscored), &[2]),
        (outcomes(&[Outcome::Failed]), &[3]),
        (outcomes(&[Outcome::Failed, Outcome::Succeeded]), &[0, 1, 2, 3, 4]),
        (kinds(&[kind]), &[3]),
        (kinds(&[ErrorKind::TotalTimeout]), &[]),
        (ResultFilter { item_id, ..all.clone() }, &[1]),
        (ResultFilter { item_id: Some("nobody".into()), ..all.clone() }, &[]),
        (text("IS 1"), &[0, 1, 2]),
        (text("02%_ i"), &[2]),
        (text("1_2"), &[]),
        (ResultFilter { before: Some(2), ..text("is 1") }, &[0, 1]),
        (order(ResultOrder::Lowest), &[1, 0]),
        (order(ResultOrder::Newest), &[0, 1, 2, 4]),
        (ResultFilter { score: Some(ScoreClass::Wrong), ..order(ResultOrder::Slowest) }, &[1]),
    ];
    for (filter, want) in table {
        let found = store.results(run.id, &filter, None, 9).await.unwrap();
        assert_eq!(found.iter().map(|row| row.ordinal).collect::<Vec<_>>(), want, "{filter:?}");
        let detailed = store.detailed_results(run.id, None, &filter, None, 9).await.unwrap();
        assert_eq!(detailed.into_iter().map(|row| row.result).collect::<Vec<_>>(), found, "{filter:?}");
    }
    let after = JobKey { run_id: run.id, ordinal: 0, sample: 0 };
    let found = store.results(run.id, &outcomes(&[Outcome::Succeeded]), Some(after), 1).await.unwrap();
    assert_eq!(
        found.iter().map(|row| row.ordinal).collect::<Vec<_>>(),
        [1],
        "the limit is that of those found"
    );
}

fn summary_of(invocation: &Invocation) -> CallSummary {
    let call = record_of(invocation);
    CallSummary {
        provider_id: call.provider_id,
        model: call.model,
        attempts: call.attempts.len() as u64,
        usage: call.usage,
        cost_usd: call.cost_nanousd.map(usd),
        started_at: call.started_at,
        latency_ms: call.latency_ms,
        ttft_ms: call.ttft_ms,
    }
}

pub async fn items_and_invocations_are_read_by_their_places(stores: &Stores) {
    let store = &*stores.one;
    let run = fed_run(store, 4).await;
    let entries = [answered(&run, 0), answered(&run, 1), answered(&run, 2)];
    let ids = entries.each_ref().map(|entry| entry.call.id);
    store.write_logs(&batch(entries.clone()), at(2)).await.unwrap();

    let unknown = InvocationId::from_uuid(Uuid::nil());
    let mut found = store.invocations_of(run.id, &[ids[2], unknown, ids[0]]).await.unwrap();
    found.sort_by_key(|record| record.ordinal);
    assert_eq!(found, [record_of(&entries[0]), record_of(&entries[2])]);
    assert_eq!(store.invocations_of(RunId::from_uuid(Uuid::nil()), &ids).await.unwrap(), []);

    let dataset = run.submission.dataset_id;
    let all = store.items(dataset, 0, 9).await.unwrap();
    let found = store.items_at(dataset, &[3, 77, 1]).await.unwrap();
    assert_eq!(found, HashMap::from([(1, all[1].clone()), (3, all[3].clone())]));
}

pub async fn results_are_read_with_their_calls_and_items(stores: &Stores) {
    let store = &*stores.one;
    let run = fed_run(store, 4).await;
    let dataset = run.submission.dataset_id;
    let entries = [answered(&run, 0), answered(&run, 1), answered(&run, 3)];
    store.write_logs(&batch(entries.clone()), at(2)).await.unwrap();
    let (all, items) = (ResultFilter::default(), store.items(dataset, 0, 9).await.unwrap());

    let want: Vec<_> = store.results(run.id, &all, None, 9).await.unwrap();
    let found = store.detailed_results(run.id, Some(dataset), &all, None, 9).await.unwrap();
    for ((row, entry), result) in found.iter().zip(&entries).zip(&want) {
        let item = items[result.ordinal as usize].body.clone();
        let (call, result) = (Some(summary_of(entry)), result.clone());
        assert_eq!(*row, DetailedRow { result, call, item: Some(item) });
    }
    assert_eq!(found.len(), 3);
    let after = JobKey { run_id: run.id, ordinal: 0, sample: 0 };
    let found = store.detailed_results(run.id, None, &all, Some(after), 1).await.unwrap();
    assert_eq!(found.iter().map(|row| (row.result.ordinal, &row.item)).collect::<Vec<_>>(), [(1, &None)]);
    let nowhere = RunId::from_uuid(Uuid::nil());
    assert_eq!(store.detailed_results(nowhere, Some(dataset), &all, None, 9).await.unwrap(), []);
}

pub async fn a_page_of_long_texts_ends_early(stores: &Stores) {
    let store = &*stores.one;
    let run = fed_run(store, 3).await;
    let mut entries = [answered(&run, 0), answered(&run, 1), answered(&run, 2)];
    for entry in &mut entries {
        entry.response = Some("x".repeat(DetailedRow::PAGE_BYTES / 2));
    }
    store.write_logs(&batch(entries), at(2)).await.unwrap();
    let all = ResultFilter::default();
    let read = async |after: Option<u32>| {
        let after = after.map(|ordinal| JobKey { run_id: run.id, ordinal, sample: 0 });
        let page = store.detailed_results(run.id, None, &all, after, 9).await.unwrap();
        page.into_iter().map(|row| row.result.ordinal).collect::<Vec<_>>()
    };
    assert_eq!(read(None).await, [0, 1]);
    assert_eq!(read(Some(1)).await, [2]);
    assert_eq!(read(Some(2)).await, Vec::<u32>::new());
}
