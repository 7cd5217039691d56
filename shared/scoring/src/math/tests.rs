use std::time::Instant;

use proptest::prelude::*;

use super::*;

fn value(reference: &str, answer: &str) -> Option<f64> {
    mark(&[reference.to_owned()], answer).value
}

#[test]
fn equal_expressions_are_right() {
    let table = [
        ("1/2", r"\frac{1}{2}"),
        ("1/2", "0.5"),
        ("1/3", "0.333333"),
        (r"\frac12", "1/2"),
        (r"\frac{3}{4}", r"\dfrac34"),
        ("2.5", r"2\frac{1}{2}"),
        (r"\sqrt{8}", r"2\sqrt{2}"),
        (r"2\sqrt2", r"\sqrt{8}"),
        (r"\frac{1}{\sqrt{2}}", r"\frac{\sqrt{2}}{2}"),
        (r"\sqrt[3]{-8}", "-2"),
        ("2^{100}", "1267650600228229401496703205376"),
        ("1000", "10^3"),
        ("50%", "1/2"),
        (r"50\%", "0.5"),
        ("x^2 + 2x + 1", "(x+1)^2"),
        (r"\frac{x^2-1}{x-1}", "x + 1"),
        ("2x", r"2 \cdot x"),
        (r"\sin^2 x + \cos^2 x", "1"),
        (r"\log_2 8", "3"),
        (r"\ln e", "1"),
        (r"e^{2x}", r"\exp(2x)"),
        (r"|x|", "x"),
        (r"\pi/2", r"\frac{\pi}{2}"),
        ("5!", "120"),
        (r"\binom{5}{2}", "10"),
        ("5", "x = 5"),
        ("x = 5", "5"),
        ("y = 2x + 1", "2x - y + 1 = 0"),
        ("x > 5", "5 < x"),
        ("(1, 2)", r"\left(1, \frac{4}{2}\right)"),
        (r"\{1, 2\}", "2, 1"),
        ("1, 2", "x = 2, x = 1"),
        ("1,2", "2 and 1"),
        (r"[0, \infty)", r"[0, \infty)"),
        (r"(-\infty, 0) \cup (1, 2)", r"(1,2)\cup(-\infty,0)"),
        (r"\pm 3", "3, -3"),
        (r"1 \pm \sqrt{2}", r"1 - \sqrt 2, 1 + \sqrt 2"),
        (r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}", r"\begin{pmatrix}1&2\\3&\frac{8}{2}\end{pmatrix}"),
        ("1,000,000", "10^6"),
        ("12", r"\$12"),
        (r"\text{(B)}", "B"),
        (r"90^\circ", "90"),
        ("x_1 + x_2", "x_2 + x_1"),
        ("-3", "−3"),
        ("even", r"\text{even}"),
        ("3/4", "So we have $x$ and thus $y = \\frac{3}{4}$."),
        ("3/4", r"The answer is $\frac{3}{4}$. It is small."),
        ("3/4", r"\boxed{\frac{3}{4}}"),
        ("18", r"\boxed{18\text{ dollars}}"),
        ("18", "She makes 18 dollars."),
        (r"5.4 \text{ cents}", "5.4"),
        (r"864 \mbox{ inches}^2", "864"),
        (r"\frac{9}{7}", r"\frac{9}{7} \approx 1.2857"),
        (r"x \ge 2", r"[2, \infty)"),
        ("x < 2", r"(-\infty, 2)"),
        (r"\frac{1 \pm \sqrt{5}}{2}", r"\frac{1+\sqrt5}{2}, \frac{1-\sqrt5}{2}"),
        ("6 - 5i", "-5i + 6"),
        (r"2516_8", "2516_8"),
    ];
    let wrong: Vec<_> = table.iter().filter(|(a, b)| value(a, b) != Some(1.0)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn other_expressions_are_wrong() {
    let table = [
        ("1/2", "1/3"),
        ("1/3", "0.33"),
        ("2^{100}", "2^{100} + 1"),
        ("x^2 + 1", "x^2 + 2"),
        ("2x", "2y"),
        ("x", "1"),
        ("(1, 2)", "(2, 1)"),
        ("(0, 1)", "[0, 1]"),
        (r"\{1, 2\}", "1"),
        ("1, 2", "1, 2, 3"),
        ("x > 5", "x < 5"),
        ("x > 5", r"x \ge 5"),
        ("y = 2x + 1", "y = 2x - 1"),
        (r"\sqrt{2}", "1.41"),
        ("5", "-5"),
        ("x < 2", r"(-\infty, 2]"),
        (r"\infty", r"-\infty"),
        ("9007199254740993", "9007199254740992"),
    ];
    let wrong: Vec<_> = table.iter().filter(|(a, b)| value(a, b) != Some(0.0)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn prose_is_unscored() {
    for answer in ["I do not know how to do this", "There are none"] {
        assert_eq!(value("5", answer), None, "{answer}");
    }
}

#[test]
fn hostile_expressions_end_soon() {
    let deep = |text: &str| text.repeat(400);
    let hostile = [
        deep("("),
        deep("("),
        deep("-"),
        deep("{{"),
        deep("x^"),
        deep("2^") + "2",
        deep(r"\frac{1}{"),
        deep("1+") + "1",
        deep("x*") + "x",
        deep("!"),
        deep("9!"),
        "9^9^9^9^9^9".into(),
        "1/0".into(),
        "0/0".into(),
        format!("({}!)!", "9".repeat(300)),
        deep("1,"),
        deep("[0,1]\\cup"),
        deep("=x"),
        deep("_{x}"),
    ];
    let started = Instant::now();
    for text in &hostile {
        value(text, text);
        value("x^2", text);
        value(text, "(x+1)^{10}");
    }
    let most = u128::try_from(hostile.len()).unwrap() * 3 * 50;
    assert!(started.elapsed().as_millis() < most, "at most 50 ms each: {:?}", started.elapsed());
}

proptest! {
    #[test]
    fn no_expression_is_too_odd(
        a in r"(\\frac|\\sqrt|\\sin|\\log_|\\pi|\\infty|\\cup|\\\\|[0-9xye+*/^_(){}\[\]|!%,;=<> .-]){0,40}",
        b in "\\PC{0,40}",
    ) {
        value(&a, &b);
        value(&b, &a);
        value("x", &a);
    }

    #[test]
    fn an_expression_equals_itself(a in 1..50_i32, b in 1..50_i32, c in 2..9_u32) {
        let product = format!("({a}x + {b})^{c}");
        let other = format!(r"\left({b} + {a} \cdot x\right)^{{{c}}}");
        prop_assert_eq!(value(&product, &other), Some(1.0));
        let wrong = format!("({a}x + {b})^{c} + 1");
        prop_assert_eq!(value(&product, &wrong), Some(0.0));
    }
}
