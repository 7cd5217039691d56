"""The dashboard of one provider: its calls, its limits, its keys and its budget of the day."""

from panels import Dashboard, Panel, Query, Row, Variable, quantiles, rate

OF = '{provider_id="$provider"}'
PROVIDER = Variable("provider", "Provider", "label_values(runmill_limit_granted_slots, provider_id)")

CALLS = Row("Calls", [
    Panel("Calls", "ops", [rate("litellm_requests_total", "status", OF)], stacked=True),
    Panel("Calls by model", "ops", [rate("litellm_requests_total", "model", OF)], stacked=True),
    Panel("Time of a call", "s", quantiles("litellm_request_latency_seconds", "model", OF),
          about="Retries, and the waits between them, included."),
    Panel("Attempts", "ops", [rate("runmill_lane_attempts_total", "end", OF)], stacked=True,
          about="Requests a second, by how they ended: `refused` is 429, `failed` 5xx, `late` without a first token in time."),
    Panel("Share of refused attempts", "percentunit", [Query(
        f'sum(rate(runmill_lane_attempts_total{{provider_id="$provider",end="refused"}}[$__rate_interval]))'
        f" / sum(rate(runmill_lane_attempts_total{OF}[$__rate_interval]))",
    )]),
    Panel("Tokens", "ops", [rate("litellm_tokens_total", "kind", OF)], about="Tokens a second, as the provider counted them."),
    Panel("Cost", "currencyUSD", [Query(
        f"sum by (model) (rate(runmill_model_cost_usd_total{OF}[$__rate_interval])) * 3600", "{{model}}",
    )], about="US dollars an hour, as far as prices are known."),
])

LIMITS = Row("Limits", [
    Panel("Slots", "short", [
        Query(f"sum by (resource, model) (runmill_limit_granted_slots{OF})", "granted {{resource}} {{model}}"),
        Query(f"sum by (resource, model) (runmill_limit_wanted_slots{OF})", "wanted {{resource}} {{model}}"),
    ], about="A slot is a call in flight, or an equal part of a rate. A limit of the account has no model."),
    Panel("Calls in flight", "short", [
        Query(f'sum by (model) (runmill_limit_used_slots{{provider_id="$provider",resource="concurrency"}})', "in flight {{model}}"),
        Query(f'sum by (model) (runmill_limit_granted_slots{{provider_id="$provider",resource="concurrency"}})', "granted {{model}}"),
    ]),
    Panel("Calls that wait for the limits", "short", [Query(f"sum by (model) (runmill_lane_waiting{OF})", "waiting {{model}}")]),
    Panel("Cooldown", "s", [Query(f"max by (model) (runmill_lane_cooldown_seconds{OF})", "left {{model}}")],
          about="Time until the fleet calls the provider again, after a refusal."),
    Panel("Concurrency that was found", "short", [
        Query(f"max by (model) (runmill_lane_adaptive_concurrency{OF})", "calls in flight {{model}}"),
    ], about="There are no data for a provider whose concurrency is stated."),
    Panel("Rate that was found", "reqps", [
        Query(f"max by (model) (runmill_lane_adaptive_calls_per_second{OF})", "calls a second {{model}}"),
    ], about="There are no data unless the provider refuses calls at a rate that it does not state."),
])

ACCOUNT = Row("Keys and budget", [
    Panel("Keys", "short", [Query(f"max by (state) (runmill_provider_keys{OF})", "{{state}}")],
          about="Keys that are usable, and keys that are set aside because the provider refuses them or their quota is used up."),
    Panel("Budget of the day", "percentunit", [
        Query(f"max by (unit) (runmill_budget_left{OF} / runmill_budget_limit{OF})", "{{unit}} left"),
    ], about="There are no data for a provider without a budget."),
])

DASHBOARD = Dashboard("runmill-provider", "runmill: provider", "One provider: calls, limits, keys, and the budget of the day.",
                      [CALLS, LIMITS, ACCOUNT], [PROVIDER])
