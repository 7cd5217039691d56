//! Texts of a call, as its run wants them to be stored. They leave the executor in no other form, so the log's message,
//! the tables, the events and the exports have them in this one.

use std::fmt::Write;

use ring::digest::{SHA256, digest};
use runmill_proto::{Score, Texts, ToolCall, message::Invocation};

/// Returns the start of a question, its hash, or an empty text.
pub fn question(text: &str, texts: Texts) -> String {
    if texts.are_kept() { Invocation::preview(text) } else { stored(text, texts).unwrap_or_default() }
}

/// Replaces the texts of an answer that has its score.
pub fn store(invocation: Invocation, texts: Texts) -> Invocation {
    if texts.are_kept() {
        return invocation;
    }
    let kept = |text: Option<String>| text.and_then(|text| stored(&text, texts));
    let calls = invocation.tool_calls.into_iter();
    let calls = calls.filter_map(|call| Some(ToolCall { arguments: kept(Some(call.arguments))?, ..call }));
    let score = invocation.score.map(|score| Score { extracted: kept(score.extracted), ..score });
    Invocation {
        response: kept(invocation.response),
        reasoning: kept(invocation.reasoning),
        tool_calls: calls.collect(),
        // The tokens are the answer, piece by piece.
        logprobs: None,
        score,
        ..invocation
    }
}

/// Returns `text`, its hash, or nothing.
fn stored(text: &str, texts: Texts) -> Option<String> {
    match texts {
        Texts::All => Some(text.to_owned()),
        Texts::Hashes => Some(hash(text)),
        Texts::None => None,
    }
}

fn hash(text: &str) -> String {
    let digest = digest(&SHA256, text.as_bytes());
    digest.as_ref().iter().fold("sha256:".to_owned(), |mut hash, byte| {
        write!(hash, "{byte:02x}").expect("writing to a string does not fail");
        hash
    })
}

#[cfg(test)]
mod tests {
    use runmill_proto::{InvocationId, Outcome, TokenLogprob, testing};
    use uuid::Uuid;

    use super::*;

    fn answered() -> Invocation {
        let call = testing::call(InvocationId::from_uuid(Uuid::nil()));
        let token = TokenLogprob { token: "42".into(), logprob: -0.1, top_logprobs: Vec::new() };
        Invocation {
            response: Some("42".into()),
            reasoning: Some("six by seven".into()),
            tool_calls: vec![ToolCall { id: "t1".into(), name: "add".into(), arguments: "{}".into() }],
            logprobs: Some(vec![token]),
            score: Some(Score {
                scorer: "exact".into(),
                version: 1,
                value: Some(1.0),
                extracted: Some("42".into()),
                detail: None,
            }),
            ..testing::invocation(testing::key(0), call, Outcome::Succeeded)
        }
    }

    fn stored_as(texts: Texts) -> Invocation {
        store(answered(), texts)
    }

    #[test]
    fn equal_texts_have_equal_hashes() {
        let hashed = stored_as(Texts::Hashes);
        // `printf 42 | sha256sum`
        let want = "sha256:73475cb40a568e8da8a045ced110137e159f890ac4da883b6b17dc651b3a8049";
        assert_eq!(hashed.response.as_deref(), Some(want));
        let score = hashed.score.unwrap();
        assert_eq!((score.value, score.extracted.as_deref()), (Some(1.0), Some(want)));
        assert!(hashed.reasoning.unwrap().starts_with("sha256:"));
        assert_eq!(hashed.tool_calls[0].name, "add");
        assert!(hashed.tool_calls[0].arguments.starts_with("sha256:"));
        assert_eq!(hashed.logprobs, None);
        assert!(question("6 * 7?", Texts::Hashes).starts_with("sha256:"));
    }

    #[test]
    fn nothing_but_the_score_is_stored_if_the_run_says_so() {
        let bare = stored_as(Texts::None);
        assert_eq!(
            (bare.response, bare.reasoning, bare.tool_calls, bare.logprobs),
            (None, None, vec![], None)
        );
        let score = bare.score.unwrap();
        assert_eq!((score.value, score.extracted), (Some(1.0), None));
        assert_eq!(question("6 * 7?", Texts::None), "");
    }

    #[test]
    fn all_texts_are_stored_as_they_are() {
        assert_eq!(stored_as(Texts::All), answered());
        assert_eq!(question(&"x".repeat(200), Texts::All).len(), 120);
    }
}
