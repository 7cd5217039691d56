"""Tests of the autoscaler, with the ScaledObject that the chart renders and a GET /scaling that says what the test wants."""

import asyncio
import copy
import functools
import json
import logging
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import autoscaler
import manifests
import tools

HERE = Path(__file__).resolve().parent
DEPLOYMENT = "runmill-executor"
# Far above a step of the loops, which take milliseconds here.
PATIENCE_S = 30


class Scaling(BaseHTTPRequestHandler):
    wanted: float = 0
    tokens: set[str] = set()

    def do_GET(self) -> None:
        type(self).tokens.add(self.headers["Authorization"])
        body = json.dumps({"executors_wanted": self.wanted}).encode()
        self.send_response(200 if self.path == "/scaling" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@functools.cache
def rendered() -> tuple[dict, manifests.Objects]:
    """Returns the chart's ScaledObject, and the objects that it refers to."""
    chart = manifests.Chart(tools.ROOT / "infra/helm/runmill", "runmill", "evaluations")
    objects = manifests.Objects("evaluations")
    for made in chart.render([HERE / "values.yaml", HERE / "values-keda.yaml"], {}, upgrade=True):
        objects.put(made)
    objects.put({"kind": "Secret", "metadata": {"name": "runmill-secrets"}, "stringData": {"SCALING_TOKEN": "observer"}})
    [scaled] = objects.of_kind("ScaledObject")
    return scaled, objects


class Autoscaling(unittest.IsolatedAsyncioTestCase):
    def setUp(self) -> None:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Scaling)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        # Of a loop that is debugged, as unittest's is, it tells each step that a busy machine delays.
        logging.getLogger("asyncio").setLevel(logging.ERROR)
        scaled, objects = copy.deepcopy(rendered())
        self.spec = scaled["spec"]
        self.spec["pollingInterval"], self.spec["cooldownPeriod"] = 0.01, 0.2
        trigger = self.spec["triggers"][0]["metadata"]
        trigger["url"] = trigger["url"].replace(":8080/", f":{self.server.server_address[1]}/")
        self.executors = SimpleNamespace(name=DEPLOYMENT, replicas=1)
        cluster = SimpleNamespace(objects=objects, deployments={DEPLOYMENT: self.executors},
                                  names={"runmill-dispatcher.evaluations.svc": "127.0.0.1"})
        autoscaler.SYNC_S = 0.02
        self.autoscaler = autoscaler.Autoscaler(cluster, scaled)

    async def reach(self, replicas: int) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while self.executors.replicas != replicas:
                self.autoscaler.check()
                await asyncio.sleep(0.005)

    async def test_it_follows_the_number_from_none_to_the_most_and_back(self) -> None:
        async with self.autoscaler:
            Scaling.wanted = 0
            await self.reach(0)
            Scaling.wanted = 4
            await self.reach(4)
            Scaling.wanted = 9
            await self.reach(5)
            Scaling.wanted = 2
            await self.reach(2)
            Scaling.wanted = 0
            await self.reach(0)
        steps = [(it.before, it.after) for it in self.autoscaler.changes]
        # From none it goes over one. At last either loop may be the first to see that nothing is wanted.
        self.assertEqual(steps[:5], [(1, 0), (0, 1), (1, 4), (4, 5), (5, 2)])
        self.assertEqual((self.autoscaler.failures, Scaling.tokens), ([], {"Bearer observer"}))

    async def test_less_than_a_tenth_is_left(self) -> None:
        self.executors.replicas = 4
        Scaling.wanted = 4.3
        async with self.autoscaler, asyncio.timeout(PATIENCE_S):
            while len(self.autoscaler.answers) < 20:
                await asyncio.sleep(0.005)
        self.assertEqual(self.autoscaler.changes, [])
