//! A data directory is backed up while a run goes on, and restored elsewhere.

use std::{collections::HashSet, fs, os::unix::fs::PermissionsExt, path::Path, process::Output};

use runmill_proto::{
    RunStatus,
    api::{ResultRecord, Run},
};

use crate::support::{Command, Sandbox, assert_counters_equal_rows, calls_by_job, data::questions, until};

const ITEMS: usize = 600;
const KEY: &str = "sk-backed-up-0123456789";

/// Runs a command to its end, which must have this exit code. Returns what it printed and its errors.
async fn said(command: Command, code: i32) -> (String, String) {
    let Output { status, stdout, stderr } = command.output().await;
    let (stdout, stderr) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
    assert_eq!(status.code(), Some(code), "{stdout}{stderr}");
    (stdout, stderr)
}

#[tokio::test]
async fn a_run_goes_on_from_a_backup_that_was_made_in_its_middle() {
    let sandbox = Sandbox::new().await;
    let dataset = sandbox.write("items.jsonl", &questions(ITEMS));
    let copy = sandbox.path("copy.db");
    let back_up = || sandbox.runmill(&["backup", "--out", &copy.display().to_string()]);
    let run = sandbox.run(&dataset, "lorem+ttft=100ms", &["--concurrency", "40"]);
    let running = run.env("OPENAI_API_KEY", KEY).start();
    let called =
        async |calls: u64| until("the calls", async || sandbox.gateway.stats().all.calls >= calls).await;
    called(ITEMS as u64 / 4).await;

    let (told, _) = said(back_up(), 0).await;

    assert!(told.contains("encryption.key in another place"), "{told}");
    called(ITEMS as u64 / 2).await;
    assert!(running.is_running().await, "{}", running.log());
    running.signal("KILL");
    assert_eq!(running.ended().await, None, "a signal ended it");
    until("the end of all calls", async || sandbox.gateway.stats().all.in_flight == 0).await;
    let (_, refused) = said(back_up(), 2).await;
    assert!(refused.contains("exists already"), "{refused}");
    let key = fs::read_to_string(sandbox.path("data/encryption.key")).unwrap();
    assert_opens_nothing(&copy, &key);
    assert_goes_on(&sandbox, &copy, &key).await;
}

/// Checks that only the owner can read the file, and that neither the provider's key nor the one that decrypts it is in it.
fn assert_opens_nothing(copy: &Path, key: &str) {
    assert_eq!(fs::metadata(copy).unwrap().permissions().mode() & 0o777, 0o600);
    let bytes = fs::read(copy).unwrap();
    for secret in [KEY, key.trim()] {
        assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "a secret in the copy");
    }
}

/// Restores the copy in another directory, which is refused without its key, and resumes its run there.
async fn assert_goes_on(sandbox: &Sandbox, copy: &Path, key: &str) {
    let restored = sandbox.path("restored");
    fs::create_dir(&restored).unwrap();
    fs::copy(copy, restored.join("runmill.db")).unwrap();
    let runs = |args: &[&str]| {
        let command = Command::runmill(&[&["runs"], args].concat());
        command.env("RUNMILL_DATA_DIR", &restored.display().to_string())
    };
    let (_, refused) = said(runs(&["list"]), 2).await;
    assert!(refused.contains("put the key back"), "{refused}");
    fs::write(restored.join("encryption.key"), key).unwrap();
    let (listed, _) = said(runs(&["list", "--json"]), 0).await;
    let [copied]: [Run; 1] =
        serde_json::from_str::<Vec<Run>>(&listed).unwrap().try_into().expect("it has one run");
    let settled = copied.counters.settled;
    assert!((1..ITEMS as u64).contains(&settled), "it was copied in the middle, at {settled}");

    let out = sandbox.path("results.jsonl");
    let id = copied.id.to_string();
    let resume = runs(&["resume", &id, "--json", "--out", &out.display().to_string()]);
    let run: Run = serde_json::from_str(&said(resume, 0).await.0).unwrap();

    assert_eq!((run.status, run.counters.succeeded), (RunStatus::Completed, ITEMS as u64));
    let results = fs::read_to_string(&out).unwrap();
    let results: Vec<ResultRecord> =
        results.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_counters_equal_rows(&run, &results);
    let calls = calls_by_job(&sandbox.gateway);
    let again = calls.values().filter(|count| **count > 1).count() as u64;
    assert!(calls.len() == ITEMS && again <= ITEMS as u64 - settled, "{again} again, {settled} in the copy");
    let keys: HashSet<_> = sandbox.gateway.calls(0, usize::MAX).iter().map(|call| call.key.clone()).collect();
    assert!(keys.len() == 1 && !keys.contains("none"), "{keys:?}");
}

#[tokio::test]
async fn a_directory_without_a_database_is_named() {
    let sandbox = Sandbox::new().await;
    let copy = sandbox.path("copy.db");

    let (_, refused) = said(sandbox.runmill(&["backup", "--out", &copy.display().to_string()]), 2).await;

    assert!(refused.contains("data/runmill.db") && refused.contains("docs/operations.md"), "{refused}");
    assert!(!copy.exists());
}
