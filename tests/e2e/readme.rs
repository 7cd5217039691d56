//! The commands of the README do what the README says.

use runmill_gateway::{Gateway, GatewaySettings};

use crate::support::within;

const README: &str = include_str!("../../README.md");

/// Commands within the README's sentences.
const SENTENCES: [&str; 2] =
    [r#"runmill smoke-test --base-url "$BASE_URL" --model "$MODEL""#, "runmill runs results last --wrong"];

/// Returns the commands of a section: its indented lines without `export` and `cargo build`.
fn commands(section: &str) -> String {
    let (_, rest) = README.split_once(section).expect("the section is there");
    let text = rest.split("\n## ").next().unwrap_or_default();
    let lines = text.lines().filter_map(|line| line.strip_prefix("    "));
    let doing = lines.filter(|line| !line.starts_with("export ") && !line.starts_with("cargo build"));
    doing.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn running_your_own_writes_the_results() {
    let folder = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(GatewaySettings::default()).await.unwrap();
    let script = commands("## Run your own").replace("target/release/runmill", env!("CARGO_BIN_EXE_runmill"));
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let script = script.replace("tests/data", &format!("{root}/tests/data"));

    for command in SENTENCES {
        assert!(README.contains(&format!("`{command}`")), "{command}");
    }
    // "`--estimate` at the end of the command above".
    let binary = env!("CARGO_BIN_EXE_runmill");
    let estimate = format!("{script} --estimate").replace("results.jsonl", "estimated.jsonl");
    let further = SENTENCES.map(|command| command.replacen("runmill", binary, 1)).join("\n");
    let script = format!("{estimate}\n{script}\n{further}");

    let mut shell = tokio::process::Command::new("sh");
    let shell = shell.args(["-ec", &script]).current_dir(folder.path()).env_clear();
    let shell = shell.env("RUNMILL_DATA_DIR", folder.path().join("data")).env("OPENAI_API_KEY", "sk-readme");
    let shell = shell.env("BASE_URL", gateway.base_url()).env("MODEL", "echo").kill_on_drop(true);
    let output = within("the README's run", shell.output()).await.unwrap();

    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}\n{stderr}");
    let results = std::fs::read_to_string(folder.path().join("results.jsonl")).unwrap();
    assert_eq!(results.lines().count(), 20, "{stderr}");
    assert!(!folder.path().join("estimated.jsonl").exists());
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(stdout.contains("│ prompts ") && stdout.contains("│ answers     yes"), "{stdout}");
}
