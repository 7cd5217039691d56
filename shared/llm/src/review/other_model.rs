use runmill_proto::{Note, Remarks};

/// Removes the name that the answer gives to its model if it is the one that was asked for. Returns a note if it is
/// another model, and not a version of the same one.
pub(super) fn note(remarks: &mut Remarks, asked: &str) -> Option<Note> {
    let answered = remarks.answered_by.take()?;
    if is_same(&answered, asked) {
        return None;
    }
    let note = (!is_version(&answered, asked)).then_some(Note::OtherModel);
    remarks.answered_by = Some(answered);
    note
}

/// Returns true for equal names. A prefix of the asked name may have been cut when it was sent.
fn is_same(answered: &str, asked: &str) -> bool {
    let prefix = asked.strip_suffix(answered);
    prefix.is_some_and(|prefix| prefix.is_empty() || prefix.ends_with('/'))
}

/// Returns true if the answered name is the asked one with a folder before it, or with a date, a number or `latest`
/// after it.
fn is_version(answered: &str, asked: &str) -> bool {
    let name = |model: &str| model.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let (answered, asked) = (name(answered), name(asked));
    let Some(version) = answered.strip_prefix(&asked) else { return false };
    let version = version.strip_prefix(['-', '@', ':']).unwrap_or(version);
    version.is_empty()
        || (version.len() + asked.len() < answered.len()
            && (version == "latest" || version.bytes().all(|c| c.is_ascii_digit() || c == b'-')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_of_the_asked_model_is_recorded_and_not_noted() {
        let (same, version, other) = ((false, false), (true, false), (true, true));
        let table = [
            ("gpt-4o", "gpt-4o", same),
            ("openai/gpt-4o", "gpt-4o", same),
            ("gpt-4o", "gpt-4o-2024-08-06", version),
            ("openai/gpt-4o", "gpt-4o-2024-08-06", version),
            ("gemini-2.0-flash", "gemini-2.0-flash-001", version),
            ("claude-haiku-4-5", "claude-haiku-4-5@20251001", version),
            ("mistral-small", "mistral-small-latest", version),
            ("smollm", "/models/smollm", version),
            ("qwen/Qwen3", "qwen3", version),
            ("gpt-4o", "gpt-4o-mini", other),
            ("gpt-4o", "gpt-4o-mini-2024-07-18", other),
            ("gpt-4", "gpt-41", other),
            ("x", "SmolLM2-135M", other),
        ];
        for (asked, answered, want) in table {
            let mut remarks = Remarks { answered_by: Some(answered.to_owned()), ..Remarks::default() };
            let note = note(&mut remarks, asked);
            assert_eq!((remarks.answered_by.is_some(), note.is_some()), want, "{asked}: {answered}");
        }
    }
}
