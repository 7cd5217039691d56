use super::fence;

/// Indentation of a function's body.
const INDENT: &str = "    ";

/// Words with which a line begins that is not indented and goes on with the code.
const CODE_STARTS: [&str; 25] = [
    "def ", "class ", "async ", "@", "import ", "from ", "#", "if ", "elif ", "else:", "for ", "while ",
    "try:", "except", "finally:", "with ", "assert ", "raise ", "print(", "return", "\"\"\"", "'''", ")",
    "]", "}",
];

/// Returns the module that the answer to the prompt means.
pub(super) fn module(prompt: &str, answer: &str, entry_point: &str) -> String {
    let is_whole = |text: &str| definition(text, entry_point).is_some();
    let blocks = fence::blocks(answer);
    let block = blocks.iter().find(|block| is_whole(block)).or_else(|| blocks.first());
    let code = block.map_or_else(|| bare(answer, is_whole(answer)), Clone::clone);
    if is_whole(&code) {
        return whole(prompt, &code, entry_point);
    }
    format!("{}\n{}\n", prompt.trim_end(), continuation(&code))
}

/// Returns the place of the line that defines the entry point.
fn definition(text: &str, entry_point: &str) -> Option<usize> {
    let mut from = 0;
    for line in text.split_inclusive('\n') {
        if is_definition(line, entry_point) {
            return Some(from);
        }
        from += line.len();
    }
    None
}

fn is_definition(line: &str, name: &str) -> bool {
    let rest = line.strip_prefix("async ").map_or(line, str::trim_start);
    match ["def ", "class "].iter().find_map(|keyword| rest.strip_prefix(keyword)) {
        Some(rest) => {
            rest.trim_start().strip_prefix(name).is_some_and(|rest| !rest.starts_with(is_of_a_name))
        }
        None => line.strip_prefix(name).is_some_and(is_assignment),
    }
}

fn is_of_a_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

fn is_assignment(rest: &str) -> bool {
    rest.trim_start().strip_prefix('=').is_some_and(|value| !value.starts_with('='))
}

/// Returns the module of an answer that has the whole function. Imports and functions of the prompt go before it: an
/// answer often takes them as given.
fn whole(prompt: &str, code: &str, entry_point: &str) -> String {
    let given = definition(prompt, entry_point).map_or("", |start| &prompt[..start]);
    // Python wants these first.
    let (future, rest): (Vec<_>, Vec<_>) =
        code.lines().partition(|line| line.starts_with("from __future__ "));
    let mut lines = future;
    lines.push(given.trim_end());
    lines.extend(rest);
    lines.join("\n") + "\n"
}

/// Returns the code of an answer without fences, which may stand between sentences.
fn bare(answer: &str, is_whole: bool) -> String {
    let from = if is_whole { start_of_code(answer) } else { 0 };
    let mut lines = Vec::new();
    let mut has_body = false;
    for line in answer[from..].lines() {
        let is_indented = line.starts_with([' ', '\t']);
        has_body |= is_indented;
        if has_body && !is_indented && !line.is_empty() && !is_code(line) {
            break;
        }
        lines.push(line);
    }
    lines.join("\n")
}

/// Returns the place of the first line that begins as a module does.
fn start_of_code(answer: &str) -> usize {
    let starts = ["def ", "class ", "async def ", "@", "import ", "from "];
    let mut from = 0;
    for line in answer.split_inclusive('\n') {
        let is_sentence = line.starts_with("from ") && !line.contains(" import ");
        if !is_sentence && starts.iter().any(|start| line.starts_with(start)) {
            return from;
        }
        from += line.len();
    }
    0
}

fn is_code(line: &str) -> bool {
    let is_assignment = line.split_once('=').is_some_and(|(name, _)| {
        let name = name.trim_end_matches(['+', '-', '*', '/', ' ']);
        !name.is_empty() && !name.contains(' ')
    });
    is_assignment || CODE_STARTS.iter().any(|start| line.starts_with(start))
}

/// Returns the body of a function, indented as one.
fn continuation(code: &str) -> String {
    let code = code.trim_matches('\n').trim_end();
    if code.is_empty() {
        return format!("{INDENT}pass");
    }
    if indentation(code) > 0 {
        return code.to_owned();
    }
    match lost_indentation(code) {
        Some(width) => " ".repeat(width) + code,
        None => code.lines().map(|line| format!("{INDENT}{line}")).collect::<Vec<_>>().join("\n"),
    }
}

/// Returns the indentation that the first line of a trimmed answer has lost, or `None` if the whole body is without.
fn lost_indentation(code: &str) -> Option<usize> {
    let mut lines = code.lines().filter(|line| !line.trim().is_empty());
    let opens = lines.next()?.trim_end().ends_with(':');
    let rest: Vec<_> = lines.map(indentation).collect();
    let (second, least) = (*rest.first()?, *rest.iter().min()?);
    if opens && second == least {
        // All that follows may be the block of the first line; then only a deep one tells that the line had some.
        return (second >= 2 * INDENT.len()).then_some(INDENT.len());
    }
    (least > 0).then_some(least)
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PROMPT: &str = "from math import pi\n\n\ndef area(r):\n    \"\"\" The area of a circle. \"\"\"\n";
    const BODY: &str = "    square = r * r\n    return pi * square";
    const WHOLE: &str = "def area(r):\n    square = r * r\n    return pi * square";

    fn area(answer: &str) -> String {
        module(PROMPT, answer, "area")
    }

    #[test]
    fn the_rest_of_the_function_is_put_behind_the_prompt() {
        let want = format!("{}\n{BODY}\n", PROMPT.trim_end());
        let dedented = "square = r * r\nreturn pi * square";
        let answers = [
            BODY.to_owned(),
            format!("\n{BODY}\n\n"),
            format!("```python\n{BODY}\n```"),
            BODY.trim().to_owned(),
            dedented.to_owned(),
            format!("The rest is:\n```\n{dedented}\n```\nas asked."),
            format!("{BODY}\n\nThis multiplies the square by pi."),
        ];
        for answer in answers {
            assert_eq!(area(&answer), want, "{answer}");
        }
    }

    #[test]
    fn a_whole_function_has_what_the_prompt_imports() {
        let want = format!("from math import pi\n{WHOLE}\n");
        let answers = [
            WHOLE.to_owned(),
            format!("```python\n{WHOLE}\n```"),
            format!(
                "  1. So:\n  ```py\n{}\n  ```",
                WHOLE.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
            ),
            format!("Call it so:\n```\narea(1)\n```\nIt is:\n```python\n{WHOLE}\n```"),
            format!("```python\n{WHOLE}"),
            format!("Here is what you want:\n\n{WHOLE}\n\nIt is from a book. Enjoy!"),
        ];
        for answer in answers {
            assert_eq!(area(&answer).replace("\n\n", "\n"), want, "{answer}");
        }
    }

    #[test]
    fn a_definition_is_told_from_what_looks_like_one() {
        let table = [
            ("def area(r):", true),
            ("async def area(r):", true),
            ("class area:", true),
            ("area = lambda r: r", true),
            ("def  area (r):", true),
            ("def areas(r):", false),
            ("    def area(r):", false),
            ("area == 3", false),
            ("area(3)", false),
        ];
        for (line, want) in table {
            assert_eq!(is_definition(line, "area"), want, "{line}");
        }
    }

    #[test]
    fn imports_from_the_future_come_first() {
        let module = area(&format!("```python\nfrom __future__ import annotations\n\n{WHOLE}\n```"));
        assert!(module.starts_with("from __future__ import annotations\nfrom math import pi\n"), "{module}");
    }

    #[test]
    fn helpers_and_decorators_stay() {
        let answer = format!(
            "import functools\n\ndef half(x):\n    return x / 2\n\nTWO = 2\n\n@functools.cache\n{WHOLE}\n"
        );
        assert!(area(&answer).contains(answer.trim_end()), "{}", area(&answer));
    }

    #[test]
    fn an_opener_that_lost_its_indentation_is_told_from_a_dedented_body() {
        let body = "    if r < 0:\n        return 0\n    return 1";
        let want = format!("{}\n{body}\n", PROMPT.trim_end());
        assert_eq!(area(body.trim()), want);
        assert_eq!(area("if r < 0:\n    return 0\nreturn 1"), want);

        let narrow = "    if r < 0:\n      return 0\n    return 1";
        assert_eq!(area(narrow.trim()), format!("{}\n{narrow}\n", PROMPT.trim_end()));
        let one = "    for x in r:\n        return x";
        assert_eq!(area(one.trim()), area(one));
        assert_eq!(area("for x in r:\n    return x"), area(one));
    }

    #[test]
    fn an_answer_without_code_makes_a_function_that_does_nothing() {
        for answer in ["", " \n", "```python\n```"] {
            assert!(area(answer).ends_with("\"\"\"\n    pass\n"), "{answer}");
        }
    }

    proptest! {
        #[test]
        fn any_answer_makes_a_module(prompt in any::<String>(), answer in any::<String>(), name in any::<String>()) {
            module(&prompt, &answer, &name);
        }

        #[test]
        fn any_lines_make_a_module(
            lines in prop::collection::vec("(```|    |def area|from |x = |é| )?[a-z(:]{0,3}", 0..12),
        ) {
            module(PROMPT, &lines.join("\n"), "area");
        }
    }
}
