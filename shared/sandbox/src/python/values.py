"""Values that cross between the judge and the answer, as JSON. Whatever is read, only built-in types are made of it."""

import json
import operator
import sys
from decimal import Decimal
from fractions import Fraction

# Large integers are results like others; the time limit bounds what they cost.
getattr(sys, "set_int_max_str_digits", id)(0)

SEQUENCES = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}


class Opaque:
    """A value that cannot cross, such as an object of the answer's own class. It equals nothing, itself included."""

    def __init__(self, kind):
        self.kind = kind

    def __eq__(self, other):
        return False

    __hash__ = None

    def __repr__(self):
        return f"<{self.kind}>"


def written(value):
    """Returns the value as one line."""
    try:
        return json.dumps(packed(value)) + "\n"
    except Exception:
        # A cycle, too deep a nesting, or a method of the answer's own class.
        return json.dumps({"opaque": type(value).__name__}) + "\n"


def packed(value):
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    for name, kind in SEQUENCES.items():
        if isinstance(value, kind):
            return {name: [packed(item) for item in value]}
    if isinstance(value, dict):
        return {"dict": [[packed(key), packed(item)] for key, item in value.items()]}
    if isinstance(value, (bytes, bytearray)):
        return {"bytearray" if isinstance(value, bytearray) else "bytes": value.hex()}
    if isinstance(value, complex):
        return {"complex": [value.real, value.imag]}
    if isinstance(value, Fraction):
        return {"fraction": [value.numerator, value.denominator]}
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    try:
        return operator.index(value)
    except TypeError:
        return {"opaque": type(value).__name__}


def unpacked(value):
    """Returns the value of what `packed` made. Raises an error of any kind if it did not make it."""
    if not isinstance(value, dict):
        return value
    (name, content), = value.items()
    if name in SEQUENCES:
        return SEQUENCES[name](unpacked(item) for item in content)
    if name == "dict":
        return {unpacked(key): unpacked(item) for key, item in content}
    plain = {
        "bytes": bytes.fromhex, "bytearray": bytearray.fromhex, "decimal": Decimal, "opaque": Opaque,
        "complex": lambda parts: complex(*parts), "fraction": lambda parts: Fraction(*parts),
    }
    return plain[name](content)


def read(line):
    return unpacked(json.loads(line))
