use maud::html;

use crate::{
    layout::{Page, Place},
    text::shown,
    url,
};

/// Page of a request that was not carried out.
///
/// * `title`: reason of the status, such as `Not Found`.
/// * `faults`: field and fault of each wrong value.
pub fn refusal(status: u16, title: &str, detail: &str, faults: &[(String, String)]) -> Page {
    let body = html! {
        section.narrow aria-labelledby="refusal" {
            p.eyebrow { (status) }
            h1 #refusal { (title) }
            p { (shown(detail)) }
            @if !faults.is_empty() {
                ul.faults { @for (field, fault) in faults { li { code { (shown(field)) } " " (shown(fault)) } } }
            }
            p { a href=(url::RUNS) { "All runs" } }
        }
    };
    Page::fixed(title, Place::Elsewhere, body)
}

/// Document that goes on to another page at once. The browser counts it as ours, so that it sends the session along, which it
/// does not do when another site's link is followed.
pub fn moving_on(to: &str) -> maud::Markup {
    html! {
        (maud::DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="refresh" content=(format!("0;url={to}"));
                title { "runmill" }
            }
            body { p { a href=(to) { "Go on" } } }
        }
    }
}
