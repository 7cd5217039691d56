use clap::Args;

use super::number::{ITEMS, within};

/// Name of the demo's model. It answers four of five items correctly, as fast as a real model, with some rate
/// limiting and failures.
const DEMO_MODEL: &str = "key=0.8+ttft=150ms+tokens=48+tps=200+fail=429:0.03+fail=500:0.01";

#[derive(Args)]
pub struct DemoArgs {
    /// Run only the first N items, from 1 to 4294967295
    #[arg(long, value_name = "N", value_parser = within(ITEMS), allow_negative_numbers = true)]
    pub limit: Option<usize>,
    /// Name of the built-in model, which sets its answers, delays and failures
    #[arg(long, default_value = DEMO_MODEL)]
    pub model: String,
}
