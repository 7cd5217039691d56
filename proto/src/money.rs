/// Converts a cost from billionths of a US dollar, in which costs are stored, to dollars. Exact below nine million
/// dollars.
#[expect(clippy::cast_precision_loss, reason = "costs are far below 2^53")]
pub fn usd(nanousd: i64) -> f64 {
    nanousd as f64 / 1e9
}
