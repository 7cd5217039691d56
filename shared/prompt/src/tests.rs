use std::{
    thread,
    time::{Duration, Instant},
};

use super::*;

fn item() -> Item {
    let json = r#"{"id":"q1","type":"mcq_single","inputs":{"text":"Red?"},"choices":["yes","no"],
        "answer":"A","meta":{"topic":"colour"}}"#;
    Item::from_json(json).unwrap()
}

#[test]
fn the_default_is_the_text_and_lettered_choices() {
    let prompt = Prompt::compile(None).unwrap().render(&item()).unwrap();
    assert_eq!(prompt, "Red?\n\nA. yes\nB. no\n\nAnswer with the letter of the right choice.");
}

#[test]
fn every_choice_is_in_the_default_also_after_the_26th() {
    let choices = (0..30).map(|n| format!("label {n}")).collect();
    let prompt = Prompt::compile(None).unwrap().render(&Item { choices, ..item() }).unwrap();
    for line in ["A. label 0", "Z. label 25", "AA. label 26", "AD. label 29"] {
        assert!(prompt.lines().any(|it| it == line), "{prompt}");
    }
    assert!(prompt.ends_with("\n\nAnswer with the label of the right choice."), "{prompt}");
}

#[test]
fn a_template_sees_the_item() {
    let template = "[{{ meta.topic }}] {{ text }} {% for c in choices %}({{ c }}){% endfor %}";
    let prompt = Prompt::compile(Some(template)).unwrap().render(&item()).unwrap();
    assert_eq!(prompt, "[colour] Red? (yes)(no)");
}

#[test]
fn a_template_uses_the_fields_of_the_file_by_their_names() {
    let with = |meta: &str| {
        let json = format!(r#"{{"id":"q1","type":"freeform","inputs":{{"text":"?"}},"meta":{meta}}}"#);
        Item::from_json(&json).unwrap()
    };
    let first = with(r#"{"review":"Fine.","id":"of the file","n":{"m":7}}"#);
    let template = "{{ review }} {{ id }} {{ n.m }}";
    check(template, Some(&first)).unwrap();
    assert_eq!(Prompt::compile(Some(template)).unwrap().render(&first).unwrap(), "Fine. q1 7");

    let fault = |template: &str, first: &Item| check(template, Some(first)).unwrap_err().to_string();
    assert!(fault("{{ reviw }}", &first).starts_with(
        "`reviw` is no variable; a template can use text, choices, id and meta, and the item's fields review, n"
    ));
    assert!(fault("{{ n.absent }}", &first).starts_with("the prompt template: undefined value"));
    for meta in ["[1]", "\"text\"", "null"] {
        assert_eq!(Prompt::compile(Some("{{ text }}")).unwrap().render(&with(meta)).unwrap(), "?", "{meta}");
    }
    let mut used = names("{{ review }} {{ text }} {{ range(2) }}").unwrap();
    used.sort();
    assert_eq!(used, ["review", "text"]);
}

#[test]
fn a_template_that_asks_nothing_of_the_item_or_names_nothing_known_is_refused() {
    let table = [
        (
            "Q: {{ question }}",
            Some("`question` is no variable; a template can use text, choices, id and meta"),
        ),
        ("{{ text }} {{ meta.topic }} {% if topic is defined %}x{% endif %}", Some("`topic` is no variable")),
        ("Q: {question}", Some("`{question}` would be sent as it is; write {{ text }} where")),
        ("Answer in JSON: {\"a\": 1}", Some("uses no part of the item")),
        ("Answer.", Some("uses no part of the item")),
        ("{{ text }} as {answer}", None),
        ("{% for c in choices %}{{ loop.index }} {{ c }}{% endfor %}", None),
        ("{% set x = meta.topic %}{{ x }}{% for n in range(2) %}{{ n }}{% endfor %}", None),
        ("{% macro m(a) %}{{ a }}{% endmacro %}{{ m(text) }}", None),
    ];
    for (template, want) in table {
        let found = check(template, None).err().map(|error| error.to_string());
        match (&found, want) {
            (None, None) => {}
            (Some(found), Some(want)) => assert!(found.contains(want), "{template}: {found}"),
            _ => panic!("{template}: {found:?}"),
        }
    }
}

#[test]
fn a_faulty_template_is_an_error_that_says_where() {
    let broken = check("{{ text", None).unwrap_err().to_string();
    assert!(broken.contains("prompt:1"), "{broken}");
    let unknown = Prompt::compile(Some("{{ question }}")).unwrap().render(&item()).unwrap_err().to_string();
    assert!(unknown.contains("undefined"), "{unknown}");
}

/// Longest time that a refused template may take for one item, on a busy machine. On a quiet one it takes some milliseconds.
const TIME_MAX: Duration = Duration::from_secs(5);

/// Renders a template for an item on a thread with the stack that is asked for. Returns the text of the error.
fn refusal(template: &str) -> String {
    let template = template.to_owned();
    let render = move || {
        let begun = Instant::now();
        let text = Prompt::compile(Some(&template)).and_then(|prompt| prompt.render(&item()));
        assert!(begun.elapsed() < TIME_MAX, "{:?}: {}", begun.elapsed(), excerpt(&template));
        text.err().unwrap_or_else(|| panic!("it can be rendered: {}", excerpt(&template))).to_string()
    };
    let thread = thread::Builder::new().stack_size(STACK_BYTES).spawn(render).unwrap();
    thread.join().unwrap()
}

fn excerpt(template: &str) -> String {
    template.chars().take(100).collect()
}

#[test]
fn a_template_that_loops_recurses_includes_or_builds_much_is_stopped_soon() {
    let table = [
        ("{% for a in range(10000) %}{% for b in range(10000) %}x{% endfor %}{% endfor %}", "fuel"),
        ("{% for a in range(1000000000) %}x{% endfor %}", "too many elements"),
        ("{% macro again(a) %}{{ again(a) }}{% endmacro %}{{ again(text) }}", "recursion limit"),
        ("{% for a in choices recursive %}{{ loop(choices) }}{% endfor %}", "recursion limit"),
        ("{% include 'prompt' %}{{ text }}", "include"),
        ("{% include '/etc/passwd' %}{{ text }}", "non-existing"),
        ("{% extends 'prompt' %}{{ text }}", "cycle"),
        ("{% import 'prompt' as other %}{{ other }}", "include"),
        ("{{ 'x' * 100000000 }}", "fuel"),
        ("{{ text * 25000000 }}", "fuel"),
        ("{{ '%100000000d' | format(1) }}", "fuel"),
        ("{{ text | indent(100000000) }}", "fuel"),
        ("{{ [text] * 1000000 }}", "too large to be printed"),
        ("{% set long %}{{ [text] * 1000000 }}{% endset %}{{ long }}", "too large to be printed"),
        (
            "{% set s = namespace(x=text) %}{% for i in range(40) %}{% set s.x = s.x ~ s.x %}{% endfor %}{{ s.x }}",
            "fuel",
        ),
        (
            "{% set s = namespace(x=text) %}{% for i in range(20) %}{% set s.x = [s.x, s.x] %}{% endfor %}{{ s.x }}",
            "too large to be printed",
        ),
    ];
    for (template, want) in table {
        let error = refusal(template);
        assert!(error.contains(want), "{template}: {error}");
    }
}

#[test]
fn a_template_that_is_nested_too_deeply_is_refused() {
    let within = |before: &str, times: usize, after: &str| {
        format!("{{{{ {}text{} }}}}", before.repeat(times), after.repeat(times))
    };
    let parts = "more than 300 names, values and signs";
    let table = [
        (within("-", 310, ""), parts),
        (within("not ", 310, ""), parts),
        (within("", 310, ".a"), parts),
        (within("", 310, "~1"), parts),
        (within("", 310, "|e"), parts),
        (within("", 310, "()"), parts),
        (within("text if 0 else ", 310, ""), parts),
        (within("", 310, " and text"), parts),
        (within("", 310, " is defined"), parts),
        (format!("{{{{ '}}}}' }}}}{}", within("-", 310, "")), parts),
        (format!("{{% raw %}}{{{{ '{{% endraw %}}{}", within("-", 310, "")), parts),
        (format!("{{# ' #}}{}{{# ' #}}", within("-", 310, "")), parts),
        (format!("{{% if 0 %}}{}{{% endif %}}", "{% elif text %}".repeat(110)), "more than 100 `elif`"),
        (within("[", 100, "]"), "recursion limits"),
        ("{% if text %}".repeat(200), "recursion limits"),
        (within("(", 1_000, ")"), "line 1"),
        ("x".repeat(bounds::BYTES_MAX + 1), "has 131073 bytes"),
    ];
    for (template, want) in table {
        let error = refusal(&template);
        assert!(error.contains(want), "{}: {error}", excerpt(&template));
    }
}

#[test]
fn a_template_within_the_bounds_is_compiled_on_a_usual_stack() {
    let deepest = format!("{{{{ text{} }}}}", "|e".repeat(bounds::PARTS_MAX / 2 - 1));
    let branches = format!("{{% if 0 %}}{}{{% endif %}}{deepest}", "{% elif 0 %}".repeat(bounds::ELIFS_MAX));
    check(&branches, None).unwrap();
    assert_eq!(Prompt::compile(Some(&branches)).unwrap().render(&item()).unwrap(), "Red?");
}

#[test]
fn lists_in_lists_are_printed() {
    let template =
        "{% set s = namespace(x=text) %}{% for i in range(500) %}{% set s.x = [s.x] %}{% endfor %}{{ s.x }}";
    let render = || Prompt::compile(Some(template)).unwrap().render(&item()).unwrap();
    let printed = thread::Builder::new().stack_size(STACK_BYTES).spawn(render).unwrap().join().unwrap();
    assert!(printed.starts_with("[[[") && printed.contains("Red?"), "{}", printed.len());
}
