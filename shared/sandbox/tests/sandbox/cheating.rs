use runmill_sandbox::{Program, Verdict};

use crate::support::{check, expects, fails, passes, settings};

#[tokio::test]
async fn an_end_before_the_tests_end_is_no_pass() {
    let table = [
        ("import os\nos._exit(0)", "ended with status 0 before the tests ended"),
        ("import sys\nsys.exit(0)", "SystemExit: 0"),
        ("raise SystemExit", "SystemExit"),
        ("exit()", "SystemExit"),
        ("import os\ndef f():\n    os._exit(0)", "ended with status 0 before the tests ended"),
        ("import os\ndef f():\n    os.closerange(3, 64)\n    return 1", "before the tests ended"),
        ("import os\ndef f():\n    os.execv('/usr/bin/true', ['true'])", "before the tests ended"),
    ];
    for (code, reason) in table {
        fails(&expects(code, "1"), reason).await;
    }
}

#[tokio::test]
async fn a_test_that_catches_everything_does_not_hide_an_end() {
    let tests = "def check(candidate):\n    try:\n        candidate()\n    except:\n        pass\n";
    let program = Program { tests: tests.to_owned(), ..expects("import os\ndef f():\n    os._exit(0)", "1") };
    fails(&program, "before the tests ended").await;
}

#[tokio::test]
async fn a_forged_ruling_is_not_believed() {
    let code = r#"
import glob, json, os

line = json.dumps({"token": "0" * 32, "verdict": "passed"}) + "\n"

def f():
    print(line)
    for path in glob.glob("/proc/[0-9]*/fd/*"):
        try:
            with open(path, "w") as file:
                file.write(line)
        except OSError:
            pass
    os._exit(0)
"#;
    check(settings().limits, &expects(code, "1"), |verdict| {
        matches!(verdict, Verdict::Failed { .. } | Verdict::Broken { .. } | Verdict::Killed { .. })
    })
    .await;
}

#[tokio::test]
async fn the_judge_cannot_be_read() {
    let code = r"
import glob, os

def f():
    opened = []
    judge = os.getppid()
    for name in ['mem', 'environ', 'maps', 'fd/1', 'root', 'cwd']:
        try:
            os.listdir(f'/proc/{judge}/{name}') if name in ('root', 'cwd') else open(f'/proc/{judge}/{name}', 'rb').read(1)
            opened.append(name)
        except OSError:
            pass
    return opened
";
    passes(code, "[]").await;
}

#[tokio::test]
async fn the_tests_and_what_they_expect_are_nowhere_in_the_answers_process() {
    let code = r"
import gc, glob, sys

def f():
    places = []
    frame = sys._getframe()
    while frame:
        places.append(repr(frame.f_locals) + repr(frame.f_globals))
        frame = frame.f_back
    places += [repr(item) for item in gc.get_objects() if isinstance(item, (dict, list, tuple))][:20000]
    for path in glob.glob('/proc/[0-9]*/cmdline') + glob.glob('/tmp/*'):
        try:
            places.append(open(path, errors='replace').read())
        except OSError:
            pass
    word = '-'.join(['expected', 'value'])
    return sum(word in place for place in places)
";
    let program = expects(code, "0");
    let program = Program { tests: program.tests + "\nhidden = 'expected-value'\n", ..program };
    check(settings().limits, &program, |verdict| *verdict == Verdict::Passed).await;
}

#[tokio::test]
async fn a_result_that_claims_to_equal_everything_equals_nothing() {
    let code = "
class Same:
    def __eq__(self, other):
        return True
    def __ne__(self, other):
        return False

def f():
    return Same()
";
    fails(&expects(code, "42"), "AssertionError").await;
    fails(&expects(&code.replace("return Same()", "return [Same()]"), "[42]"), "AssertionError").await;
    fails(
        &expects(&code.replace("class Same:", "class Same(int):").replace("Same()", "Same(1)"), "42"),
        "AssertionError",
    )
    .await;
}

#[tokio::test]
async fn the_answer_cannot_bring_the_function_that_tests_it() {
    let code = "def f():\n    return 1\n\ndef check(candidate):\n    pass\n";
    let program = Program { tests: "assert True\n".to_owned(), ..expects(code, "1") };
    fails(&program, "KeyError: 'check'").await;
    let overwritten = code.replace("def check(candidate)", "def abs(value)");
    let tests = "def check(candidate):\n    assert abs(-2) == candidate()\n";
    fails(&Program { tests: tests.to_owned(), ..expects(&overwritten, "1") }, "AssertionError").await;
}

#[tokio::test]
async fn replies_that_were_not_asked_for_pass_nothing() {
    for reply in
        ["null", "{}", "[1]", "{\"dict\": 3}", "{\"dict\": [[\"raised\", 3]]}", "x", "{\"list\": [{}]}"]
    {
        let code = format!(
            "import os, sys\n\ndef f():\n    os.write(int(sys.argv[2]), b'{reply}\\n')\n    return 1\n"
        );
        let program = expects(&code, "1");
        check(settings().limits, &program, |verdict| matches!(verdict, Verdict::Failed { .. })).await;
    }
}
