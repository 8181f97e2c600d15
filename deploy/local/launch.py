"""Becomes the wanted program: gives up root, yields the processor, and ends when its parent ends.

It runs as a file of its own (`python -I -S launch.py USER NICE SIGNAL PARENT PROGRAM ...`) and
imports the standard library only, so that a start costs some ten milliseconds and the parent,
which may have threads, never runs Python between fork and exec.
"""

import ctypes
import os
import sys
from pathlib import Path

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1
NOBODY = 65534  # PostgreSQL refuses uid 0; this one owns nothing

SAME = "same"
NAMESPACE = "namespace"


def main(arguments: list[str]) -> None:
    """Apply USER (same, namespace or a uid), NICE and SIGNAL, then run PROGRAM in this process."""
    user, nice, death_signal, parent, *program = arguments
    if user == NAMESPACE:
        enter_user_namespace()
    elif user != SAME:
        become(int(user))
    if int(nice):
        os.nice(int(nice))
    die_with_parent(int(death_signal), int(parent))
    os.execv(program[0], program)  # noqa: S606 -- this file exists to become that program


def enter_user_namespace() -> None:
    """Appear as an ordinary user, while the files keep their owner: no chown, no new account."""
    uid, gid = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"user namespace refused: {os.strerror(error)}")
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{NOBODY} {uid} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{NOBODY} {gid} 1", encoding="ascii")


def become(uid: int) -> None:
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)


def die_with_parent(death_signal: int, parent: int) -> None:
    """Ask the kernel for a signal when the parent dies, so that a kill -9 leaves no orphan."""
    if not death_signal or not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != parent:
        sys.exit("The parent ended before its child began.")


if __name__ == "__main__":
    main(sys.argv[1:])
