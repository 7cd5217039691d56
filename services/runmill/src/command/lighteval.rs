use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;
use comfy_table::Table;
use futures::StreamExt;
use runmill_config::LightevalFiles;
use runmill_lighteval::{Evaluation, LogLine, Order, Program, Tasks};
use runmill_runtime::stop_signals;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::{
    cli::LightevalArgs,
    client::Client,
    command::print_json,
    exit::{ExitCode, usage},
    process::Process,
    run::{
        connect,
        provider::{ProviderChoice, StatedLimits},
    },
    screen::{note, print},
    service::standalone::{Services, Standalone},
};

/// Variable from which LightEval reads the token for the front door.
const TOKEN_VARIABLE: &str = "OPENAI_API_KEY";

/// Evaluates a model with LightEval, which calls it through the front door of a server or of this process.
pub async fn run(args: LightevalArgs) -> anyhow::Result<ExitCode> {
    let process = Process::load()?;
    let (program, tasks) = (program(&args, &process.config.lighteval)?, tasks(&args)?);
    let provider = ProviderChoice::from_args(&args.provider, StatedLimits::default(), &process)?;
    fs::create_dir_all(&args.out).with_context(|| format!("creating {}", args.out.display()))?;
    let folder = args.out.canonicalize()?;
    if fs::read_dir(&folder)?.next().is_some() {
        return usage(format_args!("--out {}: must be an empty folder", args.out.display()));
    }
    let evaluated = if let Some(client) = connect(&process, &args.server)? {
        evaluate(&client, &provider, &args.model, &program, tasks, &folder).await
    } else {
        fs::create_dir_all(&process.config.data_dir)?;
        process.log_to_file(&process.config.data_dir)?;
        let local = Standalone::for_command(&process, Services::All).await?;
        let evaluated = evaluate(&local.client, &provider, &args.model, &program, tasks, &folder).await;
        local.stop(stop_signals()?.boxed()).await?;
        evaluated
    };
    let Some(evaluation) = evaluated? else { return Ok(ExitCode::Interrupted) };
    if args.json {
        print_json(&summary(&evaluation, &folder))?;
    } else {
        print(table(&evaluation))?;
        note!("files are in {}", folder.join("out").display());
    }
    if let Some(reason) = &evaluation.reason {
        let (unanswered, total) = (evaluation.unanswered(), evaluation.samples.len());
        note!("{unanswered} of {total} samples have no answer, and LightEval counts them as wrong: {reason}");
    }
    Ok(ExitCode::Completed)
}

/// Returns the evaluation, or `None` after an interrupt.
async fn evaluate(
    client: &Client,
    provider: &ProviderChoice,
    model: &str,
    program: &Program,
    tasks: Tasks,
    folder: &Path,
) -> anyhow::Result<Option<Evaluation>> {
    let provider = provider.provider(client).await?;
    let config = client.lighteval_config(provider.id, model).await?;
    let key = client.token().cloned().unwrap_or_else(SecretString::default);
    let order = Order { tasks, config, key_variable: TOKEN_VARIABLE, key, folder: folder.to_owned() };
    let (stop, mut signals) = (CancellationToken::new(), stop_signals()?.boxed());
    let show = |LogLine(line): &LogLine| note!("{line}");
    let running = program.run(&order, show, &stop);
    tokio::select! {
        evaluation = running => Ok(Some(evaluation?)),
        // The drop of the future ends LightEval.
        _ = signals.next() => Ok(None),
    }
}

/// Returns LightEval as the arguments name it, else as the settings of executors do.
fn program(args: &LightevalArgs, files: &LightevalFiles) -> anyhow::Result<Program> {
    let named = args.lighteval.as_ref().or(files.program.as_ref()).cloned();
    let path = named.or_else(|| in_path("lighteval"));
    let Some(path) = path.filter(|path| path.is_file()) else {
        return usage(
            "LightEval is not found: --lighteval names its command; `pip install 'lighteval[litellm]==0.13.0'` installs it",
        );
    };
    let folder = args.custom_tasks.as_ref().and_then(|file| file.parent());
    let tasks = folder.map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder });
    let tasks = tasks.map(Path::canonicalize).transpose().context("--custom-tasks")?;
    let data = args.data.as_ref().or(files.data.as_ref()).cloned();
    Ok(Program { path: std::path::absolute(path)?, tasks, data })
}

fn tasks(args: &LightevalArgs) -> anyhow::Result<Tasks> {
    let stem = |file: &PathBuf| file.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let custom_tasks = args.custom_tasks.as_ref().and_then(stem);
    let tasks = Tasks { tasks: args.tasks.clone(), custom_tasks, max_samples: args.max_samples };
    match tasks.check() {
        Ok(()) => Ok(tasks),
        Err(fault) => usage(fault),
    }
}

/// Returns the path of a command in `PATH`.
fn in_path(name: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file())
}

fn table(evaluation: &Evaluation) -> Table {
    let mut table = Table::new();
    table.set_header(["task", "metric", "value"]);
    for metric in &evaluation.metrics {
        table.add_row([metric.task.clone(), metric.name.clone(), format!("{:.4}", metric.value)]);
    }
    table
}

fn summary(evaluation: &Evaluation, folder: &Path) -> Value {
    let metric =
        |it: &runmill_lighteval::Metric| json!({"task": it.task, "metric": it.name, "value": it.value});
    json!({
        "metrics": evaluation.metrics.iter().map(metric).collect::<Vec<_>>(),
        "samples": evaluation.samples.len(),
        "unanswered": evaluation.unanswered(),
        "reason": evaluation.reason,
        "folder": folder.join("out"),
    })
}
