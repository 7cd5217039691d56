import os
import signal
import socket


def escapes(processes):
    tried = {
        "a connection": connect,
        "a file outside of the folder": lambda: open("/usr/runmill-probe", "w"),
        "reading the machine's users": lambda: open("/etc/passwd"),
        "more processes than allowed": lambda: start(processes),
    }
    return [name for name, attempt in tried.items() if is_possible(attempt)]


def is_possible(attempt):
    try:
        attempt()
    except OSError:
        return False
    return True


def connect():
    # Nothing is sent: it only asks the kernel for a way there.
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(("192.0.2.1", 9))


def start(number):
    children = []
    try:
        for _ in range(number):
            child = os.fork()
            if child == 0:
                signal.pause()
            children.append(child)
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
