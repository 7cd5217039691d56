"""Makes random cases, and calculates each by the reference implementations."""

import math
from collections import Counter
from random import Random

import krippendorff
import numpy as np
from scipy import stats

CASES = 1000


def generate(seed: int = 1) -> list[dict]:
    random = Random(seed)
    kinds = [values, clusters, share, pairs, changes, samples, verdicts]
    return [kinds[n % len(kinds)](random) for n in range(CASES)]


def score(random: Random) -> float:
    return random.choice([0.0, 1.0, 1.0, random.random(), round(random.random(), 1)])


def confidence(random: Random) -> float:
    return random.choice([0.5, 0.8, 0.9, 0.95, 0.99, 0.999])


def values(random: Random) -> dict:
    count = random.choice([2, 3, 5, 40, 1000])
    return {"kind": "values", "values": [score(random) for _ in range(count)], "confidence": confidence(random)}


def clusters(random: Random) -> dict:
    count = random.randint(4, 300)
    of = [random.randrange(random.choice([2, 5, 50])) for _ in range(count)]
    return {"kind": "clusters", "values": [score(random) for _ in of], "clusters": [0, 1, *of[2:]]}


def share(random: Random) -> dict:
    trials = random.choice([1, 5, 30, 1319, 1_000_000])
    right = random.choice([0, trials, random.randint(0, trials)])
    return {"kind": "share", "right": right, "trials": trials, "confidence": confidence(random)}


def pairs(random: Random) -> dict:
    count = random.choice([3, 10, 200, 2000])
    first = [score(random) for _ in range(count)]
    second = [one if random.random() < 0.7 else score(random) for one in first]
    return {"kind": "pairs", "first": first, "second": [*second[:-1], first[-1] + 0.25]}


def changes(random: Random) -> dict:
    most = random.choice([3, 20, 500, 5000])
    return {"kind": "changes", "gained": random.randint(0, most), "lost": random.randint(0, most)}


def samples(random: Random) -> dict:
    count = random.choice([1, 5, 20, 200])
    return {"kind": "samples", "samples": count, "right": random.randint(0, count), "k": random.randint(1, count)}


def verdicts(random: Random) -> dict:
    judges, kinds = random.randint(2, 5), random.randint(2, 4)
    units = [[random.randrange(kinds) if random.random() < 0.6 else 0 for _ in range(random.randint(1, judges))]
             for _ in range(random.randint(5, 80))]
    return {"kind": "verdicts", "units": [[0, 1], *units]}


def reference(case: dict) -> dict:
    """Returns what the reference implementations say of a case."""
    match case["kind"]:
        case "values":
            return of_values(np.array(case["values"]), case["confidence"])
        case "clusters":
            return {"error": clustered_error(np.array(case["values"]), np.array(case["clusters"]))}
        case "share":
            test = stats.binomtest(case["right"], case["trials"])
            interval = test.proportion_ci(case["confidence"], method="wilson")
            return {"interval": [interval.low, interval.high]}
        case "pairs":
            first, second = np.array(case["first"]), np.array(case["second"])
            test = stats.ttest_rel(second, first)
            return {"difference": np.mean(second - first), "error": stats.sem(second - first), "p": test.pvalue}
        case "changes":
            both = case["gained"] + case["lost"]
            return {"p": stats.binomtest(case["gained"], both).pvalue if both else 1.0}
        case "samples":
            wrong = case["samples"] - case["right"]
            all_wrong = math.comb(wrong, case["k"]) / math.comb(case["samples"], case["k"])
            return {"pass": 1 - all_wrong}
        case "verdicts":
            return {"alpha": alpha(case["units"])}


def of_values(values: np.ndarray, confidence: float) -> dict:
    error = stats.sem(values)
    interval = stats.t.interval(confidence, len(values) - 1, loc=np.mean(values), scale=error) if error else None
    mean = float(np.mean(values))
    return {"error": error, "interval": list(interval or (mean, mean)), "mode": Counter(values.tolist()).most_common(1)[0][0]}


def clustered_error(values: np.ndarray, clusters: np.ndarray) -> float:
    """The sandwich estimator with the correction for few clusters, from the products of all pairs in a cluster."""
    left = values - np.mean(values)
    same = clusters[:, None] == clusters[None, :]
    count = len(np.unique(clusters))
    return float(np.sqrt((np.outer(left, left) * same).sum() * count / (count - 1)) / len(values))


def alpha(units: list[list[int]]) -> float:
    counts = np.array([[unit.count(kind) for kind in range(4)] for unit in units])
    return krippendorff.alpha(value_counts=counts, level_of_measurement="nominal")
