use anyhow::Context;
use runmill_datasets::{Ids, ReadError};
use runmill_prompt::Prompt;
use runmill_proto::{Scorer, Scoring};

use crate::{
    cli::DatasetCheckArgs,
    exit::{ExitCode, UsageError},
    run::{
        dataset::{self, ReadOptions},
        dataset_report::Report,
        option_file,
        submit::{check_prompt, prompt_names},
    },
    screen::print,
};

/// Reads a whole file, and prints what a run of it would ask.
pub fn check(args: &DatasetCheckArgs) -> anyhow::Result<ExitCode> {
    let template = args.prompt.as_deref().map(|path| option_file::text("--prompt", path)).transpose()?;
    let system = args.system.as_deref().map(|path| option_file::text("--system", path)).transpose()?;
    let scoring = args.scorer.map(|scorer| Scoring::from(Scorer::from(scorer)));
    let used = prompt_names(template.as_deref())?;
    let options =
        ReadOptions { map: args.map.as_deref(), limit: args.limit, used, scoring: scoring.as_ref() };
    let name = dataset::name_of(&args.file);
    let items = dataset::open(&args.file, &options)?;
    let prompt = Prompt::compile(template.as_deref()).map_err(UsageError::new)?;
    let mut report = Report::new(&name, &items, prompt, system, scoring.as_ref());
    let mut ids = Ids::default();
    for read in items.take(args.limit.unwrap_or(usize::MAX)) {
        match read {
            Ok(read) => {
                if report.is_empty() {
                    check_prompt(template.as_deref(), Some(&read.item))?;
                }
                let same = ids.add(&read).err();
                report.add(&read);
                report.fault(same.map(|same| same.to_string()));
            }
            // Rows behind a fault of the file itself cannot be read.
            Err(error @ (ReadError::Row { .. } | ReadError::Item { .. })) => {
                report.fault(Some(error.to_string()));
            }
            Err(error) => return Err(dataset::in_file(&name, &error).into()),
        }
    }
    print(report.text().context("showing the items")?)?;
    report.ended()
}
