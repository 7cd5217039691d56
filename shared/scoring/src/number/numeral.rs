//! Reads the digits of a number and their separators, as the countries of the world write them.

use super::typography::GROUP_SPACE;

/// Largest number of groups that are read as one number.
const GROUPS_MAX: usize = 16;

/// Digits at the beginning of a text.
#[derive(Debug, PartialEq)]
pub(super) struct Numeral {
    /// Digits with a full stop before the decimals, and without separators.
    pub digits: String,
    /// Length in the text, in bytes.
    pub len: usize,
}

/// A group of digits, and the separator that stands before it.
struct Group<'a> {
    separator: char,
    digits: &'a str,
    end: usize,
}

/// Reads the numeral that begins `text`. `is_alone` says that nothing else could be meant by two groups with a space
/// between them. Returns `None` for a version or an address such as `1.2.3`.
pub(super) fn read(text: &str, in_brackets: bool, is_alone: bool) -> Option<Numeral> {
    if let Some(decimals) = text.strip_prefix('.') {
        let len = digits(decimals);
        return (len > 0).then(|| Numeral { digits: format!("0.{}", &decimals[..len]), len: len + 1 });
    }
    let groups = groups(text);
    let first = groups.first()?;
    let separator = groups.get(1).map_or(' ', |second| second.separator);
    let whole = thousands(&groups, is_alone);
    if whole > 1 {
        return Some(with_decimals(&groups, whole, separator));
    }
    let lone = || Numeral { digits: first.digits.to_owned(), len: first.end };
    match separator {
        '.' if groups.get(2).is_some_and(|third| third.separator == '.') => None,
        '.' => Some(decimal(first, &groups[1])),
        ',' if is_decimal_comma(&groups, in_brackets) => Some(decimal(first, &groups[1])),
        _ => Some(lone()),
    }
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

fn groups(text: &str) -> Vec<Group<'_>> {
    let first = digits(text);
    let mut groups = Vec::new();
    let mut end = first;
    if first > 0 {
        groups.push(Group { separator: ' ', digits: &text[..first], end });
    }
    while let Some(separator) = text[end..].chars().next().filter(|c| is_separator(*c)) {
        let start = end + separator.len_utf8();
        let len = digits(&text[start..]);
        if len == 0 || groups.is_empty() || groups.len() == GROUPS_MAX {
            break;
        }
        end = start + len;
        groups.push(Group { separator, digits: &text[start..end], end });
    }
    groups
}

const fn is_separator(c: char) -> bool {
    matches!(c, ',' | '.' | '\'' | '_' | ' ' | GROUP_SPACE)
}

/// Returns the number of groups that make the whole number: 1 if no separator of thousands is meant.
fn thousands(groups: &[Group<'_>], is_alone: bool) -> usize {
    let [first, second, ..] = groups else { return groups.len() };
    let separator = second.separator;
    let same = 1 + groups[1..].iter().take_while(|group| group.separator == separator).count();
    let of_three = 1 + groups[1..same].iter().take_while(|group| group.digits.len() == 3).count();
    let is_short = first.digits.len() <= 3;
    match separator {
        ',' if of_three == same && is_short && first.digits != "0" => same,
        ',' if is_indian(&groups[..same]) => same,
        // One point is a decimal point, unless a comma follows the group.
        '.' if of_three == same && is_short && (same > 2 || is_followed_by_comma(groups, same)) => same,
        ' ' if of_three > 1 && is_short && (of_three > 2 || is_alone) => of_three,
        '\'' | '_' | GROUP_SPACE if of_three == same && is_short => same,
        _ => 1,
    }
}

fn is_followed_by_comma(groups: &[Group<'_>], at: usize) -> bool {
    groups.get(at).is_some_and(|group| group.separator == ',')
}

/// Returns true for `1,00,000`: two digits in each group but the last.
fn is_indian(groups: &[Group<'_>]) -> bool {
    let [first, middle @ .., last] = groups else { return false };
    let of_two = middle.iter().all(|group| group.digits.len() == 2);
    !middle.is_empty() && of_two && first.digits.len() <= 2 && last.digits.len() == 3
}

/// A decimal comma has no second comma after it. In brackets it separates coordinates.
fn is_decimal_comma(groups: &[Group<'_>], in_brackets: bool) -> bool {
    let is_list = in_brackets || groups.get(2).is_some_and(|third| third.separator == ',');
    let could_be_thousands = groups[1].digits.len() == 3 && groups[0].digits != "0";
    !is_list && (!could_be_thousands || groups[0].digits.len() > 3)
}

fn with_decimals(groups: &[Group<'_>], whole: usize, separator: char) -> Numeral {
    let mut digits: String = groups[..whole].iter().map(|group| group.digits).collect();
    let decimals = groups
        .get(whole)
        .filter(|group| matches!(group.separator, '.' | ',') && group.separator != separator);
    if let Some(decimals) = decimals {
        digits.push('.');
        digits.push_str(decimals.digits);
    }
    Numeral { digits, len: decimals.unwrap_or(&groups[whole - 1]).end }
}

fn decimal(whole: &Group<'_>, decimals: &Group<'_>) -> Numeral {
    Numeral { digits: format!("{}.{}", whole.digits, decimals.digits), len: decimals.end }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_of_the_world() {
        let table = [
            ("1234567", "1234567", 7),
            ("1,234,567 eggs", "1234567", 9),
            ("1 234 567", "1234567", 9),
            ("1'234'567", "1234567", 9),
            ("1_234_567", "1234567", 9),
            ("1.234.567", "1234567", 9),
            ("1.234,50", "1234.50", 8),
            ("1,234.50", "1234.50", 8),
            ("1,00,000", "100000", 8),
            ("12,34,567.5", "1234567.5", 11),
            ("3,5", "3.5", 3),
            ("0,125", "0.125", 5),
            ("1,2,3", "1", 1),
            ("1, 2", "1", 1),
            ("1.", "1", 1),
            ("1.234", "1.234", 5),
            ("2 100", "2", 1),
            (".5", "0.5", 2),
        ];
        for (text, digits, len) in table {
            assert_eq!(read(text, false, false), Some(Numeral { digits: digits.into(), len }), "{text}");
        }
        assert_eq!(read("1.2.3", false, false), None);
        assert_eq!(read("3,5", true, false).unwrap().digits, "3", "coordinates");
        assert_eq!(read("2 100", false, true).unwrap().digits, "2100", "nothing else is there");
    }
}
