"""Tests of the kubelet's parts that need no network and no processes."""

import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace

import image
import manifests
import quantities
from deployment import Deployment
from feeding import Feeding, Look
from node import tail
from probes import Probe, Threshold, port_number
from words import Failed


class FakePod:
    """A pod that becomes ready and ends when the test says so."""

    def __init__(self, name: str, template: dict) -> None:
        self.name, self.hash = name, manifests.template_hash(template)
        self.ready = self.terminating = False
        self.made = len(name)
        self.ended = SimpleNamespace(is_set=lambda: False)


class FakeDeployment(Deployment):
    def _remove(self, pods: list, count: int) -> None:
        for pod in self.ranked(pods)[:max(count, 0)]:
            pod.terminating, pod.ready = True, False


def deployment(replicas: int, surge: str | int, unavailable: str | int, version: int = 1) -> dict:
    spec = {"replicas": replicas, "template": {"metadata": {"version": version}, "spec": {}},
            "strategy": {"rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}}
    return {"metadata": {"name": "executor"}, "spec": spec}


def step(made: Deployment, ready: int = 1) -> None:
    """Lets so many pods become ready, and reconciles."""
    for pod in [pod for pod in made.alive if not pod.ready][:ready]:
        pod.ready = True
    made.reconcile()


class Deployments(unittest.TestCase):
    def rolled(self, replicas: int, surge: str | int, unavailable: str | int) -> Deployment:
        made = FakeDeployment(deployment(replicas, surge, unavailable), FakePod)
        made.reconcile()
        step(made, replicas)
        made.most = 0
        made.apply(deployment(replicas, surge, unavailable, version=2))
        for _ in range(100):
            step(made)
        self.assertTrue(made.settled)
        return made

    def test_a_roll_keeps_to_the_surge_and_to_the_pods_that_must_be_ready(self):
        for replicas, surge, unavailable, most, fewest in (
            (2, 1, 0, 3, 2), (3, "25%", 0, 4, 3), (10, "25%", "25%", 13, 8), (4, 0, 1, 4, 3), (4, 0, 0, 4, 3), (1, "25%", "25%", 2, 1),
        ):
            with self.subTest(replicas=replicas, surge=surge, unavailable=unavailable):
                made = self.rolled(replicas, surge, unavailable)
                self.assertEqual((made.most, made.fewest_ready), (most, fewest))

    def test_pods_that_are_not_ready_go_first(self):
        made = FakeDeployment(deployment(3, 1, 0), FakePod)
        made.reconcile()
        made.pods[0].ready = made.pods[2].ready = True
        made.replicas = 2
        made.reconcile()
        self.assertTrue(made.pods[1].terminating)

    def test_a_number_that_a_manifest_no_longer_has_becomes_one_and_then_the_autoscalers(self):
        made = FakeDeployment(deployment(3, 1, 0), FakePod)
        without = deployment(3, 1, 0)
        del without["spec"]["replicas"]
        made.apply(without)
        self.assertEqual(made.replicas, 1)
        made.replicas = 7
        made.apply(without)
        self.assertEqual(made.replicas, 7)


class Manifests(unittest.TestCase):
    objects = manifests.Objects("evaluations")
    objects.put({"kind": "Secret", "metadata": {"name": "keys"}, "data": {"A": "c2VjcmV0"}})
    objects.put({"kind": "ConfigMap", "metadata": {"name": "words"}, "data": {"B": "plain"}})

    def variables(self, *variables: dict, source: list | None = None) -> dict[str, str]:
        return manifests.environment({"env": list(variables), "envFrom": source or []}, self.objects, {"status.podIP": "10.0.0.7"})

    def test_variables_come_from_secrets_config_maps_and_fields(self):
        found = self.variables(
            {"name": "A", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "A"}}},
            {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "URL", "value": "http://$(A)@$(IP)/$(NONE)/$$(A)"},
            {"name": "C", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "C", "optional": True}}},
            source=[{"configMapRef": {"name": "words"}, "prefix": "P_"}],
        )
        self.assertEqual(found, {"P_B": "plain", "A": "secret", "IP": "10.0.0.7", "URL": "http://secret@10.0.0.7/$(NONE)/$(A)"})

    def test_what_is_missing_or_unknown_is_refused(self):
        for variable in (
            {"name": "A", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "B"}}},
            {"name": "A", "valueFrom": {"secretKeyRef": {"name": "none", "key": "A"}}},
            {"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}}},
            {"name": "A", "value": 1},
        ):
            with self.subTest(variable=variable), self.assertRaises(Failed):
                self.variables(variable)
        for field in ("initContainers", "hostNetwork"):
            with self.subTest(field=field), self.assertRaises(Failed):
                manifests.check_fields({"containers": [{"name": "a"}], field: True})

    def test_hooks_are_in_the_order_of_their_weights(self):
        def hook(name: str, events: str, weight: str) -> dict:
            return {"metadata": {"name": name, "annotations": {"helm.sh/hook": events, "helm.sh/hook-weight": weight}}}

        made = [hook("late", "pre-install,pre-upgrade", "5"), hook("early", "pre-upgrade", "-5"), {"metadata": {"name": "none"}}]
        self.assertEqual([it["metadata"]["name"] for it in manifests.hooks(made, "pre-upgrade")], ["early", "late"])
        self.assertEqual(manifests.without_hooks(made), made[2:])


class Probes(unittest.TestCase):
    container = {"name": "a", "ports": [{"name": "ops", "containerPort": 9090}],
                 "readinessProbe": {"httpGet": {"path": "/readyz", "port": "ops"}, "failureThreshold": 2, "successThreshold": 2}}

    def test_a_state_changes_after_as_many_answers_in_a_row(self):
        threshold = Threshold(Probe.of(self.container, "readinessProbe"), good=False)
        answers = (True, False, True, True, False, True, False, False)
        self.assertEqual([threshold.take(answer) for answer in answers], [False, False, False, True, False, False, False, True])

    def test_defaults_are_those_of_kubernetes(self):
        probe = Probe.of(self.container | {"livenessProbe": {"httpGet": {"port": 80}}}, "livenessProbe")
        self.assertEqual(probe, Probe(path="/", port=80, initial_delay=0, period=10, timeout=1, successes=1, failures=3))
        self.assertIsNone(Probe.of(self.container, "startupProbe"))
        with self.assertRaises(Failed):
            port_number(self.container, "api")


class Images(unittest.TestCase):
    def test_the_last_stage_has_the_settings_of_those_that_it_is_made_from(self):
        dockerfile = "\n".join([
            "FROM a AS build", "ENV X=1", "FROM b AS runtime", "COPY --from=build /x \\", "  /bin/runmill", "# words", 'ENV HOME=/h \\',
            "    Y=2", "USER 7:7", 'ENTRYPOINT ["/bin/runmill"]', 'HEALTHCHECK --timeout=3s CMD ["/bin/runmill", "healthcheck"]',
            "FROM runtime AS release", "ENV Z=3", "FROM runtime",
        ])
        with tempfile.TemporaryDirectory() as folder:
            (path := Path(folder) / "Dockerfile").write_text(dockerfile)
            found = image.Image(Path(folder))
            self.assertEqual(image.read(path, found), "/bin/runmill")
        self.assertEqual(found.environment, {"PATH": image.PATH, "HOME": "/h", "Y": "2"})
        self.assertEqual((found.user, found.argv({"args": ["executor"]})), (7, ["/bin/runmill", "executor"]))
        self.assertEqual(found.healthcheck, ["/bin/runmill", "healthcheck"])


class Logs(unittest.TestCase):
    def test_a_pod_that_did_not_start_has_an_empty_one(self):
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder) / "log"
            self.assertEqual(tail(log), "")
            log.write_text("a\nb\nc\n")
            self.assertEqual(tail(log, 2), "b\nc")


class Feedings(unittest.TestCase):
    def resumed(self, *looks: tuple[float, int, int]) -> float | None:
        feeding = Feeding.__new__(Feeding)
        feeding.looks = [Look(*look) for look in looks]
        return feeding.resumed_after(10)

    def test_only_a_later_leader_that_feeds_resumes(self):
        self.assertEqual(self.resumed((9, 5, 1), (11, 7, 1), (12, 7, 2), (13, 8, 2)), 3)
        self.assertIsNone(self.resumed((9, 5, 1), (11, 7, 1), (12, 7, 2)))


class Quantities(unittest.TestCase):
    def test_notations(self):
        self.assertEqual([quantities.bytes_of(text) for text in ("1Gi", "1.5M", 7, None)], [2**30, 1_500_000, 7, 0])
        self.assertEqual((quantities.surge("25%", 3), quantities.unavailable("25%", 3)), (1, 0))
        self.assertEqual((quantities.surge(2, 3), quantities.unavailable(1, 3)), (2, 1))
