"""The jobs, done with runmill."""

from jobs import File, Typed, Way

RUN = 'runmill run questions.csv --base-url "$OPENAI_BASE_URL" --model small --scorer includes'
FIRST = Typed(RUN)
TEMPLATE = "{{ question }}\n\nAnswer with one number.\n"
SUITE = """\
datasets: [{file: easy.csv}, {file: hard.csv}]
models: [{model: small}, {model: large}]
prompts:
  - {name: plain}
  - {name: number, config: {prompt_template: "{{ question }}\\n\\nAnswer with one number."}}
options: {scorer: includes}
"""


def ways() -> dict[str, Way]:
    return {
        "first": Way((), (FIRST,), r"^score"),
        "template": Way((FIRST,), (File("number.j2", TEMPLATE), Typed(f"{RUN} --prompt number.j2")), r"^score"),
        "wrong": Way((FIRST,), (Typed("runmill runs results last --wrong"),), r"gsm8k-test-\d+ +wrong"),
        "export": Way((FIRST,), (Typed("runmill runs results last --out results.csv"),), makes="results.csv"),
        "stop": Way((), (Typed(f"{RUN} --concurrency 4", (130,), 20), Typed(f"{RUN} --concurrency 4")), r"resuming|^score"),
        "failed": Way((Typed(RUN, (5,)),), (Typed("runmill runs retry-failed last"),), r"resuming|^score", is_mended=True),
        "scorer": Way((FIRST,), (Typed("runmill runs rescore last --scorer numeric"),), r"includes|numeric"),
        "again": Way((FIRST,), (FIRST,), r"no model is called|^score"),
        "models": Way((), (Typed(RUN.replace("--model small", "--model small --model large")),), r"questions\.csv +\w+ "),
        "limits": Way((), (Typed(f"{RUN} --concurrency 4 --rpm 600"),), r"^score"),
        "gate": Way((), (Typed(f"{RUN} --min-score 0.9 --out results.junit.xml", (4,)),), r"gate missed"),
        "suite": Way((), (File("suite.yaml", SUITE), Typed('runmill run suite.yaml --base-url "$OPENAI_BASE_URL"')),
                     r"(easy|hard)\.csv +\w+ "),
    }
