//! Shapes of files as known data sets and tools write them, recognised by the fields of the first row.

use super::{
    AnswerFrom, ChoicesFrom, MapError, Mapping, Reading, conversation::messages, path::Path, promptfoo,
};
use crate::{Cell, row::Fields};

/// Names of the columns of a table with a column for each choice.
const LETTERS: [&str; 10] = ["A", "B", "C", "D", "E", "F", "G", "H", "I", "J"];

pub fn recognise(first: &Fields, used: &[String]) -> Result<Mapping, MapError> {
    let row = Shape(first);
    if row.has_all(&["doc_id", "doc"]) {
        return lm_eval(row).ok_or_else(|| unrecognised(first));
    }
    if first.iter().any(|(name, _)| promptfoo::is_expected(name)) {
        return promptfoo_table(first, used);
    }
    known(row).or_else(|| template_alone(first, used)).ok_or_else(|| unrecognised(first))
}

fn known(row: Shape<'_>) -> Option<Mapping> {
    let shapes: [fn(Shape<'_>) -> Option<Mapping>; 11] = [
        conversations,
        truthful_qa,
        human_eval,
        hella_swag,
        arc,
        lettered,
        mmlu_pro,
        squad,
        inspect,
        gsm8k,
        own_names,
    ];
    let mut mapping = shapes.into_iter().find_map(|shape| shape(row))?;
    let id = ["id", "task_id", "question_id", "ind"].into_iter().find(|name| row.has_all(&[name]));
    mapping.id = mapping.id.or_else(|| id.map(Path::new));
    Some(mapping)
}

fn unrecognised(first: &Fields) -> MapError {
    MapError::Unrecognised { names: first.iter().map(|(name, _)| name.to_string()).collect() }
}

#[derive(Clone, Copy)]
struct Shape<'a>(&'a Fields);

impl Shape<'_> {
    fn has_all(self, names: &[&str]) -> bool {
        names.iter().all(|name| self.0.iter().any(|(field, _)| **field == **name))
    }

    fn find(self, name: &str) -> Option<Cell> {
        Path::new(name).find(self.0).map(std::borrow::Cow::into_owned)
    }

    /// Returns the first of the names that is a field.
    fn first_of(self, names: &[&'static str]) -> Option<&'static str> {
        names.iter().copied().find(|name| self.has_all(&[name]))
    }
}

fn mapping(shape: &'static str, question: &str, answer: AnswerFrom) -> Mapping {
    Mapping {
        shape: Some(shape),
        question: vec![Path::new(question)],
        answer: Some(answer),
        ..Mapping::default()
    }
}

fn field(name: &str, reading: Reading) -> AnswerFrom {
    AnswerFrom::Field(Path::new(name), reading)
}

fn choices(name: &str) -> ChoicesFrom {
    ChoicesFrom::Field(Path::new(name))
}

/// `OpenAI`'s evals (`input`, `ideal`) and fine-tuning files (`messages`).
fn conversations(row: Shape<'_>) -> Option<Mapping> {
    if row.has_all(&["input", "ideal"]) {
        return Some(mapping("OpenAI evals", "input", field("ideal", Reading::Auto)));
    }
    let is_conversation = row.find("messages").as_ref().and_then(messages).is_some();
    is_conversation.then(|| mapping("chat messages", "messages", AnswerFrom::LastTurn))
}

fn truthful_qa(row: Shape<'_>) -> Option<Mapping> {
    if row.has_all(&["question", "mc1_targets"]) {
        let answer = AnswerFrom::Marks(Path::new("mc1_targets.labels"));
        let choices = Some(choices("mc1_targets.choices"));
        return Some(Mapping { choices, ..mapping("TruthfulQA, one choice", "question", answer) });
    }
    let names = ["best_answer", "correct_answers"];
    row.has_all(&["question", "best_answer", "correct_answers"]).then(|| {
        mapping("TruthfulQA, free answers", "question", AnswerFrom::AnyOf(names.map(Path::new).to_vec()))
    })
}

fn human_eval(row: Shape<'_>) -> Option<Mapping> {
    row.has_all(&["task_id", "prompt", "test", "entry_point"]).then(|| Mapping {
        shape: Some("HumanEval"),
        question: vec![Path::new("prompt")],
        is_code: true,
        ..Mapping::default()
    })
}

fn hella_swag(row: Shape<'_>) -> Option<Mapping> {
    let answer = field("label", Reading::Index0);
    row.has_all(&["ctx", "endings", "label"])
        .then(|| Mapping { choices: Some(choices("endings")), ..mapping("HellaSwag", "ctx", answer) })
}

/// ARC, `OpenBookQA` and `CommonsenseQA`, whose choices have labels.
fn arc(row: Shape<'_>) -> Option<Mapping> {
    let question = row.first_of(&["question", "question_stem"])?;
    // Some files have the choices within the question: {"question": {"stem": ..., "choices": [...]}}.
    if row.has_all(&["answerKey"]) && row.find("question.stem").is_some() {
        let answer = field("answerKey", Reading::Auto);
        return Some(Mapping {
            choices: Some(choices("question.choices")),
            ..mapping("ARC", "question.stem", answer)
        });
    }
    let answer = field("answerKey", Reading::Auto);
    row.has_all(&["choices", "answerKey"])
        .then(|| Mapping { choices: Some(choices("choices")), ..mapping("ARC", question, answer) })
}

/// MMLU as a table and Kaggle's question sets: a column for each choice.
fn lettered(row: Shape<'_>) -> Option<Mapping> {
    let question = row.first_of(&["question", "Question", "prompt", "input"])?;
    let answer = row.first_of(&["answer", "Answer", "target"])?;
    let columns: Vec<_> =
        LETTERS.into_iter().take_while(|name| row.has_all(&[name])).map(Path::new).collect();
    (columns.len() >= 2).then(|| Mapping {
        choices: Some(ChoicesFrom::Columns(columns)),
        ..mapping("a column for each choice", question, field(answer, Reading::Letter))
    })
}

fn mmlu_pro(row: Shape<'_>) -> Option<Mapping> {
    row.has_all(&["question", "options", "answer", "answer_index"]).then(|| Mapping {
        choices: Some(choices("options")),
        ..mapping("MMLU-Pro", "question", field("answer_index", Reading::Index0))
    })
}

fn squad(row: Shape<'_>) -> Option<Mapping> {
    row.has_all(&["context", "question", "answers"]).then(|| Mapping {
        question: vec![Path::new("context"), Path::new("question")],
        ..mapping("SQuAD", "question", field("answers", Reading::Auto))
    })
}

fn inspect(row: Shape<'_>) -> Option<Mapping> {
    let choices = match row.find("choices") {
        None | Some(Cell::Missing) => None,
        Some(Cell::List(items)) if items.is_empty() => None,
        Some(_) => Some(choices("choices")),
    };
    // Targets of a sample with choices are letters.
    row.has_all(&["input", "target"]).then(|| Mapping {
        choices,
        ..mapping("samples of inspect", "input", field("target", Reading::Letter))
    })
}

fn gsm8k(row: Shape<'_>) -> Option<Mapping> {
    let answer = row.find("answer")?;
    let is_worked = answer.scalar().is_some_and(|text| text.contains("\n####"));
    (is_worked && row.has_all(&["question"]))
        .then(|| mapping("GSM8K", "question", AnswerFrom::Hashes(Path::new("answer"))))
}

/// Fields with the names of the parts, as in MMLU, whose `answer` is the place of the right choice.
fn own_names(row: Shape<'_>) -> Option<Mapping> {
    if !row.has_all(&["question"]) {
        return None;
    }
    let has_choices = row.has_all(&["choices"]);
    let is_mmlu = row.has_all(&["subject", "choices", "answer"]);
    let reading = if is_mmlu { Reading::Index0 } else { Reading::Auto };
    Some(Mapping {
        shape: Some(if is_mmlu { "MMLU" } else { "fields with the names of the parts" }),
        question: vec![Path::new("question")],
        answer: row.has_all(&["answer"]).then(|| field("answer", reading)),
        choices: has_choices.then(|| choices("choices")),
        ..Mapping::default()
    })
}

/// Samples that lm-eval logs: the prompt of a task that generates, or the document of one that ranks choices.
fn lm_eval(row: Shape<'_>) -> Option<Mapping> {
    let shape = "samples of lm-eval";
    let id = Some(Path::new("doc_id"));
    let is_one = |name: &str| match row.find(name) {
        Some(Cell::List(calls)) => calls.len() == 1,
        Some(Cell::Object(calls)) => calls.len() == 1,
        _ => false,
    };
    if is_one("arguments") && row.has_all(&["target"]) {
        let prompt = ["arguments.gen_args_0.arg_0", "arguments.0.0"]
            .into_iter()
            .find(|name| row.find(name).is_some())?;
        let target = row.find("target")?;
        let is_worked = target.scalar().is_some_and(|text| text.contains("\n####"));
        let answer =
            if is_worked { AnswerFrom::Hashes(Path::new("target")) } else { field("target", Reading::Auto) };
        return Some(Mapping { id, ..mapping(shape, prompt, answer) });
    }
    if row.find("doc.query").is_some() && row.find("doc.gold").is_some() {
        let answer = field("doc.gold", Reading::Index0);
        return Some(Mapping {
            id,
            choices: Some(choices("doc.choices")),
            ..mapping(shape, "doc.query", answer)
        });
    }
    let Some(Cell::Object(doc)) = row.find("doc") else { return None };
    let within = known(Shape(&doc))?;
    Some(Mapping { shape: Some(shape), id, ..within.below("doc.") })
}

impl Mapping {
    /// Returns the mapping of fields that stand below `prefix`.
    fn below(self, prefix: &str) -> Self {
        let all = |names: Vec<Path>| names.into_iter().map(|name| name.below(prefix)).collect();
        Self {
            question: all(self.question),
            choices: self.choices.map(|from| match from {
                ChoicesFrom::Field(name) => ChoicesFrom::Field(name.below(prefix)),
                ChoicesFrom::Columns(names) => ChoicesFrom::Columns(all(names)),
            }),
            answer: self.answer.map(|from| match from {
                AnswerFrom::Field(name, reading) => AnswerFrom::Field(name.below(prefix), reading),
                AnswerFrom::Hashes(name) => AnswerFrom::Hashes(name.below(prefix)),
                AnswerFrom::Marks(name) => AnswerFrom::Marks(name.below(prefix)),
                AnswerFrom::AnyOf(names) => AnswerFrom::AnyOf(all(names)),
                other => other,
            }),
            id: self.id.map(|name| name.below(prefix)),
            ..self
        }
    }
}

/// A table of promptfoo's tests, whose question is the only variable, one with a usual name, or one that the template uses.
fn promptfoo_table(first: &Fields, used: &[String]) -> Result<Mapping, MapError> {
    let variables: Vec<_> =
        first.iter().map(|(name, _)| &**name).filter(|name| !name.starts_with(promptfoo::OWN)).collect();
    let usual = ["question", "prompt", "input"];
    let question = match variables.as_slice() {
        [only] => Some(*only),
        several => several
            .iter()
            .find(|name| usual.contains(name))
            .or_else(|| several.iter().find(|name| used.iter().any(|it| it == *name)))
            .copied(),
    };
    match question {
        Some(question) => Ok(mapping("promptfoo", question, AnswerFrom::Expected)),
        None => Err(MapError::Variables { names: variables.into_iter().map(str::to_owned).collect() }),
    }
}

/// A file of any fields of which a prompt template uses some: the first of them is the question's text.
fn template_alone(first: &Fields, used: &[String]) -> Option<Mapping> {
    let (question, _) = first.iter().find(|(name, _)| used.iter().any(|it| **it == **name))?;
    Some(Mapping {
        shape: Some("fields of the template"),
        question: vec![Path::new(&**question)],
        ..Mapping::default()
    })
}
