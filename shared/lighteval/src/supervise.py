"""Runs a command until it ends, or until standard input ends: then the process that started it is gone or wants it to end.

The command and its children are in the process group of this program, and the group is killed as a whole.
"""

import os
import signal
import subprocess
import sys
import threading


def end_with_standard_input() -> None:
    while os.read(0, 4096):
        pass
    os.killpg(0, signal.SIGKILL)


command = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
threading.Thread(target=end_with_standard_input, daemon=True).start()
code = command.wait()
sys.stdout.flush()
os._exit(code if code >= 0 else 128 - code)
