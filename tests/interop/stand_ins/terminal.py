"""Runs the command of its arguments in a terminal of its own, which closes when "hang up" is read.

What the command prints there is passed on; its exit code becomes this program's (128 + signal).
"""

import os
import pty
import select
import sys


def main():
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(sys.argv[1], sys.argv[1:])
    sources = [terminal, 0]
    while terminal in sources:
        ready, _, _ = select.select(sources, [], [])
        if terminal in ready:
            try:
                printed = os.read(terminal, 4096)
            except OSError:  # nobody has it open any more
                break
            os.write(1, printed.replace(b'\r', b''))
        if 0 in ready:
            if os.read(0, 4096).strip() == b'hang up':
                os.close(terminal)
                sources.remove(terminal)
            else:
                sources.remove(0)
    status = os.waitpid(pid, 0)[1]
    signal = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    sys.exit(128 + signal if signal else os.WEXITSTATUS(status))


main()
