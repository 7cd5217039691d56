use std::net::SocketAddr;

use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};
use runmill_address::AddressRules;

/// Resolves names as the system does, and removes the addresses that may not be called. The URL was checked
/// earlier, but a name may resolve to other addresses now. The client connects to the addresses that are returned, and
/// resolves no name in another way.
pub struct Resolver {
    pub rules: AddressRules,
    /// URL that is called. The name may be that of a proxy.
    pub base: Url,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (rules, base) = (self.rules, self.base.clone());
        Box::pin(async move {
            // The connector replaces port 0 by the port of the URL.
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let permitted = rules.permitted(&base, name.as_str(), found)?;
            Ok(Box::new(permitted.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use runmill_address::NameRefused;

    use super::*;

    fn resolver(rules: AddressRules) -> Resolver {
        Resolver { rules, base: "http://localhost/v1".parse().unwrap() }
    }

    #[tokio::test]
    async fn a_name_of_this_machine_is_resolved() {
        let found = resolver(AddressRules::default()).resolve("localhost".parse().unwrap()).await.unwrap();
        assert!(found.into_iter().all(|address| address.ip().is_loopback()));
    }

    #[tokio::test]
    async fn a_name_that_leads_to_a_metadata_address_is_refused() {
        // A resolver returns a numeric address as it is.
        let metadata = || "169.254.169.254".parse::<Name>().unwrap();

        let refused = resolver(AddressRules::default()).resolve(metadata()).await.map(|_| ()).unwrap_err();
        let allowed = resolver(AddressRules { allow_link_local: true, allow_http: true });

        assert!(refused.is::<NameRefused>(), "{refused}");
        assert_eq!(allowed.resolve(metadata()).await.unwrap().count(), 1);
    }
}
