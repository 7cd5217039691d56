//! Finds circles of dependencies among the modules of one folder. A folder counts as one module for the modules
//! beside it. Dependencies between a module and the modules inside it make no circle.

use std::collections::{BTreeMap, BTreeSet};

use crate::{graph::shortest, modules::Arrow};

/// First reference found from one module to another of the same folder, by the names of the two modules.
type Siblings<'a> = BTreeMap<&'a str, BTreeMap<&'a str, &'a Arrow>>;

/// Returns the shortest circle through each module, with the place in the source of each of its references.
pub fn circles(arrows: &[Arrow]) -> Vec<String> {
    let mut folders: BTreeMap<&[String], Siblings<'_>> = BTreeMap::new();
    for arrow in arrows {
        if let Some((folder, from, to)) = siblings(arrow) {
            folders.entry(folder).or_default().entry(from).or_default().entry(to).or_insert(arrow);
        }
    }
    folders.values().flat_map(circles_of).collect()
}

/// Returns the innermost folder that contains both modules of a reference, and the module in this folder that
/// contains (or is) each of them.
fn siblings(arrow: &Arrow) -> Option<(&[String], &str, &str)> {
    let common = arrow.from.iter().zip(&arrow.to).take_while(|(from, to)| from == to).count();
    Some((&arrow.from[..common], arrow.from.get(common)?, arrow.to.get(common)?))
}

fn circles_of(siblings: &Siblings<'_>) -> Vec<String> {
    let next = |name: &str| siblings.get(name).into_iter().flat_map(|arrows| arrows.keys().copied());
    let mut found: Vec<_> = siblings.keys().filter_map(|name| shortest(name, name, next)).collect();
    // Each module of a circle may have found it, but it counts once.
    let mut seen = BTreeSet::new();
    found.retain(|circle| seen.insert(circle.iter().copied().collect::<BTreeSet<_>>()));
    found.iter().map(|circle| described(siblings, circle)).collect()
}

fn described(siblings: &Siblings<'_>, circle: &[&str]) -> String {
    let arrows = circle.windows(2).map(|ends| format!("\n    {}", siblings[ends[0]][ends[1]].place));
    circle.join(" -> ") + &arrows.collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrow(ends: &str) -> Arrow {
        let (from, to) = ends.split_once(" > ").unwrap();
        let path = |text: &str| text.split("::").map(str::to_owned).collect();
        Arrow { from: path(from), to: path(to), place: ends.to_owned() }
    }

    #[test]
    fn circles_are_found_once_and_among_siblings() {
        let table: [(&[&str], &[&str]); 6] = [
            (&["a > b", "b > c", "a > c"], &[]),
            (&["a > b", "b > a"], &["a -> b -> a"]),
            (&["a > b", "b > c", "c > a"], &["a -> b -> c -> a"]),
            (&["a::b > a", "a > a::b"], &[]),
            (&["a::b > c::d", "c > a"], &["a -> c -> a"]),
            (&["a::b > a::c::d", "a::c > a::b"], &["b -> c -> b"]),
        ];
        for (arrows, expected) in table {
            let found = circles(&arrows.iter().map(|ends| arrow(ends)).collect::<Vec<_>>());
            let found: Vec<_> = found.iter().map(|circle| circle.lines().next().unwrap()).collect();
            assert_eq!(found, expected, "{arrows:?}");
        }
    }
}
