"""Becomes a container's process: run in new namespaces as their first process, it reads its orders and executes the command.

The orders are a line of JSON on standard input, so that no secret is in an argument.
"""

import ctypes
import json
import os
import socket
import sys

BIND, RECURSIVE, REMOUNT, READ_ONLY, NO_SUID, NO_DEVICES, NO_EXEC = 4096, 16384, 32, 1, 2, 4, 8
SET_NO_NEW_PRIVILEGES, DROP_FROM_BOUNDING = 38, 24
CAPABILITIES = 64

libc = ctypes.CDLL(None, use_errno=True)


def mount(source: str, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    encoded = [None if text is None else os.fsencode(text) for text in (source, target, kind, options)]
    if libc.mount(encoded[0], encoded[1], encoded[2], flags, encoded[3]):
        raise OSError(ctypes.get_errno(), f"mount {source} at {target}")


def bind(source: str, target: str, read_only: bool) -> None:
    mount(source, target, None, BIND | RECURSIVE)
    if read_only:
        mount(source, target, None, BIND | REMOUNT | READ_ONLY | NO_SUID)


def enter(orders: dict) -> None:
    root = orders["root"]
    mount(root, root, None, BIND)
    for device in orders["devices"]:
        mount(f"/dev/{device}", f"{root}/dev/{device}", None, BIND)
    mount("proc", f"{root}/proc", "proc", NO_SUID | NO_DEVICES | NO_EXEC)
    for volume in orders["mounts"]:
        bind(volume["source"], root + volume["target"], volume["read_only"])
    if orders["read_only_root"]:
        mount(root, root, None, BIND | REMOUNT | READ_ONLY | NO_SUID)
    socket.sethostname(orders["hostname"])
    os.chroot(root)
    os.chdir(orders["folder"])


def give_up_privileges(orders: dict) -> None:
    if orders["drop_capabilities"]:
        for capability in range(CAPABILITIES):
            # Numbers above the kernel's last one are refused, which does not matter.
            libc.prctl(DROP_FROM_BOUNDING, capability, 0, 0, 0)
    os.setgroups(orders["groups"])
    os.setgid(orders["group"])
    os.setuid(orders["user"])
    if orders["no_new_privileges"] and libc.prctl(SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "no_new_privs")


def found(program: str, path: str) -> str:
    # Not by execvpe, which imports modules that are out of reach in the container's root.
    if "/" in program:
        return program
    places = [f"{folder}/{program}" for folder in path.split(":")]
    return next((place for place in places if os.access(place, os.X_OK)), program)


def main() -> None:
    orders = json.loads(sys.stdin.readline())
    enter(orders)
    give_up_privileges(orders)
    nothing = os.open("/dev/null", os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    command, environment = orders["command"], orders["environment"]
    # Tells the kubelet that signals now reach the command.
    os.write(orders["started"], b"1")
    os.close(orders["started"])
    os.execve(found(command[0], environment["PATH"]), command, environment)


if __name__ == "__main__":
    main()
