use std::{fs::File, io::BufReader};

use anyhow::Context;
use futures::StreamExt;
use runmill_gateway::{AnswerKey, Gateway, GatewaySettings};
use runmill_runtime::stop_signals;

use crate::{cli::GatewayArgs, exit::ExitCode, screen::note};

/// Serves a deterministic model until a signal stops the process.
pub async fn run(args: GatewayArgs) -> anyhow::Result<ExitCode> {
    let answer_key = match &args.answer_key {
        Some(path) => {
            let file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
            let key = AnswerKey::from_ndjson(BufReader::new(file));
            Some(key.with_context(|| format!("reading {}", path.display()))?)
        }
        None => None,
    };
    let gateway = Gateway::start(GatewaySettings {
        listen: args.listen,
        answer_key,
        record_to: args.record,
        calls_kept_max: args.keep,
        connections_max: args.connections,
        ..GatewaySettings::default()
    })
    .await?;
    note!("the gateway serves {}", gateway.base_url());
    stop_signals()?.next().await;
    gateway.stop().await?;
    Ok(ExitCode::Completed)
}
