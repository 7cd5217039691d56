use std::collections::BTreeSet;

use runmill_proto::{Judge, Outcome, RunId, RunKind, RunStatus, VerdictForm, message::Invocation, testing};
use uuid::Uuid;

use super::{
    Stores,
    world::{answered, assert_conflict, at, batch, create, failed, fed_run, new_run},
};
use crate::{CreatedRun, JudgeNote, RunRow, Transition};

/// Returns a judge of the run's own provider.
fn judge(run: &RunRow, verdict: VerdictForm) -> Judge {
    Judge { provider_id: run.submission.provider_id, ..testing::judge(verdict) }
}

fn note(run: &RunRow, verdict: VerdictForm) -> JudgeNote {
    JudgeNote::new(RunId::from_uuid(Uuid::now_v7()), judge(run, verdict), run.total)
}

/// Returns an answered run to which a judge was added, with the judge.
async fn judged_run(stores: &Stores, verdict: VerdictForm) -> (RunRow, JudgeNote) {
    let run = fed_run(&*stores.one, 3).await;
    let entries = [answered(&run, 0), failed(&run, 1), answered(&run, 2)];
    stores.one.write_logs(&batch(entries), at(2)).await.unwrap();
    let note = note(&run, verdict);
    let judges = vec![note.clone()];
    let run = stores.one.transition(run.id, Transition::Judge { judges }, at(3)).await.unwrap();
    (run, note)
}

pub async fn the_run_of_a_judge_has_the_items_of_its_run(stores: &Stores) {
    let (run, note) = judged_run(stores, VerdictForm::Pairwise).await;
    assert_eq!((run.judging, &run.judges), (true, &vec![note.clone()]));

    let row = run.of_judge(&note, at(4));
    let CreatedRun::New(made) = stores.one.create_run(&row).await.unwrap() else { panic!("it is there") };
    let again = stores.other.create_run(&row).await.unwrap();

    assert!(matches!(again, CreatedRun::Existing(same) if same.id == made.id));
    assert_eq!((made.submission.kind, made.total, made.items()), (RunKind::Judge, 6, 3));
    let judging = made.submission.config.judging().unwrap();
    assert_eq!((judging.run_id, judging.judge), (run.id, judge(&run, VerdictForm::Pairwise)));
    let listed = stores.one.runs(None, None, 100).await.unwrap();
    assert!(listed.iter().any(|listed| listed.id == run.id) && !listed.iter().any(RunRow::is_of_judge));
    let active = stores.one.active_runs().await.unwrap();
    assert!(active.iter().any(|active| active.run.id == made.id));
}

pub async fn a_run_ends_when_its_judges_have(stores: &Stores) {
    let store = &*stores.one;
    let mut run = new_run(store, 2).await;
    let mut noted = note(&run, VerdictForm::Binary);
    (run.judges, run.judging) = (vec![noted.clone()], true);
    create(store, &run).await;
    store.mark_fed(run.id, 2, &[], at(1)).await.unwrap();
    store.write_logs(&batch([answered(&run, 0), answered(&run, 1)]), at(2)).await.unwrap();
    let answered = stores.other.run(run.id).await.unwrap();
    assert_eq!((answered.status, answered.stats.settled()), (RunStatus::Running, 2));
    assert!(stores.other.judged_runs(99).await.unwrap().iter().any(|found| found.id == run.id));

    noted.progress.calls = 7;
    let progress = |is_done| Transition::NoteJudges { judges: vec![noted.clone()], is_done };
    let judged = store.transition(run.id, progress(false), at(3)).await.unwrap();
    assert_eq!((judged.status, judged.used().calls), (RunStatus::Running, 7 + answered.used().calls));
    let ended = store.transition(run.id, progress(true), at(4)).await.unwrap();

    assert_eq!((ended.status, ended.judging), (RunStatus::Completed, false));
    assert!(!store.judged_runs(99).await.unwrap().iter().any(|found| found.id == run.id));
    assert_conflict(store.transition(run.id, progress(true), at(5)).await);
}

pub async fn a_run_whose_judge_was_canceled_is_canceled(stores: &Stores) {
    let (run, mut note) = judged_run(stores, VerdictForm::Binary).await;
    let retry = Transition::RetryFailed { kinds: BTreeSet::new() };
    let again = stores.one.transition(run.id, retry, at(4)).await.unwrap();
    assert!(again.judging && again.status == RunStatus::Running);
    stores.one.transition(run.id, Transition::Cancel, at(5)).await.unwrap();
    note.progress.status = RunStatus::Canceled;

    let done = Transition::NoteJudges { judges: vec![note], is_done: true };
    let ended = stores.other.transition(run.id, done, at(6)).await.unwrap();

    assert_eq!(ended.status, RunStatus::Canceled);
}

pub async fn recorded_answers_are_read_for_a_judge(stores: &Stores) {
    let run = fed_run(&*stores.one, 4).await;
    let cut = Invocation { outcome: Outcome::Canceled, ..answered(&run, 3) };
    stores.one.write_logs(&batch([answered(&run, 0), failed(&run, 1), cut]), at(2)).await.unwrap();

    let rows = stores.other.judged(run.id, 0, 0, 4).await.unwrap();

    let found: Vec<_> = rows.iter().map(|row| (row.ordinal, row.response.is_some())).collect();
    assert_eq!(found, [(0, true), (1, false), (3, false)]);
    assert_eq!(rows[0].extracted, answered(&run, 0).score.and_then(|score| score.extracted));
    assert_eq!(stores.one.judged(run.id, 0, 1, 1).await.unwrap().len(), 1);
    assert_eq!(stores.one.judged(run.id, 1, 0, 4).await.unwrap(), []);
}
