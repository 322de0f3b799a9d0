"""Processes and their children, as far as systems differ in them."""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def _prctl(option, value):
    """Sets an attribute of this process that only Linux has; elsewhere nothing happens."""
    if not sys.platform.startswith('linux'):
        return
    try:
        ctypes.CDLL(None).prctl(option, ctypes.c_ulong(value), 0, 0, 0)
    except (OSError, AttributeError):
        pass  # a C library without it: process groups have to do


def adopt_orphans():
    """Makes this process the parent of descendants whose own parents end."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with(parent):
    """Has the system kill this process when `parent`, which has forked it, ends."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def kill_group(pid, signum=signal.SIGKILL):
    """Signals the process and the group that it leads, as far as they are there."""
    for send in (os.killpg, os.kill):
        try:
            send(pid, signum)
        except (ProcessLookupError, PermissionError):
            pass


def own_children():
    """The ids of this process's children, where the system tells: Linux."""
    own = os.getpid()
    try:
        with open('/proc/self/task/%d/children' % own) as file:
            return [int(pid) for pid in file.read().split()]
    except OSError:
        pass  # a kernel without that file: see who says to be our child
    try:
        pids = [int(name) for name in os.listdir('/proc') if name.isdigit()]
    except OSError:
        return []
    return [pid for pid in pids if parent_of(pid) == own]


def parent_of(pid):
    try:
        with open('/proc/%d/stat' % pid, errors='replace') as file:
            # The name before the last parenthesis may hold spaces; what follows does not.
            return int(file.read().rpartition(')')[2].split()[1])
    except OSError:
        return None


def wait_outcome(status):
    """What `waitpid` tells, as the node wants it."""
    if os.WIFSIGNALED(status):
        signum = os.WTERMSIG(status)
        return {'signal': signum, 'signal_name': signal_name(signum)}
    return {'code': os.WEXITSTATUS(status)}


def signal_name(signum):
    try:
        return signal.Signals(signum).name
    except ValueError:
        return 'signal %d' % signum
