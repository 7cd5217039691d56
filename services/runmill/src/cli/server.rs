use clap::Args;

#[derive(Args, Clone)]
pub struct ServerArgs {
    /// URL of a runmill server; its token is read from `RUNMILL_TOKEN`. Without a server, this process uses the local
    /// data directory itself
    #[arg(long, value_name = "URL", env = "RUNMILL_SERVER", global = true)]
    pub server: Option<String>,
}
