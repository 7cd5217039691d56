use runmill_lighteval::{Order, Tasks};
use runmill_store::ClaimedEvaluation;
use runmill_vault::{Opener, Owner};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize as _;
use tempfile::TempDir;

/// Variable from which LightEval reads the token for the front door.
const TOKEN_VARIABLE: &str = "OPENAI_API_KEY";
/// Text in the place of the token, wherever LightEval prints it.
const HIDDEN: &str = "[token]";

/// Everything that LightEval needs for a run. The working directory is deleted with it.
pub struct Prepared {
    pub order: Order,
    _folder: TempDir,
}

impl Prepared {
    /// Opens the token and makes a working directory that only this user can read. The text of an error is for users.
    pub fn new(claimed: &ClaimedEvaluation, opener: &Opener) -> Result<Self, String> {
        let tasks = Tasks::deserialize(&claimed.tasks).map_err(|error| format!("the tasks: {error}"))?;
        let key = key(claimed, opener)?;
        let folder = tempfile::Builder::new().prefix("runmill-lighteval-").tempdir();
        let folder = folder
            .map_err(|error| format!("the executor has no working directory for LightEval: {error}"))?;
        let order = Order {
            tasks,
            config: claimed.config.clone(),
            key_variable: TOKEN_VARIABLE,
            key,
            folder: folder.path().to_owned(),
        };
        Ok(Self { order, _folder: folder })
    }

    /// Returns a text of LightEval without the token, which a library may print with a request that failed.
    pub fn without_key(&self, text: &str) -> String {
        text.replace(self.order.key.expose_secret(), HIDDEN)
    }
}

fn key(claimed: &ClaimedEvaluation, opener: &Opener) -> Result<SecretString, String> {
    let owner = Owner::evaluation(claimed.run_id.uuid());
    opener.open(owner, &claimed.sealed).map_err(|error| {
        tracing::error!(event = "lighteval.token_unreadable", run_id = %claimed.run_id, %error);
        "the executor cannot decrypt the run's token; dispatchers and executors need the same ENCRYPTION_KEY"
            .to_owned()
    })
}
