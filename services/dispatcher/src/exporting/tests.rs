use futures::future::join_all;
use runmill_proto::{
    Outcome,
    api::ResultsQuery,
    message::{Invocation, JobKey},
    testing,
};
use runmill_store::{LogBatch, LogEntry, LogWriter as _, RunReader as _, RunRow};
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::{view, world::World};

/// Number of bytes of an answer: more than what waits for a client.
const ANSWER_BYTES: usize = 1024 * 1024;

/// Makes a world with a run of long answers.
async fn answered(answers: u32) -> (World, RunRow, Exports) {
    let world = World::new().await;
    let run_id = world.run(1, answers as usize, json!({})).await;
    let answer = |ordinal| {
        let call = testing::call(InvocationId::from_uuid(Uuid::now_v7()));
        let key = JobKey { run_id, ordinal, sample: 0 };
        let answered = testing::invocation(key, call, Outcome::Succeeded);
        LogEntry::Invocation(Box::new(Invocation { response: Some("x".repeat(ANSWER_BYTES)), ..answered }))
    };
    world.store.write_logs(&LogBatch((0..answers).map(answer).collect()), world.clock.now()).await.unwrap();
    let run = world.store.run(run_id).await.unwrap();
    let exports = Exports::new(Arc::new(world.store.clone()));
    (world, run, exports)
}

fn begin(
    exports: &Exports,
    run: &RunRow,
) -> Result<impl Stream<Item = io::Result<Bytes>> + Send + use<>, TooManyExports> {
    let results = Results::new(exports.store.clone(), run.clone(), &ResultsQuery::default()).unwrap();
    exports.begin(ExportFormat::Jsonl, view::run(run.clone()), results)
}

#[tokio::test]
async fn a_file_comes_in_chunks_and_is_whole() {
    // Together, the answers have more bytes than one page.
    let (_world, run, exports) = answered(10).await;
    let chunks: Vec<Bytes> = begin(&exports, &run).unwrap().try_collect().await.unwrap();
    assert!(chunks.iter().all(|chunk| chunk.len() <= 256 * 1024));
    let text = String::from_utf8(chunks.concat()).unwrap();
    let rows: Vec<DetailedResult> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.iter().map(|row| row.result.ordinal).collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
    assert!(rows.iter().all(|row| row.result.response.as_ref().unwrap().len() == ANSWER_BYTES));
}

#[tokio::test]
async fn clients_that_do_not_read_hold_their_places_until_they_go() {
    let (_world, run, exports) = answered(3).await;
    let waiting: Vec<_> = (0..EXPORTS_MAX).map(|_| begin(&exports, &run).unwrap()).collect();
    assert!(begin(&exports, &run).is_err());

    drop(waiting);
    let places = join_all((0..EXPORTS_MAX).map(|_| exports.places.acquire())).await;
    assert!(places.iter().all(Result::is_ok));
}
