"""Lets schemathesis send datasets: the description has their body as a text."""

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def ndjson(_context, value):
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else str(value).encode()
