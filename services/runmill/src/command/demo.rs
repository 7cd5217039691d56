use std::{collections::BTreeMap, future::ready, sync::Arc};

use runmill_config::{Config, Env};
use runmill_gateway::{AnswerKey, Gateway, GatewaySettings};
use runmill_pricing::PriceTable;
use runmill_proto::RunConfig;
use runmill_runtime::stop_signals;
use serde_json::json;

use crate::{
    cli::{DemoArgs, GateArgs},
    command::{
        follow::Output,
        run::{Preview, RunOptions, run_standalone},
    },
    exit::ExitCode,
    process::Process,
    run::{
        dataset::Items,
        provider::{Address, ProviderChoice, StatedLimits},
        submit::Request,
        waiting,
    },
    screen::note,
};

const DATASET: &str = include_str!("../../../../tests/data/gsm8k.jsonl");

/// Runs a real dataset with the default settings. All services are in this process, and the gateway's model is at the
/// loopback address. Its files are deleted at the end.
pub async fn run(args: DemoArgs) -> anyhow::Result<ExitCode> {
    let folder = tempfile::tempdir()?;
    let mut config = demo_config(&folder)?;
    config.prices = Arc::new(prices(&args.model)?);
    let process = Process { config, ..Process::load()? };
    let signals = stop_signals()?;
    let gateway = Gateway::start(GatewaySettings {
        answer_key: Some(AnswerKey::from_ndjson(DATASET.as_bytes())?),
        ..GatewaySettings::default()
    })
    .await?;
    let items = Items::of_text("gsm8k", DATASET, args.limit)?;
    note!(
        "gsm8k ({}) against the model `{}` of the built-in gateway",
        waiting::items(items.count),
        args.model
    );
    let request = Request {
        model: args.model,
        provider: ProviderChoice::At(Address {
            base_url: gateway.base_url(),
            protocol: None,
            api_key: None,
            key_variable: String::new(),
            headers: BTreeMap::new(),
            images: None,
            // Some calls of the model are refused at random, which says nothing about a limit that could be found.
            limits: StatedLimits { concurrency: Some(CONCURRENCY), rpm: None },
        }),
        config: RunConfig::default(),
        budget: None,
        dataset_name: "gsm8k".to_owned(),
    };
    let output = Output::of_unkept_run();
    let preview = Preview::SmokeTestAndEstimate;
    let options = RunOptions { output, gate: GateArgs::default(), again: false, preview, ahead: None };
    let ended = run_standalone(&process, &request, ready(Ok(items)), options, signals).await;
    gateway.stop().await?;
    ended
}

/// Stated number of calls in flight.
const CONCURRENCY: u32 = 64;

/// Returns prices of the built-in model, in US dollars per million tokens, like those of a small commercial model.
fn prices(model: &str) -> anyhow::Result<PriceTable> {
    let table = json!({"source": "the demo", "models": {model: {"input": 0.15, "output": 0.6}}});
    Ok(PriceTable::load(&table.to_string())?)
}

/// Returns the default settings with a data directory of its own. The environment changes none of them.
fn demo_config(folder: &tempfile::TempDir) -> anyhow::Result<Config> {
    let data_dir = folder.path().display().to_string();
    let only = BTreeMap::from([("RUNMILL_DATA_DIR".to_owned(), data_dir)]);
    Ok(Config::load(&only.into_iter().collect::<Env>())?)
}
