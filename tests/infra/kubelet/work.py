"""Runs of many short calls, and what must be true of them at their end."""

import asyncio
import itertools
import json
from collections import Counter
from dataclasses import dataclass
from http.client import HTTPException

from client import Api
from cluster import Cluster
from installation import query, questions
from servers import Servers
from words import Failed

TRIES = 20
AGAIN_AFTER_S = 0.5
ENDED = ("completed", "failed", "canceled")
# Names of providers are unique.
NUMBERS = itertools.count(1)


@dataclass
class Work:
    """A run of a cluster."""

    cluster: Cluster
    servers: Servers
    api: Api
    run: str
    items: int

    async def view(self) -> dict:
        for _ in range(TRIES):
            try:
                return await asyncio.to_thread(self.api.get, f"/runs/{self.run}")
            except (OSError, HTTPException) as error:
                # A dispatcher that is killed takes its connections with it.
                broken = error
                await asyncio.sleep(AGAIN_AFTER_S)
        raise Failed(f"the API does not answer: {broken}")

    async def settled(self) -> int:
        return (await self.view())["counters"]["settled"]

    async def reach(self, share: float, timeout_s: float) -> float:
        """Waits until that share of the items is settled. Returns the seconds that it took."""
        async def reached() -> bool:
            return await self.settled() >= share * self.items

        return await self.cluster.until(f"{share:.0%} of {self.items} items are settled", reached, timeout_s)

    async def end(self, timeout_s: float) -> float:
        async def ended() -> bool:
            return (await self.view())["status"] in ENDED

        return await self.cluster.until("the run has ended", ended, timeout_s)

    async def faults(self) -> list[str]:
        """Returns what is wrong with a run that has ended: each item has one result, and one call was made for it."""
        found = await self.view()
        counters = found["counters"]
        faults = []
        if found["status"] != "completed" or counters["succeeded"] != self.items:
            faults.append(f"the run is {found['status']}, with {counters} and {found['errors']}")
        rows = query(self.servers.direct_database_url,
                     f"SELECT count(*), count(DISTINCT ordinal) FROM results WHERE run_id = '{self.run.removeprefix('run_')}'")
        if rows != f"{self.items}|{self.items}":
            faults.append(f"results and their items are {rows}, and should be {self.items} each")
        calls = self.calls()
        if len(calls) != self.items:
            faults.append(f"{len(calls)} of {self.items} items were called")
        doubled = {job: count for job, count in calls.items() if count > 1}
        if doubled:
            faults.append(f"{len(doubled)} items were called more than once, such as {list(doubled.items())[:3]}")
        return faults

    def calls(self) -> Counter:
        """Returns the number of calls of each job, by the model server's record."""
        names = (call["client_request_id"] for call in self.servers.calls())
        # The name is the job, the pass with the feeding, and the attempt.
        jobs = (name.rsplit(":", 2)[0] for name in names if name)
        return Counter(job for job in jobs if job.startswith(self.run))


async def submit(cluster: Cluster, servers: Servers, api: Api, items: int, model: str, concurrency: int) -> Work:
    """Makes a provider, a dataset and a run."""
    number = next(NUMBERS)
    limits = {"name": f"models-{number}", "kind": "custom", "base_url": servers.models_url, "rate_limit": {"concurrency": concurrency}}
    provider = (await asyncio.to_thread(api.post, "/providers", limits))["id"]
    dataset = (await asyncio.to_thread(api.send, "POST", f"/datasets?name=numbers-{number}", questions(items)))["id"]
    created = await asyncio.to_thread(api.post, "/runs", {"provider_id": provider, "model": model, "dataset_id": dataset})
    if "id" not in created:
        raise Failed(f"the run was not created: {json.dumps(created)}")
    return Work(cluster, servers, api, created["id"], items)
