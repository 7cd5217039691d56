/// Number of choices whose labels have one letter.
pub const ONE_LETTER_LABELS: usize = 26;

/// More letters than the label of any choice has that fits into a line of a dataset.
const LETTERS_MAX: usize = 6;

/// Returns the label of the choice at a position, from 0: `A` to `Z`, then `AA`, `AB` and so on.
pub fn choice_label(position: usize) -> String {
    let mut letters = Vec::new();
    let mut rest = position;
    loop {
        letters.push((b'A'..=b'Z').nth(rest % ONE_LETTER_LABELS).expect("a remainder is below 26"));
        match (rest / ONE_LETTER_LABELS).checked_sub(1) {
            Some(higher) => rest = higher,
            None => break,
        }
    }
    letters.iter().rev().map(|letter| char::from(*letter)).collect()
}

/// Returns the position, from 0, of the choice with this label. `None` if the text is no label, which has only upper-case
/// letters.
pub fn labelled_choice(label: &str) -> Option<usize> {
    if label.is_empty() || label.len() > LETTERS_MAX || !label.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let digits = label.bytes().map(|letter| usize::from(letter - b'A') + 1);
    Some(digits.fold(0, |sum, digit| sum * ONE_LETTER_LABELS + digit) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_go_on_after_z() {
        let table =
            [(0, "A"), (25, "Z"), (26, "AA"), (27, "AB"), (51, "AZ"), (52, "BA"), (701, "ZZ"), (702, "AAA")];
        for (position, label) in table {
            assert_eq!(choice_label(position), label);
        }
    }

    #[test]
    fn what_is_no_label_has_no_position() {
        for text in ["", "a", "Aa", "A1", "Ä", "A B", "ABCDEFG"] {
            assert_eq!(labelled_choice(text), None, "{text}");
        }
    }

    #[test]
    fn every_label_leads_back_to_its_position() {
        for position in 0..20_000 {
            assert_eq!(labelled_choice(&choice_label(position)), Some(position));
        }
    }
}
