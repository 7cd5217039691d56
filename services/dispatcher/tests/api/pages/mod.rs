//! Pages as a browser gets them, without a browser.

mod origins;
mod protecting;
mod roles;
mod session;
mod showing;
mod starting;
mod steering;

use reqwest::{
    Client, Method, RequestBuilder, Response,
    header::{COOKIE, HeaderMap, SET_COOKIE},
    redirect::Policy,
};
use runmill_config::Role;

use crate::server::{Server, token_of};

/// A browser that has signed in, or not. It follows no redirect.
pub struct Browser {
    http: Client,
    base_url: String,
    cookie: Option<String>,
}

impl Browser {
    pub fn new(server: &Server) -> Self {
        let http = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
        Self { http, base_url: server.base_url.clone(), cookie: None }
    }

    /// Signs in with the environment's token of a role.
    pub async fn of(server: &Server, role: Role) -> Self {
        Self::with(server, &token_of(role)).await
    }

    pub async fn with(server: &Server, token: &str) -> Self {
        let mut browser = Self::new(server);
        let response = browser.post("/ui/sign-in", &[("token", token)]).send().await.unwrap();
        assert_eq!(response.status(), 303, "{}", response.text().await.unwrap());
        browser.keep(response.headers());
        browser
    }

    fn keep(&mut self, headers: &HeaderMap) {
        let set = headers[SET_COOKIE].to_str().unwrap();
        self.cookie = Some(set.split(';').next().unwrap().to_owned());
    }

    /// Makes a request with the session, and without the headers by which a browser says who makes it.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base_url));
        match &self.cookie {
            Some(cookie) => request.header(COOKIE, cookie),
            None => request,
        }
    }

    /// Sends a form of one of our own pages.
    pub fn post(&self, path: &str, form: &[(&str, &str)]) -> RequestBuilder {
        let body: Vec<_> = form.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        self.request(Method::POST, path)
            .header("sec-fetch-site", "same-origin")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.join("&"))
    }

    pub async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).header("sec-fetch-site", "same-origin").send().await.unwrap()
    }

    /// Returns the HTML of a page that is there.
    pub async fn page(&self, path: &str) -> String {
        let response = self.get(path).await;
        let status = response.status();
        let html = response.text().await.unwrap();
        assert_eq!(status, 200, "{path}: {html}");
        html
    }
}

fn encoded(value: &str) -> String {
    percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// Creates a run of two items that has not begun, and returns its id.
pub async fn new_run(server: &Server) -> String {
    let new = server.new_run().await;
    let run = server.created(server.request(Method::POST, "/runs").json(&new)).await;
    run["id"].as_str().unwrap().to_owned()
}
