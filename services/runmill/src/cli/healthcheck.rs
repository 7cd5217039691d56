use clap::Args;
use reqwest::Url;

#[derive(Args)]
pub struct HealthcheckArgs {
    /// URL to ask [default: `/readyz` at `RUNMILL_OPS_LISTEN`, on this machine]
    #[arg(long)]
    pub url: Option<Url>,
}
