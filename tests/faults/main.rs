//! Faults, each alone and then mixed, on private servers and with the real binary; a checker judges each by what a user
//! and the provider see. See README.md in this folder.

mod api;
mod bouncer;
mod checker;
mod drive;
mod fault;
mod items;
mod mix;
mod observer;
mod options;
mod rate;
mod report;
mod scenario;
mod scenarios;
mod servers;
mod service;
mod soak;
mod standalone;
mod suite;
mod waiting;
mod world;

use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;

use options::Options;

fn main() -> ExitCode {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("a runtime");
    let ran = runtime.and_then(|runtime| runtime.block_on(run(options)));
    match ran {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> anyhow::Result<bool> {
    // This fails if something has already installed it.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    if options.list {
        for scenario in options.selected() {
            println!("{}: test", scenario.name);
        }
        return Ok(true);
    }
    match options.soak {
        Some(minutes) => soak::run(minutes, options.seed()).await,
        None => suite::run(&options).await,
    }
}
