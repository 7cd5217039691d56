"""The dashboard of one run: choose the provider and the model of the run, and its time."""

from panels import Dashboard, Number, Panel, Query, Row, Variable, quantiles, rate
from provider import PROVIDER

OF = '{provider_id="$provider",model="$model"}'
LANE = '{provider_id="$provider"}'
MODEL = Variable("model", "Model", 'label_values(litellm_requests_total{provider_id="$provider"}, model)')

SUMS = Row("The time shown", [
    Number("Answered", "short", [Query(
        'sum(increase(litellm_requests_total{provider_id="$provider",model="$model",status="success"}[$__range]))',
    )], about="Calls of the model that were answered."),
    Number("Share answered", "percentunit", [Query(
        'sum(increase(litellm_requests_total{provider_id="$provider",model="$model",status="success"}[$__range]))'
        f" / sum(increase(litellm_requests_total{OF}[$__range]))",
    )], about="Share of the calls that were answered. The others failed, were deferred or interrupted, or did not reach the provider."),
    Number("Time of a call, p50", "s", [Query(
        f"histogram_quantile(0.5, sum by (le) (increase(litellm_request_latency_seconds_bucket{OF}[$__range])))",
    )]),
    Number("Time of a call, p99", "s", [Query(
        f"histogram_quantile(0.99, sum by (le) (increase(litellm_request_latency_seconds_bucket{OF}[$__range])))",
    )]),
    Number("Tokens", "short", [Query(
        'sum(increase(litellm_tokens_total{provider_id="$provider",model="$model",kind=~"prompt|completion"}[$__range]))',
    )]),
    Number("Cost", "currencyUSD", [Query(f"sum(increase(runmill_model_cost_usd_total{OF}[$__range]))")],
           about="As far as prices are known."),
])

PROGRESS = Row("Progress", [
    Panel("Calls", "ops", [rate("litellm_requests_total", "status", OF)], stacked=True),
    Panel("Time of a call", "s", quantiles("litellm_request_latency_seconds", of=OF)),
    Panel("Tokens", "ops", [rate("litellm_tokens_total", "kind", OF)], about="Tokens a second, as the provider counted them."),
    Panel("Jobs of all runs", "ops", [rate("runmill_jobs_total", "outcome")], stacked=True, about="Jobs a second that ended, by outcome."),
    Panel("Results", "ops", [
        Query('sum(rate(runmill_log_sink_messages_total{end="written"}[$__rate_interval]))', "written"),
    ], about="Records of the calls of all runs that were written a second."),
    Panel("Lag of results", "s", quantiles("runmill_log_sink_lag_seconds")),
])

HELD = Row("What may hold it back", [
    Panel("Calls in flight at the provider", "short", [
        Query('sum(runmill_limit_used_slots{provider_id="$provider",resource="concurrency",model=""})', "in flight"),
        Query('sum(runmill_limit_granted_slots{provider_id="$provider",resource="concurrency",model=""})', "granted"),
        Query(f"sum(runmill_lane_waiting{LANE})", "waiting for a limit"),
    ]),
    Panel("Attempts at the provider", "ops", [rate("runmill_lane_attempts_total", "end", LANE)], stacked=True),
    Panel("Cooldown", "s", [Query(f"max(runmill_lane_cooldown_seconds{LANE})", "left")]),
    Panel("Keys", "short", [Query(f"max by (state) (runmill_provider_keys{LANE})", "{{state}}")]),
    Panel("Runs held back", "short", [Query("max by (cause) (runmill_runs_held_back)", "{{cause}}")],
          about="Runs that stand still by a fault of the installation, by cause."),
    Panel("Executors", "short", [
        Query("max(runmill_executors_wanted)", "wanted"),
        Query("max(runmill_executors_alive)", "alive"),
    ]),
])

DASHBOARD = Dashboard(
    "runmill-run", "runmill: run",
    "One run, by the calls of its model at its provider. No metric grows with the number of runs, so runs of the same model at "
    "the same time add up here; GET /runs/{id} and `runmill top` have the numbers of each.",
    [SUMS, PROGRESS, HELD], [PROVIDER, MODEL],
)
