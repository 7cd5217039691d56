//! Order of the events of a call, without I/O.

use runmill_proto::{
    chat::{Delta, ModelAnswer},
    message::{CallEvent, CallFailure, CallProgress},
};

/// Executors that made a call and the events that came of it.
#[derive(Default)]
pub struct Course {
    /// Executor that makes the call now.
    executor: Option<String>,
    /// Executors that made it before. Events of them may still arrive.
    former: Vec<String>,
    /// Number of the next event.
    next: u32,
    /// True if an event was lost. Only the last event, which has the whole answer, counts then.
    has_gap: bool,
}

/// Meaning of an event for the client.
#[derive(Debug, PartialEq)]
pub enum Turn {
    Nothing,
    /// Another executor begins anew. What is not delivered yet is void.
    Anew,
    Delta(Delta),
    Answered(Box<ModelAnswer>),
    Failed(CallFailure),
    /// The answer cannot be continued where the client's part of it ends.
    Broken(&'static str),
}

impl Course {
    /// Returns the name of the executor that makes the call, if one does.
    pub fn executor(&self) -> Option<&str> {
        self.executor.as_deref()
    }

    /// Takes the next event. `is_delivered` is true if a part of the answer was passed on.
    pub fn take(&mut self, event: CallEvent, is_delivered: bool) -> Turn {
        let is_anew = match &self.executor {
            Some(executor) if *executor == event.executor => false,
            Some(_) if self.former.contains(&event.executor) => return Turn::Nothing,
            Some(_) if is_delivered => return Turn::Broken("another executor began anew"),
            known => {
                self.former.extend(known.clone());
                *self = Self {
                    executor: Some(event.executor),
                    former: std::mem::take(&mut self.former),
                    ..Self::default()
                };
                true
            }
        };
        if event.seq < self.next {
            return Turn::Nothing;
        }
        self.has_gap |= event.seq > self.next;
        self.next = event.seq.saturating_add(1);
        if self.has_gap && is_delivered {
            return Turn::Broken("a part of it did not arrive");
        }
        match event.what {
            CallProgress::Answered(answer) => Turn::Answered(answer),
            CallProgress::Failed(failure) => Turn::Failed(failure),
            CallProgress::Delta(delta) if !self.has_gap => Turn::Delta(delta),
            CallProgress::Taken | CallProgress::Delta(_) if is_anew => Turn::Anew,
            CallProgress::Taken | CallProgress::Delta(_) => Turn::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn event(executor: &str, seq: u32, what: CallProgress) -> CallEvent {
        CallEvent { call_id: Uuid::nil(), executor: executor.into(), seq, what }
    }

    fn delta(text: &str) -> CallProgress {
        CallProgress::Delta(Delta { text: text.into(), ..Delta::default() })
    }

    fn failed() -> CallFailure {
        CallFailure {
            kind: runmill_proto::ErrorKind::Overloaded,
            message: "busy".into(),
            status: None,
            retry_after_ms: None,
        }
    }

    #[test]
    fn events_in_their_order_are_passed_on_once() {
        let mut course = Course::default();
        assert_eq!(course.take(event("a", 0, CallProgress::Taken), false), Turn::Anew);
        let Turn::Delta(first) = course.take(event("a", 1, delta("x")), false) else { panic!() };
        assert_eq!(first.text, "x");
        assert_eq!(course.take(event("a", 1, delta("x")), true), Turn::Nothing);
        assert_eq!(course.take(event("a", 2, CallProgress::Failed(failed())), true), Turn::Failed(failed()));
    }

    #[test]
    fn after_a_gap_only_the_end_counts() {
        let mut course = Course::default();
        course.take(event("a", 0, CallProgress::Taken), false);
        assert_eq!(course.take(event("a", 2, delta("y")), false), Turn::Nothing);
        assert_eq!(course.take(event("a", 3, CallProgress::Failed(failed())), false), Turn::Failed(failed()));

        let mut course = Course::default();
        course.take(event("a", 0, CallProgress::Taken), false);
        course.take(event("a", 1, delta("x")), false);
        assert!(matches!(course.take(event("a", 3, delta("z")), true), Turn::Broken(_)));
    }

    #[test]
    fn another_executor_begins_anew_unless_a_part_was_delivered() {
        let mut course = Course::default();
        course.take(event("a", 0, CallProgress::Taken), false);
        course.take(event("a", 1, delta("x")), false);
        assert_eq!(course.take(event("b", 0, CallProgress::Taken), false), Turn::Anew);
        assert_eq!(course.take(event("a", 2, delta("late")), false), Turn::Nothing, "of one that was frozen");
        assert!(matches!(course.take(event("b", 1, delta("y")), false), Turn::Delta(_)));
        assert!(matches!(course.take(event("c", 0, CallProgress::Taken), true), Turn::Broken(_)));
    }
}
