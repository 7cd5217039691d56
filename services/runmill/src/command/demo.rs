use std::{collections::BTreeMap, sync::Arc};

use runmill_config::{Config, Env};
use runmill_gateway::{AnswerKey, Gateway, GatewaySettings};
use runmill_pricing::PriceTable;
use runmill_proto::RunConfig;
use runmill_runtime::stop_signals;
use serde_json::json;

use crate::{
    cli::DemoArgs,
    command::run::{Output, Preview, alone},
    exit::Exit,
    process::Process,
    run::{
        dataset::Items,
        provider::{Address, ProviderChoice},
        submit::Request,
    },
};

/// Right for four items of five, at a real model's pace, with some rate limiting to get around.
pub const MODEL: &str = "key=0.8+ttft=150ms+tokens=48+tps=200+fail=429:0.03+fail=500:0.01";

const DATASET: &str = include_str!("../../../../tests/data/gsm8k.jsonl");

/// The main job on embedded defaults: a real dataset, all services in this process, a model of our own on the loopback
/// address. Leaves nothing behind.
pub async fn run(args: DemoArgs) -> anyhow::Result<Exit> {
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
    let items = Items::from_lines("gsm8k", DATASET.as_bytes(), args.limit.unwrap_or(usize::MAX))?;
    eprintln!("gsm8k ({} items) against the model `{}` of the built-in gateway", items.count, args.model);
    let request = Request {
        model: args.model,
        provider: ProviderChoice::At(Address {
            base_url: gateway.base_url(),
            protocol: None,
            api_key: None,
            concurrency: None,
        }),
        config: RunConfig::default(),
        dataset_name: "gsm8k".to_owned(),
    };
    let output = Output { json: false, out: None };
    let preview = Preview::SmokeTestAndEstimate;
    let ended = alone(&process, &request, items, &output, preview, signals).await;
    gateway.stop().await?;
    ended
}

/// As if the built-in model were a small one that is paid for: in US dollars for a million tokens.
fn prices(model: &str) -> anyhow::Result<PriceTable> {
    let table = json!({"source": "the demo", "models": {model: {"input": 0.15, "output": 0.6}}});
    Ok(PriceTable::load(&table.to_string())?)
}

/// The defaults, whatever the environment says, in a folder of its own.
fn demo_config(folder: &tempfile::TempDir) -> anyhow::Result<Config> {
    let data_dir = folder.path().display().to_string();
    let only = BTreeMap::from([("RUNMILL_DATA_DIR".to_owned(), data_dir)]);
    Ok(Config::load(&only.into_iter().collect::<Env>())?)
}
