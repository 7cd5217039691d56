use clap::Subcommand;

#[derive(Subcommand)]
pub enum KeysAction {
    /// Print a new key for `ENCRYPTION_KEY`
    Generate,
    /// Encrypt all secrets with the first key of `ENCRYPTION_KEY`, so that its other keys can be removed
    Rotate,
}
