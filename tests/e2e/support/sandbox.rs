use std::path::PathBuf;

use runmill_gateway::{AnswerKey, Gateway, GatewaySettings};
use tempfile::TempDir;

use super::{Command, Release, data::GSM8K};

/// A data directory and a gateway that knows the answers of GSM8K, for commands that run without servers.
pub struct Sandbox {
    folder: TempDir,
    pub gateway: Gateway,
}

impl Sandbox {
    pub async fn new() -> Self {
        let answer_key = Some(AnswerKey::from_ndjson(GSM8K.as_bytes()).unwrap());
        let gateway = Gateway::start(GatewaySettings { answer_key, ..GatewaySettings::default() }).await;
        Self { folder: tempfile::tempdir().unwrap(), gateway: gateway.unwrap() }
    }

    /// Returns the path of a file in the directory, which need not exist.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    pub fn runmill(&self, args: &[&str]) -> Command {
        self.command(Release::Now, args)
    }

    pub fn command(&self, release: Release, args: &[&str]) -> Command {
        Command::of(release, args).env("RUNMILL_DATA_DIR", &self.path("data").display().to_string())
    }

    /// Returns the command that runs a dataset against the gateway.
    pub fn run(&self, dataset: &str, model: &str, more: &[&str]) -> Command {
        self.run_of(Release::Now, dataset, model, more)
    }

    /// As [`run`](Self::run), by the binary of a release.
    pub fn run_of(&self, release: Release, dataset: &str, model: &str, more: &[&str]) -> Command {
        let base_url = self.gateway.base_url();
        let args = ["run", dataset, "--base-url", &base_url, "--model", model];
        self.command(release, &[&args[..], more].concat())
    }
}
