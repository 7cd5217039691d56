use runmill_address::{AddressRules, Proxy};
use runmill_clock::Clock;
use runmill_egress::Egress;
use runmill_llm::{Factory, FactorySettings, Invoked, Target};
use runmill_quota::Lanes;

use crate::{
    server::{Act, EVENTS, Server, stream},
    setup::{policy, request, target},
};

/// Address that only a proxy can reach.
const BEHIND: &str = "http://provider.invalid/v1";

/// Calls `target` from a process with this proxy.
async fn call(proxy: Proxy, no_proxy: Option<&str>, target: &Target) -> Invoked {
    let lanes = std::sync::Arc::new(Lanes::new(8));
    let settings = FactorySettings {
        address_rules: AddressRules { allow_http: true, allow_link_local: false },
        egress: Egress { proxy, no_proxy: no_proxy.map(str::to_owned), ..Egress::default() },
        ..FactorySettings::new(Clock::fixed(jiff::Timestamp::UNIX_EPOCH), lanes)
    };
    let factory = Factory::new(settings, &prometheus::Registry::new()).unwrap();
    factory.client(target).unwrap().invoke(&request(), &policy()).await
}

async fn proxy() -> (Server, String) {
    let server = Server::start([Act::Send(stream(EVENTS))]).await;
    let url = format!("http://{}", server.address);
    (server, url)
}

#[tokio::test]
async fn a_call_goes_through_the_providers_proxy_or_else_the_processs() {
    let own = |proxy: Option<String>| Target { proxy, ..target(BEHIND.into()) };
    for is_own in [true, false] {
        let (mut server, url) = proxy().await;
        let (process, target) = if is_own {
            (Proxy::Direct, own(Some(url)))
        } else {
            (Proxy::parse(&url.replace("://", "://me:pw@")).unwrap(), own(None))
        };

        let invoked = call(process, None, &target).await;

        assert_eq!(invoked.result.unwrap().text, "4");
        let (_, request) = server.received().await;
        assert!(request.starts_with("POST http://provider.invalid/v1/chat/completions "), "{request}");
        assert_eq!(request.contains("proxy-authorization: Basic bWU6cHc="), !is_own, "{request}");
    }
}

#[tokio::test]
async fn none_and_the_exceptions_are_heard() {
    let table = [
        (None, Some("other.example, invalid")),
        (None, Some("provider.invalid")),
        (Some("none".to_owned()), None),
    ];
    for (own, no_proxy) in table {
        let (mut server, url) = proxy().await;
        let target = Target { proxy: own, ..target(BEHIND.into()) };

        let invoked = call(Proxy::parse(&url).unwrap(), no_proxy, &target).await;

        assert!(invoked.result.is_err() && server.has_no_request(), "{no_proxy:?}");
    }
}

#[tokio::test]
async fn exceptions_do_not_concern_a_providers_own_proxy() {
    let (_server, url) = proxy().await;
    let target = Target { proxy: Some(url), ..target(BEHIND.into()) };

    let invoked = call(Proxy::Direct, Some("*"), &target).await;

    assert!(invoked.result.is_ok(), "{invoked:?}");
}

#[tokio::test]
async fn calls_to_this_machine_never_go_through_a_proxy() {
    let (mut refused, url) = proxy().await;
    let (mut server, _) = proxy().await;
    for host in ["127.0.0.1", "localhost"] {
        let base = format!("http://{host}:{}/v1", server.address.port());
        let target = Target { proxy: Some(url.clone()), ..target(base) };

        let invoked = call(Proxy::parse(&url).unwrap(), None, &target).await;

        assert!(invoked.result.is_ok(), "{invoked:?}");
        assert!(server.received().await.1.starts_with("POST /v1/"));
    }
    assert!(refused.has_no_request());
}
