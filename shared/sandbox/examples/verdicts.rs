//! Reads items with answers, one JSON object a line, and prints the verdict on each.

use std::io::{self, BufRead};

use runmill_sandbox::{Sandbox, Settings, Verdict, humaneval};
use serde::Deserialize;

#[derive(Deserialize)]
struct Answered {
    prompt: String,
    answer: String,
    test: String,
    entry_point: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sandbox = Sandbox::detect(Settings::default()).await?;
    for line in io::stdin().lock().lines() {
        let Answered { prompt, answer, test, entry_point } = serde_json::from_str(&line?)?;
        match sandbox.run(&humaneval::program(&prompt, &answer, &test, &entry_point)).await {
            Verdict::Passed => println!("passed"),
            verdict => println!("{}", verdict.to_string().replace('\n', " ")),
        }
    }
    Ok(())
}
