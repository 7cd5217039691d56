use std::{fs, path::Path};

use runmill_proto::{Answer, Item};

/// Returns the first `count` items of a file of `tests/data`.
pub fn items(name: &str, count: usize) -> Vec<Item> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data").join(name);
    let text = fs::read_to_string(path).unwrap();
    text.lines().take(count).map(|line| Item::from_json(line).unwrap()).collect()
}

pub fn reference(item: &Item) -> String {
    match item.answer.as_ref().unwrap() {
        Answer::One(one) => one.clone(),
        Answer::Many(many) => many.join(", "),
    }
}
