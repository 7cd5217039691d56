"""The jobs, done with promptfoo, as its documentation does them."""

from jobs import File, Typed, Way

CONFIG = """\
prompts: ['{{question}}']
providers: ['openai:chat:small']
tests: file://questions.csv
defaultTest:
  assert: [{type: icontains, value: '{{answer}}'}]
"""
# The status of promptfoo is 100 when a row has failed.
ROW_FAILED = (100,)
PLAIN = File("promptfooconfig.yaml", CONFIG)
FIRST = Typed("promptfoo eval", ROW_FAILED)
OTHER_SCORER = ("type: icontains, value: '{{answer}}'", "type: regex, value: '\\b{{answer}}\\b'")
TEMPLATE = "{{question}}\n\nAnswer with one number.\n"
SUITE = """\
prompts: ['{{question}}', "{{question}}\\n\\nAnswer with one number."]
providers: ['openai:chat:small', 'openai:chat:large']
tests: ['file://easy.csv', 'file://hard.csv']
defaultTest:
  assert: [{type: icontains, value: '{{answer}}'}]
"""
RATE = r"\d+ (passed|failed)"


def ways() -> dict[str, Way]:
    return {
        "first": Way((), (PLAIN, FIRST), RATE),
        "template": Way((PLAIN, FIRST), (File("number.txt", TEMPLATE), Typed("promptfoo eval -p number.txt", ROW_FAILED)), RATE),
        "wrong": Way((PLAIN, FIRST), (Typed("promptfoo show eval"),), r"FAIL", remark="`promptfoo view` is a page in the browser"),
        "export": Way((PLAIN, FIRST), (Typed("promptfoo export eval latest -o results.json"),), makes="results.json"),
        "stop": Way((PLAIN,), (Typed("promptfoo eval", (0,), 20), Typed("promptfoo eval --resume", ROW_FAILED)),
                    rf"{RATE}|[Rr]esum", remark="rows in flight at the Ctrl-C may be missing in its counts "
                    "([finding](../findings/promptfoo-resume-uncounted-rows.sh))"),
        "failed": Way((PLAIN, FIRST), (Typed("promptfoo eval --retry-errors", ROW_FAILED),), rf"{RATE}|[Rr]etr", is_mended=True),
        "scorer": Way((PLAIN, FIRST), (File("promptfooconfig.yaml", CONFIG.replace(*OTHER_SCORER)), FIRST), RATE),
        "again": Way((PLAIN, FIRST), (FIRST,), RATE),
        "models": Way((PLAIN,), (Typed("promptfoo eval -r openai:chat:small openai:chat:large", ROW_FAILED),), RATE),
        "limits": Way((PLAIN,), (Typed("promptfoo eval --delay 100", ROW_FAILED),), RATE,
                      remark="`-j` limits the calls in flight; `--delay` makes one call at a time"),
        "gate": Way((PLAIN,), (Typed("PROMPTFOO_PASS_RATE_THRESHOLD=90 promptfoo eval -o results.junit.xml", ROW_FAILED),), RATE),
        "suite": Way((), (File("promptfooconfig.yaml", SUITE), FIRST), RATE),
    }
