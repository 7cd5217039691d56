/// Returns the number of files that this process may open. `None` if there is no limit, or if it cannot be read.
pub fn open_files_max() -> Option<u64> {
    soft_limit(&std::fs::read_to_string("/proc/self/limits").unwrap_or_default())
}

/// Returns the soft limit. `None` if there is none, or if it cannot be read.
fn soft_limit(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_is_the_first_number() {
        let limits = "Max processes  10  10  processes\nMax open files  1024  524288  files\n";
        assert_eq!(soft_limit(limits), Some(1024));
        assert_eq!(soft_limit("Max open files  unlimited  unlimited  files"), None);
        assert_eq!(soft_limit(""), None);
    }
}
