//! Unfinished runs of the data directory other than the one of this command.

use runmill_proto::api::Run;

use super::waiting::{is_users_pause, items};
use crate::{client::Client, service::standalone::Standalone};

/// Number of the newest runs among which unfinished ones are looked for.
const RUNS_SEEN: u32 = 1_000;

/// Returns a text on the unfinished runs that nobody works on and no user paused. A single one is named, with what is
/// different in it if it is much like `run`. `None` if there are none.
pub async fn waiting(local: &Standalone, client: &Client, run: &Run) -> anyhow::Result<Option<String>> {
    let mut others = Vec::new();
    for other in client.runs(RUNS_SEEN, None).await?.items {
        if other.id != run.id && waits(&other) && !local.is_worked_on(other.id)? {
            others.push(other);
        }
    }
    Ok(text(run, &others))
}

fn text(run: &Run, others: &[Run]) -> Option<String> {
    match others {
        [] => None,
        [only] => {
            let named = describe(run, only);
            Some(format!("another unfinished run waits: {named}; to go on: runmill runs resume {}", only.id))
        }
        some => Some(format!("{} other unfinished runs wait: runmill runs list", some.len())),
    }
}

/// Returns true if the run would make progress with a command that works on it.
fn waits(run: &Run) -> bool {
    !run.status.is_terminal() && run.cancel_requested_at.is_none() && !is_users_pause(run)
}

fn describe(run: &Run, other: &Run) -> String {
    let progress = format!("{}/{}", other.counters.settled, other.counters.total);
    match differences(run, other).as_slice() {
        // Another file or model is another work, which nobody takes for this one.
        _ if run.name != other.name || run.model != other.model => format!("{} ({progress})", other.id),
        [] => format!("{} ({progress})", other.id),
        some => format!("{} ({progress}, another {})", other.id, some.join(" and ")),
    }
}

/// Returns what makes two runs of one file and one model different runs.
fn differences(run: &Run, other: &Run) -> Vec<String> {
    let mut found = Vec::new();
    if run.provider_id != other.provider_id {
        found.push("provider".to_owned());
    }
    if run.dataset_id != other.dataset_id {
        let samples = u64::from(other.config.samples()).max(1);
        found.push(format!("dataset of {}", items(other.counters.total / samples)));
    }
    let (a, b) = (&run.config.0, &other.config.0);
    let keys = a.keys().chain(b.keys().filter(|key| !a.contains_key(*key)));
    found.extend(keys.filter(|key| a.get(*key) != b.get(*key)).cloned());
    found
}

#[cfg(test)]
mod tests {
    use runmill_proto::{DatasetId, RunId, RunStatus, api::RunCounters};
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::run::testing;

    fn other(number: u128) -> Run {
        let counters = RunCounters { total: 60, settled: 18, ..RunCounters::default() };
        let id = RunId::from_uuid(Uuid::from_u128(number));
        Run { id, status: RunStatus::Running, counters, ..testing::run() }
    }

    #[test]
    fn runs_that_wait_are_named_with_what_is_different() {
        let run = testing::run();
        assert_eq!(text(&run, &[]), None);

        let mut much_like = other(1);
        much_like.dataset_id = DatasetId::from_uuid(Uuid::max());
        much_like.config.0.insert("temperature".to_owned(), json!(0));
        let told = text(&run, &[much_like.clone()]).unwrap();
        let id = much_like.id;
        let want = format!(
            "{id} (18/60, another dataset of 60 items and temperature); to go on: runmill runs resume {id}"
        );
        assert!(told.ends_with(&want), "{told}");

        let unlike = Run { model: "other".to_owned(), ..much_like };
        assert!(text(&run, &[unlike]).unwrap().contains(&format!("{id} (18/60);")));
        let many: Vec<_> = (1..=3).map(other).collect();
        let want = "3 other unfinished runs wait: runmill runs list";
        assert_eq!(text(&run, &many).as_deref(), Some(want));
    }

    #[test]
    fn a_run_that_a_user_paused_is_left_alone() {
        let paused = |reason: &str| Run { pause_reason: Some(reason.to_owned()), ..other(1) };
        assert!(waits(&other(1)) && waits(&paused("no quota")));
        assert!(!waits(&paused("paused by a user")) && !waits(&testing::run()));
    }
}
