//! Results as people look at them: what was asked, why it is wrong, beside another run, by another scorer; and the same
//! command again, which costs nothing.

use std::process::Output;

use runmill_proto::api::{Comparison, DetailedResult, Run};

use crate::support::{
    Command, Sandbox,
    data::{GSM8K, questions},
    within,
};

/// The model repeats the question, which has the answers of the first two rows.
const ROWS: &str = "id,question,answer,topic\n\
    a,\"Is it red, or blue?\",red,colours\n\
    b,Say two,two,numbers\n\
    c,\"Say \"\"three\"\" \u{1b}[2J\",four,numbers\n";

struct Lab {
    sandbox: Sandbox,
    rows: String,
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs the command, which must end with `code`.
async fn ended(command: Command, code: i32) -> Output {
    let output = command.output().await;
    assert_eq!(output.status.code(), Some(code), "{}{}", text(&output.stdout), text(&output.stderr));
    output
}

async fn stdout(command: Command, code: i32) -> String {
    text(&ended(command, code).await.stdout)
}

impl Lab {
    async fn new() -> Self {
        let sandbox = Sandbox::new().await;
        let rows = sandbox.write("rows.csv", ROWS);
        Self { sandbox, rows }
    }

    fn run(&self, model: &str, more: &[&str]) -> Command {
        self.sandbox.run(&self.rows, model, more)
    }

    /// Runs the rows with a scorer, and returns the run.
    async fn ran(&self, model: &str, more: &[&str]) -> Run {
        let args = [&["--json"], more].concat();
        serde_json::from_str(&stdout(self.run(model, &args), 0).await).unwrap()
    }

    fn runs(&self, args: &[&str]) -> Command {
        self.sandbox.runmill(&[&["runs"], args].concat())
    }

    async fn results(&self, args: &[&str]) -> Vec<DetailedResult> {
        let printed = stdout(self.runs(&[&["results", "last", "--format", "jsonl"], args].concat()), 0).await;
        printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn calls(&self) -> u64 {
        self.sandbox.gateway.stats().all.calls
    }
}

#[tokio::test]
async fn results_say_what_was_asked_and_what_was_wrong() {
    let lab = Lab::new().await;
    lab.ran("echo", &["--scorer", "includes", "--system-prompt", "Be brief."]).await;

    let all = lab.results(&[]).await;
    assert_eq!(all.len(), 3);
    assert_eq!(all[0].prompt.iter().map(|turn| turn.role.as_str()).collect::<Vec<_>>(), ["system", "user"]);
    assert_eq!(all[0].meta, Some(serde_json::json!({"topic": "colours"})));
    assert!(all[0].call.as_ref().is_some_and(|call| call.model == "echo" && call.attempts == 1));

    let ids = async |args: &[&str]| -> Vec<String> {
        lab.results(args).await.into_iter().map(|one| one.result.item_id).collect()
    };
    assert_eq!(ids(&["--wrong"]).await, ["c"]);
    assert_eq!(ids(&["--right"]).await, ["a", "b"]);
    assert_eq!(ids(&["--failed"]).await, Vec::<String>::new());
    assert_eq!(ids(&["--item", "b"]).await, ["b"]);

    let table = stdout(lab.runs(&["results", "rows.csv", "--format", "table", "--limit", "2"]), 0).await;
    assert!(table.contains("Is it red, or blue?") && !table.contains("four"), "{table}");
    let item = stdout(lab.runs(&["results", "last", "--item", "c"]), 0).await;
    let words = item.split_whitespace().collect::<Vec<_>>().join(" ");
    for want in
        ["item c, sample 0: wrong", "system Be brief.", "reference four", "topic numbers", "1 request"]
    {
        assert!(words.contains(want), "{want}: {item}");
    }
    assert!(item.contains("\\u{1b}[2J") && !item.contains('\u{1b}'), "{item:?}");
    let nowhere = lab.runs(&["results", "last", "--format", "table", "--out", "x.csv"]);
    assert!(text(&ended(nowhere, 2).await.stderr).contains("--format table is for the screen"));
    let none = ended(lab.runs(&["results", "last", "--item", "z"]), 2).await;
    assert!(text(&none.stderr).contains("no result of an item `z`"));
}

#[tokio::test]
async fn results_are_written_in_the_format_of_each_file() {
    let lab = Lab::new().await;
    let paths = ["o.jsonl", "o.csv", "o.junit.xml"].map(|name| lab.sandbox.path(name).display().to_string());
    let out: Vec<_> = paths.iter().flat_map(|path| ["--out", path]).collect();
    lab.ran("echo", &[&["--scorer", "includes"], &out[..]].concat()).await;
    let [jsonl, csv, junit] = paths.map(|path| std::fs::read_to_string(path).unwrap());

    assert_eq!(jsonl.lines().count(), 3);
    let head = csv.lines().next().unwrap();
    assert!(
        head.starts_with("item_id,sample,outcome,verdict,score,")
            && head.ends_with(",started_at,reused_from,topic"),
        "{head}"
    );
    let row = csv.lines().nth(1).unwrap();
    assert!(
        row.starts_with("a,0,succeeded,right,1,includes,\"Is it red, or blue?\",")
            && row.ends_with(",colours"),
        "{row}"
    );
    assert!(
        junit.contains("<testsuite name=\"rows.csv\" tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"0\""),
        "{junit}"
    );
    assert!(junit.contains("<failure message=\"score 0: wanted four, got"), "{junit}");
    assert!(junit.contains("Say &quot;three&quot;") && !junit.contains('\u{1b}'), "{junit}");
    assert_eq!((junit.matches("<testcase ").count(), junit.matches("</testsuites>").count()), (3, 1));

    let csv_again = stdout(lab.runs(&["results", "last", "--format", "csv"]), 0).await;
    assert_eq!(csv_again, csv);
}

#[tokio::test]
async fn files_for_other_tools_are_written_by_run_and_by_export() {
    let lab = Lab::new().await;
    let path = |name: &str| lab.sandbox.path(name).display().to_string();
    let (parquet, eval) = (path("o.parquet"), path("o.eval"));
    lab.ran("echo", &["--scorer", "includes", "--out", &parquet, "--out", &eval]).await;
    let bytes = |path: &str| std::fs::read(path).unwrap();
    let begins = |path: &str, with: &[u8]| assert!(bytes(path).starts_with(with), "{path}");
    begins(&parquet, b"PAR1");
    begins(&eval, b"PK");

    // The same run makes the same file, by the suffix or by the name of the format.
    for (more, again) in [(vec![], "again.parquet"), (vec!["--format", "parquet"], "again")] {
        let again = path(again);
        stdout(lab.runs(&[&["export", "last", "--out", &again], &more[..]].concat()), 0).await;
        assert_eq!(bytes(&again), bytes(&parquet));
    }
    let wrong = stdout(lab.runs(&["export", "last", "--wrong", "--format", "jsonl", "--out", "-"]), 0).await;
    assert_eq!(wrong.lines().count(), 1, "{wrong}");
    let archive = path("o.eval752.zip");
    stdout(lab.runs(&["export", "last", "--out", &archive]), 0).await;
    begins(&archive, b"PK");
    let unknown = ended(lab.runs(&["export", "last", "--format", "xlsx", "--out", "-"]), 2).await;
    assert!(text(&unknown.stderr).contains("parquet"), "{}", text(&unknown.stderr));
}

#[tokio::test]
async fn the_same_command_again_costs_nothing() {
    let lab = Lab::new().await;
    let first = lab.ran("echo", &["--scorer", "includes"]).await;
    assert_eq!((lab.calls(), first.score.mean), (3, Some(2.0 / 3.0)));

    let again = ended(lab.run("echo", &["--scorer", "includes"]), 0).await;
    let said = text(&again.stderr);
    assert!(said.contains(&format!("the same command made {}", first.id)), "{said}");
    assert!(text(&again.stdout).contains("0.6667"), "{}", text(&again.stdout));

    let rescored = lab.ran("echo", &["--scorer", "exact"]).await;
    assert_eq!((rescored.id, rescored.score.mean, rescored.score_version), (first.id, Some(0.0), 1));
    let back = lab.ran("echo", &["--scorer", "includes"]).await;
    assert_eq!((back.id, back.score.mean), (first.id, first.score.mean));
    assert_eq!(lab.calls(), 3, "no model was called");

    let anew = lab.ran("echo", &["--scorer", "includes", "--again"]).await;
    assert_ne!(anew.id, first.id);
    assert_eq!(lab.calls(), 6);
}

#[tokio::test]
async fn a_run_is_scored_anew_by_another_scorer() {
    let lab = Lab::new().await;
    let run = lab.ran("echo", &["--scorer", "exact"]).await;
    let id = run.id.to_string();
    let table = stdout(lab.runs(&["rescore", &id, "--scorer", "includes"]), 0).await;
    assert!(table.contains("1 (shown)") && table.contains("includes") && table.contains("0.6667"), "{table}");
    let first = table.lines().find(|line| line.contains("executors"));
    assert!(first.is_some_and(|line| line.contains("exact") && line.contains("0.0000")), "{table}");
    let table = stdout(lab.runs(&["rescore", &id, "--scorer", "pattern", "--pattern", "red|two"]), 0).await;
    assert!(table.contains("2 (shown)") && table.contains("pattern"), "{table}");
    let without = ended(lab.runs(&["rescore", &id, "--scorer", "pattern"]), 2).await;
    assert!(text(&without.stderr).contains("--pattern"), "{}", text(&without.stderr));
    assert_eq!(lab.calls(), 3);
    let list = stdout(lab.runs(&["list"]), 0).await;
    assert!(list.contains("rows.csv") && list.contains("pattern") && list.contains("127.0.0.1"), "{list}");
}

#[tokio::test]
async fn two_runs_are_compared_item_by_item() {
    let lab = Lab::new().await;
    let right = lab.ran("echo", &["--scorer", "includes", "--name", "echo run"]).await;
    let wrong = lab.ran("lorem", &["--scorer", "includes", "--name", "lorem run"]).await;
    let printed = stdout(lab.runs(&["compare", "echo run", "lorem run", "--json"]), 0).await;
    let compared: Comparison = serde_json::from_str(&printed).unwrap();
    assert_eq!((compared.a, compared.b), (right.id, wrong.id));
    assert_eq!((compared.items, compared.improved, compared.worsened), (3, 0, 2));
    let table = stdout(lab.runs(&["compare", "echo run", "last", "--changed", "1"]), 0).await;
    assert!(table.contains("-0.6667") && table.contains("0 better, 2 worse"), "{table}");
    assert_eq!(table.lines().filter(|line| line.trim_start().starts_with("a   ")).count(), 1, "{table}");
}

#[tokio::test]
async fn a_gate_has_an_exit_code_of_its_own() {
    let lab = Lab::new().await;
    let items = lab.sandbox.write("many.jsonl", &questions(20));
    let run = |model: &str, more: &[&str]| {
        lab.sandbox.run(&items, model, &[&["--scorer", "includes", "--name", model], more].concat())
    };
    let missed = async |model: &str, more: &[&str], want: &str| {
        let said = text(&ended(run(model, more), 4).await.stderr);
        assert!(said.contains(&format!("gate missed: {want}")), "{said}");
    };
    ended(run("echo", &["--min-score", "0"]), 0).await;
    missed("lorem", &["--min-score", "0.5"], "the score 0.0000 is below --min-score 0.5").await;
    ended(run("lorem", &["--no-worse-than", "lorem"]), 0).await;
    let unknown = ended(run("lorem", &["--no-worse-than", "nobody"]), 2).await;
    assert!(text(&unknown.stderr).contains("no run has the name `nobody`"), "{}", text(&unknown.stderr));

    // A request that is refused is not tried again.
    let failing = "lorem+fail=400:0.4";
    ended(run(failing, &[]), 5).await;
    ended(run(failing, &["--max-failed", "90%"]), 0).await;
    missed(failing, &["--max-failed", "0"], "").await;
}

#[tokio::test]
async fn a_name_of_two_runs_shows_both() {
    let lab = Lab::new().await;
    let (one, other) = (lab.ran("echo", &[]).await.id, lab.ran("lorem", &[]).await.id);
    let both = ended(lab.runs(&["show", "rows.csv"]), 2).await;
    let said = text(&both.stderr);
    assert!(said.contains(&one.to_string()) && said.contains(&other.to_string()), "{said}");
    let last: Run = serde_json::from_str(&stdout(lab.runs(&["show", "last", "--json"]), 0).await).unwrap();
    assert_eq!(last.id, other);
    let none = ended(lab.runs(&["show", "run_1"]), 2).await;
    assert!(text(&none.stderr).contains("run_1"), "{}", text(&none.stderr));
}

#[tokio::test]
async fn providers_and_datasets_are_listed() {
    let lab = Lab::new().await;
    let nothing = ended(lab.runs(&["list"]), 0).await;
    assert!(text(&nothing.stderr).contains("no run yet"), "{}", text(&nothing.stderr));
    let id = lab.ran("echo", &["--concurrency", "3", "--rpm", "6000"]).await.id.to_string();
    let providers = stdout(lab.sandbox.runmill(&["providers", "list"]), 0).await;
    assert!(
        providers.contains("prov_") && providers.contains("3 calls") && providers.contains("6000 a minute"),
        "{providers}"
    );
    let datasets = stdout(lab.sandbox.runmill(&["datasets", "list"]), 0).await;
    let dataset = datasets.split_whitespace().find(|word| word.starts_with("data_")).unwrap();
    assert!(datasets.contains("rows.csv"), "{datasets}");

    let used = ended(lab.sandbox.runmill(&["dataset", "delete", dataset]), 1).await;
    assert!(text(&used.stderr).contains("run"), "{}", text(&used.stderr));
    ended(lab.runs(&["delete", &id]), 0).await;
    ended(lab.sandbox.runmill(&["dataset", "delete", dataset]), 0).await;
    let left = ended(lab.sandbox.runmill(&["datasets", "list"]), 0).await;
    assert!(text(&left.stderr).contains("no dataset yet"), "{}", text(&left.stderr));
}

#[tokio::test]
async fn errors_are_json_where_the_output_is() {
    let lab = Lab::new().await;
    for (args, want) in [
        (&["run", "none.csv", "--model", "m", "--json"][..], "none.csv"),
        (&["runs", "shw", "--json"], "shw"),
    ] {
        let output = ended(lab.sandbox.runmill(args), 2).await;
        let error: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
        assert_eq!(error["exit_code"], 2);
        assert!(error["error"].as_str().unwrap().contains(want), "{error}");
    }
    let quiet = ended(lab.run("echo", &["--quiet", "--out", "-"]), 0).await;
    assert_eq!(
        text(&quiet.stderr).matches("tokens").count(),
        1,
        "the summary alone: {}",
        text(&quiet.stderr)
    );
}

#[tokio::test]
async fn shells_and_manuals_know_the_commands() {
    let sandbox = Sandbox::new().await;
    for shell in ["bash", "zsh", "fish"] {
        let script = stdout(Command::runmill(&["completions", shell]), 0).await;
        assert!(script.contains("rescore") && script.contains("min-score"), "{shell}");
    }
    let folder = sandbox.path("man").display().to_string();
    ended(Command::runmill(&["man", &folder]), 0).await;
    let page = std::fs::read_to_string(sandbox.path("man/runmill-run.1")).unwrap();
    assert!(page.starts_with(".ie") && page.contains("min\\-score"), "{}", &page[..200]);
}

/// The commands of docs/results.md, each in a shell, with the runs and files that they name.
#[tokio::test]
async fn the_commands_of_the_docs_work() {
    let docs = include_str!("../../docs/results.md");
    let lines: Vec<_> = docs.lines().filter_map(|line| line.strip_prefix("    ")).collect();
    let sandbox = Sandbox::new().await;
    let url = sandbox.gateway.base_url();
    let suite = lines.iter().skip_while(|line| **line != "# suite.yaml").copied();
    let suite = suite.take_while(|line| !line.starts_with("runmill ")).collect::<Vec<_>>().join("\n");
    let suite = suite.replace("gpt-4o-mini}", &format!("echo, base-url: '{url}'}}"));
    let files = [
        (
            "suite.yaml",
            suite.replace("claude-haiku", "key=0.9").replace("https://api.anthropic.com/v1", &url),
        ),
        ("gsm8k.jsonl", GSM8K.lines().take(60).collect::<Vec<_>>().join("\n")),
        (
            "items.jsonl",
            r#"{"id": "a", "type": "freeform", "inputs": {"text": "Say 7"}, "answer": "7"}"#.into(),
        ),
        ("questions.csv", "prompt,target\nSay six,six\n".into()),
        ("short.j2", "{{ text }}\n".into()),
        ("careful.txt", "Be careful.".into()),
    ];
    let [_, gsm8k, items, ..] = files.map(|(name, content)| sandbox.write(name, &content));
    let runs = [
        (&gsm8k, "key=0.7", "numeric", "gsm8k.jsonl"),
        (&items, "lorem", "includes", "baseline"),
        (&gsm8k, "key=0.9", "numeric", "better"),
    ];
    for (file, model, scorer, name) in runs {
        ended(sandbox.run(file, model, &["--name", name, "--scorer", scorer]), 0).await;
    }

    let in_text = ["runmill completions bash > runmill.bash", "runmill man pages/"];
    assert!(in_text.iter().all(|command| docs.contains(command)));
    let shown = lines.iter().map(|line| line.trim_start_matches("$ "));
    let commands: Vec<_> = shown.filter(|line| line.starts_with("runmill ")).chain(in_text).collect();
    assert!(commands.len() >= 9, "{commands:?}");
    for command in commands {
        let model = format!("--model echo --scorer includes --base-url {url}");
        let script =
            command.replace("--model m", &model).replacen("runmill", env!("CARGO_BIN_EXE_runmill"), 1);
        let mut shell = tokio::process::Command::new("sh");
        let shell = shell.args(["-ec", &script]).current_dir(sandbox.path("")).kill_on_drop(true);
        let shell = shell.env("RUNMILL_DATA_DIR", sandbox.path("data"));
        let output = within(command, shell.output()).await.unwrap();
        assert!(output.status.success(), "{command}: {}{}", text(&output.stdout), text(&output.stderr));
    }
    assert!(sandbox.path("results.csv").exists() && sandbox.path("runmill.bash").exists());
}
