use maud::html;

use crate::{
    layout::{Page, Place},
    text::shown,
    url,
};

/// Page that asks for a token.
///
/// * `next`: path to go to after the sign-in.
/// * `fault`: reason why the last attempt was refused.
pub fn sign_in(next: &str, fault: Option<&str>) -> Page {
    let body = html! {
        section.narrow.card aria-labelledby="sign-in" {
            h1 #sign-in { "Sign in" }
            p.quiet { "With a bearer token of the API. Your role decides what you see and may do." }
            @if let Some(fault) = fault { p.alert role="alert" #fault { (shown(fault)) } }
            form.stack method="post" action=(url::SIGN_IN) {
                input type="hidden" name="next" value=(next);
                // Managers of passwords keep a token under a name.
                input type="text" name="username" value="runmill" autocomplete="username" hidden;
                label for="token" { "Token" }
                input #token type="password" name="token" required autocomplete="current-password"
                    spellcheck="false" autocapitalize="none" autofocus
                    aria-describedby=[fault.map(|_| "fault")] aria-invalid=[fault.map(|_| "true")];
                button.main type="submit" { "Sign in" }
            }
            details {
                summary { "Where do I get a token?" }
                p { code { "runmill tokens create" } " makes one. A server that was started without "
                    code { "RUNMILL_TOKENS" } " has an admin's in the file " code { "token" } " of its data directory. "
                    code { "runmill view" } " prints a link that signs you in." }
            }
        }
    };
    Page::fixed("Sign in", Place::Elsewhere, body)
}
