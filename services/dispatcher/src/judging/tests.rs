use runmill_proto::{
    InvocationId, Judge, Outcome, Score, VerdictForm,
    message::{Invocation, Job, JobKind, JudgedAnswer},
    testing,
};
use runmill_store::{JudgeNote, LogBatch, LogEntry, LogWriter as _, Retention as _, RunWriter as _};
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::world::{self, World};

/// A run, and the run of its judge.
struct Judged {
    world: World,
    run: RunId,
    judge: RunId,
}

impl Judged {
    /// Makes a run of provider 1 whose answers a judge at provider 2 judges.
    async fn new(items: usize, verdict: VerdictForm) -> Self {
        let world = World::new().await;
        // It makes the providers and the dataset.
        world.run(2, 1, json!({})).await;
        let plain = world.run(1, items, json!({})).await;
        let mut row = world.row(plain).await;
        row.id = RunId::from_uuid(Uuid::from_u128(7));
        let judge = Judge { provider_id: world::provider(2).id, ..testing::judge(verdict) };
        let note = JudgeNote::new(RunId::from_uuid(Uuid::from_u128(8)), judge, items as u64);
        (row.judging, row.judges, row.seq) = (true, vec![note], 0);
        world.store.create_run(&row).await.unwrap();
        for other in [plain, RunId::from_uuid(Uuid::from_u128(2))] {
            world.store.transition(other, Transition::Cancel, world.clock.now()).await.unwrap();
        }
        Self { world, run: row.id, judge: RunId::from_uuid(Uuid::from_u128(8)) }
    }

    async fn pass(&self) {
        self.world.feeder.judges.pass().await.unwrap();
    }

    async fn row(&self) -> RunRow {
        self.world.row(self.run).await
    }

    /// Feeds, and returns the jobs that the judge got.
    async fn fed(&mut self) -> Vec<Job> {
        self.world.feed().await;
        self.world.take(2).await
    }

    /// Records a result of a job, with the text if it has an answer, and its value.
    async fn settle(&self, run_id: RunId, (ordinal, sample): (u32, u32), said: Option<(&str, Option<f64>)>) {
        let key = runmill_proto::message::JobKey { run_id, ordinal, sample };
        let call = testing::call(InvocationId::from_uuid(Uuid::now_v7()));
        let epoch = self.world.row(run_id).await.cursor.epoch;
        let log = match said {
            Some((text, value)) => Invocation {
                response: Some(text.to_owned()),
                score: Some(Score {
                    scorer: "s".into(),
                    version: 1,
                    value,
                    extracted: value.map(|value| value.to_string()),
                    detail: value.is_none().then(|| "no verdict".to_owned()),
                }),
                ..testing::invocation(key, call, Outcome::Succeeded)
            },
            None => Invocation {
                error_kind: Some(ErrorKind::NoAnswer),
                error: Some("none".into()),
                ..testing::invocation(key, call, Outcome::Failed)
            },
        };
        let entry = LogEntry::Invocation(Box::new(Invocation { epoch, ..log }));
        self.world.store.write_logs(&LogBatch(vec![entry]), self.world.clock.now()).await.unwrap();
    }
}

fn texts(jobs: &[Job]) -> Vec<(u32, Option<&str>)> {
    let mut texts = Vec::new();
    for job in jobs {
        let text = match &job.judged {
            Some(JudgedAnswer::Text(text)) => Some(&**text),
            _ => None,
        };
        texts.push((job.ordinal, text));
    }
    texts
}

#[tokio::test(start_paused = true)]
async fn a_judge_gets_the_answers_that_are_recorded_in_their_order() {
    let mut judged = Judged::new(4, VerdictForm::Binary).await;
    judged.pass().await;
    assert!(judged.fed().await.is_empty(), "there is no answer yet");

    judged.settle(judged.run, (0, 0), Some(("a", None))).await;
    judged.settle(judged.run, (2, 0), Some(("c", None))).await;
    let first = judged.fed().await;
    assert_eq!(texts(&first), [(0, Some("a"))]);
    assert_eq!((first[0].kind, first[0].run_id), (JobKind::Judge, judged.judge));
    judged.settle(judged.run, (1, 0), None).await;

    assert_eq!(texts(&judged.fed().await), [(1, None), (2, Some("c"))]);
}

#[tokio::test(start_paused = true)]
async fn a_run_ends_when_all_its_answers_are_judged() {
    let mut judged = Judged::new(2, VerdictForm::Binary).await;
    judged.pass().await;
    for ordinal in 0..2 {
        judged.settle(judged.run, (ordinal, 0), Some(("a", Some(1.0)))).await;
    }
    assert_eq!(judged.fed().await.len(), 2);
    judged.settle(judged.judge, (0, 0), Some(("Verdict: 0", Some(0.0)))).await;
    judged.pass().await;
    assert_eq!(judged.row().await.status, RunStatus::Running, "a verdict is missing");
    judged.settle(judged.judge, (1, 0), Some(("hm", None))).await;

    judged.pass().await;

    let run = judged.row().await;
    assert_eq!(run.status, RunStatus::Completed);
    assert_eq!(run.score().mean, Some(1.0), "the scorer's score stays");
    let judge = &run.judges[0].progress;
    assert_eq!((judge.score.mean, judge.score.coverage, judge.settled), (Some(0.0), 0.5, 2));
    let store = &judged.world.feeder.runs.store;
    let verdicts = judged_results(store, &run, None, 10).await.unwrap();
    let found: Vec<_> =
        verdicts.iter().map(|judged| (judged.vote, judged.verdicts[0].reason.as_deref())).collect();
    assert_eq!(found, [(Some(0.0), None), (None, Some("no verdict"))]);
}

#[tokio::test(start_paused = true)]
async fn a_verdict_that_changes_with_the_order_is_a_tie_and_counted() {
    let mut judged = Judged::new(2, VerdictForm::Pairwise).await;
    judged.pass().await;
    for ordinal in 0..2 {
        judged.settle(judged.run, (ordinal, 0), Some(("a", Some(1.0)))).await;
    }
    let samples: Vec<_> = [judged.fed().await, judged.fed().await].concat();
    let samples: Vec<_> = samples.iter().map(|job| (job.ordinal, job.sample)).collect();
    assert_eq!(samples, [(0, 0), (1, 0), (0, 1), (1, 1)]);
    for (ordinal, sample, value) in [(0, 0, 1.0), (0, 1, 0.0), (1, 0, 1.0), (1, 1, 1.0)] {
        judged.settle(judged.judge, (ordinal, sample), Some(("Verdict: A", Some(value)))).await;
    }
    judged.pass().await;

    let run = judged.row().await;
    let store = &judged.world.feeder.runs.store;
    let verdicts = judged_results(store, &run, None, 10).await.unwrap();
    let found: Vec<_> = verdicts.iter().map(|judged| (judged.vote, judged.verdicts[0].is_flipped)).collect();
    assert_eq!(found, [(Some(0.5), true), (Some(1.0), false)]);
    let agreement = agreement(store, &run).await.unwrap().unwrap();
    assert_eq!((agreement.flipped, agreement.vote.mean, agreement.alpha), (1, Some(0.75), None));
    assert_eq!((run.status, run.judges[0].progress.score.mean), (RunStatus::Completed, Some(0.75)));
}

#[tokio::test(start_paused = true)]
async fn answers_of_a_later_pass_are_judged_too() {
    let mut judged = Judged::new(2, VerdictForm::Binary).await;
    judged.pass().await;
    judged.settle(judged.run, (0, 0), Some(("a", Some(1.0)))).await;
    judged.settle(judged.run, (1, 0), None).await;
    assert_eq!(judged.fed().await.len(), 2);
    judged.settle(judged.judge, (0, 0), Some(("Verdict: 1", Some(1.0)))).await;
    judged.settle(judged.judge, (1, 0), None).await;
    judged.pass().await;
    assert_eq!(judged.row().await.status, RunStatus::Completed);

    let runs = judged.world.feeder.runs.clone();
    runs.retry_failed(judged.run, BTreeSet::new()).await.unwrap();
    judged.pass().await;
    judged.settle(judged.run, (1, 0), Some(("b", Some(1.0)))).await;
    judged.pass().await;
    assert_eq!(judged.row().await.status, RunStatus::Running, "the new answer is not judged");
    let again = judged.fed().await;
    assert_eq!(texts(&again), [(1, Some("b"))]);
    judged.settle(judged.judge, (1, 0), Some(("Verdict: 1", Some(1.0)))).await;
    judged.pass().await;

    let run = judged.row().await;
    let judge = &run.judges[0].progress;
    assert_eq!((run.status, judge.failed, judge.score.scored), (RunStatus::Completed, 0, 2));
}

#[tokio::test(start_paused = true)]
async fn judges_follow_a_cancel_and_a_pause() {
    let judged = Judged::new(2, VerdictForm::Binary).await;
    judged.pass().await;
    let runs = judged.world.feeder.runs.clone();
    let paused = async || judged.world.row(judged.judge).await.pause.is_some();
    runs.apply(judged.run, Transition::Pause { reason: "by hand".into() }).await.unwrap();
    assert!(paused().await);
    runs.apply(judged.run, Transition::Resume).await.unwrap();
    assert!(!paused().await);

    runs.apply(judged.run, Transition::Cancel).await.unwrap();
    judged.pass().await;

    assert_eq!(judged.world.row(judged.judge).await.status, RunStatus::Canceled);
    assert_eq!(judged.row().await.status, RunStatus::Canceled);
}

/// Makes a run that has ended with one answer, and adds a judge. With more than one item it was canceled.
async fn added(items: usize) -> Judged {
    let world = World::new().await;
    world.run(2, 1, json!({})).await;
    let run = world.run(1, items, json!({})).await;
    let judged = Judged { world, run, judge: RunId::from_uuid(Uuid::from_u128(8)) };
    judged.settle(run, (0, 0), Some(("a", Some(1.0)))).await;
    let judge = Judge { provider_id: world::provider(2).id, ..testing::judge(VerdictForm::Binary) };
    let note = JudgeNote { is_added: true, ..JudgeNote::new(judged.judge, judge, 1) };
    let runs = judged.world.feeder.runs.clone();
    if items > 1 {
        runs.apply(run, Transition::Cancel).await.unwrap();
    }
    runs.apply(run, Transition::Judge { judges: vec![note] }).await.unwrap();
    judged.pass().await;
    judged
}

fn of_judges(jobs: Vec<Job>) -> Vec<Job> {
    jobs.into_iter().filter(|job| job.kind == JobKind::Judge).collect()
}

#[tokio::test(start_paused = true)]
async fn a_judge_can_be_added_to_a_run_that_has_ended() {
    let mut judged = added(1).await;

    let jobs = of_judges(judged.fed().await);

    assert_eq!(texts(&jobs), [(0, Some("a"))]);
    judged.settle(judged.judge, (0, 0), Some(("Verdict: 0", Some(0.0)))).await;
    judged.pass().await;
    let run = judged.row().await;
    assert_eq!((run.status, run.judging), (RunStatus::Completed, false));
    assert_eq!(run.judges[0].progress.score.mean, Some(0.0));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_will_never_come_holds_up_neither_its_judge_nor_another_run() {
    for is_removed in [false, true] {
        let mut judged = added(2).await;
        if is_removed {
            judged.world.store.remove_run(judged.run).await.unwrap();
        }

        let jobs = judged.fed().await;

        assert!(jobs.iter().any(|job| job.kind == JobKind::Answer), "the other run of the lane is fed");
        assert_eq!(texts(&of_judges(jobs)), [(0, Some("a")), (1, None)], "removed: {is_removed}");
    }
}
