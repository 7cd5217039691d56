//! Sentences about the answered calls of a run: how they were changed, and what their answers lack.

use runmill_proto::{Fix, Note, api::Run};

/// Returns the model that was asked for, and those that answered if they name themselves otherwise.
pub fn model(run: &Run) -> String {
    if run.answered_by.is_empty() {
        return run.model.clone();
    }
    format!("{} (answered by {})", run.model, run.answered_by.join(", "))
}

/// Returns how the requests differ from what was asked for, and what the answers lack.
pub fn notes(run: &Run) -> Vec<String> {
    let fixes = run.fixes.iter().map(|(fix, calls)| format!("{} ({})", changed(*fix), answers(*calls)));
    // The model's row tells of other models.
    let notes = run.notes.iter().filter(|(note, _)| **note != Note::OtherModel);
    fixes.chain(notes.map(|(note, calls)| format!("{} ({})", lacking(*note), answers(*calls)))).collect()
}

fn answers(number: u64) -> String {
    if number == 1 { "1 answer".to_owned() } else { format!("{number} answers") }
}

fn changed(fix: Fix) -> String {
    match fix {
        Fix::Buffered => {
            "asked for whole answers, because the model does not stream what was asked for".to_owned()
        }
        Fix::Streamed => "asked for streams, because the model only streams".to_owned(),
        Fix::OtherTokenLimit => "sent the token limit by its other name".to_owned(),
        Fix::FullModelName => "sent the model's name with its prefix".to_owned(),
        Fix::ShortModelName => "sent the model's name without its prefix".to_owned(),
        Fix::SystemInQuestion => {
            "sent the system prompt before the question, because the model has no system role".to_owned()
        }
        other => match other.as_str().strip_prefix("no_") {
            Some(name) => format!("sent without {name}, which the model refuses"),
            None => format!("changed: {}", other.as_str().replace('_', " ")),
        },
    }
}

fn lacking(note: Note) -> String {
    match note {
        Note::UsageNotTold => "the provider did not tell the tokens".to_owned(),
        Note::UsageUnreadable => "a count of tokens could not be read".to_owned(),
        Note::FormatNotHeld => "JSON was asked for, and the answer is none".to_owned(),
        Note::NoLogprobs => "log probabilities were asked for, and the answer has none".to_owned(),
        Note::NoEndMark => "the stream ended without its end mark, after a stop reason".to_owned(),
        Note::StoppedAtLimit => "the answer is as long as the token limit, so it may be cut".to_owned(),
        Note::OtherModel => "another model answered".to_owned(),
    }
}
