use clap::{Args, Subcommand};
use runmill_proto::Range;
use uuid::Uuid;

use super::number::within;

/// Range of the number of dead letters that are listed. All of them are held meanwhile.
const DEAD_LETTERS: Range<u32> = Range::new(1, 100_000);

#[derive(Args)]
pub struct DeadArgs {
    /// Print JSON instead of text
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub action: DeadAction,
}

#[derive(Subcommand)]
pub enum DeadAction {
    /// List the oldest dead letters
    List {
        /// Maximum number of dead letters, from 1 to 100000
        #[arg(
            long,
            value_name = "N",
            default_value_t = 100,
            value_parser = within(DEAD_LETTERS),
            allow_negative_numbers = true
        )]
        limit: u32,
    },
    /// Show one dead letter with its content
    Show {
        /// ID of the dead letter
        id: Uuid,
    },
    /// Put dead letters back into the queues that they came from
    Replay(DeadSelection),
    /// Delete dead letters for good
    Drop {
        #[command(flatten)]
        selection: DeadSelection,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// Dead letters that a command acts on.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct DeadSelection {
    /// IDs of the dead letters
    #[arg(value_name = "ID")]
    pub ids: Vec<Uuid>,
    /// All dead letters that exist now
    #[arg(long)]
    pub all: bool,
}
