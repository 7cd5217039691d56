"""The health check of the image, which Docker and Compose obey: `runmill healthcheck`, run in containers as an engine runs it."""

from phases import PATIENCE_S, World
from pod import Pod
from work import submit

# An executor that is asked to stop finishes this call, and is not ready meanwhile.
LONG_MODEL = "lorem+ttft=5s"
NOBODY = "http://127.0.0.1:1/readyz"


async def ask(world: World) -> None:
    """Asks containers that are ready, one that drains, and a port at which nothing listens."""
    cluster, report = world.cluster, world.report
    report.begin("health checks")
    pods = [pod for deployment in cluster.deployments.values() for pod in deployment.pods]
    answers = [await _answer(world, pod) for pod in pods]
    report.check(f"{len(pods)} containers are ready, and say so", [str(it) for it in answers if it != (0, "ready")])
    await _of_one_that_drains(world)
    status, said = await _answer(world, pods[0], "--url", NOBODY)
    wrong = [] if status == 1 and NOBODY in said else [f"{status}, {said}"]
    report.check("nobody at the port: status 1, and the port is named", wrong)


async def _of_one_that_drains(world: World) -> None:
    cluster, report = world.cluster, world.report
    executors = cluster.of("executor")
    before = executors.replicas
    work = await submit(cluster, world.servers, world.api, 1, LONG_MODEL, 1)

    async def called() -> bool:
        return world.servers.in_flight(LONG_MODEL) == 1

    await cluster.until("the model is called", called, PATIENCE_S)
    await cluster.scale("executor", 0)
    answers = []

    async def unready() -> bool:
        answers[:] = [await _answer(world, pod) for pod in executors.pods if pod.process.runs]
        return any(status for status, _ in answers) or not answers

    await cluster.until("an executor is not ready", unready, PATIENCE_S)
    wrong = [] if answers and all(it[0] == 1 and "lifecycle: stopping" in it[1] for it in answers) else [str(answers)]
    report.check("an executor with a call in flight that stops: status 1, and the reason", wrong)
    await cluster.scale("executor", before)
    await work.end(PATIENCE_S)
    await cluster.settled(PATIENCE_S)
    report.check("its call was not made again", await work.faults())


async def _answer(world: World, pod: Pod, *arguments: str) -> tuple[int, str]:
    status, said = await pod.process.execute(*world.cluster.node.image.healthcheck, *arguments)
    return status, said.strip()
