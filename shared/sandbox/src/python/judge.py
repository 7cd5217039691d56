"""Runs the tests against the answer, which is a process of its own: what the answer's code can reach there are the
arguments of calls, never the tests, their expected values or the token that makes a ruling valid."""

import builtins
import json
import os
import signal
import subprocess
import sys
import traceback


class Ended(BaseException):
    """The answer's process ended, or does not speak as agreed. No test can catch it by accident."""


class Answer:
    def __init__(self, runner):
        theirs, self.requests = os.pipe()
        self.replies, replies = os.pipe()
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-B", "-c", runner, str(theirs), str(replies)],
            # What it prints goes to where the sandbox's owner counts it.
            stdin=subprocess.DEVNULL, stdout=2, stderr=2, pass_fds=(theirs, replies), env={},
        )
        os.close(theirs)
        os.close(replies)
        self.requests, self.replies = os.fdopen(self.requests, "w"), os.fdopen(self.replies, "r")
        self.is_over = False

    def ask(self, request):
        try:
            self.requests.write(written(request))
            self.requests.flush()
            reply = read(self.replies.readline())
        except MemoryError:
            raise
        except Exception as error:
            self.is_over = True
            raise Ended from error
        if not isinstance(reply, dict):
            raise Ended
        if "raised" in reply:
            raise error_of(reply)
        return reply

    def load(self, code):
        """Runs the code, and returns the names of its functions and classes."""
        names = self.ask({"code": code}).get("names")
        if not isinstance(names, list):
            raise Ended
        return [name for name in names if isinstance(name, str)]

    def function(self, name):
        def call(*arguments, **keywords):
            reply = self.ask({"name": name, "arguments": list(arguments), "keywords": keywords})
            update(arguments, reply.get("arguments"))
            return reply.get("value")

        call.__name__ = name
        return call


def update(arguments, changed):
    """Makes the changes that the answer made to its arguments."""
    if not isinstance(changed, list) or len(changed) != len(arguments):
        raise Ended
    for mine, theirs in zip(arguments, changed):
        if type(mine) is not type(theirs):
            continue
        if isinstance(mine, (list, bytearray)):
            mine[:] = theirs
        elif isinstance(mine, (dict, set)):
            mine.clear()
            mine.update(theirs)


def error_of(reply):
    """Returns the exception that the answer raised, as the nearest built-in one."""
    for name in reply["raised"]:
        kind = getattr(builtins, name, None)
        if isinstance(kind, type) and issubclass(kind, BaseException):
            break
    else:
        raise Ended
    error = kind.__new__(kind)
    error.line = str(reply.get("line"))
    return error


def run_tests(answer, request):
    names = answer.load(request["code"])
    space = {"__name__": "tests"}
    run_setup(request["setup"], space)
    for name in names:
        # Tests may use its other functions. It must not bring the function that tests it, or one that all of them use.
        if name not in space and name != "check" and not hasattr(builtins, name):
            space[name] = answer.function(name)
    entry_point = request["entry_point"]
    if entry_point:
        space[entry_point] = answer.function(entry_point)
    exec(compile(request["tests"], "<tests>", "exec"), space)
    if entry_point:
        space["check"](space[entry_point])


def run_setup(setup, space):
    try:
        exec(compile(setup, "<setup>", "exec"), space)
    except Exception:
        # The beginning of a function without a body is no program, and tests seldom need what it defines.
        pass


def ruling(answer, request):
    try:
        run_tests(answer, request)
        if answer.is_over:
            # The tests caught it.
            return ended(answer.process)
        return {"verdict": "passed"}
    except MemoryError:
        return {"verdict": "out_of_memory"}
    except Ended:
        return ended(answer.process)
    except BaseException as error:
        return {"verdict": "failed", "reason": reason(error, request["tests"])}


def ended(process):
    try:
        status = process.wait(timeout=1)
    except subprocess.TimeoutExpired:
        return {"verdict": "failed", "reason": "the program stopped answering calls before the tests ended"}
    if status == -signal.SIGXCPU:
        return {"verdict": "timed_out"}
    if status < 0:
        return {"verdict": "killed", "signal": -status}
    return {"verdict": "failed", "reason": f"the program ended with status {status} before the tests ended"}


def reason(error, tests):
    if hasattr(error, "line"):
        return error.line
    line = "".join(traceback.format_exception_only(type(error), error)).strip().splitlines()[-1]
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == "<tests>"]
    if line != "AssertionError" or not frames:
        return line[:500]
    return f"{line}: {tests.splitlines()[frames[-1].lineno - 1].strip()}"[:500]


def main():
    request = json.load(sys.stdin)
    confine(request["limits"])
    ruled = ruling(Answer(request["runner"]), request)
    os.write(1, (json.dumps({"token": request["token"], **ruled}) + "\n").encode())
    # What the answer left running ends with this process, and must not be waited for.
    os._exit(0)


main()
