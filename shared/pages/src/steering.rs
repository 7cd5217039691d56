//! Buttons that change a run.

use maud::{Markup, html};
use runmill_proto::api::Run;

use crate::{status::can_retry, text::plain, url, viewer::Viewer};

/// A change of a run, as a button.
struct Action {
    path: &'static str,
    name: &'static str,
    /// Question that is asked first.
    confirm: Option<&'static str>,
}

const PAUSE: Action = Action { path: "pause", name: "Pause", confirm: None };
const RESUME: Action = Action { path: "resume", name: "Resume", confirm: None };
const CANCEL: Action = Action {
    path: "cancel",
    name: "Cancel",
    confirm: Some(
        "Cancel this run? Calls in flight are dropped, and the provider may charge them. This cannot be undone.",
    ),
};
const RETRY: Action = Action { path: "retry-failed", name: "Retry failed", confirm: None };

/// Returns the buttons that make sense for the run now, if the viewer may use them. `back` is the page to return to.
pub fn buttons(run: &Run, viewer: &Viewer, back: &str) -> Markup {
    if !viewer.may_steer() {
        return html! {};
    }
    html! {
        div.actions { @for action in actions(run) { (button(run, &action, back)) } }
    }
}

fn actions(run: &Run) -> Vec<Action> {
    match run {
        run if can_retry(run) => vec![RETRY],
        run if run.status.is_terminal() => Vec::new(),
        run if run.cancel_requested_at.is_some() => vec![CANCEL],
        run if run.paused => vec![RESUME, CANCEL],
        _ => vec![PAUSE, CANCEL],
    }
}

fn button(run: &Run, action: &Action, back: &str) -> Markup {
    let of = run.name.as_deref().unwrap_or(&run.model);
    html! {
        form method="post" action=(format!("{}/{}", url::run(run.id), action.path)) data-confirm=[action.confirm] {
            input type="hidden" name="back" value=(back);
            button type="submit" aria-label=(plain(&format!("{}: {of}", action.name))) { (action.name) }
        }
    }
}
