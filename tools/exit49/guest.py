"""Running somebody else's kernel: `make run GUEST=file`.

The kernel, its initrd and its command line go over as multiboot modules; the guest's
serial port is the terminal. How it has ended is a line on COM2.
"""
import gzip
import os
import re
import shutil
import tempfile
import time
import zlib

from .common import Problem, require_file
from .machine import MACHINES, Machine
from .request import MAX_MEM, Request
from .terminal import Keys, Waiting, raw_terminal

APPEND = "exit49-append"
APPEND_MAX = 4095
DEVICES, DISK, WORDS = "exit49-dev", "exit49-disk", "exit49-words"
DEVICES_MAX = 1023
END = re.compile(r"# guest: end=([\w-]+) code=(\d+): (.*)")
CRASHED = 5
# Of guests that end their machine, but neither power it off nor say a status.
WISHES = {"reset": 6, "halted": 7}
UNWRITTEN = "unwritten"
# What the hypervisor itself needs: image, page tables, its loader's copies.
OVERHEAD = 24
LEAST = 40
LEAST_GUEST = 2
MIB, SECTOR = 1 << 20, 512
GZIP = b"\x1f\x8b"


def parse_size(text, name="MEM"):
    """Return MiB from 128, 128M or 1G."""
    match = re.fullmatch(r"(\d+)([MmGg]?)", text)
    if not match:
        raise Problem(f"{name}={text} is not a size: say {name}=128M")
    return int(match.group(1)) * (1024 if match.group(2) in "Gg" and match.group(2)
                                  else 1)


def parse_time(text):
    """Return seconds since 1970, of which the hypervisor takes 32 bits; "" is now."""
    if text and not (re.fullmatch(r"\d{1,10}", text) and 2 <= int(text) < 1 << 32):
        raise Problem(f"RTC={text} is no time: say it in seconds since 1970")
    return int(text or time.time())


def machine_memory(guest, files):
    """Return the MiB that a machine needs for a guest of that many with those files."""
    if guest < LEAST_GUEST:
        raise Problem(f"MEM={guest}M is too little: a guest has "
                      f"{LEAST_GUEST} MiB at least")
    modules = -(-sum(os.path.getsize(path) for path in files) // MIB)
    mem = guest + OVERHEAD + guest // 128 + modules
    mem = max(LEAST, mem + mem % 2)
    if mem > MAX_MEM:
        what = (f"MEM={guest}M is too much: with the hypervisor" if guest > modules else
                f"kernel, initrd and disk are too large: with MEM={guest}M")
        raise Problem(f"{what} that makes {mem} MiB, and a machine has at most "
                      f"{MAX_MEM}")
    return mem


def require_disk(path):
    """Raise a Problem unless path is a file of whole sectors."""
    require_file(path, "the disk")
    rest = os.path.getsize(path) % SECTOR
    if rest:
        raise Problem(f"the disk {path} has {rest} bytes behind its last sector: its "
                      f"size must be a multiple of {SECTOR}")


def unpacked(folder, path):
    """Return path, or a copy without gzip around it, as GRUB takes such kernels."""
    with open(path, "rb") as file:
        if file.read(2) != GZIP:
            return path
    copy = os.path.join(folder, os.path.basename(path))
    try:
        with gzip.open(path) as packed, open(copy, "wb") as file:
            shutil.copyfileobj(packed, file)
    except (OSError, EOFError, zlib.error) as error:
        raise Problem(f"the guest {path} cannot be unpacked: {error}") from None
    return copy


def split_initrd(text):
    """Return (path, words): a file, and what a multiboot module is told with it."""
    if os.path.exists(text):
        return text, ""
    path, _, words = text.partition(" ")
    return path, words.strip()


def split_initrds(text):
    """Return the files of INITRD=: between blanks, or with words, between commas."""
    if "," not in text:
        return text.split()
    parts = re.split(r"(?<!,),(?!,)", text)
    return [part.replace(",,", ",").strip() for part in parts]


class Guest:
    """One run of a guest: its files, and how it ended."""

    def __init__(self, options):
        self.options = options
        self.end = None
        self.refused = ""

    def request(self, folder):
        """Return the Request, having checked what can be known beforehand."""
        options = self.options
        require_file(options.guest, "the guest")
        initrds = [split_initrd(text) for text in options.initrd]
        for path, _ in initrds:
            require_file(path, "the initrd")
        words = "\n".join(text for _, text in initrds)
        for text, most, what in (
                (words, APPEND_MAX, "the modules' words (INITRD=) are"),
                (options.append, APPEND_MAX, "the guest's command line (APPEND=) is"),
                (options.dev, DEVICES_MAX, "the list of devices (DEV=) is")):
            if len(text.encode()) > most:
                raise Problem(f"{what} longer than {most} characters")
        files = [unpacked(folder, options.guest),
                 self.text(folder, APPEND, options.append),
                 *(path for path, _ in initrds)]
        names = Request(modules=files).module_names()
        if words.strip():
            files.append(self.text(folder, WORDS, words))
            names.append(WORDS)
        if options.dev:
            files.append(self.text(folder, DEVICES, options.dev))
            names.append(DEVICES)
        if options.disk:
            require_disk(options.disk)
            files.append(options.disk)
            names.append(DISK)
        mem = parse_size(options.mem)
        if not re.fullmatch(r"[1-8]", options.cpus):
            raise Problem(f"CPUS={options.cpus}: it must be 1 to 8")
        words = f"run=1 mem={mem} cpus={options.cpus} {options.words}".rstrip()
        return Request(machine=options.machine, image=options.image, modules=files,
                       names=names, append=words, cpus=int(options.cpus),
                       mem=machine_memory(mem, files), timeout=options.timeout,
                       gdb=options.gdb, terminal=True, keep=options.keep)

    @staticmethod
    def text(folder, name, text):
        """Write a text into a file, which is to be a module; return its path."""
        path = os.path.join(folder, name)
        with open(path, "wb") as file:
            file.write(text.encode() + b"\0")
        return path

    def result(self, line):
        """Take a line of COM2."""
        match = END.match(line)
        if match:
            self.end = match.groups()

    def status(self, outcome):
        """Return the command's exit status, or raise a Problem."""
        if outcome.status:
            raise Problem(outcome.sentence, outcome.status)
        if not self.end:
            return 0
        kind, code, sentence = self.end
        if kind in WISHES:
            raise Problem(sentence, WISHES[kind])
        if kind == "crashed":
            raise Problem(f"the guest crashed: {sentence}", CRASHED)
        if kind == UNWRITTEN:
            raise Problem(sentence)
        return int(code)


def run(options, on_console, keyboard=None, make=Machine):
    """Run a guest, keyboard being a file descriptor; return its exit status."""
    guest = Guest(options)
    with tempfile.TemporaryDirectory(prefix="exit49-guest-") as folder:
        request = guest.request(folder)
        request.check(MACHINES)
        waiting = Waiting("" if options.quiet else os.path.basename(options.guest))

        def console(data):
            waiting.over()
            keys.begin()
            on_console(data)
        machine = make(request, guest.result, console, waiting.tick)
        keys = Keys(machine)
        if keyboard is not None:
            machine.add_input(keyboard, keys.feed)
        with raw_terminal(keyboard, options.quiet):
            outcome = machine.run()
        return guest.status(outcome)
