"""dispy's own node with an oddity: messages of its own that get lost, come twice or late, jobs that
it forgets, another clock, less patience, a busy machine.

    odd_node.py [--lose TAG ...] [--twice] [--late SECONDS] [--forget COUNT] [--ahead SECONDS --from SECONDS --until SECONDS]
                [--zombie SECONDS] [--slow-start SECONDS] [--mute-after COUNT] [--beyond-help] -- arguments of dispynode.py
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
parser.add_argument('--twice', action='store_true', help='results are sent twice')
parser.add_argument('--late', type=float, help='its first result is sent so much later')
parser.add_argument('--forget', type=int, default=0, help='so many jobs are taken and forgotten')
parser.add_argument('--lose-udp', action='append', default=[], help='datagrams that get lost')
parser.add_argument('--ahead', type=float, default=0, help='its clock is so many seconds ahead')
parser.add_argument('--from', type=float, default=0, dest='ahead_from', help='so long after start')
parser.add_argument('--until', type=float, default=3600, help='so long after its start')
parser.add_argument('--zombie', type=float, help='gives up quiet computations after so long; '
                    'its own --zombie_interval takes minutes')
parser.add_argument('--slow-start', type=float, help='after it has forked a process for a job, its '
                    'main thread gets no CPU for so long')
parser.add_argument('--mute-after', type=int, help='its thread for results dies after so many')
parser.add_argument('--beyond-help', action='store_true', help='that cannot be started again')
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

if options.slow_start:
    from multiprocessing import popen_fork
    launch = popen_fork.Popen._launch

    def launch_slowly(self, process):
        launch(self, process)
        time.sleep(options.slow_start)

    popen_fork.Popen._launch = launch_slowly


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
if options.forget:
    own_start = """        def job_request(msg):
            error = None
"""
    assert own_start in code
    code = code.replace(own_start, own_start + """            if options.forget > 0:
                options.forget -= 1
                yield conn.send_msg(b'ACK')
                return
""")
if options.twice or options.late:
    own_reply = """        job_reply = job_info.job_reply
        dispynode_logger.debug('Sending result"""
    assert own_reply in code
    code = code.replace(own_reply, """        if options.late:
            late, options.late = options.late, None
            print('a result is held back', flush=True)
            yield task.sleep(late)
            print('the late result is sent', flush=True)
        elif options.twice and not resending and not hasattr(job_info, 'is_copy'):
            twin = copy.copy(job_info)
            twin.is_copy = True
            Task(self._send_again, twin)
""" + own_reply)
    own_method = "    def _send_job_reply(self, job_info"
    code = code.replace(own_method, """    def _send_again(self, job_info, task=None):
        yield task.sleep(0.2)
        print('a result is sent again', flush=True)
        yield self._send_job_reply(job_info, resending=True, task=task)

""" + own_method)
if options.mute_after is not None:
    own_get = """            item = self.reply_Q.get()
"""
    assert own_get in code
    code = code.replace(own_get, own_get + """            options.mute_after -= 1
            if options.mute_after == -1:
                self.reply_Q.put(item)
                print('the thread for results dies', flush=True)
                raise AssertionError('can only join a started process')
""")
if options.beyond_help:
    code = code.replace('def __reply_Q', 'def __replies').replace('self.__reply_Q)', 'self.__replies)')
if options.zombie:
    own_interval = 'self.zombie_interval = 60 * zombie_interval'
    assert own_interval in code
    code = code.replace(own_interval, 'self.zombie_interval = %s' % options.zombie)
code = compile(code, program, 'exec')
del own, node_args, at, parser, fd
exec(code, globals())
