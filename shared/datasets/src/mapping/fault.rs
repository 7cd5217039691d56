use runmill_proto::ItemFault;

use super::path::Path;

/// Error for a row that is no item, in words for the person who has the file.
#[derive(Debug, thiserror::Error)]
pub enum MapFault {
    #[error("{0}{hint}", hint = hint(.0))]
    NotAnItem(#[from] ItemFault),
    #[error("it has `inputs.{0}`, which runmill cannot send; remove it to ask the rest of the question")]
    Unsent(&'static str),
    #[error("it has no field {name}; its fields are {}", .present.join(", "))]
    MissingField { name: Path, present: Vec<String> },
    /// A value that cannot be the text of a question, an id, a choice or a reference.
    #[error("{name} is {what}, and {part} must be a text")]
    NotText { name: Path, what: String, part: &'static str },
    #[error(
        "{name} is an object with the rows' numbers as its keys, which pandas' df.to_json() writes by default; \
         df.to_json(..., orient=\"records\", lines=True) makes a file that is read"
    )]
    ByColumn { name: Path },
    #[error("{name}: {fault}")]
    Conversation { name: Path, fault: ConversationFault },
    #[error(
        "{name} is {what}; choices are a list, a JSON or Python list in a text, or a text with `|` between them"
    )]
    Choices { name: Path, what: String },
    #[error("{name}: choice {number} is {what}, and a choice must be a text")]
    Choice { name: Path, number: usize, what: String },
    #[error("{name}: {fault}")]
    Answer { name: Path, fault: AnswerFault },
    #[error(
        "{name}: promptfoo's `{kind}` is not read; equals, contains, icontains, contains-any and regex are"
    )]
    Assertion { name: Path, kind: String },
    #[error("it has {0} expectations of promptfoo, and one is read; map another answer with --map")]
    Expectations(usize),
}

/// Error for a list that is no conversation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConversationFault {
    #[error("message {0} has no role and content")]
    NotMessage(usize),
    #[error("message {number} has the role `{role}`; system, developer, user and assistant are read")]
    Role { number: usize, role: String },
    #[error("message {0} has a content that is no text")]
    Content(usize),
    #[error("the conversation must end with a message of the user")]
    End,
}

/// Error for a reference that names no choice, or that could name two.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerFault {
    #[error("`{0}` is none of the choices: neither a text nor a letter nor a place of them")]
    Unknown(String),
    #[error(
        "there is no choice number {number} of {choices}; choices are counted from 0, and with :index1 from 1"
    )]
    Place { number: usize, choices: usize },
    #[error("{0} is no place of a choice")]
    NotPlace(String),
    #[error(
        "`{text}` can be {}; say which with --map answer=FIELD:index0, FIELD:index1, FIELD:letter or FIELD:text",
        .meanings.join(" or ")
    )]
    Open { text: String, meanings: Vec<String> },
    #[error("the list of right choices has no 1")]
    NoneMarked,
}

const fn hint(fault: &ItemFault) -> &'static str {
    match fault {
        ItemFault::Image(..) => "",
        _ => ". For other field names use --map, as --map question=prompt,answer=target",
    }
}

/// Error for the value of `--map`, or for a file whose fields say too little without one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MapError {
    #[error("`{0}` is not PART=FIELD")]
    NotPair(String),
    #[error("`{0}` is not one of question, answer, choices, id")]
    UnknownPart(String),
    #[error("`{0}` is given twice")]
    Twice(String),
    #[error("it needs question=FIELD")]
    NoQuestion,
    #[error("`{0}` has no second quotation mark")]
    Quote(String),
    #[error("the fields are {}; say what they are, as in --map question={first},answer=FIELD", .names.join(", "), first = .names.first().map_or("FIELD", String::as_str))]
    Unrecognised { names: Vec<String> },
    #[error(
        "promptfoo's variables are {}; say which is the question with --map question={first}, or give a template \
         that uses them with --prompt FILE", .names.join(", "), first = .names.first().map_or("FIELD", String::as_str)
    )]
    Variables { names: Vec<String> },
}
