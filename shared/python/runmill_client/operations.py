"""A method for each operation that takes and answers JSON. Generated from the description of the API by generate.py: do not edit."""

from typing import Any, cast

from . import models
from .transport import Transport


class Operations:
    def __init__(self, transport: Transport):
        self._transport = transport

    def audit_list(self, *, limit: int | None = None, after: str | None = None) -> models.PageAuditEntry:
        """List the changes that tokens made, newest first."""
        return cast('models.PageAuditEntry', self._transport.json('GET', '/audit', query={'limit': limit, 'after': after}))

    def datasets_list(self, *, limit: int | None = None, after: str | None = None, version_hash: str | None = None, unused_before: str | None = None) -> models.PageDataset:
        """List datasets."""
        return cast('models.PageDataset', self._transport.json('GET', '/datasets', query={'limit': limit, 'after': after, 'version_hash': version_hash, 'unused_before': unused_before}))

    def datasets_delete(self, id: str) -> None:
        """Delete a dataset and its items."""
        self._transport.json('DELETE', f'/datasets/{id}')

    def datasets_get(self, id: str) -> models.Dataset:
        """Get a dataset."""
        return cast('models.Dataset', self._transport.json('GET', f'/datasets/{id}'))

    def datasets_items(self, id: str, *, limit: int | None = None, after: str | None = None) -> models.PageDatasetItem:
        """List the items of a dataset, in order."""
        return cast('models.PageDatasetItem', self._transport.json('GET', f'/datasets/{id}/items', query={'limit': limit, 'after': after}))

    def executors_list(self) -> list[models.Executor]:
        """List live executors."""
        return cast('list[models.Executor]', self._transport.json('GET', '/executors'))

    def providers_list(self, *, limit: int | None = None, after: str | None = None) -> models.PageProvider:
        """List providers."""
        return cast('models.PageProvider', self._transport.json('GET', '/providers', query={'limit': limit, 'after': after}))

    def providers_create(self, body: models.NewProvider) -> models.Provider:
        """Add a provider."""
        return cast('models.Provider', self._transport.json('POST', '/providers', body=body))

    def providers_delete(self, id: str) -> None:
        """Delete a provider and its keys."""
        self._transport.json('DELETE', f'/providers/{id}')

    def providers_get(self, id: str) -> models.Provider:
        """Get a provider."""
        return cast('models.Provider', self._transport.json('GET', f'/providers/{id}'))

    def providers_patch(self, id: str, body: models.ProviderPatch) -> models.Provider:
        """Change a provider."""
        return cast('models.Provider', self._transport.json('PATCH', f'/providers/{id}', body=body))

    def providers_limits(self, id: str) -> models.ProviderLimits:
        """Get a provider's limits and their use."""
        return cast('models.ProviderLimits', self._transport.json('GET', f'/providers/{id}/limits'))

    def providers_smoke_test_create(self, id: str, body: models.SmokeTestRequest) -> models.SmokeTestReport:
        """Test a model of a provider."""
        return cast('models.SmokeTestReport', self._transport.json('POST', f'/providers/{id}/smoke-test', body=body))

    def runs_list(self, *, limit: int | None = None, after: str | None = None, key_prefix: str | None = None, ended_before: str | None = None) -> models.PageRun:
        """List runs, newest first."""
        return cast('models.PageRun', self._transport.json('GET', '/runs', query={'limit': limit, 'after': after, 'key_prefix': key_prefix, 'ended_before': ended_before}))

    def runs_create(self, body: models.NewRun, *, idempotency_key: str | None = None) -> models.Run:
        """Submit a run."""
        return cast('models.Run', self._transport.json('POST', '/runs', body=body, header={'Idempotency-Key': idempotency_key}))

    def runs_compare_comparison(self, *, a: models.RunId, b: models.RunId) -> models.Comparison:
        """Compare two runs item by item."""
        return cast('models.Comparison', self._transport.json('GET', '/runs/compare', query={'a': a, 'b': b}))

    def runs_delete(self, id: str) -> None:
        """Delete a run."""
        self._transport.json('DELETE', f'/runs/{id}')

    def runs_get(self, id: str) -> models.Run:
        """Get a run with its counters, cost, usage and score."""
        return cast('models.Run', self._transport.json('GET', f'/runs/{id}'))

    def runs_patch(self, id: str, body: models.RunPatch) -> models.Run:
        """Change a run while it runs."""
        return cast('models.Run', self._transport.json('PATCH', f'/runs/{id}', body=body))

    def runs_cancel(self, id: str, *, graceful: bool | None = None) -> models.Run:
        """Cancel a run."""
        return cast('models.Run', self._transport.json('POST', f'/runs/{id}/cancel', query={'graceful': graceful}))

    def runs_extend(self, id: str, body: models.Extension) -> models.Run:
        """Give a run more samples."""
        return cast('models.Run', self._transport.json('POST', f'/runs/{id}/extend', body=body))

    def runs_invocations(self, id: str, *, limit: int | None = None, after: str | None = None) -> models.PageInvocationRecord:
        """List the invocations of a run."""
        return cast('models.PageInvocationRecord', self._transport.json('GET', f'/runs/{id}/invocations', query={'limit': limit, 'after': after}))

    def runs_pause(self, id: str) -> models.Run:
        """Pause a run."""
        return cast('models.Run', self._transport.json('POST', f'/runs/{id}/pause'))

    def runs_rescore(self, id: str, body: models.NewScoring) -> models.Run:
        """Score the answers of an ended run anew."""
        return cast('models.Run', self._transport.json('POST', f'/runs/{id}/rescore', body=body))

    def runs_results(self, id: str, *, limit: int | None = None, after: str | None = None, score_version: str | None = None, outcome: str | None = None, error_kind: str | None = None, score: str | None = None, text: str | None = None, sort: str | None = None, item_id: str | None = None, details: bool | None = None) -> models.PageDetailedResult:
        """List the results of a run."""
        return cast('models.PageDetailedResult', self._transport.json('GET', f'/runs/{id}/results', query={'limit': limit, 'after': after, 'score_version': score_version, 'outcome': outcome, 'error_kind': error_kind, 'score': score, 'text': text, 'sort': sort, 'item_id': item_id, 'details': details}))

    def runs_resume(self, id: str) -> models.Run:
        """Resume a paused run."""
        return cast('models.Run', self._transport.json('POST', f'/runs/{id}/resume'))

    def runs_retry_failed(self, id: str, *, kinds: str | None = None) -> models.Run:
        """Retry the failed jobs of an ended run."""
        return cast('models.Run', self._transport.json('POST', f'/runs/{id}/retry-failed', query={'kinds': kinds}))

    def runs_scores_of_run(self, id: str, *, group_by: str | None = None, cluster_by: str | None = None, reducer: str | None = None, unscored: models.Unscored | None = None, score_version: str | None = None) -> models.RunScores:
        """Summarize the scores of a run."""
        return cast('models.RunScores', self._transport.json('GET', f'/runs/{id}/scores', query={'group_by': group_by, 'cluster_by': cluster_by, 'reducer': reducer, 'unscored': unscored, 'score_version': score_version}))

    def runs_series(self, id: str) -> models.RunSeries:
        """Get the course of a run over time."""
        return cast('models.RunSeries', self._transport.json('GET', f'/runs/{id}/series'))

    def runs_verdicts(self, id: str, *, limit: int | None = None, after: str | None = None) -> models.PageJudgedResult:
        """List the verdicts on a run's answers."""
        return cast('models.PageJudgedResult', self._transport.json('GET', f'/runs/{id}/verdicts', query={'limit': limit, 'after': after}))

    def scaling_get(self) -> models.Scaling:
        """Get the number of executors that the fleet can use."""
        return cast('models.Scaling', self._transport.json('GET', '/scaling'))

    def settings_get(self) -> models.Settings:
        """Get the workspace's settings."""
        return cast('models.Settings', self._transport.json('GET', '/settings'))

    def settings_put(self, body: models.Settings) -> models.Settings:
        """Replace the workspace's settings."""
        return cast('models.Settings', self._transport.json('PUT', '/settings', body=body))

    def tokens_list(self, *, limit: int | None = None, after: str | None = None) -> models.PageToken:
        """List tokens, without their secrets."""
        return cast('models.PageToken', self._transport.json('GET', '/tokens', query={'limit': limit, 'after': after}))

    def tokens_create(self, body: models.NewToken) -> models.CreatedToken:
        """Create a token."""
        return cast('models.CreatedToken', self._transport.json('POST', '/tokens', body=body))

    def tokens_patch(self, id: str, body: models.TokenPatch) -> models.Token:
        """Change the budget of a token."""
        return cast('models.Token', self._transport.json('PATCH', f'/tokens/{id}', body=body))

    def tokens_revoke(self, id: str) -> models.Token:
        """Revoke a token."""
        return cast('models.Token', self._transport.json('POST', f'/tokens/{id}/revoke'))

    def usage_list(self, *, from_: str | None = None, to: str | None = None, limit: int | None = None, after: str | None = None) -> models.PageUsageRecord:
        """List the use by day, token, provider and model."""
        return cast('models.PageUsageRecord', self._transport.json('GET', '/usage', query={'from': from_, 'to': to, 'limit': limit, 'after': after}))
