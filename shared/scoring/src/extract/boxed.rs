/// Returns the text in the last `\boxed{…}` or `\fbox{…}` that is closed.
pub(super) fn last(text: &str) -> Option<&str> {
    const MARKS: &[&str] = &[r"\boxed", r"\fbox"];
    let starts = |mark: &&'static str| text.rmatch_indices(*mark).map(|(at, mark)| at + mark.len());
    let mut starts: Vec<_> = MARKS.iter().flat_map(starts).collect();
    starts.sort_unstable_by(|a, b| b.cmp(a));
    // Only few are tried, since each looks for its end.
    starts.into_iter().take(16).find_map(|start| inside(&text[start..]))
}

fn inside(rest: &str) -> Option<&str> {
    let inner = rest.trim_start().strip_prefix('{')?;
    let mut depth = 1_usize;
    let end = inner.find(|c| {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        depth == 0
    })?;
    Some(&inner[..end]).filter(|inner| !inner.trim().is_empty())
}
