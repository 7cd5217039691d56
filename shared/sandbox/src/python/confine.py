"""Limits of this process and all that it starts. They hold until the end: none can be raised again."""

import ctypes
import os
import resource
import struct

PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 4, 22, 38
SECCOMP_MODE_FILTER = 2
LOAD, JUMP_IF_EQUAL, JUMP_IF_AT_LEAST, JUMP_IF_ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, EPERM, ENOSYS = 0x7FFF0000, 0x00050001, 0x00050026
# Places in the description of a call that the kernel gives to the filter.
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16
# Each has its bit in the flags of `clone`.
ALL_NAMESPACES = 0x7E020080

# Sockets of some families, as AF_VSOCK, leave every network namespace. The calls of the next lines hold memory that
# no limit of a process counts; the others reach into processes or widen what the kernel offers.
REFUSED = {
    "x86_64": {
        "socket": 41,
        "memfd_create": 319, "memfd_secret": 447, "shmget": 29, "msgget": 68, "semget": 64, "io_uring_setup": 425,
        "add_key": 248, "request_key": 249, "keyctl": 250,
        "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311, "pidfd_getfd": 438,
        "unshare": 272, "setns": 308, "mount": 165, "fsopen": 430, "open_tree": 428, "bpf": 321,
        "perf_event_open": 298, "userfaultfd": 323,
    },
    "aarch64": {
        "socket": 198,
        "memfd_create": 279, "memfd_secret": 447, "shmget": 194, "msgget": 186, "semget": 190, "io_uring_setup": 425,
        "add_key": 217, "request_key": 218, "keyctl": 219,
        "ptrace": 117, "process_vm_readv": 270, "process_vm_writev": 271, "pidfd_getfd": 438,
        "unshare": 97, "setns": 268, "mount": 40, "fsopen": 430, "open_tree": 428, "bpf": 280,
        "perf_event_open": 241, "userfaultfd": 282,
    },
}
AUDIT_ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
CLONE = {"x86_64": 56, "aarch64": 220}
CLONE3 = 435
# On x86_64, calls from this number on are those of a second ABI with numbers of its own.
SECOND_ABI = 0x40000000


def confine(limits):
    set_limits(limits)
    # No other process of the sandbox can read its memory or open its files then. A program that it starts can be read.
    prctl(PR_SET_DUMPABLE, 0)
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    refuse_calls(os.uname().machine)


def set_limits(limits):
    for name, value in {
        "AS": limits["memory_bytes"],
        "FSIZE": limits["file_bytes"],
        "NOFILE": limits["open_files"],
        # The first process of the sandbox and the judge count, too.
        "NPROC": limits["processes"] + 2,
        "CORE": 0,
        "MEMLOCK": 0,
        "MSGQUEUE": 0,
    }.items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))
    # The first number brings a signal that says why, the second one the end.
    resource.setrlimit(resource.RLIMIT_CPU, (limits["cpu_seconds"], limits["cpu_seconds"] + 1))


def refuse_calls(machine):
    if machine not in REFUSED or struct.calcsize("P") != 8:
        raise OSError(f"there is no list of refused system calls for a machine of the kind {machine}")
    program = [
        (LOAD, 0, 0, ARCHITECTURE),
        (JUMP_IF_EQUAL, 1, 0, AUDIT_ARCHITECTURE[machine]),
        (RETURN, 0, 0, EPERM),
        (LOAD, 0, 0, NUMBER),
        (JUMP_IF_AT_LEAST, 0, 1, SECOND_ABI),
        (RETURN, 0, 0, EPERM),
        # Its flags are in memory, where a filter cannot look; without it, the C library takes `clone`.
        (JUMP_IF_EQUAL, 0, 1, CLONE3),
        (RETURN, 0, 0, ENOSYS),
    ]
    for number in REFUSED[machine].values():
        program += [(JUMP_IF_EQUAL, 0, 1, number), (RETURN, 0, 0, EPERM)]
    program += [
        (JUMP_IF_EQUAL, 0, 3, CLONE[machine]),
        (LOAD, 0, 0, FIRST_ARGUMENT),
        (JUMP_IF_ANY_BIT, 0, 1, ALL_NAMESPACES),
        (RETURN, 0, 0, EPERM),
        (RETURN, 0, 0, ALLOW),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))
    header = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(program), ctypes.addressof(code)))
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(header))


def prctl(option, *values):
    arguments = [ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)[:4]]
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, *arguments) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}")
