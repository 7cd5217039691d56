"""Runs the answer's code, and calls its functions when the judge asks. The judge believes nothing that is said here."""

import os
import sys
import traceback
import types


def main():
    requests, replies = (os.fdopen(int(number), mode) for number, mode in zip(sys.argv[1:], "rw"))
    module = types.ModuleType("answer")
    # Some classes look for their module by its name.
    sys.modules["answer"] = module
    for line in requests:
        replies.write(written(reply(module.__dict__, read(line))))
        replies.flush()


def reply(namespace, request):
    try:
        if "code" in request:
            exec(compile(request["code"], "<answer>", "exec"), namespace)
            return {"names": [name for name, value in namespace.items() if callable(value)]}
        if request["name"] not in namespace:
            raise NameError(f"name {request['name']!r} is not defined")
        arguments = request["arguments"]
        value = namespace[request["name"]](*arguments, **request["keywords"])
        return {"value": value, "arguments": arguments}
    except BaseException as error:
        return {"raised": [kind.__name__ for kind in type(error).__mro__], "line": last_line(error)}


def last_line(error):
    try:
        return "".join(traceback.format_exception_only(type(error), error)).strip().splitlines()[-1][:500]
    except Exception:
        return type(error).__name__


main()
