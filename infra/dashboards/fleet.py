"""The dashboard of the whole installation: its work, its processes, the results, and the API."""

from panels import Dashboard, Number, Panel, Query, Row, quantiles, rate

WORK = Row("Work", [
    Panel("Jobs that ended", "ops", [rate("runmill_jobs_total", "outcome")], stacked=True,
          about="Jobs a second by outcome: each item, or sample of an item, of each run ends once."),
    Panel("Jobs on their way", "short", [
        Query("max(runmill_jobs_in_queue)", "fed and not settled"),
        Query("sum(runmill_jobs_in_hand)", "in hand of executors"),
    ], about="The queues are shallow by design: about twice the calls in flight."),
    Panel("Calls of clients", "ops", [
        rate("runmill_client_calls_total", "outcome"),
        Query("sum(runmill_client_calls_in_hand)", "in hand"),
    ], about="Calls of the front door a second by outcome, and those in progress."),
    Panel("Calls to models", "ops", [rate("litellm_requests_total", "status")], stacked=True,
          about="Calls a second by status. `unreached` are attempts that did not reach the provider."),
    Panel("Time of a call", "s", quantiles("litellm_request_latency_seconds"),
          about="Retries, and the waits between them, included."),
    Panel("Cost", "currencyUSD", [Query("sum(rate(runmill_model_cost_usd_total[$__rate_interval])) * 3600", "an hour")],
          about="US dollars an hour, as far as prices are known."),
])

PROCESSES = Row("Processes", [
    Number("Executors alive", "short", [Query("max(runmill_executors_alive)")]),
    Number("Executors wanted", "short", [Query("max(runmill_executors_wanted)")], about="As many as the work could use."),
    Number("Leaders", "short", [Query("sum(runmill_feeder_is_leader)")], about="Dispatchers that feed jobs: exactly one."),
    Number("Dead letters", "short", [Query("max(runmill_dead_letters)")]),
    Number("Parts that are not ready", "short", [Query("count(runmill_part_ready == 0) or vector(0)")]),
    Number("Runs held back", "short", [Query("sum(max by (cause) (runmill_runs_held_back))")],
           about="Runs that stand still by a fault of the installation."),
    Panel("Readiness", "short", [Query("min by (job, part) (runmill_part_ready)", "{{job}} {{part}}")],
          about="0 while a part of a process is not ready. `lifecycle` is the drain of a process that stops."),
    Panel("Age of heartbeats", "s", [
        Query("time() - runmill_executor_last_exchange_timestamp_seconds", "{{instance}}"),
    ], about="An executor whose last exchange is older than 5 s counts as dead."),
    Panel("Jobs fed again", "short", [
        Query("sum(increase(runmill_lost_jobs_total[$__rate_interval]))", "lost"),
        Query("sum(increase(runmill_reconciler_refed_total[$__rate_interval]))", "of runs that stood still"),
        Query("sum(increase(runmill_jobs_deferred_total[$__rate_interval]))", "deferred"),
        Query("sum(increase(runmill_jobs_handed_back_total[$__rate_interval]))", "handed back"),
    ]),
    Panel("Possible copies", "ops", [rate("runmill_possible_copies_total", "verdict")],
          about="Redelivered jobs that were checked, and called or dropped."),
    Panel("Failures that are tried again", "short", [
        Query("sum(increase(runmill_feed_failures_total[$__rate_interval]))", "feeds"),
        Query("sum(increase(runmill_log_publish_failures_total[$__rate_interval]))", "publishes of results"),
        Query("sum(increase(runmill_executor_exchange_failures_total[$__rate_interval]))", "heartbeats"),
        Query("sum(increase(runmill_log_sink_write_failures_total[$__rate_interval]))", "writes of results"),
    ]),
    Panel("Deaths counted against jobs", "short", [Query("sum(increase(runmill_job_crashes_total[$__rate_interval]))")]),
])

RESULTS = Row("Results", [
    Panel("Records", "ops", [rate("runmill_log_sink_messages_total", "end")], stacked=True,
          about="Records of calls a second, by how they ended: `redelivered` ones were written before."),
    Panel("Lag", "s", quantiles("runmill_log_sink_lag_seconds"), about="Time from the end of a call to the commit of its record."),
    Panel("Time of a transaction", "s", quantiles("runmill_log_sink_write_seconds")),
    Panel("Unwritten", "short", [Query("sum(runmill_log_sink_unwritten_messages)", "records in hand")]),
    Panel("Blocked", "s", [Query("max(runmill_log_sink_blocked_seconds)", "longest wait")],
          about="Time for which the database has refused the records that wait longest."),
])

API = Row("API", [
    Panel("Requests", "reqps", [rate("runmill_http_requests_total", "status")], stacked=True),
    Panel("Time to the headers", "s", quantiles("runmill_http_request_seconds")),
    Panel("Open connections", "short", [Query("sum by (listener) (runmill_http_connections)", "{{listener}}")]),
    Panel("Connections cut", "ops", [rate("runmill_http_connections_cut_total", "reason")],
          about="Connections that the server ended because of their clients. There are no data before the first one."),
    Panel("End of certificates", "s", [
        Query("runmill_http_certificate_expiry_timestamp_seconds - time()", "{{instance}} {{listener}}"),
    ], about="There are no data where no TLS is served."),
])

DASHBOARD = Dashboard("runmill-fleet", "runmill: fleet", "All processes of an installation, and all runs together.",
                  [WORK, PROCESSES, RESULTS, API])
