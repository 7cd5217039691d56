use std::path::PathBuf;

use clap::Args;
use runmill_lighteval::Tasks;
use runmill_proto::Range;

use super::{ProviderArgs, ServerArgs, number::within};

/// Range of the number of samples of a task.
const SAMPLES: Range<u32> = Range::new(1, Tasks::SAMPLES_MAX);

#[derive(Args)]
pub struct LightevalArgs {
    /// Tasks with their numbers of examples, separated by commas, such as `gsm8k|0`
    #[arg(long, value_name = "TASKS", value_delimiter = ',', required = true)]
    pub tasks: Vec<String>,
    /// Name of the model at the provider
    #[arg(long)]
    pub model: String,
    #[command(flatten)]
    pub provider: ProviderArgs,
    #[command(flatten)]
    pub server: ServerArgs,
    /// Python file with tasks of your own
    #[arg(long, value_name = "FILE")]
    pub custom_tasks: Option<PathBuf>,
    /// Use only the first N samples of each task, from 1 to 1000000
    #[arg(long, value_name = "N", value_parser = within(SAMPLES), allow_negative_numbers = true)]
    pub max_samples: Option<u32>,
    /// Folder with local data sets by their names, such as `openai/gsm8k`; by default `RUNMILL_LIGHTEVAL_DATA`. The network is
    /// not used for them
    #[arg(long, value_name = "FOLDER")]
    pub data: Option<PathBuf>,
    /// The command `lighteval` (0.13.0); by default `RUNMILL_LIGHTEVAL`, else the one in `PATH`
    #[arg(long, value_name = "FILE")]
    pub lighteval: Option<PathBuf>,
    /// Empty folder in which LightEval works
    #[arg(long, value_name = "FOLDER", default_value = "lighteval-out")]
    pub out: PathBuf,
    /// Print the result as JSON instead of a table
    #[arg(long)]
    pub json: bool,
}
