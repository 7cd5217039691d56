use runmill_sandbox::{Program, Verdict, humaneval};

use crate::support::{check, expects, fails, passes, settings};

const PROMPT: &str = "from typing import List\n\n\ndef twice(x: int) -> int:\n    return 2 * x\n\n\n\
                      def total(xs: List[int]) -> int:\n    \"\"\" The sum of twice each. \"\"\"\n";
const TESTS: &str =
    "def check(candidate):\n    assert candidate([]) == 0\n    assert candidate([1, 2]) == twice(3)\n";

#[tokio::test]
async fn right_answers_pass_and_wrong_ones_fail_with_the_reason() {
    let table = [
        ("    return sum(map(twice, xs))", None),
        ("```python\ndef total(xs: List[int]) -> int:\n    return sum(twice(x) for x in xs)\n```", None),
        ("def total(xs):\n    return 2 * sum(xs)", None),
        ("    return sum(xs)", Some("AssertionError: assert candidate([1, 2]) == twice(3)")),
        ("    return xs[0]", Some("IndexError: list index out of range")),
        ("    return (", Some("SyntaxError: '(' was never closed")),
        ("    raise KeyError('no')", Some("KeyError: 'no'")),
        ("    return total(xs)", Some("RecursionError: maximum recursion depth exceeded")),
        ("I cannot do that.", Some("SyntaxError: invalid syntax")),
    ];
    for (answer, reason) in table {
        let program = humaneval::program(PROMPT, answer, TESTS, "total");
        match reason {
            None => check(settings().limits, &program, |verdict| *verdict == Verdict::Passed).await,
            Some(reason) => fails(&program, reason).await,
        }
    }
}

#[tokio::test]
async fn values_cross_as_they_are() {
    let values = "[None, True, 1, 10 ** 5000, -0.5, float('inf'), 'é\\ud800', b'x', (1, [2], {3}), {1: (2,), None: 'x'}, 2j, frozenset()]";
    let same =
        format!("all(type(a) is type(b) and a == b for a, b in zip(f(), {values})) and len(f()) == 12");
    let program = Program {
        tests: format!("assert {same}\nassert g({values}) == 12\n"),
        entry_point: None,
        ..expects(
            &format!(
                "def f():\n    return {values}\n\ndef g(values):\n    return len(values) if values == f() else 0"
            ),
            "",
        )
    };
    check(settings().limits, &program, |verdict| *verdict == Verdict::Passed).await;
}

#[tokio::test]
async fn subclasses_of_plain_types_are_their_values() {
    passes("import collections\ndef f():\n    return collections.Counter('aab')", "{'a': 2, 'b': 1}").await;
    passes("import fractions\ndef f():\n    return fractions.Fraction(1, 2)", "0.5").await;
    passes("import collections\ndef f():\n    return collections.namedtuple('P', 'x y')(1, 2)", "(1, 2)")
        .await;
}

#[tokio::test]
async fn changes_of_arguments_are_seen() {
    let program = Program {
        tests: "xs = [3, 1, 2]\nf(xs)\nassert xs == [1, 2, 3]\n".to_owned(),
        entry_point: None,
        ..expects("def f(xs):\n    xs.sort()", "")
    };
    check(settings().limits, &program, |verdict| *verdict == Verdict::Passed).await;
}

#[tokio::test]
async fn tests_may_expect_errors() {
    let tests = "try:\n    f(1)\n    assert False\nexcept ValueError:\n    pass\n";
    let raise = "class Odd(ValueError):\n    pass\n\ndef f(x):\n    raise Odd(x)";
    let program = Program { tests: tests.to_owned(), entry_point: None, ..expects(raise, "") };
    check(settings().limits, &program, |verdict| *verdict == Verdict::Passed).await;
}

#[tokio::test]
async fn a_fault_of_native_code_is_told() {
    let program = expects("import os, signal\ndef f():\n    os.kill(os.getpid(), signal.SIGSEGV)", "1");
    check(settings().limits, &program, |verdict| *verdict == Verdict::Killed { signal: 11 }).await;
}
