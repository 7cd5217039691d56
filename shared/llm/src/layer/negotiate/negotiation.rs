use std::time::Duration;

use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

use super::memory::{Entrance, FormMemory};
use crate::{layer::Context, protocol::Form};

/// The search for a form that the provider accepts, within one attempt.
pub(super) struct Negotiation<'a> {
    memory: &'a FormMemory,
    pub cx: Context<'a>,
    /// Form of the first request, or the one that was remembered last.
    initial: Form,
    /// Form of the last request.
    pub form: Form,
    /// The provider's message for the last refusal.
    pub reason: String,
    /// True if log probabilities were sought in a buffered answer.
    pub has_sought_logprobs: bool,
    /// Present while others wait for this call to find the form.
    scout: Option<watch::Sender<()>>,
}

/// Longest wait for another call that finds the form.
const WAIT_MAX: Duration = Duration::from_secs(10);

impl<'a> Negotiation<'a> {
    /// Waits while another call finds the form, which does not count as the provider's time.
    pub async fn start(memory: &'a FormMemory, cx: Context<'a>) -> Self {
        let (form, scout) = match memory.enter(cx.request) {
            Entrance::Known(form) => (form, None),
            Entrance::Scout(scout, form) => (form, Some(scout)),
            Entrance::Wait(search) => {
                cx.tracker.waits();
                let found = wait(memory, cx, search).await;
                cx.tracker.has_waited();
                found
            }
        };
        let (reason, has_sought_logprobs) = (String::new(), false);
        Self { memory, cx, initial: form, form, reason, has_sought_logprobs, scout }
    }

    pub const fn is_scout(&self) -> bool {
        self.scout.is_some()
    }

    /// Returns true if the caller has a part of an answer, so that no other request can be made.
    pub fn has_delivered(&self) -> bool {
        self.cx.tracker.state().delivered
    }

    /// Returns true if this call is the one that seeks log probabilities in a buffered answer.
    pub fn seeks_logprobs(&mut self) -> bool {
        self.has_sought_logprobs = self.is_scout() || self.memory.seek_logprobs(self.cx.request);
        self.has_sought_logprobs
    }

    /// Remembers the form, and lets the calls go on that wait for it.
    pub fn remember(&mut self) {
        let request = self.cx.request;
        let before = self.memory.store(request, self.form, self.has_sought_logprobs);
        self.initial = self.form;
        self.scout = None;
        // Several calls in flight may find the same form. Only the first of them logs it.
        if before.unwrap_or(request.form) != self.form {
            tracing::info!(
                event = "model.form_changed",
                model = request.model,
                tools = !request.generation.tools.is_empty(),
                fixes = ?self.form,
                reason = self.reason,
                "the provider wants requests in another form"
            );
        }
    }

    /// Returns true if there is a form to remember that was accepted, which the head of a successful answer proves. A
    /// refusal of the other forms alone does not prove it: it may have had other causes.
    fn has_found(&self) -> bool {
        (self.is_scout() || self.form != self.initial) && self.cx.tracker.state().has_head()
    }
}

/// Waits until another call has found the form, or until this call has to find it.
async fn wait(
    memory: &FormMemory,
    cx: Context<'_>,
    mut search: watch::Receiver<()>,
) -> (Form, Option<watch::Sender<()>>) {
    let until = Instant::now() + WAIT_MAX;
    // Nothing is sent, so the wait ends when the sender is dropped.
    while timeout_at(until, search.changed()).await.is_ok() {
        match memory.enter(cx.request) {
            Entrance::Known(form) => return (form, None),
            Entrance::Scout(scout, form) => return (form, Some(scout)),
            Entrance::Wait(next) => search = next,
        }
    }
    (cx.form, None)
}

/// Remembers an accepted form in whatever way the attempt ends, also if a time-out drops it.
impl Drop for Negotiation<'_> {
    fn drop(&mut self) {
        if self.has_found() {
            self.remember();
        }
    }
}
