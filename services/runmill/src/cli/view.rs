use std::{net::SocketAddr, path::PathBuf};

use clap::Args;

#[derive(Args)]
pub struct ViewArgs {
    /// Data directory with the runs. Default: `RUNMILL_DATA_DIR`
    #[arg(value_name = "DATA_DIR")]
    pub data_dir: Option<PathBuf>,
    /// Address at which the pages are served, such as 127.0.0.1:8090. Default: a free port of 127.0.0.1
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", hide_default_value = true)]
    pub listen: SocketAddr,
    /// Open the pages in the browser, with `xdg-open` or `open`
    #[arg(long)]
    pub open: bool,
}
