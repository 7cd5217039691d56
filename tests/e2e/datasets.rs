//! Files of questions as people have them: what is understood, what the model gets, and what is refused before a call.

use std::process::Output;

use runmill_proto::api::Run;
use serde_json::json;
use tokio::time::Instant;

use crate::support::{Command, Sandbox, recorder::Recorder, within};

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn public(file: &str) -> String {
    format!("{}/../../tests/data/public/{file}", env!("CARGO_MANIFEST_DIR"))
}

async fn check(args: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::runmill(&[&["dataset", "check"], args].concat()).output().await;
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned(), stderr(&output))
}

#[tokio::test]
async fn a_check_shows_each_public_file_as_it_is_understood() {
    let table = [
        ("arc.jsonl", "read as    ARC", "B. copper"),
        ("arc.arrow", "arc.arrow, an Arrow stream", "B. copper"),
        ("mmlu.parquet", "mmlu.parquet, Parquet", "reference C"),
        ("mmlu.feather", "mmlu.feather, Arrow", "reference C"),
        ("workbook.xlsx", "the first sheet of an Excel workbook", "reference 42.5"),
        ("hellaswag.csv", "read as    HellaSwag", "B. kneads the dough on a table."),
        ("gsm8k.jsonl", "what follows ####", "reference 1,200"),
        ("truthfulqa.json", "a JSON list", "reference A"),
        ("humaneval.jsonl.gz", "read as    HumanEval", "item Own/0 (line 1, code)"),
        ("squad.parquet", "`context`, `question`", "reference Bern or Bern, the city of bears"),
        ("inspect.jsonl", "samples of inspect", "system    Answer in one word."),
        ("promptfoo.csv", "read as    promptfoo", "reference blue"),
        ("lm-eval.jsonl", "samples of lm-eval", "user      Question: What is 6 x 7?"),
        ("openai-evals.jsonl", "read as    OpenAI evals", "reference chien or le chien"),
    ];
    for (file, head, item) in table {
        let (code, stdout, stderr) = check(&[&public(file)]).await;
        assert_eq!(code, Some(0), "{file}: {stdout}{stderr}");
        assert!(stdout.contains(head) && stdout.contains(item), "{file}: {stdout}");
    }
}

#[tokio::test]
async fn the_screen_of_the_docs_is_what_is_printed() {
    let docs = include_str!("../../docs/datasets.md");
    let (_, screen) =
        docs.split_once("runmill dataset check tests/data/public/arc.jsonl` prints:\n\n").unwrap();
    let (screen, _) = screen.split_once("\n## ").unwrap();
    let screen = screen.replace("\n    ", "\n");
    let root = format!("{}/../..", env!("CARGO_MANIFEST_DIR"));
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_runmill"));
    let command = command.args(["dataset", "check", "tests/data/public/arc.jsonl"]).current_dir(root);
    let output = within("the check", command.output()).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim_end(), screen.trim());
}

#[tokio::test]
async fn a_check_lists_what_is_odd_and_what_is_wrong() {
    let sandbox = Sandbox::new().await;
    let file = sandbox.write("set.csv", "n,q,a\n1,6 x 7?,42\n\n2,Why?,\n3,,7\n1,Again?,soon\nragged\n");
    let (code, stdout, stderr) =
        check(&[&file, "--map", "question=q,answer=a,id=n", "--scorer", "numeric"]).await;
    assert_eq!(code, Some(2), "{stdout}{stderr}");
    for want in [
        "items      3",
        "odd (2)\n  line 4: there is no reference\n  line 6: no answer matches the reference: ",
        "wrong (3)\n  line 5: `q` is null or an empty cell, and a question must be a text\n  line 6: the id `1` is that of line 2, too",
        "  line 7: it has 1 cells, and the header has 3",
    ] {
        assert!(stdout.contains(want), "{want}: {stdout}");
    }
    assert!(stderr.contains("3 items cannot be read; the first: line 5: "), "{stderr}");
}

#[tokio::test]
async fn a_template_uses_the_columns_and_its_faults_are_those_of_the_command() {
    let sandbox = Sandbox::new().await;
    let file = sandbox.write("reviews.csv", "review,sentiment\nA fine film.,positive\n");
    let good = sandbox.write("good.txt", "Positive or negative?\n{{ review }}\n");
    let wrong = sandbox.write("wrong.txt", "{{ reviw }}\n");
    let (code, stdout, _) =
        check(&[&file, "--map", "question=review,answer=sentiment", "--prompt", &good]).await;
    assert_eq!(code, Some(0), "{stdout}");
    assert!(stdout.contains("user      Positive or negative?\n            A fine film."), "{stdout}");
    for command in [
        sandbox.run(&file, "echo", &["--map", "question=review", "--prompt", &wrong]),
        Command::runmill(&["dataset", "check", &file, "--map", "question=review", "--prompt", &wrong]),
    ] {
        let output = command.output().await;
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains("prompt_template: `reviw` is no variable"), "{}", stderr(&output));
    }

    let output =
        sandbox.run(&file, "echo", &["--prompt", &good, "--scorer", "none", "--json"]).output().await;
    let run: Run = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(run.counters.succeeded, 1, "{}", stderr(&output));
}

#[tokio::test]
async fn a_conversation_is_sent_as_its_messages() {
    let (sandbox, recorder) = (Sandbox::new().await, Recorder::start().await);
    let since = Instant::now();
    let system = sandbox.write("system.txt", "Answer.\n");
    let file = public("inspect.jsonl");
    let args =
        ["run", &file, "--base-url", &recorder.base_url, "--model", "x", "--system", &system, "--json"];
    let output = sandbox.runmill(&args).output().await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let messages = |system: &str, user: &str| json!([{"role": "system", "content": system}, {"role": "user", "content": user}]);
    let want = [
        messages("Answer in one word.", "What is the capital of Peru?"),
        messages("Answer.", "What is the capital of Chile?"),
    ];
    let calls = recorder.calls_since(since);
    assert_eq!(calls.len(), 2);
    assert!(calls.iter().all(|call| want.contains(&call.messages)), "{calls:?}");
    assert_ne!(calls[0].messages, calls[1].messages);
}

#[tokio::test]
async fn standard_input_is_read_as_a_file() {
    for (file, kind, reference) in [
        ("mmlu.parquet", "Parquet", "reference C"),
        ("mmlu.feather", "Arrow", "reference C"),
        ("arc.arrow", "an Arrow stream", "reference B"),
        ("workbook.xlsx", "the first sheet of an Excel workbook", "reference 42"),
    ] {
        let script = format!("cat {} | {} dataset check -", public(file), env!("CARGO_BIN_EXE_runmill"));
        let output = within("the check", tokio::process::Command::new("sh").args(["-ec", &script]).output())
            .await
            .unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert!(
            stdout.contains(&format!("standard input, {kind}")) && stdout.contains(reference),
            "{stdout}{}",
            stderr(&output)
        );
    }
}

#[tokio::test]
async fn nothing_is_called_for_references_that_no_answer_can_match() {
    let sandbox = Sandbox::new().await;
    let file = sandbox.write("set.csv", "question,answer\nWhen?,soon\nHow many?,few\n");
    for (more, want) in [
        (&["--scorer", "numeric"][..], "2 of 2 references match no answer; the first, in line 2: "),
        (&["--scorer", "choice"], "the item has no choices"),
        (
            &["--map", "question=question", "--scorer", "exact"],
            "no item has a reference, and the scorer needs one",
        ),
        (&["--config", r#"{"generation":{"max_tokens":5}}"#], "/generation/max_tokens: is no parameter"),
        (&["--config", r#"{"temprature":0}"#], "--config: /temprature: is no setting; there are"),
        (&["--config", r#"{"system_promt":"x"}"#], "and generation, sampling, system_prompt, "),
        (
            &["--config", r#"{"scoring":{"scorer":"exact","toleranc":1}}"#],
            "`toleranc` is no setting of the scorer",
        ),
        (&["--scorer", "exact", "--pattern", "x"], "--pattern goes with --scorer pattern or regex"),
    ] {
        let output = sandbox.run(&file, "echo", more).output().await;
        assert_eq!(output.status.code(), Some(2), "{more:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(want), "{more:?}: {}", stderr(&output));
    }
    assert_eq!(sandbox.gateway.stats().calls_kept, 0);
}
