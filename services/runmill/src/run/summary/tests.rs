use std::collections::BTreeMap;

use runmill_proto::{
    ErrorKind, Fix, Note, RunStatus, VerdictForm,
    api::{HeldBack, HeldBackCause, JudgeProgress, RunCounters, RunMessage},
    testing,
};

use super::*;
use crate::run::testing::run;

#[test]
fn calls_beyond_the_items_are_repeated_and_those_that_reached_nobody_are_none() {
    let counters = RunCounters { settled: 200, calls: 295, retries: 50, ..RunCounters::default() };
    let table = [
        (counters, "295 for 200 items: 95 repeated"),
        (RunCounters { calls: 200, retries: 0, ..counters }, "200"),
        (
            RunCounters { calls: 200, unreached: 45, ..counters },
            "200; 45 attempts never reached the provider",
        ),
        (RunCounters { settled: 0, ..counters }, "295 for unfinished items"),
    ];
    for (counters, want) in table {
        assert_eq!(calls::calls(&Run { counters, ..run() }), want);
    }
    let canceled = RunCounters { settled: 20, canceled: 5, calls: 17, ..RunCounters::default() };
    let table = [
        (canceled, "17: 15 for settled items, 2 broken off by the cancel"),
        (RunCounters { calls: 15, ..canceled }, "15"),
        (
            RunCounters { calls: 19, retries: 2, ..canceled },
            "19: 15 for settled items, 2 repeated, 2 broken off by the cancel",
        ),
        (
            RunCounters { calls: 23, ..canceled },
            "23: 15 for settled items, 3 repeated, 5 broken off by the cancel",
        ),
        (RunCounters { settled: 5, calls: 2, ..canceled }, "2 broken off by the cancel"),
    ];
    for (counters, want) in table {
        assert_eq!(calls::calls(&Run { counters, ..run() }), want);
    }
    let errors = BTreeMap::from([(ErrorKind::BadItem, 10)]);
    let counters = RunCounters { settled: 20, calls: 12, ..RunCounters::default() };
    assert_eq!(calls::calls(&Run { counters, errors, ..run() }), "12 for 10 items: 2 repeated");
}

#[test]
fn answers_of_earlier_runs_are_no_calls() {
    let counters = RunCounters { settled: 20, calls: 6, reused: 15, ..RunCounters::default() };
    let run = Run { counters, ..run() };
    assert_eq!(calls::calls(&run), "6 for 5 items: 1 repeated");
    assert!(table(&run, None).to_string().contains("15 answers of earlier runs"));
}

#[test]
fn what_nobody_told_is_not_zero() {
    let mut run = run();
    run.counters.untold_usage = 3;
    run.counters.unpriced = 3;
    run.cost_usd = Some(0.0);
    assert_eq!(calls::tokens(&run), "not told by the provider");
    assert_eq!(calls::cost(&run).as_deref(), Some("not known: the provider did not tell the tokens"));
    run.counters.untold_usage = 1;
    let unpriced = "not known: no price is known for the model; add one with RUNMILL_PRICES";
    assert_eq!(calls::cost(&run).as_deref(), Some(unpriced));
    run.counters.untold_usage = 3;

    run.usage.prompt_tokens = 12;
    run.usage.completion_tokens = 5;
    run.cost_usd = Some(0.25);
    assert_eq!(calls::tokens(&run), "at least 12 prompt, 5 completion (not told for 3 calls)");
    assert_eq!(calls::cost(&run).as_deref(), Some("at least $0.250000 (not known for 3 calls)"));

    run.counters = RunCounters::default();
    assert_eq!(calls::tokens(&run), "12 prompt, 5 completion");
    assert_eq!(calls::cost(&run).as_deref(), Some("$0.250000"));
}

#[test]
fn the_commonest_texts_of_each_kind_are_shown() {
    let message = |kind, text: &str, jobs| RunMessage { kind, text: text.into(), jobs };
    let messages = vec![
        message(ErrorKind::InvalidRequest, "'temperature' does not\n support 0", 190),
        message(ErrorKind::InvalidRequest, "second", 5),
        message(ErrorKind::InvalidRequest, "third", 3),
        message(ErrorKind::BadItem, "no choices", 1),
    ];
    let errors = BTreeMap::from([(ErrorKind::InvalidRequest, 198), (ErrorKind::BadItem, 1)]);

    let table = table(&Run { errors, messages, ..run() }, None).to_string();

    for shown in ["190 × 'temperature' does not support 0", "5 × second", "1 × no choices"] {
        assert!(table.contains(shown), "{table}");
    }
    assert!(!table.contains("third"), "{table}");
}

#[test]
fn answers_that_differ_from_what_was_asked_for_are_told() {
    let run = Run {
        fixes: BTreeMap::from([(Fix::NoTemperature, 200)]),
        notes: BTreeMap::from([(Note::FormatNotHeld, 7), (Note::NoLogprobs, 1), (Note::OtherModel, 200)]),
        answered_by: vec!["SmolLM2".into()],
        unscored: BTreeMap::from([("the answer is empty".to_owned(), 2), ("none".to_owned(), 5)]),
        ..run()
    };

    let table = table(&run, None).to_string();

    for shown in [
        "x (answered by SmolLM2)",
        "sent without temperature, which the model refuses (200 answers)",
        "JSON was asked for, and the answer is none (7 answers)",
        "and the answer has none (1 answer)",
        "5: none; 2: the answer is empty",
    ] {
        assert!(table.contains(shown), "{shown} is not in\n{table}");
    }
}

#[test]
fn a_run_that_is_held_back_says_by_what() {
    let held = HeldBack { cause: HeldBackCause::NoExecutor, message: "no executor is alive".to_owned() };
    let run = Run { status: RunStatus::Running, held_back: vec![held], ..run() };
    assert_eq!(status(&run), "running, held back: no executor is alive");
}

#[test]
fn a_paused_run_is_not_called_running() {
    let pause_reason = Some("no quota".to_owned());
    let paused = Run { status: RunStatus::Running, pause_reason, ..run() };
    assert_eq!(status(&paused), "paused: no quota");
    assert_eq!(status_word(&paused), "paused");
    let by_user = Run { pause_reason: Some("paused by a user".to_owned()), ..paused.clone() };
    assert_eq!((status(&by_user).as_str(), status_word(&by_user).as_str()), ("paused by a user", "paused"));
    assert!(table(&paused, None).to_string().contains("none yet"));
    let canceled = Run { status: RunStatus::Canceled, ..paused };
    assert_eq!((status(&canceled).as_str(), status_word(&canceled).as_str()), ("canceled", "canceled"));
}

#[test]
fn the_other_treatment_of_unscored_answers_is_shown_where_it_changes_the_score() {
    let base = ScoreSummary {
        mean: Some(1.0),
        stderr: Some(0.1),
        scored: 5,
        total: 10,
        coverage: 0.5,
        unscored: 5,
        unscored_as: Unscored::Skip,
        mean_otherwise: Some(0.5),
    };
    let table = [
        (base, "; 0.5000 if unscored answers count as 0"),
        (ScoreSummary { unscored_as: Unscored::Zero, ..base }, "; 0.5000 without the unscored answers"),
        (ScoreSummary { mean_otherwise: Some(0.95), ..base }, ""),
        (ScoreSummary { mean_otherwise: None, ..base }, ""),
    ];
    for (given, want) in table {
        assert_eq!(score(&given), format!("1.0000 ± 0.1000  (5 of 10 scored, coverage 50.0 %){want}"));
    }
}

#[test]
fn a_judge_has_its_score_and_where_it_is() {
    let judge = |status, pause_reason: Option<&str>| JudgeProgress {
        run_id: run().id,
        judge: testing::judge(VerdictForm::Binary),
        status,
        score: run().score,
        total: 4,
        settled: 3,
        failed: 1,
        calls: 5,
        tokens: 90,
        cost_nanousd: Some(1_500_000),
        pause_reason: pause_reason.map(str::to_owned),
    };
    let shown = |judge| judges::lines(&Run { judges: vec![judge], ..run() }).remove(0);
    let score = score(&run().score);
    let begin = format!("judge: {score}; 5 calls, $0.001500; 1 failed");
    assert_eq!(shown(judge(RunStatus::Completed, None)), begin);
    assert_eq!(shown(judge(RunStatus::Running, None)), format!("{begin}; 3 of 4 verdicts given"));
    assert_eq!(shown(judge(RunStatus::Running, Some("no key"))), format!("{begin}; paused: no key"));
}
