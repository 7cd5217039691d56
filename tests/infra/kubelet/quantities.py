"""Quantities, counts and shares in the notation of Kubernetes."""

import math
import re

UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


def bytes_of(quantity: str | int | None) -> int:
    """Returns the number of bytes, 0 for no quantity."""
    match = re.fullmatch(r"([0-9.]+)([A-Za-z]*)", str(quantity or 0))
    return int(float(match[1]) * UNITS[match[2]])


def surge(stated: str | int, replicas: int) -> int:
    """Returns how many pods may be above the number of replicas: a share is rounded up."""
    return math.ceil(_share(stated) * replicas) if isinstance(stated, str) else stated


def unavailable(stated: str | int, replicas: int) -> int:
    """Returns how many replicas may be missing: a share is rounded down."""
    return math.floor(_share(stated) * replicas) if isinstance(stated, str) else stated


def _share(stated: str) -> float:
    return int(stated.removesuffix("%")) / 100
