use std::collections::BTreeSet;

use runmill_llm::{Invoked, Part, Role};
use runmill_proto::{
    ErrorKind, Outcome,
    message::{Call, ClientCall, ClientNote, Invocation, JobKey},
};

use super::{ClientCalls, make::End};
use crate::{
    invocation,
    texts::{self, question},
};

impl ClientCalls {
    /// Returns the record of a call. A call that ends without a request, and without the client's knowledge, has none.
    ///
    /// * `left_out`: names of the parameters that had no effect at the provider.
    pub(super) fn record_of(
        &self,
        call: &ClientCall,
        invoked: Option<&Invoked>,
        left_out: &[&str],
        end: &End,
    ) -> Option<Box<Invocation>> {
        let is_told = matches!(end, End::Answered(_) | End::Failed(_));
        if !is_told && invoked.is_none_or(|invoked| invoked.attempts.is_empty()) {
            return None;
        }
        let (id, now) = (invocation::new_id(), self.environment.clock.now());
        let made = match invoked {
            Some(invoked) => invoked.call(id, call.provider_id, &call.model),
            None => Call::unsent(id, call.provider_id, &call.model, now),
        };
        let blank = |made, outcome| blank(call, made, left_out, outcome);
        let record = match end {
            End::Answered(response) => invocation::with_answer(blank(made, response.outcome()), response),
            End::Failed(failure) => Invocation {
                error_kind: Some(failure.kind),
                error: Some(failure.message.clone()),
                ..blank(made, Outcome::Failed)
            },
            End::HungUp => blank(made, Outcome::Canceled),
            End::Interrupted => Invocation {
                error_kind: Some(ErrorKind::Interrupted),
                error: Some("the executor had to stop, and another one makes the call".into()),
                ..blank(made, Outcome::Failed)
            },
        };
        Some(Box::new(texts::store(record, call.config.texts)))
    }
}

/// Returns the record of a call without its answer.
fn blank(call: &ClientCall, made: Call, left_out: &[&str], outcome: Outcome) -> Invocation {
    let ignored: BTreeSet<_> =
        call.ignored.iter().map(String::as_str).chain(left_out.iter().copied()).collect();
    let client =
        ClientNote { token_id: call.token_id, ignored: ignored.into_iter().map(str::to_owned).collect() };
    let key = JobKey { run_id: call.run_id, ordinal: 0, sample: 0 };
    Invocation {
        item_id: call.id.to_string(),
        question: question(&last_words(call), call.config.texts),
        client: Some(client),
        ..Invocation::new(key, made, outcome)
    }
}

/// Returns the text of the user's last message.
fn last_words(call: &ClientCall) -> String {
    let last = call.conversation.messages.iter().rev().find(|message| message.role == Role::User);
    let parts = last.map(|message| message.parts.as_slice()).unwrap_or_default();
    let texts = parts.iter().filter_map(|part| match part {
        Part::Text(text) => Some(text.as_str()),
        Part::Image(_) => None,
    });
    texts.collect::<Vec<_>>().join("\n")
}
