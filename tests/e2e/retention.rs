//! Old runs are deleted, with an archive that can be read back.

use std::os::unix::fs::PermissionsExt as _;

use runmill_proto::api::{ResultRecord, Run};
use serde_json::{Value, json};

use crate::support::{Command, Sandbox, data::questions};

/// Runs the command, which must succeed. Returns its standard output.
async fn printed(command: Command) -> String {
    let output = command.output().await;
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn results(text: &str) -> Vec<ResultRecord> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn old_runs_of_a_data_directory_move_to_an_archive_and_are_read_back() {
    let sandbox = Sandbox::new().await;
    let dataset = sandbox.write("items.jsonl", &questions(30));
    let run: Run = serde_json::from_str(&printed(sandbox.run(&dataset, "lorem", &["--json"])).await).unwrap();
    let id = run.id.to_string();
    let archive = sandbox.path("archive").display().to_string();
    let before = printed(sandbox.runmill(&["runs", "results", &id])).await;
    let prune = |args: &[&str]| sandbox.runmill(&[&["prune", "--json"], args].concat());
    let numbers = |text: String| serde_json::from_str::<Value>(&text).unwrap();

    let none = numbers(printed(prune(&["--older-than", "1d"])).await);
    assert_eq!(none, json!({"runs": 0, "results": 0, "datasets": 0}));
    let would = numbers(printed(prune(&["--older-than", "0d", "--dry-run"])).await);
    assert_eq!(would, json!({"runs": 1, "results": 30, "datasets": 0}));
    let done = numbers(printed(prune(&["--older-than", "0d", "--archive", &archive])).await);
    assert_eq!(done, json!({"runs": 1, "results": 30, "datasets": 1}));

    let gone = sandbox.runmill(&["runs", "show", &id]).output().await;
    assert!(String::from_utf8_lossy(&gone.stderr).contains("there is no run"), "{gone:?}");
    let shown = printed(sandbox.runmill(&["runs", "show", &id, "--archive", &archive, "--json"])).await;
    assert_eq!(serde_json::from_str::<Run>(&shown).unwrap(), run);
    let after = printed(sandbox.runmill(&["runs", "results", &id, "--archive", &archive])).await;
    assert_eq!(results(&after), results(&before));
    for format in ["parquet", "eval752"] {
        let (out, name) = (sandbox.path(format), format!("{format} of an archive"));
        let command = ["runs", "results", &id, "--archive", &archive, "--format", format, "--out"];
        printed(sandbox.runmill(&[&command[..], &[&out.display().to_string()]].concat())).await;
        let bytes = std::fs::read(out).unwrap();
        assert!(bytes.starts_with(b"PAR1") || bytes.starts_with(b"PK"), "{name}");
    }
    let file = sandbox.path(&format!("archive/{id}.ndjson.zst"));
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let set = sandbox.path(&format!("archive/{}.ndjson.zst", run.dataset_id));
    assert!(set.exists(), "the dataset has no file");

    std::fs::write(&file, &std::fs::read(&file).unwrap()[..100]).unwrap();
    let cut = sandbox.runmill(&["runs", "results", &id, "--archive", &archive]).output().await;
    assert_eq!(cut.status.code(), Some(1), "{cut:?}");
}

#[tokio::test]
async fn what_cannot_be_archived_is_kept() {
    let sandbox = Sandbox::new().await;
    let dataset = sandbox.write("items.jsonl", &questions(3));
    let run: Run = serde_json::from_str(&printed(sandbox.run(&dataset, "lorem", &["--json"])).await).unwrap();
    let id = run.id.to_string();
    let file = sandbox.write("no-folder", "");

    let refused = sandbox.runmill(&["prune", "--older-than", "0d", "--archive", &file]).output().await;

    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(1) && said.contains("what is not in it is kept"), "{said}");
    assert_eq!(results(&printed(sandbox.runmill(&["runs", "results", &id])).await).len(), 3);
    assert!(printed(sandbox.runmill(&["runs", "delete", &id])).await.contains("were deleted"));
    let gone = sandbox.runmill(&["runs", "delete", &id]).output().await;
    assert!(String::from_utf8_lossy(&gone.stderr).contains("there is no run"), "{gone:?}");
}
