use std::path::PathBuf;

use clap::Args;

#[derive(Args)]
#[command(
    after_help = "The copy is of one moment. It has no key: without ENCRYPTION_KEY, or the file encryption.key of the data \
    directory, the providers' secrets in it cannot be decrypted. To restore it, put it as runmill.db into an empty directory, \
    the key beside it, and name that directory in RUNMILL_DATA_DIR"
)]
pub struct BackupArgs {
    /// New file for the copy
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}
