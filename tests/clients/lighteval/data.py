"""Writes the data sets of the tests into a folder, as LightEval finds them offline, and what the model knows into a file:
`data.py FOLDER ANSWER_KEY`.

The model `echo` answers 15 of the 20 questions of `repeat` right, and the model `key` 15 of the 20 of `gsm8k`.
"""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
QUESTIONS = 20
RIGHT = 15


def write(folder: Path, config: str, splits: dict[str, list[dict]]) -> None:
    folder.mkdir(parents=True)
    files = "".join(f"  - split: {split}\n    path: {split}.jsonl\n" for split in splits)
    (folder / "README.md").write_text(f"---\nconfigs:\n- config_name: {config}\n  data_files:\n{files}---\n")
    for split, lines in splits.items():
        write_lines(folder / f"{split}.jsonl", lines)


def write_lines(path: Path, lines: list[dict]) -> None:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def known(number: int, line: dict) -> dict:
    """Returns an item of the answer key: the question as LightEval's task asks it, with the number behind `####`."""
    text = f"Question: {line['question']}\nAnswer:"
    answer = line["answer"].rsplit("#### ", 1)[1]
    return {"id": f"q{number}", "type": "freeform", "inputs": {"text": text}, "answer": answer}


def main(folder: Path, answer_key: Path) -> None:
    questions = [f"word {n}" for n in range(QUESTIONS)]
    repeat = [{"question": it, "answer": it if n < RIGHT else "other"} for n, it in enumerate(questions)]
    write(folder / "ours/repeat", "default", {"test": repeat})
    raw = map(json.loads, (ROOT / "tests/data/gsm8k-raw-20.jsonl").read_text().splitlines())
    gsm8k = [{"question": line["question"], "answer": line["answer"]} for line in raw]
    write(folder / "openai/gsm8k", "main", {"train": gsm8k, "test": gsm8k})
    write_lines(answer_key, [known(n, line) for n, line in enumerate(gsm8k[:RIGHT])])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
