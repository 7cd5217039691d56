"""Our own Python client and its examples, against the standalone server."""

import importlib.util
import io
import os
import queue
import subprocess
import sys
import threading
import unittest
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

PYTHON = Path(__file__).resolve().parents[2] / "shared/python"
sys.path.insert(0, str(PYTHON))

from fastapi import FastAPI
from fastapi.testclient import TestClient

from runmill_client import ApiError, Client, RunmillError, WebhookError, verify_webhook
from runmill_client.events import Event, read_events
from runmill_client.transport import Transport

FRONT_DOOR, TOKEN = os.environ["FRONT_DOOR"], os.environ["FRONT_DOOR_TOKEN"]
WEBHOOK_SECRET = os.environ["WEBHOOK_SECRET"]
ITEMS = [{"id": f"q{n}", "type": "freeform", "inputs": {"text": f"answer {n}"}, "answer": f"answer {n}"} for n in range(20)]


def run_example(name, *arguments):
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(PYTHON), "RUNMILL_URL": FRONT_DOOR, "RUNMILL_TOKEN": TOKEN}
    command = [sys.executable, "-B", PYTHON / "examples" / name, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=120).stdout


def example(name):
    spec = importlib.util.spec_from_file_location(name, PYTHON / "examples" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextmanager
def receiver():
    """Serves a webhook, and gives its URL and the headers and bodies that it is sent."""
    received = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            received.put((dict(self.headers), self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/ended", received
        server.shutdown()


class Server(unittest.TestCase):
    def setUp(self):
        self.client = Client(FRONT_DOOR, TOKEN)
        pages = self.client.providers_list(limit=100)["items"]
        self.provider_id = next(provider["id"] for provider in pages if provider["name"] == "openai_chat")

    def test_the_generated_files_are_those_of_the_server(self):
        checked = subprocess.run([sys.executable, "-B", PYTHON / "generate.py", FRONT_DOOR, "--check"], timeout=60)
        self.assertEqual(checked.returncode, 0)

    def test_a_run_is_submitted_watched_and_read(self):
        run = self.client.submit(provider_id=self.provider_id, model="echo", items=iter(ITEMS))
        events = list(self.client.watch(run["id"]))
        results = list(self.client.results(run["id"]))

        self.assertEqual((events[0].name, events[-1].name), ("snapshot", "end"))
        numbers = [event.id for event in events if event.id is not None]
        self.assertEqual(numbers, sorted(set(numbers)))
        self.assertEqual([result["response"] for result in results], [item["answer"] for item in ITEMS])
        self.assertEqual(self.client.wait(run["id"])["score"]["mean"], 1.0)

    def test_the_same_key_is_the_same_run(self):
        dataset = self.client.upload("same", ITEMS[:1])
        submit = lambda: self.client.submit(
            provider_id=self.provider_id, model="echo", dataset_id=dataset["id"], idempotency_key="sdk-same")
        self.assertEqual(submit()["id"], submit()["id"])

    def test_a_refusal_has_its_status_words_and_fields(self):
        with self.assertRaises(ApiError) as raised:
            self.client.submit(provider_id=self.provider_id, model="echo", items=ITEMS[:1], config={"samples": 0})
        self.assertEqual((raised.exception.status, raised.exception.errors[0]["pointer"]), (400, "/config/samples"))

    def test_the_end_of_a_run_is_posted_to_its_webhook(self):
        with receiver() as (url, received):
            run = self.client.submit(provider_id=self.provider_id, model="echo", items=ITEMS[:2], webhook=url)
            headers, body = received.get(timeout=60)
        event = verify_webhook(WEBHOOK_SECRET, headers, body)

        ended = event["data"]
        self.assertEqual((event["type"], ended["id"], ended["status"]), ("run.ended", run["id"], "completed"))
        self.assertEqual((ended["counters"]["succeeded"], ended["score"]["mean"]), (2, 1.0))
        with self.assertRaises(WebhookError):
            verify_webhook(WEBHOOK_SECRET, headers, body.replace(b"completed", b"canceled"))

        platform_router, told = example("platform_router"), []
        app = FastAPI()
        app.include_router(platform_router.router(self.client, platform_router.Webhook(url, WEBHOOK_SECRET, told.append)))
        web = TestClient(app)
        self.assertEqual(web.post("/evaluations/ended", content=body, headers=headers).status_code, 204)
        self.assertEqual(web.post("/evaluations/ended", content=body + b" ", headers=headers).status_code, 400)
        self.assertEqual([run["id"] for run in told], [run["id"]])

    def test_the_examples_do_what_they_say(self):
        shown = run_example("submit_and_watch.py", self.provider_id, "echo")
        run = next(run for run in self.client.runs_list(limit=100)["items"] if run.get("name") == "sums")
        table = run_example("results_table.py", run["id"])

        self.assertIn("completed: 3 of 3", shown)
        self.assertEqual(table.splitlines()[:2], ["item,sample,outcome,score,answer", "q1,0,succeeded,0.0,1 + 1"])

    def test_a_platforms_router_submits_and_relays(self):
        app = FastAPI()
        app.include_router(example("platform_router").router(self.client))
        web = TestClient(app)
        dataset = self.client.upload("router", ITEMS[:3])
        evaluation = {"id": "e1", "provider_id": self.provider_id, "model": "echo", "dataset_id": dataset["id"]}

        run = web.post("/evaluations", json=evaluation).json()
        relayed = list(read_events(line.encode() for line in web.get(f"/evaluations/{run['id']}/events").text.splitlines(True)))
        self.assertEqual((relayed[0].name, relayed[-1].name), ("snapshot", "end"))
        self.assertEqual(web.post("/evaluations", json=evaluation).json()["id"], run["id"])
        self.assertEqual(web.post("/evaluations", json=evaluation | {"model": ""}).status_code, 400)
        self.assertTrue(web.post(f"/evaluations/providers/{self.provider_id}/smoke-test?model=echo").json()["ok"])


class Streams(unittest.TestCase):
    """The parts that need no server."""

    def test_events_are_read_as_they_are_sent(self):
        stream = b": ready\n\nretry: 2000\n\nid: 7\nevent: run_log\ndata: {\"type\":\"run_log\",\ndata: \"a\":1}\n\ndata: {}\n\n"
        want = [Event(7, "run_log", {"type": "run_log", "a": 1}), Event(None, "message", {})]
        self.assertEqual(list(read_events(io.BytesIO(stream))), want)

    def test_a_lost_stream_goes_on_behind_the_last_event(self):
        client, asked = Client("http://unused", sleep=lambda seconds: None), []
        numbered = [Event(number, "run_log", {}) for number in range(1, 6)]

        def events(run_id, after):
            asked.append(after)
            yield Event(None, "snapshot", {})
            yield from numbered[after or 0:(after or 0) + 2]
            if (after or 0) + 2 < len(numbered):
                raise RunmillError("cut")
            yield Event(None, "end", {})

        client._events = events
        seen = [(event.name, event.id) for event in client.watch("run_1")]

        self.assertEqual(asked, [None, 2, 4])
        self.assertEqual([number for name, number in seen if name == "run_log"], [1, 2, 3, 4, 5])
        self.assertEqual([name for name, _ in seen if name != "run_log"], ["snapshot", "end"])

    def test_a_webhook_is_verified_by_secret_body_and_time(self):
        """The values are those of a request that another implementation signed."""
        headers = {"Webhook-Id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "Webhook-Timestamp": "1614265330",
                   "Webhook-Signature": "v1,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}
        secret, body, now = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}', 1614265330
        self.assertEqual(verify_webhook(secret, headers, body, now_s=now + 299), {"test": 2432232314})
        wrong = [
            (headers, body + b" ", now), (headers, body, now + 301), (headers, body, now - 301),
            (headers | {"Webhook-Id": "msg_2"}, body, now), (headers | {"Webhook-Timestamp": "1614265331"}, body, now),
            (headers | {"Webhook-Timestamp": "soon"}, body, now), (headers | {"Webhook-Signature": ""}, body, now), ({}, body, now),
        ]
        for case in wrong:
            with self.assertRaises(WebhookError):
                verify_webhook(secret, case[0], case[1], now_s=case[2])
        with self.assertRaises(WebhookError):
            verify_webhook("whsec_" + "QUJD" * 8, headers, body, now_s=now)

    def test_only_requests_that_may_be_repeated_are(self):
        waits = []
        transport = Transport("http://127.0.0.1:1", None, retries=2, sleep=waits.append)
        for method, header, want in [("GET", {}, 2), ("POST", {}, 0), ("POST", {"Idempotency-Key": "k"}, 2)]:
            waits.clear()
            with self.assertRaises(RunmillError):
                transport.json(method, "/runs", header=header)
            self.assertEqual(len(waits), want, method)
