//! Files as well-known data sets and tools have them are read without `--map`.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a failed test")]

use std::path::Path;

use runmill_datasets::{Items, Mapping, Options, Plan};
use runmill_proto::{Answer, Item, ItemType};

/// Returns the shape by which a file is recognised, and its items.
fn read(file: &str, map: Option<&str>) -> (Option<&'static str>, Vec<Item>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/public").join(file);
    let map = map.map(|map| Mapping::parse(map).unwrap());
    let items = Items::open(&path, Options { map, ..Options::default() }).unwrap();
    let shape = match items.plan() {
        Plan::Fields(mapping) => mapping.shape,
        Plan::Items => None,
    };
    (shape, items.map(|read| read.unwrap_or_else(|error| panic!("{file}: {error}")).item).collect())
}

fn one(text: &str) -> Option<Answer> {
    (!text.is_empty()).then(|| Answer::One(text.to_owned()))
}

#[test]
fn public_shapes_are_read_as_they_are() {
    let table: [(&str, &str, &str, &str, &str); 14] = [
        ("arc.jsonl", "ARC", "Own_1", "Which of these conducts electricity best?", "B"),
        ("arc.arrow", "ARC", "Own_1", "Which of these conducts electricity best?", "B"),
        ("mmlu.parquet", "MMLU", "row-1", "What is the derivative of x squared?", "C"),
        ("mmlu.feather", "MMLU", "row-1", "What is the derivative of x squared?", "C"),
        ("workbook.xlsx", "fields with the names of the parts", "row-1", "What is 6 x 7?", "42"),
        ("hellaswag.csv", "HellaSwag", "7", "A man mixes flour and water. he", "B"),
        ("gsm8k.jsonl", "GSM8K", "row-1", "A box has 12 eggs. How many eggs have 100 boxes?", "1,200"),
        (
            "truthfulqa.json",
            "TruthfulQA, one choice",
            "row-1",
            "Do goldfish forget everything after three seconds?",
            "A",
        ),
        (
            "humaneval.jsonl.gz",
            "HumanEval",
            "Own/0",
            "def double(n: int) -> int:\n    \"\"\"Returns twice n.\"\"\"\n",
            "",
        ),
        (
            "squad.parquet",
            "SQuAD",
            "own1",
            "The Aare flows through Bern, the city of bears.\n\nThrough which city does the Aare flow?",
            "Bern",
        ),
        ("inspect.jsonl", "samples of inspect", "1", "What is the capital of Peru?", "Lima"),
        ("promptfoo.csv", "promptfoo", "row-1", "What colour is a clear sky?", "blue"),
        ("lm-eval.jsonl", "samples of lm-eval", "0", "Question: What is 6 x 7?\nAnswer:", "42"),
        ("openai-evals.jsonl", "OpenAI evals", "row-1", "dog", "chien"),
    ];
    for (file, shape, id, text, answer) in table {
        let (found, items) = read(file, None);
        let first = &items[0];
        assert_eq!(found, Some(shape), "{file}");
        assert_eq!(
            (first.id.as_str(), first.inputs.text.as_str(), &first.answer),
            (id, text, &one(answer)),
            "{file}"
        );
    }
}

#[test]
fn what_is_special_about_them_is_kept() {
    let (_, arc) = read("arc.jsonl", None);
    assert_eq!(
        (arc[1].choices.join(" "), &arc[1].answer),
        ("4 6 8 2".into(), &one("B")),
        "the label, not the place"
    );
    let (_, mmlu) = read("mmlu.parquet", None);
    assert_eq!((mmlu[1].choices.join(" "), &mmlu[1].answer), ("4 3 6 1".into(), &one("B")));
    let (_, swag) = read("hellaswag.csv", None);
    assert_eq!((swag[0].choices[3].as_str(), &swag[1].answer), ("sings it's song.", &one("A")));
    let (_, code) = read("humaneval.jsonl.gz", None);
    let meta = code[0].meta.as_ref().unwrap();
    assert_eq!((code[0].item_type, meta["entry_point"].as_str()), (ItemType::Code, Some("double")));
    let (_, squad) = read("squad.parquet", None);
    assert_eq!(squad[0].answers, ["Bern, the city of bears"]);
    assert_eq!((&squad[1].answer, squad[1].answers.len()), (&None, 0), "it cannot be answered");
    let (_, inspect) = read("inspect.jsonl", None);
    assert_eq!(inspect[0].inputs.messages[0].content, "Answer in one word.");
    assert_eq!((inspect[0].answers.join(" "), &inspect[1].answer), ("Lima, Peru".into(), &one("Santiago")));
    let (_, promptfoo) = read("promptfoo.csv", None);
    assert_eq!(promptfoo[0].checker, Some("includes".into()));
    assert_eq!((&promptfoo[1].checker, &promptfoo[1].answer), (&None, &one("42")));
    let (_, evals) = read("openai-evals.jsonl", None);
    assert_eq!((evals[0].answers.join(" "), &evals[1].answer), ("le chien".into(), &one("chat")));
}

#[test]
fn a_map_goes_before_the_shape() {
    let map = "question=question,choices=choices,answer=answerKey:index1";
    let (shape, items) = read("arc.jsonl", Some("question=question,answer=answerKey"));
    assert_eq!((shape, &items[0].answer, items[0].id.as_str()), (None, &one("B"), "row-1"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/public/arc.jsonl");
    let options = Options { map: Some(Mapping::parse(map).unwrap()), ..Options::default() };
    let fault = Items::open(&path, options).unwrap().next().unwrap().unwrap_err().to_string();
    assert_eq!(fault, "line 1: `answerKey`: B is no place of a choice");
}
