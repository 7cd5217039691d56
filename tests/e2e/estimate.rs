//! `runmill run --estimate` prints the calls, tokens, cost and time of a run, and calls no model.

use serde_json::Value;

use crate::support::{Sandbox, data::GSM8K};

/// Price table with $1 per million prompt tokens and $10 per million completion tokens.
const PRICES: &str = r#"{"models": {"key": {"input": 1, "output": 10, "max_output": 512}}}"#;

#[tokio::test]
async fn an_estimate_is_printed_and_nothing_is_called_or_kept() {
    let sandbox = Sandbox::new().await;
    let dataset = sandbox.write("gsm8k.jsonl", GSM8K);
    let prices = sandbox.write("prices.json", PRICES);
    let run = |more: &[&str]| {
        let args = ["--estimate", "--limit", "100", "--samples", "3", "--max-tokens", "64"];
        sandbox.run(&dataset, "key", &[&args[..], more].concat())
    };

    let json = run(&["--json", "--prices", &prices, "--concurrency", "10"]).output().await;
    let told = run(&[]).output().await;

    assert_eq!(json.status.code(), Some(0), "{}", String::from_utf8_lossy(&json.stderr));
    let estimate: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&estimate["calls"], &estimate["seconds"]["low"]), (&300.into(), &90.0.into()));
    let prompt_tokens = estimate["prompt_tokens"].as_f64().unwrap();
    let cost = |end: &str| (estimate["cost_usd"][end].as_f64().unwrap() * 1e6).round();
    assert!((300.0 * 30.0..300.0 * 120.0).contains(&prompt_tokens), "{estimate}");
    assert_eq!((cost("low"), cost("high")), (prompt_tokens, prompt_tokens + 300.0 * 64.0 * 10.0));

    assert_eq!(told.status.code(), Some(0), "{}", String::from_utf8_lossy(&told.stderr));
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(told.contains("unknown price") && told.contains("--prices FILE or RUNMILL_PRICES"), "{told}");

    assert_eq!(sandbox.gateway.stats().all.calls, 0);
    assert!(!sandbox.path("data").exists());
}

#[tokio::test]
async fn faults_in_prices_and_prompts_are_named_before_anything_is_spent() {
    let sandbox = Sandbox::new().await;
    let dataset = sandbox.write("gsm8k.jsonl", GSM8K);
    let faulty = sandbox.write("prices.json", r#"{"models": {"m": {"input": 1, "output": "2"}}}"#);
    let run = |more: &[&str]| sandbox.run(&dataset, "m", more);
    let table = [
        (run(&["--estimate", "--prices", &faulty]), "--prices"),
        (run(&[]).env("RUNMILL_PRICES", &faulty), "RUNMILL_PRICES"),
    ];
    for (command, name) in table {
        let output = command.output().await;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            said.contains(name) && said.contains("model `m`, field `output`: must be a number"),
            "{said}"
        );
    }

    for (template, want) in [
        ("{{ text.a.b }}", "item gsm8k-test-0001: the prompt template"),
        ("{{ question }}", "prompt_template: `question` is no variable; a template can use text,"),
    ] {
        let config = format!(r#"{{"prompt_template": "{template}"}}"#);
        let output = run(&["--estimate", "--config", &config]).output().await;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(want), "{said}");
    }
    assert_eq!(sandbox.gateway.stats().all.calls, 0);
}
