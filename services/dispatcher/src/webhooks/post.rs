use std::time::Duration;

use http::header::CONTENT_TYPE;
use jiff::Timestamp;
use reqwest::Url;
use runmill_address::WebhookUrl;
use runmill_egress::{Resolver, client, words};
use runmill_vault::Signer;

use super::WebhookSettings;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest time from the start of a request to the head of its answer.
const TIMEOUT: Duration = Duration::from_secs(10);
const USER_AGENT: &str = concat!("runmill/", env!("CARGO_PKG_VERSION"));

/// A request to a webhook. Its headers are those of the Standard Webhooks specification 1.0.0.
pub struct Post<'a> {
    /// Id of the delivery, the same for all its attempts.
    pub id: &'a str,
    pub sent_at: Timestamp,
    pub body: Vec<u8>,
    pub settings: &'a WebhookSettings,
    pub signer: &'a Signer,
}

impl Post<'_> {
    /// Sends the request. Returns the reason if the receiver did not take it. The body of the answer is not read.
    pub async fn send(self, url: &str) -> Result<(), String> {
        let url = WebhookUrl::parse(url).map_err(|error| format!("its URL {error}"))?;
        // The settings may have changed since the run was submitted.
        self.settings.check(&url).map_err(|error| format!("its URL {error}"))?;
        let status = self.posted(url.as_url()).await.map_err(|error| words(&error.without_url()))?;
        if status.is_success() { Ok(()) } else { Err(format!("the receiver answered with status {status}")) }
    }

    async fn posted(self, url: &Url) -> reqwest::Result<http::StatusCode> {
        let resolver = Resolver { rules: self.settings.address_rules, base: url.clone() };
        let builder = client(CONNECT_TIMEOUT, USER_AGENT, resolver).timeout(TIMEOUT);
        // A connection of its own, which ends with the request: the next one to the same host is hours or days away.
        let http = self.settings.egress.apply(builder, url, None)?.build()?;
        let seconds = self.sent_at.as_second();
        let request = http
            .post(url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", self.id)
            .header("webhook-timestamp", seconds)
            .header("webhook-signature", self.signer.sign(self.id, seconds, &self.body));
        Ok(request.body(self.body).send().await?.status())
    }
}
