use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{Html, IntoResponse, Redirect, Response},
};
use runmill_pages::{moving_on, refusal, sign_in as sign_in_page};
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::{HOME, Pages};
use crate::api::{
    ApiError,
    auth::{self, SessionCookie},
    extract::{Form, Query},
};

/// Lets requests with a session pass. Others come to the sign-in.
pub async fn require(State(pages): State<Pages>, mut request: Request, next: Next) -> Response {
    match auth::signed_in(&pages.api, request.method(), request.headers()).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(error) if error.status() == StatusCode::UNAUTHORIZED => to_sign_in(&request),
        Err(error) => refused(error),
    }
}

fn to_sign_in(request: &Request) -> Response {
    // The path of a nested router lacks its prefix.
    let original = request.extensions().get::<axum::extract::OriginalUri>().map(|original| &original.0);
    let here = original.unwrap_or(request.uri()).path_and_query().map_or(HOME, |here| here.as_str());
    if request.method() != Method::GET {
        return Redirect::to("/ui/sign-in").into_response();
    }
    // A browser keeps the session back when it follows a link of another site. The next request is our own.
    let site = request.headers().get("sec-fetch-site").map(HeaderValue::as_bytes);
    if matches!(site, Some(b"cross-site" | b"same-site")) {
        return Html(moving_on(here).into_string()).into_response();
    }
    let next: String = url_encoded(here);
    Redirect::to(&format!("/ui/sign-in?next={next}")).into_response()
}

fn url_encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[derive(Deserialize)]
pub struct FormQuery {
    next: Option<String>,
}

pub async fn form(Query(FormQuery { next }): Query<FormQuery>) -> Response {
    let next = path_here(next.as_deref());
    Html(sign_in_page(next, None).document(None).into_string()).into_response()
}

#[derive(Deserialize)]
pub struct SignIn {
    token: String,
    next: Option<String>,
}

pub async fn sign_in(
    State(pages): State<Pages>,
    headers: HeaderMap,
    Form(SignIn { token, next }): Form<SignIn>,
) -> Response {
    let next = path_here(next.as_deref());
    match checked(&pages, &headers, token.trim()).await {
        Ok(()) => ([(header::SET_COOKIE, cookie(&pages, &headers).set(token.trim()))], Redirect::to(next))
            .into_response(),
        Err(error) => asked_again(error, next),
    }
}

/// Checks that our own form was sent, and its token.
async fn checked(pages: &Pages, headers: &HeaderMap, token: &str) -> Result<(), ApiError> {
    if !auth::is_of_this_site(headers, &pages.api.public_url) {
        return Err(auth::AuthError::OtherSite.into());
    }
    auth::user(&pages.api, token).await.map(drop)
}

pub async fn sign_out(State(pages): State<Pages>, headers: HeaderMap) -> Response {
    if !auth::is_of_this_site(&headers, &pages.api.public_url) {
        return refused(auth::AuthError::OtherSite.into());
    }
    ([(header::SET_COOKIE, cookie(&pages, &headers).clear())], Redirect::to("/ui/sign-in")).into_response()
}

#[derive(Deserialize)]
pub struct OpenQuery {
    code: String,
}

/// Signs in by a code that this process has printed.
pub async fn open(
    State(pages): State<Pages>,
    headers: HeaderMap,
    Query(OpenQuery { code }): Query<OpenQuery>,
) -> Response {
    let Some(token) = pages.codes.redeem(&code) else {
        let detail = "this link was used, or is older than ten minutes: start `runmill view` again";
        return asked_again(ApiError::new(StatusCode::FORBIDDEN, detail), HOME);
    };
    let cookie = cookie(&pages, &headers).set(token.expose_secret());
    ([(header::SET_COOKIE, cookie)], Html(moving_on(HOME).into_string())).into_response()
}

fn cookie(pages: &Pages, headers: &HeaderMap) -> SessionCookie {
    SessionCookie::of(headers, &pages.api.public_url)
}

/// Returns the path to go to after the sign-in: one of this server, and no other, that a header can have.
pub fn path_here(next: Option<&str>) -> &str {
    let is_path = |next: &&str| {
        let is_readable = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        is_readable && next.starts_with('/') && !next.starts_with("//")
    };
    next.filter(is_path).unwrap_or(HOME)
}

/// Shows the form again, with the reason why the sign-in failed.
fn asked_again(error: ApiError, next: &str) -> Response {
    let (status, detail) = error.into_parts();
    let page = sign_in_page(next, Some(&detail));
    (status, Html(page.document(None).into_string())).into_response()
}

/// Shows an error of a request whose sender is not known.
fn refused(error: ApiError) -> Response {
    let (status, detail) = error.into_parts();
    let page = refusal(status.as_u16(), status.canonical_reason().unwrap_or("Error"), &detail, &[]);
    (status, Html(page.document(None).into_string())).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_server_are_gone_to() {
        for (next, want) in [
            (None, HOME),
            (Some("/ui/runs?q=a&state=paused"), "/ui/runs?q=a&state=paused"),
            (Some("//example.org/"), HOME),
            (Some("/\\example.org"), HOME),
            (Some("https://example.org/"), HOME),
            (Some("/\t/example.org"), HOME),
            (Some(""), HOME),
            (Some("/ui/runs?q=é"), HOME),
            (Some("/ui/runs\r\nset-cookie: a=b"), HOME),
        ] {
            assert_eq!(path_here(next), want, "{next:?}");
        }
    }
}
