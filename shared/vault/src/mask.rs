const SHOWN: usize = 4;
/// Length from which some characters of a secret are shown. They would reveal too much of a shorter one.
const LENGTH_MIN: usize = 12;

/// Returns a secret as people may see it: its last four characters if it has at least twelve, otherwise none. The length
/// is not shown.
pub fn mask(value: &str) -> String {
    let length = value.chars().count();
    let shown = if length < LENGTH_MIN { 0 } else { SHOWN };
    let tail: String = value.chars().skip(length - shown).collect();
    format!("****{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_shows_four_characters_of_a_long_secret_and_none_of_a_short_one() {
        let table = [
            ("", "****"),
            ("sk-12345678", "****"),
            ("sk-123456789", "****6789"),
            ("sk-proj-a-very-long-one-ABCD", "****ABCD"),
            ("schlüsselgrößen", "****ößen"),
        ];
        for (value, want) in table {
            assert_eq!(mask(value), want, "{value}");
        }
    }
}
