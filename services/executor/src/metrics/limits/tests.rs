use jiff::ToSpan;
use prometheus::TextEncoder;
use runmill_proto::{
    ProviderId,
    lease::{Adaptive, Cooldown, Holding},
};
use uuid::Uuid;

use super::*;

const PROVIDER: ProviderId = ProviderId::from_uuid(Uuid::nil());

fn now() -> Timestamp {
    Timestamp::from_second(1_760_000_000).unwrap()
}

fn leases(refused: u64, resources: &[Resource]) -> Leases {
    let holding = Holding { granted: 3, used: 2, wants: 5 };
    let share = Share {
        resources: resources.iter().map(|resource| (*resource, holding)).collect(),
        waiting: 4,
        signals: Signals { refused, ..Signals::default() },
        ..Share::default()
    };
    Leases::from([(Scope::account(PROVIDER), share)])
}

fn lanes(calls_per_second: Option<f64>) -> BTreeMap<Scope, LaneState> {
    let state = LaneState {
        adaptive: Some(Adaptive { concurrency: 12, calls_per_second, ..Adaptive::default() }),
        cooldown: Some(Cooldown { until: now() + 7.seconds(), reason: "429".into() }),
        ..LaneState::default()
    };
    BTreeMap::from([(Scope { model: Some("m".into()), ..Scope::account(PROVIDER) }, state)])
}

fn scraped(registry: &Registry) -> String {
    TextEncoder::new().encode_to_string(&registry.gather()).unwrap()
}

#[test]
fn each_number_of_a_heartbeat_has_its_series() {
    let registry = Registry::new();
    let metrics = LimitMetrics::register(&registry).unwrap();

    metrics.observe(&leases(2, &[Resource::Concurrency]), &lanes(Some(9.5)), now());
    metrics.observe(&leases(5, &[Resource::Concurrency]), &lanes(Some(9.5)), now() + 2.seconds());

    let text = scraped(&registry);
    let of_limit = format!(r#"{{model="",provider_id="{PROVIDER}",resource="concurrency"}}"#);
    let of_account = format!(r#"{{model="",provider_id="{PROVIDER}"}}"#);
    let of_model = format!(r#"{{model="m",provider_id="{PROVIDER}"}}"#);
    for line in [
        format!("runmill_limit_granted_slots{of_limit} 3"),
        format!("runmill_limit_used_slots{of_limit} 2"),
        format!("runmill_limit_wanted_slots{of_limit} 5"),
        format!("runmill_lane_waiting{of_account} 4"),
        format!(r#"runmill_lane_attempts_total{{end="refused",model="",provider_id="{PROVIDER}"}} 5"#),
        format!("runmill_lane_cooldown_seconds{of_model} 5"),
        format!("runmill_lane_adaptive_concurrency{of_model} 12"),
        format!("runmill_lane_adaptive_calls_per_second{of_model} 9.5"),
    ] {
        assert!(text.contains(&format!("{line}\n")), "{line} is not in\n{text}");
    }
}

#[test]
fn the_series_of_what_is_gone_are_removed() {
    let registry = Registry::new();
    let metrics = LimitMetrics::register(&registry).unwrap();
    metrics.observe(&leases(2, Resource::ALL), &lanes(Some(9.5)), now());

    metrics.observe(&leases(2, &[Resource::CallsPerMinute]), &lanes(None), now());
    let fewer = scraped(&registry);
    assert!(!fewer.contains("concurrency\"}") && fewer.contains("rpm\"}"), "{fewer}");
    assert!(!fewer.contains("adaptive_calls_per_second{"), "{fewer}");

    metrics.observe(&Leases::new(), &BTreeMap::new(), now());
    assert_eq!(scraped(&registry), "");
}

#[test]
fn a_cooldown_that_is_over_has_no_time_left() {
    let registry = Registry::new();
    let metrics = LimitMetrics::register(&registry).unwrap();

    metrics.observe(&Leases::new(), &lanes(None), now() + 9.seconds());

    let text = scraped(&registry);
    assert!(
        text.contains(&format!("cooldown_seconds{{model=\"m\",provider_id=\"{PROVIDER}\"}} 0\n")),
        "{text}"
    );
}
