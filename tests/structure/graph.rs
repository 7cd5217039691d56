use std::collections::{BTreeSet, VecDeque};

/// Returns the shortest path from `start` to `end`, with at least one step. It includes both.
pub fn shortest<'a, N>(start: &'a str, end: &str, next: impl Fn(&'a str) -> N) -> Option<Vec<&'a str>>
where
    N: IntoIterator<Item = &'a str>,
{
    let mut waiting = VecDeque::from([vec![start]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = waiting.pop_front() {
        for name in way.last().into_iter().flat_map(|last| next(last)) {
            let longer = [way.as_slice(), &[name]].concat();
            if name == end {
                return Some(longer);
            }
            if seen.insert(name) {
                waiting.push_back(longer);
            }
        }
    }
    None
}
