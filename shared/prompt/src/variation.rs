//! Other forms of an item, with the same meaning and the reference that goes with it.

#[cfg(test)]
mod tests;

use ring::digest::{SHA256, digest};
use runmill_proto::{Answer, Item, ItemType, Strategy, choice_label, labelled_choice};

const PREFIXES: [&str; 3] = [
    "Please answer the following question.\n\n",
    "Here is a question for you:\n\n",
    "Consider this carefully.\n\n",
];
const SUFFIXES: [&str; 3] =
    ["\n\nThank you.", "\n\nTake your time.", "\n\nPlease answer as well as you can."];
/// White space between two words.
const GAPS: [&str; 2] = [" ", "  "];

/// Returns the item in the form of a sample. A strategy that does not fit the item leaves it as it is: choices that it does
/// not have, or a text whose form has a meaning, as that of code.
#[must_use]
pub fn varied(item: Item, strategy: Strategy, sample: u32) -> Item {
    let draw = Draw { id: item.id.clone(), sample };
    let is_code = item.item_type == ItemType::Code;
    match strategy {
        Strategy::ShuffledChoices => shuffled(item, &draw),
        Strategy::Whitespace | Strategy::Case if is_code => item,
        Strategy::Whitespace => with_text(item, |text| spaced(text, &draw)),
        Strategy::Case => with_text(item, str::to_lowercase),
        Strategy::Prefix => with_text(item, |text| format!("{}{text}", draw.one_of(&PREFIXES))),
        Strategy::Suffix => with_text(item, |text| format!("{text}{}", draw.one_of(&SUFFIXES))),
    }
}

fn with_text(mut item: Item, change: impl FnOnce(&str) -> String) -> Item {
    item.inputs.text = change(&item.inputs.text);
    item
}

/// Changes the white space between words within a line. Line breaks stay, since they may part a list.
fn spaced(text: &str, draw: &Draw) -> String {
    let mut gaps = 0;
    let lines = text.split('\n').map(|line| {
        line.split(' ').fold(String::new(), |mut spaced, word| {
            if !spaced.is_empty() {
                gaps += 1;
                spaced.push_str(if draw.number(gaps).is_multiple_of(4) { GAPS[1] } else { GAPS[0] });
            }
            spaced.push_str(word);
            spaced
        })
    });
    format!("\n{}\n\n", lines.collect::<Vec<_>>().join("\n"))
}

/// Gives the choices another order.
fn shuffled(mut item: Item, draw: &Draw) -> Item {
    let mut order: Vec<usize> = (0..item.choices.len()).collect();
    order.sort_by_cached_key(|place| draw.digest(*place));
    if order.is_sorted() && order.len() > 1 {
        order.rotate_left(1);
    }
    item.answer = item.answer.map(|answer| match answer {
        Answer::One(one) => Answer::One(moved(&one, &item.choices, &order)),
        Answer::Many(many) => {
            Answer::Many(many.iter().map(|one| moved(one, &item.choices, &order)).collect())
        }
    });
    item.answers = item.answers.iter().map(|one| moved(one, &item.choices, &order)).collect();
    item.choices = order.iter().map(|place| item.choices[*place].clone()).collect();
    item
}

/// Returns the reference for the new order: a letter is that of the choice's new place, and a choice's text stays.
fn moved(reference: &str, choices: &[String], order: &[usize]) -> String {
    let is_text = choices.iter().any(|choice| choice.trim() == reference.trim());
    let letter = reference.trim().trim_matches(|char: char| !char.is_alphanumeric()).to_uppercase();
    let place = labelled_choice(&letter).filter(|_| !is_text);
    match place.and_then(|place| order.iter().position(|old| *old == place)) {
        Some(new) => choice_label(new),
        None => reference.to_owned(),
    }
}

/// Source of what is random about a form: the same item and sample draw the same, in any release.
struct Draw {
    id: String,
    sample: u32,
}

impl Draw {
    fn digest(&self, part: usize) -> [u8; 8] {
        let hash = digest(&SHA256, format!("{}\n{}\n{part}", self.id, self.sample).as_bytes());
        let mut first = [0; 8];
        first.copy_from_slice(&hash.as_ref()[..8]);
        first
    }

    fn number(&self, part: usize) -> u64 {
        u64::from_be_bytes(self.digest(part))
    }

    fn one_of<'a>(&self, texts: &[&'a str]) -> &'a str {
        let place = usize::from(self.digest(0)[0]) % texts.len();
        texts[place]
    }
}
