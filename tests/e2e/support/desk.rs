use std::path::PathBuf;

use runmill_gateway::{AnswerKey, Gateway, GatewaySettings};
use tempfile::TempDir;

use super::{Command, data::GSM8K};

/// A person's machine: a data directory of its own, a model that knows GSM8K, and no server.
pub struct Desk {
    folder: TempDir,
    pub gateway: Gateway,
}

impl Desk {
    pub async fn new() -> Self {
        let answer_key = Some(AnswerKey::from_ndjson(GSM8K.as_bytes()).unwrap());
        let gateway = Gateway::start(GatewaySettings { answer_key, ..GatewaySettings::default() }).await;
        Self { folder: tempfile::tempdir().unwrap(), gateway: gateway.unwrap() }
    }

    /// A file here, whether it exists or not.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    pub fn runmill(&self, args: &[&str]) -> Command {
        Command::runmill(args).env("RUNMILL_DATA_DIR", &self.path("data").display().to_string())
    }

    /// `runmill run` of a file against the model here.
    pub fn run(&self, dataset: &str, model: &str, more: &[&str]) -> Command {
        let base_url = self.gateway.base_url();
        let args = ["run", dataset, "--base-url", &base_url, "--model", model];
        self.runmill(&[&args[..], more].concat())
    }
}
