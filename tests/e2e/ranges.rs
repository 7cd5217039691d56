//! A number out of its range ends a command with code 2 and a message with the range, whether it comes from an
//! option, a variable or a file.

use crate::support::{Command, Sandbox, data::questions};

#[tokio::test]
async fn a_number_out_of_its_range_ends_the_command_with_code_2_and_the_range() {
    let sandbox = Sandbox::new().await;
    let dataset = sandbox.write("set.jsonl", &questions(1));
    let item = r#"{"id":"a","type":"freeform","inputs":{"text":"?"},
        "checker":{"scorer":"numeric","tolerance":-1}}"#;
    let checked = sandbox.write("checked.jsonl", &item.replace('\n', ""));
    let prices = sandbox.write("prices.json", r#"{"models": {"m": {"input": -1, "output": 1}}}"#);
    let run = |more: &[&str]| sandbox.run(&dataset, "echo", more);
    let table: [(&str, Command, &str); 8] = [
        (
            "a variable",
            sandbox.runmill(&["serve"]).env("RUNMILL_DATABASE_POOL", "0"),
            "RUNMILL_DATABASE_POOL=\"0\": must be a whole number from 1 to 1000",
        ),
        (
            "a price file of a variable",
            sandbox.runmill(&["serve"]).env("RUNMILL_PRICES", &prices),
            "model `m`, field `input`: must be a number from 0 to 10000",
        ),
        (
            "a price file of an option",
            run(&["--estimate", "--prices", &prices]),
            "model `m`, field `input`: must be a number from 0 to 10000",
        ),
        ("an option", run(&["--samples", "-1"]), "must be a whole number from 1 to 1000"),
        (
            "the JSON of an option",
            run(&["--config", r#"{"sampling": {"top_p": 2}}"#]),
            "/sampling/top_p: must be a number from 0 to 1",
        ),
        ("JSON that no type can hold", run(&["--config", r#"{"samples": 1e400}"#]), "number out of range"),
        (
            "a dataset",
            sandbox.run(&checked, "echo", &[]),
            "line 1: `checker`: the tolerance must be a number from 0 to 1e300",
        ),
        ("the gateway's options", sandbox.runmill(&["gateway", "--connections", "0"]), "from 1 to 1000000"),
    ];
    for (place, command, words) in table {
        let output = command.output().await;
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{place}: {told}");
        assert!(told.contains(words), "{place}: {told}");
    }
    assert_eq!(sandbox.gateway.stats().all.calls, 0);
}
