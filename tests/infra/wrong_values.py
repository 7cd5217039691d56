"""Wrong values for each field of a schema of values: of another type, out of the range, unknown."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

# Of each type of JSON, a value of another one.
OTHER_TYPE = {"object": "words", "array": "words", "string": 7.5, "integer": "words", "number": "words", "boolean": "words"}
NO_MEMBER = "NoMember"
NO_MATCH = "\n!\n"
UNKNOWN = "noSuchField"


def resolved(root: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Returns a schema with what its `$ref` leads to."""
    if "$ref" not in schema:
        return schema
    _, _, name = schema["$ref"].rpartition("/")
    return {**root["$defs"][name], **{key: it for key, it in schema.items() if key != "$ref"}}


@dataclass(frozen=True)
class Wrong:
    """Values with one fault."""

    # Place of the value, and of the fault as Helm's message has it: an unknown field is a fault of its object.
    path: tuple[str | int, ...]
    pointer: str
    fault: str
    value: Any

    def conflicts(self, other: "Wrong") -> bool:
        """Returns whether one of the two is part of the other, or both are in the same list."""
        return all(one == another for one, another in zip(self._in_maps(), other._in_maps()))

    def _in_maps(self) -> tuple[str | int, ...]:
        return self.path[: self.path.index(0)] if 0 in self.path else self.path

    def put_into(self, values: dict[str, Any]) -> None:
        """Adds the wrong value to values with which it has no conflict."""
        (*above, last), at = self._in_maps(), values
        for part in above:
            at = at.setdefault(part, {})
        value = self.value
        for part in reversed(self.path[len(above) + 1 :]):
            value = [value] if part == 0 else {part: value}
        at[last] = value


class Walk:
    """A walk over all fields of a schema."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self.schema = schema
        # Places of numbers without a range, and of strings without a pattern; labels and the like may be any strings.
        self.unbounded: set[str] = set()

    def wrong(self) -> Iterator[Wrong]:
        yield from self._of(self.schema, [])

    def fields(self) -> set[str]:
        """Returns the pointers of all fields that have a name and may be set."""
        return {wrong.pointer for wrong in self.wrong() if 0 not in wrong.path and wrong.fault != "refused"}

    def _of(self, schema: dict[str, Any] | bool, path: list[str | int]) -> Iterator[Wrong]:
        if schema is False:
            yield self._wrong(path, "refused", "words")
            return
        schema = resolved(self.schema, schema)
        self._bounded(schema, path)
        types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        if path:
            yield self._wrong(path, "type", [] if "object" not in types and "string" in types else OTHER_TYPE[types[0]])
        if "enum" in schema:
            yield self._wrong(path, "enum", NO_MEMBER)
        if "pattern" in schema and not re.search(schema["pattern"], NO_MATCH):
            yield self._wrong(path, "pattern", NO_MATCH)
        if "minimum" in schema:
            yield self._wrong(path, "minimum", schema["minimum"] - 1)
        if "maximum" in schema:
            yield self._wrong(path, "maximum", schema["maximum"] + 1)
        if schema.get("minItems"):
            yield self._wrong(path, "minItems", [])
        if schema.get("additionalProperties") is False:
            yield self._wrong([*path, UNKNOWN], "additional properties", "words", at=path)
        elif isinstance(schema.get("additionalProperties"), dict):
            yield from self._of(schema["additionalProperties"], [*path, "anything"])
        for name, below in schema.get("properties", {}).items():
            yield from self._of(below, [*path, name])
        if "items" in schema:
            yield from self._of(schema["items"], [*path, 0])

    def _bounded(self, schema: dict[str, Any], path: list[str | int]) -> None:
        numeric = {"integer", "number"} & {schema["type"]} if isinstance(schema["type"], str) else set()
        if numeric and not {"minimum", "maximum"} <= schema.keys():
            self.unbounded.add("".join(f"/{part}" for part in path))
        if schema["type"] == "string" and not schema.keys() & {"pattern", "enum"} and "anything" not in path:
            self.unbounded.add("".join(f"/{part}" for part in path))

    @staticmethod
    def _wrong(path: list[str | int], fault: str, value: Any, at: list[str | int] | None = None) -> Wrong:
        pointer = "".join(f"/{part}" for part in (path if at is None else at))
        return Wrong(tuple(path), pointer, fault, value)


def batches(all_wrong: list[Wrong]) -> list[list[Wrong]]:
    """Divides wrong values into few groups without conflicts: Helm names all faults of a file of values at once."""
    groups: list[list[Wrong]] = []
    for wrong in all_wrong:
        fitting = (group for group in groups if not any(wrong.conflicts(other) for other in group))
        group = next(fitting, None)
        if group is None:
            groups.append(group := [])
        group.append(wrong)
    return groups
