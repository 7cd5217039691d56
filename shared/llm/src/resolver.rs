use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use runmill_address::AddressRules;

/// Resolves names as the system does, and removes the addresses that may not be called. The settings were checked
/// earlier, but a name may resolve to other addresses now.
pub(crate) struct Resolver(pub AddressRules);

#[derive(Debug, thiserror::Error)]
#[error("`{0}` resolves only to link-local or metadata addresses, which may not be called")]
struct Refused(String);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let rules = self.0;
        Box::pin(async move {
            // The connector replaces port 0 by the port of the URL.
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let allowed: Vec<_> = found.into_iter().filter(|address| rules.allows(address.ip())).collect();
            if allowed.is_empty() {
                return Err(Refused(name.as_str().to_owned()).into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_of_this_machine_is_resolved() {
        let resolver = Resolver(AddressRules::default());
        let found = resolver.resolve("localhost".parse().unwrap()).await.unwrap();
        assert!(found.into_iter().all(|address| address.ip().is_loopback()));
    }

    #[tokio::test]
    async fn a_name_that_leads_to_a_metadata_address_is_refused() {
        // A resolver returns a numeric address as it is.
        let metadata = || "169.254.169.254".parse::<Name>().unwrap();

        let refused = Resolver(AddressRules::default()).resolve(metadata()).await.map(|_| ()).unwrap_err();
        let allowed = Resolver(AddressRules { allow_link_local: true, ..AddressRules::default() });

        assert!(refused.to_string().contains("link-local"), "{refused}");
        assert_eq!(allowed.resolve(metadata()).await.unwrap().count(), 1);
    }
}
