"""A process gives up, for good, what code in it could do harm with: resource limits, Landlock and seccomp.

Linux only, for x86-64 and arm64; by system calls, since no package may be needed inside the worker. This file uses
the standard library alone. Sources: landlock(7), seccomp(2), capset(2), linux/audit.h, linux/filter.h.
"""

import ctypes
import os
import resource
import stat
import struct
import sys
from collections.abc import Iterable
from contextlib import suppress

_LIBC = ctypes.CDLL(None, use_errno=True)

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _PR_SET_DUMPABLE = 1, 38, 22, 4
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_CAP_DAC_READ_SEARCH = 1 << 2  # an auditor who is root reads what others keep to themselves

_ERRNO, _ALLOW, _KILL = 0x00050000, 0x7FFF0000, 0x80000000
_EPERM, _ENOTTY, _ENOSYS = 1, 25, 38
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT, _SECOND_ARGUMENT = 0, 4, 16, 24

# What an interpreter needs to compute, to allocate, to import from folders that it may read and to talk over open
# pipes. Everything else is refused: processes and threads, signals to others, sockets, mounts, tracing, new limits.
_CALLS: dict[str, dict[str, int]] = {
    "x86_64": {
        "read": 0, "write": 1, "open": 2, "close": 3, "stat": 4, "fstat": 5, "lstat": 6, "poll": 7, "lseek": 8,
        "mmap": 9, "mprotect": 10, "munmap": 11, "brk": 12, "rt_sigaction": 13, "rt_sigprocmask": 14,
        "rt_sigreturn": 15, "pread64": 17, "access": 21, "select": 23, "sched_yield": 24, "mremap": 25,
        "madvise": 28, "dup": 32, "nanosleep": 35, "getpid": 39, "exit": 60, "uname": 63, "getcwd": 79,
        "readlink": 89, "gettimeofday": 96, "getrusage": 98, "sysinfo": 99, "times": 100, "getuid": 102,
        "getgid": 104, "geteuid": 107, "getegid": 108, "getppid": 110, "sigaltstack": 131, "gettid": 186,
        "futex": 202, "sched_getaffinity": 204, "getdents64": 217, "restart_syscall": 219, "clock_gettime": 228,
        "clock_getres": 229, "clock_nanosleep": 230, "exit_group": 231, "openat": 257, "newfstatat": 262,
        "readlinkat": 267, "faccessat": 269, "pselect6": 270, "ppoll": 271, "set_robust_list": 273,
        "getrandom": 318, "statx": 332, "rseq": 334, "faccessat2": 439,
    },
    "aarch64": {
        "getcwd": 17, "dup": 23, "faccessat": 48, "openat": 56, "close": 57, "getdents64": 61, "lseek": 62,
        "read": 63, "write": 64, "pread64": 67, "pselect6": 72, "ppoll": 73, "readlinkat": 78, "newfstatat": 79,
        "fstat": 80, "exit": 93, "exit_group": 94, "futex": 98, "set_robust_list": 99, "nanosleep": 101,
        "clock_gettime": 113, "clock_getres": 114, "clock_nanosleep": 115, "sched_getaffinity": 123,
        "sched_yield": 124, "restart_syscall": 128, "sigaltstack": 132, "rt_sigaction": 134,
        "rt_sigprocmask": 135, "rt_sigreturn": 139, "times": 153, "uname": 160, "getrusage": 165,
        "gettimeofday": 169, "getpid": 172, "getppid": 173, "getuid": 174, "geteuid": 175, "getgid": 176,
        "getegid": 177, "gettid": 178, "sysinfo": 179, "brk": 214, "munmap": 215, "mremap": 216, "mmap": 222,
        "mprotect": 226, "madvise": 233, "getrandom": 278, "statx": 291, "rseq": 293, "faccessat2": 439,
    },
}  # fmt: skip
_SPECIAL = {"x86_64": {"fcntl": 72, "ioctl": 16}, "aarch64": {"fcntl": 25, "ioctl": 29}}
_CLONE3 = 435
# What a process that only reads is refused where Landlock, or an older one, says nothing of it: sockets (and the ring
# that can make them), signals to others, and changes of a file's length, mode, owner, times and attributes.
_CHANGES: dict[str, dict[str, int]] = {
    "x86_64": {
        "socket": 41, "kill": 62, "truncate": 76, "chmod": 90, "fchmod": 91, "chown": 92, "fchown": 93, "lchown": 94,
        "utime": 132, "setxattr": 188, "lsetxattr": 189, "fsetxattr": 190, "removexattr": 197, "lremovexattr": 198,
        "fremovexattr": 199, "utimes": 235, "fchownat": 260, "futimesat": 261, "fchmodat": 268, "utimensat": 280,
        "tkill": 200, "rt_sigqueueinfo": 129, "rt_tgsigqueueinfo": 297, "pidfd_send_signal": 424,
        "io_uring_setup": 425, "fchmodat2": 452, "setxattrat": 463, "removexattrat": 466, "file_setattr": 469,
    },
    "aarch64": {
        "setxattr": 5, "lsetxattr": 6, "fsetxattr": 7, "removexattr": 14, "lremovexattr": 15, "fremovexattr": 16,
        "truncate": 45, "fchmod": 52, "fchmodat": 53, "fchownat": 54, "fchown": 55, "utimensat": 88, "kill": 129,
        "tkill": 130, "rt_sigqueueinfo": 138, "socket": 198, "rt_tgsigqueueinfo": 240, "pidfd_send_signal": 424,
        "io_uring_setup": 425, "fchmodat2": 452, "setxattrat": 463, "removexattrat": 466, "file_setattr": 469,
    },
}  # fmt: skip
_TGKILL = {"x86_64": 234, "aarch64": 131}
_AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
# Duplicating a descriptor and reading or setting its flags; setting who gets its signals is what must not be.
_FCNTL = (0, 1, 2, 3, 1030)


def limit(memory_bytes: int, cpu_s: int) -> str:
    """Bound memory, CPU time, files and dumps for good. Returns this layer's name."""
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    return "rlimits"


def landlock_version() -> int:
    """The kernel's Landlock version; 0 where it has none."""
    if not sys.platform.startswith("linux") or os.uname().machine not in _CALLS:
        return 0
    return max(0, int(_LIBC.syscall(_CREATE_RULESET, None, 0, 1)))


def lock_files(readable: list[str]) -> str:
    """Let this process read what lies below `readable` and no other file, and reach no network. Needs Landlock.

    Returns this layer's name with the version. Raises `OSError` where the kernel refuses.
    """
    version = landlock_version()
    rights = (1 << (13 + (version >= 2) + (version >= 3) + (version >= 5))) - 1
    attributes = struct.pack("<QQQ", rights, 3, 3)[: 8 if version < 4 else 16 if version < 6 else 24]
    ruleset = _call(_CREATE_RULESET, attributes, len(attributes), 0)
    for place in readable:
        with suppress(FileNotFoundError):
            opened = os.open(place, os.O_PATH | os.O_CLOEXEC)
            allowed = _READ_FILE | (_READ_DIR if stat.S_ISDIR(os.fstat(opened).st_mode) else 0)
            _call(_ADD_RULE, ruleset, 1, struct.pack("<Qi", allowed, opened), 0)
            os.close(opened)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _call(_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)
    return f"landlock{version}"


def drop_privileges(keep: int = 0) -> None:
    """Give up every capability but those of the bits `keep` that are held; matters where the process is root."""
    header, held = struct.pack("<Ii", 0x20080522, 0), ctypes.create_string_buffer(24)
    _check(_LIBC.capget(header, held))
    kept = [word & keep for word in struct.unpack("<6I", held.raw)[:2]]
    _check(_LIBC.capset(header, struct.pack("<6I", *kept, 0, 0, 0, 0)))
    _prctl(_PR_SET_DUMPABLE, 0)


def filter_calls() -> str:
    """Refuse every system call that computing does not need. Returns this layer's name; raises `OSError`."""
    machine = os.uname().machine
    _filter([*_beginning(machine), *_computing(machine), (_RETURN, 0, 0, _ERRNO | _EPERM)])
    return "seccomp"


def only_read(readable: list[str]) -> None:
    """Let this process, and the threads that it starts from now on, read what lies below `readable` and do no more:
    write and change no file, make no socket, trace and signal no other process. Needs Landlock.

    Threads that run already are not bound, so call it before there are any. Raises `OSError` where the kernel refuses.
    """
    drop_privileges(keep=_CAP_DAC_READ_SEARCH)
    lock_files(readable)
    machine = os.uname().machine
    _filter([*_beginning(machine), *_reading(machine), (_RETURN, 0, 0, _ALLOW)])


def die_with_parent(parent: int) -> None:
    """Be killed when the process `parent`, which started this one, ends. Only Linux does that."""
    if sys.platform.startswith("linux"):
        _prctl(_PR_SET_PDEATHSIG, 9)
    if os.getppid() != parent:
        os._exit(1)


_Step = tuple[int, int, int, int]
"""A step of a filter: code, jump if true, jump if false, constant."""


def _filter(steps: list[_Step]) -> None:
    code = b"".join(struct.pack("<HBBI", *step) for step in steps)
    buffer = ctypes.create_string_buffer(code)
    program = struct.pack("<HxxxxxxQ", len(code) // 8, ctypes.addressof(buffer))
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _prctl(_PR_SET_SECCOMP, 2, program)


def _beginning(machine: str) -> list[_Step]:
    """Kill what calls in another machine's way; go on with the call's number."""
    return [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, _AUDIT[machine]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, 0x40000000),
        (_RETURN, 0, 0, _KILL),
    ]


def _computing(machine: str) -> list[_Step]:
    """Allow what computing needs."""
    special = _SPECIAL[machine]
    return [
        *_answers([special["ioctl"]], _ERRNO | _ENOTTY),
        *_answers([_CLONE3], _ERRNO | _ENOSYS),
        *_answers(_CALLS[machine].values(), _ALLOW),
        (_EQUAL, 1, 0, special["fcntl"]),
        (_RETURN, 0, 0, _ERRNO | _EPERM),
        (_LOAD, 0, 0, _SECOND_ARGUMENT),
        *_answers(_FCNTL, _ALLOW),
    ]


def _reading(machine: str) -> list[_Step]:
    """Refuse what changes anything, and signals to threads that are not of this process."""
    return [
        *_answers(_CHANGES[machine].values(), _ERRNO | _EPERM),
        (_EQUAL, 0, 3, _TGKILL[machine]),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_EQUAL, 1, 0, os.getpid()),
        (_RETURN, 0, 0, _ERRNO | _EPERM),
    ]


def _answers(numbers: Iterable[int], action: int) -> list[_Step]:
    return [step for number in numbers for step in ((_EQUAL, 0, 1, number), (_RETURN, 0, 0, action))]


def _prctl(option: int, value: int, pointer: bytes | None = None) -> None:
    _check(_LIBC.prctl(option, ctypes.c_ulong(value), pointer, ctypes.c_ulong(0), ctypes.c_ulong(0)))


def _call(number: int, *arguments: object) -> int:
    return _check(_LIBC.syscall(number, *arguments))


def _check(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
