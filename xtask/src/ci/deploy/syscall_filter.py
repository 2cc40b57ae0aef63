"""Runs a program under a filter of system calls.

Usage: syscall_filter.py kill|errno PERMITTED,... PROGRAM ARGUMENT...

Any other system call kills the program, or fails with EPERM. As root, the working directory is
given to the user "nobody", and the program runs as that user.
"""

import errno
import os
import sys

import seccomp

NOBODY = 65534
ACTIONS = {"kill": seccomp.KILL_PROCESS, "errno": seccomp.ERRNO(errno.EPERM)}

action, permitted, *program = sys.argv[1:]
syscalls = seccomp.SyscallFilter(ACTIONS[action])
for name in permitted.split(","):
    try:
        syscalls.add_rule(seccomp.ALLOW, name)
    except RuntimeError:
        pass  # libseccomp does not know this name: it belongs to another architecture.
if os.geteuid() == 0:
    os.chown(".", NOBODY, NOBODY)
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
syscalls.load()
os.execv(program[0], program)
