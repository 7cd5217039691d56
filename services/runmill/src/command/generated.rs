//! Completions for shells and manual pages, which clap makes of the commands' descriptions.

use std::io;

use clap::CommandFactory;

use crate::{
    cli::{Cli, CompletionsArgs, ManArgs},
    exit::{ExitCode, UsageError},
    screen::{print, print_data},
};

pub fn completions(args: &CompletionsArgs) -> anyhow::Result<ExitCode> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "runmill", &mut text);
    print_data(String::from_utf8_lossy(&text).trim_end())?;
    Ok(ExitCode::Completed)
}

/// Writes the manual pages of all commands.
pub fn man(args: &ManArgs) -> anyhow::Result<ExitCode> {
    let folder = &args.folder;
    let wrong = |error: io::Error| UsageError::new(format_args!("{}: {error}", folder.display()));
    std::fs::create_dir_all(folder).map_err(wrong)?;
    clap_mangen::generate_to(Cli::command(), folder).map_err(wrong)?;
    print(format_args!("the pages are in {}; `man -l FILE` shows one", folder.display()))?;
    Ok(ExitCode::Completed)
}
