"""Running one machine to its end, its two serial ports read live.

The emulator writes both ports into FIFOs. A FIFO loses nothing, wakes us for each
piece, and is drained after the emulator's end, so the last line arrives even when
it crashes. One select loop serves the ports, the emulator's own words and the clocks.

    machine --COM1--> on_console(bytes)      for people
            --COM2--> on_result(line)        for the grader
            --tty---> its last words, told only when it did not start

The run ends with the emulator, or when `timeout` seconds have passed, or when COM2
said nothing for `idle` seconds; whatever happens, the emulator's process group is gone
afterwards and its temporary folder too.
"""
import ctypes
import os
import re
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tty

from . import common
from .bochs import Bochs, size_terminal
from .common import Problem
from .qemu import Qemu
from .request import Outcome

MACHINES = {"qemu": Qemu, "kvm": Qemu, "bochs": Bochs}
END_LINE = re.compile(r"# exit49: end status=(\d+)\s*$")
# An emulator that was told to end is given this long to do so.
GRACE = 3.0
SHORT_LIFE = 5.0
BAIL_OUT = "Bail out!"
# As long as it fits into a UART's FIFO.
KEY = re.compile(rb"\x1b(\[[0-9;?]{0,12}[@-~]|O.)")
PR_SET_PDEATHSIG = 1

try:
    _libc = ctypes.CDLL(None)
    _libc.prctl
except (OSError, AttributeError):
    _libc = None


def _die_with_parent():
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _open_terminal(path):
    """Make a pseudo terminal that the emulator finds at path; return (ours, theirs)."""
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    os.symlink(os.ttyname(theirs), path)
    os.set_blocking(ours, False)
    return ours, theirs


def _open_fifo(path):
    """Make a FIFO and return its reading end; it never reports an end of file."""
    os.mkfifo(path)
    return os.open(path, os.O_RDWR | os.O_NONBLOCK)


def typed_at_once(data, some):
    """Return what is sent first: some bytes, but the key of a terminal that begins with
    ESC is sent whole, as a pause after ESC would make it another key."""
    key = KEY.match(data)
    if key:
        return key.group()
    return data[:some].partition(b"\x1b")[0] or data[:some]


class Lines:
    """Cuts a stream of bytes into lines of text for a callback."""

    def __init__(self, callback):
        self.callback, self.rest = callback, b""

    def feed(self, data):
        *whole, self.rest = (self.rest + data).split(b"\n")
        for line in whole:
            self.callback(line.decode("utf-8", "replace").rstrip("\r"))

    def flush(self):
        if self.rest:
            self.feed(b"\n")


class Machine:
    """One run. Use run_machine()."""

    def __init__(self, request, on_result=None, on_console=None, on_tick=None):
        self.request = request
        self.on_result = on_result or (lambda line: None)
        self.on_console = on_console or (lambda data: None)
        self.on_tick = on_tick
        self.lines = Lines(self._result_line)
        self.said = bytearray()
        self.end_status = None
        self.refusal = ""
        self.started = self.spoke = self.ended_at = 0.0
        self.alive = True
        self.folder = ""
        self.process = None
        self.handlers = {}
        self.inputs = {}
        self.terminal = None
        self.unsent = b""
        self.send_at = 0.0
        self.left = False

    def run(self):
        self.request.check(MACHINES)
        emulator = MACHINES[self.request.machine](self.request)
        self.folder = tempfile.mkdtemp(prefix="exit49-")
        try:
            self._open_ports()
            emulator.prepare(self.folder, "com1", "com2")
            self._start(emulator)
            late = self._serve()
            self._reap()
            return self._judge(emulator, late)
        finally:
            self._reap()
            for fd in list(self.handlers):
                self._close(fd)
            if self.terminal is not None:
                os.close(self.terminal_end)
            if self.request.keep:
                print(f"kept: {self.folder}", file=sys.stderr)
            else:
                shutil.rmtree(self.folder, ignore_errors=True)

    # -- start ---------------------------------------------------------------

    def _open_ports(self):
        com1, com2 = (os.path.join(self.folder, name) for name in ("com1", "com2"))
        if self.request.terminal:
            # Our copy of the emulator's end keeps what was said until it is read.
            self.terminal, self.terminal_end = _open_terminal(com1)
            self.handlers[self.terminal] = self.on_console
        else:
            self.handlers[_open_fifo(com1)] = self.on_console
        self.handlers[_open_fifo(com2)] = self._com2

    def _start(self, emulator):
        if emulator.uses_terminal:
            ours, theirs = os.openpty()
            size_terminal(theirs)
            stdin = theirs
        else:
            ours, theirs = os.pipe()
            stdin = subprocess.DEVNULL
        self.handlers[ours] = self._words
        self.words_fd = ours
        self.started = self.spoke = time.monotonic()
        try:
            self.process = subprocess.Popen(
                emulator.argv, stdin=stdin, stdout=theirs, stderr=theirs,
                cwd=self.folder, start_new_session=True, preexec_fn=_die_with_parent,
                env={**os.environ, "TERM": "vt100"})
        except OSError as error:
            raise Problem(f"{emulator.argv[0]} does not start: {error.strerror}",
                          common.NOT_STARTED) from None
        finally:
            os.close(theirs)

    # -- run -----------------------------------------------------------------

    def _serve(self):
        """Serve all streams until the end; return why it had to be ended, or ''."""
        with selectors.PollSelector() as selector:
            for fd in [*self.handlers, *self.inputs]:
                selector.register(fd, selectors.EVENT_READ)
            while True:
                self._send_rest()
                for key, _ in selector.select(0.1):
                    if key.fd in self.inputs:
                        if not self._take_input(key.fd):
                            selector.unregister(key.fd)
                    elif not self._read(key.fd):
                        selector.unregister(key.fd)
                        self._close(key.fd)
                # The emulator's end of its own stream closes when it ends. Its last
                # words on the ports lie in the FIFOs by then.
                if not self.alive or self.process.poll() is not None:
                    self._drain()
                    return ""
                if self.on_tick:
                    self.on_tick()
                late = self._late(time.monotonic())
                if late is not None:
                    return late

    def _late(self, now):
        """Return the reason to end the machine now, or None."""
        request = self.request
        if self.left:
            return ""
        if self.ended_at:
            return "" if now - self.ended_at > GRACE else None
        if request.timeout and now - self.started > request.timeout:
            return f"the machine was ended after {request.timeout:g} s"
        if request.idle and now - self.spoke > request.idle:
            return (f"the machine was ended: no word on COM2 for {request.idle:g} s")
        return None

    def _read(self, fd):
        """Read once from fd; False at its end."""
        try:
            data = os.read(fd, 65536)
        except BlockingIOError:
            return True
        except OSError:
            data = b""          # a pseudo terminal says EIO where a pipe ends
        if data:
            self.handlers[fd](data)
            return True
        self.alive = False
        return False

    def add_input(self, fd, handler):
        """Call handler(bytes) with what comes from fd; call before run()."""
        self.inputs[fd] = handler

    def send(self, data):
        """Send bytes to the guest's COM1."""
        self.unsent += data
        self._send_rest()

    def leave(self):
        """End the machine soon."""
        self.left = True

    def _send_rest(self):
        now = time.monotonic()
        if self.unsent and self.terminal is not None and now >= self.send_at:
            some, pause = MACHINES[self.request.machine].typing
            try:
                sent = os.write(self.terminal, typed_at_once(self.unsent, some))
            except BlockingIOError:
                return
            self.unsent = self.unsent[sent:]
            self.send_at = now + pause

    def _take_input(self, fd):
        data = os.read(fd, 4096)
        if data:
            self.inputs[fd](data)
        return bool(data)

    def _drain(self):
        for fd, handler in self.handlers.items():
            if handler == self._words:
                continue
            while True:
                try:
                    handler(os.read(fd, 65536))
                except BlockingIOError:
                    break
        self.lines.flush()

    def _com2(self, data):
        self.spoke = time.monotonic()
        self.lines.feed(data)

    def _result_line(self, line):
        match = END_LINE.match(line)
        if match and self.end_status is None:
            self.end_status = int(match.group(1))
            self.ended_at = time.monotonic()
        if line.startswith(BAIL_OUT):
            self.refusal = line[len(BAIL_OUT):].strip()
        self.on_result(line)

    def _words(self, data):
        self.said += data[:65536 - len(self.said)]

    # -- end -----------------------------------------------------------------

    def _close(self, fd):
        self.handlers.pop(fd, None)
        os.close(fd)

    def _reap(self):
        """End the emulator and whatever it started, and wait for it."""
        process = self.process
        if process is None or process.returncode is not None:
            return
        if not self.alive:
            try:
                process.wait(GRACE)
                return
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()

    def _judge(self, emulator, late):
        seconds = time.monotonic() - self.started
        if self.left:
            return Outcome(common.RAN, "", seconds)
        if self.end_status is not None:
            return self._judge_end(seconds)
        if late:
            return Outcome(common.TIMED_OUT, late, seconds)
        words = emulator.explain(self.folder, self.said.decode("utf-8", "replace"))
        code = self.process.returncode
        if words or code < 0:
            words = words or f"killed by signal {-code}"
            return Outcome(common.NOT_STARTED,
                           f"the emulator died: {words}", seconds)
        return Outcome(common.PANICKED, "the machine stopped or reset without its end "
                       "line (a triple fault in the hypervisor?)", seconds)

    def _judge_end(self, seconds):
        sentences = {common.RAN: "",
                     common.PANICKED: "the hypervisor panicked outside a test",
                     common.USAGE: "the hypervisor refused to run"}
        if self.end_status and self.refusal:
            return Outcome(self.end_status, self.refusal, seconds, True)
        if self.end_status not in sentences:
            return Outcome(common.PANICKED, "the hypervisor ended with the unknown "
                           f"status {self.end_status}", seconds, True)
        return Outcome(self.end_status, sentences[self.end_status], seconds, True)


def run_machine(request, on_result=None, on_console=None, on_tick=None):
    """Run request to its end and return an Outcome.

    on_result(line) is called for each line of COM2 as it comes, on_console(bytes) for
    each piece of COM1, on_tick() about ten times a second.
    """
    return Machine(request, on_result, on_console, on_tick).run()
