//! The table of a run of the suite.

use std::{fmt::Write, path::PathBuf};

use crate::checker::Row;

impl Row {
    pub fn is_green(&self) -> bool {
        self.broken.is_empty()
    }

    /// Returns the row in Markdown.
    pub fn markdown(&self) -> String {
        let recovery = self.recovery.map_or("never".to_owned(), |seconds| format!("{seconds:.1}"));
        let verdict =
            if self.is_green() { "holds".to_owned() } else { format!("BROKEN: {}", self.broken.join("; ")) };
        format!(
            "| {} | {} | {} | {} | {} | {} | {} / {} | {} / {} | {recovery} | {verdict} |",
            self.scenario,
            self.items,
            self.results,
            self.put_aside,
            self.lost,
            self.doubled,
            self.extra_allowed,
            self.extra,
            self.limit_allowed,
            self.limit,
        )
    }
}

pub const HEAD: &str = "| scenario | items | results | put aside | lost | doubled results \
     | extra calls (allowed / seen) | limit (allowed / seen) | recovery s | verdict |\n\
     | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |";

/// Writes the table to a file, from which `docs/guarantees.md` takes it. Returns its path.
pub fn write(rows: &[Row], seed: u64) -> anyhow::Result<PathBuf> {
    let mut text = format!("Seed {seed}.\n\n{HEAD}\n");
    for row in rows {
        writeln!(text, "{}", row.markdown())?;
    }
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("faults.md");
    std::fs::write(&path, text)?;
    Ok(path)
}
