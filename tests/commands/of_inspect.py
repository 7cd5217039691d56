"""The jobs, done with inspect, as its documentation does them."""

from jobs import File, Typed, Way

IMPORTS = """\
from inspect_ai import Task, task
from inspect_ai.dataset import FieldSpec, csv_dataset
from inspect_ai.scorer import includes
from inspect_ai.solver import generate
"""
TASK = """

@task
def questions():
    return Task(
        dataset=csv_dataset("questions.csv", FieldSpec(input="question", target="answer", id="id")),
        solver=generate(),
        scorer=includes(),
    )
"""
WITH_TEMPLATE = ("solver=generate()", 'solver=[prompt_template("{prompt}\\n\\nAnswer with one number."), generate()]')
SUITE = """

FIELDS = FieldSpec(input="question", target="answer", id="id")
PROMPTS = {"plain": [], "number": [prompt_template("{prompt}\\n\\nAnswer with one number.")]}


def questions(file, prompt):
    return Task(dataset=csv_dataset(file, FIELDS), solver=[*PROMPTS[prompt], generate()], scorer=includes())


@task
def easy(prompt="plain"):
    return questions("easy.csv", prompt)


@task
def hard(prompt="plain"):
    return questions("hard.csv", prompt)


@task
def easy_number():
    return questions("easy.csv", "number")


@task
def hard_number():
    return questions("hard.csv", "number")
"""
# `samples_df` needs pandas and pyarrow, which inspect does not bring.
WRONG = """python -c '
from inspect_ai.log import list_eval_logs, read_eval_log
for sample in read_eval_log(list_eval_logs("logs")[0]).samples:
    if sample.scores["includes"].value != "C":
        print(sample.id, sample.target, sample.output.completion)'"""
GATE = """python -c '
import sys
from inspect_ai.log import list_eval_logs, read_eval_log
log = read_eval_log(list_eval_logs("logs")[0], header_only=True)
accuracy = log.results.scores[0].metrics["accuracy"].value
print("accuracy", accuracy)
sys.exit(accuracy < 0.9)'"""
EVAL = "inspect eval questions.py --model openai-api/mock/small"
PLAIN = File("questions.py", IMPORTS + TASK)
FIRST = Typed(EVAL)
LOG = "logs/*.eval"


def with_import(text: str) -> str:
    return text.replace("import generate", "import generate, prompt_template")


def ways() -> dict[str, Way]:
    templated = File("questions.py", with_import(IMPORTS) + TASK.replace(*WITH_TEMPLATE))
    return {
        "first": Way((), (PLAIN, FIRST), r"^accuracy"),
        "template": Way((PLAIN, FIRST), (templated, FIRST), r"^accuracy"),
        "wrong": Way((PLAIN, FIRST), (Typed(WRONG),), r"gsm8k-test-\d+ ", remark="`inspect view` is a page in the browser"),
        "export": Way((PLAIN, FIRST), (Typed(f"inspect log dump {LOG} > results.json"),), makes="results.json"),
        "stop": Way((PLAIN,), (Typed(f"{EVAL} --max-connections 4", (0, 1, 130), 20), Typed(f"inspect eval-retry {LOG}")),
                    r"^accuracy|Ctrl|retry"),
        "failed": Way((PLAIN, Typed(f"{EVAL} --continue-on-fail", (0, 1))), (Typed(f"inspect eval-retry {LOG}"),), r"^accuracy",
                      is_mended=True),
        "scorer": Way((PLAIN, FIRST), (Typed(f"inspect score {LOG} --scorer match -S numeric=true --action append --overwrite"),),
                      r"match|accuracy"),
        "again": Way((PLAIN, Typed(f"{EVAL} --cache")), (Typed(f"{EVAL} --cache"),), r"^accuracy",
                     remark="without `--cache`, 60 calls"),
        "models": Way((PLAIN,), (Typed(EVAL + ",openai-api/mock/large"),), r"^accuracy|^(easy|hard|questions)\w* \("),
        "limits": Way((PLAIN,), (Typed(f"{EVAL} --max-connections 4"),), r"^accuracy", remark="has no limit of a rate"),
        "gate": Way((PLAIN,), (FIRST, Typed(GATE, (1,))), r"^accuracy"),
        "suite": Way((), (File("suite.py", with_import(IMPORTS) + SUITE),
                          Typed("inspect eval-set suite.py --model openai-api/mock/small,openai-api/mock/large --log-dir suite")),
                     r"^accuracy|^(easy|hard|questions)\w* \("),
    }
