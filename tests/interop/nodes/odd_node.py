"""dispy's own node with an oddity: messages of its own that get lost, another clock, less patience.

    odd_node.py [--lose TAG ...] [--ahead SECONDS --from SECONDS --until SECONDS]
                [--zombie SECONDS] -- arguments of dispynode.py
"""

import argparse
import builtins
import os
import sys
import time

import pycos

own, node_args = sys.argv[1:], []
if '--' in own:
    at = own.index('--')
    own, node_args = own[:at], own[at + 1:]
parser = argparse.ArgumentParser()
parser.add_argument('--lose', action='append', default=[], help='TCP messages that get lost')
parser.add_argument('--lose-udp', action='append', default=[], help='datagrams that get lost')
parser.add_argument('--ahead', type=float, default=0, help='its clock is so many seconds ahead')
parser.add_argument('--from', type=float, default=0, dest='ahead_from', help='so long after start')
parser.add_argument('--until', type=float, default=3600, help='so long after its start')
parser.add_argument('--zombie', type=float, help='gives up quiet computations after so long; '
                    'its own --zombie_interval takes minutes')
options = parser.parse_args(own)

lost = tuple(tag.encode() for tag in options.lose)
lost_datagrams = tuple(tag.encode() for tag in options.lose_udp)
send_message, send_datagram = pycos.AsyncSocket._async_send_msg, pycos.AsyncSocket._async_sendto


def lossy_message(self, data):
    if lost and bytes(data).startswith(lost):
        raise OSError('lost: %s' % bytes(data[:12]))
    return (yield send_message(self, data))


def lossy_datagram(self, data, *args):
    lose = bytes(data).startswith(lost_datagrams)
    return len(data) if lose else send_datagram(self, data, *args)


pycos.AsyncSocket._async_send_msg = lossy_message
if lost_datagrams:
    pycos.AsyncSocket._async_sendto = lossy_datagram
if options.ahead:
    real_time, real_localtime = time.time, time.localtime
    started = real_time()

    def odd_time():
        now = real_time()
        is_ahead = options.ahead_from <= now - started < options.until
        return now + (options.ahead if is_ahead else 0)

    time.time = odd_time
    time.localtime = lambda at=None: real_localtime(odd_time() if at is None else at)



def read_line(prompt=''):
    """Stands for `input`, whose lock on a standard input that is a pipe stops the node's jobs."""
    print(prompt, flush=True)
    line = b''
    while not line.endswith(b'\n'):
        part = os.read(0, 1)
        if not part:
            time.sleep(3600)
        line += part
    return line.decode().strip()


builtins.input = read_line

program = os.path.join(os.path.dirname(sys.executable), 'dispynode.py')
sys.argv = [program] + node_args
with open(program) as fd:
    code = fd.read()
if options.zombie:
    own_interval = 'self.zombie_interval = 60 * zombie_interval'
    assert own_interval in code
    code = code.replace(own_interval, 'self.zombie_interval = %s' % options.zombie)
code = compile(code, program, 'exec')
del own, node_args, at, parser, fd
exec(code, globals())
