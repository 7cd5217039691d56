use runmill_address::{AddressRules, WebhookHosts, WebhookUrl, WebhookUrlError};
use runmill_egress::Egress;
use runmill_proto::{ConfigFault, api::NewWebhook};
use runmill_vault::Signer;

use crate::error::fault;

/// Settings of webhooks: where they may lead, and the way of the requests to them.
#[derive(Clone, Debug, Default)]
pub struct WebhookSettings {
    /// `None`: runs with a webhook are refused, and no webhook is told.
    pub signer: Option<Signer>,
    pub hosts: WebhookHosts,
    pub address_rules: AddressRules,
    pub egress: Egress,
}

impl WebhookSettings {
    pub fn check(&self, url: &WebhookUrl) -> Result<(), WebhookUrlError> {
        url.check(self.address_rules, &self.hosts)
    }

    /// Returns a fault if a new run cannot have this webhook.
    pub fn fault(&self, new: &NewWebhook) -> Option<ConfigFault> {
        if self.signer.is_none() {
            let detail =
                "needs a secret that signs its requests: set RUNMILL_WEBHOOK_SECRET of all dispatchers";
            return Some(fault("/webhook", detail));
        }
        let checked = WebhookUrl::parse(&new.url).and_then(|url| self.check(&url));
        checked.err().map(|error| fault("/webhook/url", error))
    }
}
