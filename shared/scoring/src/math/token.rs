//! Splits a formula in LaTeX or plain text into tokens.

/// Largest length of a formula, in bytes.
const LENGTH_MAX: usize = 2000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// Digits, perhaps with a decimal point.
    Number(String),
    /// Letter or Greek letter, perhaps with an index.
    Variable(String),
    /// Name of a function or constant without its backslash: `sqrt`, `sin`, `pi`.
    Name(&'static str),
    Sign(char),
}

/// Names that are read with and without a backslash.
const NAMES: &[&str] = &[
    "sqrt", "frac", "binom", "sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "sinh",
    "cosh", "tanh", "ln", "log", "exp", "abs", "pi", "infty", "cup",
];

/// Commands that only look, and take no part in the value.
const SILENT: &[&str] = &[
    "left",
    "right",
    "big",
    "Big",
    "bigl",
    "bigr",
    "Bigl",
    "Bigr",
    "displaystyle",
    "quad",
    "qquad",
    "limits",
    "text",
    "textbf",
    "mathrm",
    "mathbf",
    "mbox",
    "operatorname",
    "circ",
    "degree",
];

/// Commands that change the value in ways which are not evaluated.
const UNREAD: &[&str] =
    &["overline", "lfloor", "rfloor", "lceil", "rceil", "int", "sum", "prod", "lim", "bmod", "pmod"];

const SIGNS: &[(&str, char)] = &[
    ("cdot", '*'),
    ("times", '*'),
    ("ast", '*'),
    ("div", '/'),
    ("le", '≤'),
    ("leq", '≤'),
    ("leqslant", '≤'),
    ("ge", '≥'),
    ("geq", '≥'),
    ("geqslant", '≥'),
    ("lt", '<'),
    ("gt", '>'),
    ("neq", '≠'),
    ("ne", '≠'),
    ("in", '∈'),
    ("pm", '±'),
    ("approx", '='),
    ("lbrace", '{'),
    ("rbrace", '}'),
    ("lvert", '|'),
    ("rvert", '|'),
    ("vert", '|'),
    ("mid", '|'),
];

/// Returns the tokens, or `None` for a text that is no formula or too long.
pub(super) fn tokens(text: &str) -> Option<Vec<Token>> {
    if text.len() > LENGTH_MAX {
        return None;
    }
    let text = without_grouping(text);
    let mut found = Vec::new();
    let mut rest = text.as_str();
    while let Some(c) = rest.chars().next() {
        let len = match c {
            c if c.is_whitespace() || matches!(c, '$' | '~') => c.len_utf8(),
            '0'..='9' | '.' => number(rest, &mut found)?,
            '\\' => command(rest, &mut found)?,
            c if c.is_alphabetic() => word(rest, &mut found)?,
            c => sign(rest, c, &mut found)?,
        };
        rest = &rest[len..];
    }
    Some(found)
}

/// Removes separators of thousands and turns typography into ASCII.
fn without_grouping(text: &str) -> String {
    let text = text
        .replace(r"\%", "%")
        .replace(r"\$", "")
        .replace(r"\!", "")
        .replace("{,}", ",")
        .replace(r"^\circ", "")
        .replace(r"^{\circ}", "");
    let text = crate::number::plain_characters(&text);
    let bytes = text.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let is_group = |at: usize| {
        let after = (1..=3).all(|n| is_digit(at + n)) && !is_digit(at + 4);
        bytes[at] == b',' && at > 0 && is_digit(at - 1) && after && digits_before(bytes, at) <= 3
    };
    let kept = text.char_indices().filter(|(at, c)| *c != ',' || !is_group(*at));
    kept.map(|(_, c)| c).collect()
}

fn digits_before(bytes: &[u8], at: usize) -> usize {
    bytes[..at].iter().rev().take_while(|byte| byte.is_ascii_digit()).count()
}

fn number(rest: &str, found: &mut Vec<Token>) -> Option<usize> {
    let whole = rest.bytes().take_while(u8::is_ascii_digit).count();
    let has_point = rest[whole..].starts_with('.');
    let decimals =
        if has_point { rest[whole + 1..].bytes().take_while(u8::is_ascii_digit).count() } else { 0 };
    if whole + decimals == 0 {
        // A full stop ends the sentence.
        return rest[1..].trim().is_empty().then_some(1);
    }
    // Without braces, each argument of `\frac12` is one digit.
    let is_argument =
        matches!(found.as_slice(), [.., Token::Name("frac")] | [.., Token::Name("frac"), Token::Number(_)]);
    let len = match decimals {
        0 if is_argument => 1,
        0 => whole,
        decimals => whole + 1 + decimals,
    };
    found.push(Token::Number(rest[..len].to_owned()));
    Some(len)
}

fn command(rest: &str, found: &mut Vec<Token>) -> Option<usize> {
    let letters = rest[1..].bytes().take_while(u8::is_ascii_alphabetic).count();
    if letters == 0 {
        let c = rest[1..].chars().next()?;
        match c {
            '{' => found.push(Token::Sign('⦃')),
            '}' => found.push(Token::Sign('⦄')),
            '|' => found.push(Token::Sign('|')),
            '\\' => found.push(Token::Sign('\n')),
            ',' | ';' | ':' | ' ' | '(' | ')' | '[' | ']' => {}
            _ => return None,
        }
        return Some(1 + c.len_utf8());
    }
    let name = &rest[1..=letters];
    let plain =
        name.strip_prefix(['d', 't', 'c']).filter(|plain| matches!(*plain, "frac" | "binom")).unwrap_or(name);
    if let Some(known) = NAMES.iter().find(|known| **known == plain) {
        found.push(Token::Name(known));
    } else if let Some((_, sign)) = SIGNS.iter().find(|(known, _)| *known == name) {
        found.push(Token::Sign(*sign));
    } else if matches!(name, "begin" | "end") {
        return environment(&rest[1 + letters..], name == "begin", found).map(|len| 1 + letters + len);
    } else if UNREAD.contains(&name) {
        return None;
    } else if !SILENT.contains(&name) {
        // All other commands, such as Greek letters, are variables.
        found.push(Token::Variable(name.to_owned()));
    }
    Some(1 + letters)
}

/// Reads `{pmatrix}` and the like as brackets.
fn environment(rest: &str, begins: bool, found: &mut Vec<Token>) -> Option<usize> {
    let end = rest.find('}').filter(|_| rest.starts_with('{'))?;
    let is_matrix = rest[1..end].ends_with("matrix");
    found.push(Token::Sign(if begins { '⟦' } else { '⟧' }));
    is_matrix.then_some(end + 1)
}

fn word(rest: &str, found: &mut Vec<Token>) -> Option<usize> {
    let len = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
    let word = &rest[..len];
    if let Some(known) = NAMES.iter().find(|known| **known == word) {
        found.push(Token::Name(known));
        return Some(len);
    }
    match word {
        "π" => found.push(Token::Name("pi")),
        "or" | "and" => found.push(Token::Sign(',')),
        // Letters side by side are a product, but a longer word is prose.
        _ if word.chars().count() <= 3 => {
            found.extend(word.chars().map(|c| Token::Variable(c.to_string())));
        }
        _ => return None,
    }
    Some(len)
}

fn sign(rest: &str, c: char, found: &mut Vec<Token>) -> Option<usize> {
    let (sign, len) = match c {
        '*' if rest.starts_with("**") => ('^', 2),
        '<' if rest.starts_with("<=") => ('≤', 2),
        '>' if rest.starts_with(">=") => ('≥', 2),
        '×' | '·' => ('*', c.len_utf8()),
        '√' => {
            found.push(Token::Name("sqrt"));
            return Some(c.len_utf8());
        }
        '∞' => {
            found.push(Token::Name("infty"));
            return Some(c.len_utf8());
        }
        '∪' => {
            found.push(Token::Name("cup"));
            return Some(c.len_utf8());
        }
        '°' => return Some(c.len_utf8()),
        '≈' => ('=', c.len_utf8()),
        // It separates the columns of a matrix.
        '&' => (';', c.len_utf8()),
        '+' | '-' | '*' | '/' | '^' | '_' | '(' | ')' | '[' | ']' | '{' | '}' | '|' | '!' | '%' | ','
        | ';' | '=' | '<' | '>' | '≤' | '≥' | '≠' | '∈' | '±' => (c, c.len_utf8()),
        _ => return None,
    };
    found.push(Token::Sign(sign));
    Some(len)
}
