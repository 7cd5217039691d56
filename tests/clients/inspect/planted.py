from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.scorer import exact
from inspect_ai.solver import generate

RIGHT, SAMPLES = 14, 20


@task
def planted() -> Task:
    samples = [
        Sample(id=f"q{n}", input=f"say {n}", target=f"say {n}" if n < RIGHT else "nothing") for n in range(SAMPLES)
    ]
    return Task(dataset=MemoryDataset(samples), solver=generate(), scorer=exact())
