"""How Bochs is found and started: our own boot ROM, a terminal, a clean end.

Debian's Bochs is the debugger build: it wants a terminal even with nobody at it, and it
waits for a command before the first instruction. So it runs on a pseudo terminal of
its own and reads one command, `c`, from a file.

ips (instructions per emulated second) does not slow anything down with
`clock: sync=none`; it only says how many instructions one emulated microsecond is, and
with it how long the UART takes for a character. Measured: 4 million.
"""
import fcntl
import glob
import os
import re
import shutil
import struct
import subprocess
import tempfile
import termios

from .common import ROOT, Problem
from .multiboot import lay_out

INSTALL = "run tools/deps bochs"
LOADER = os.path.join(ROOT, "tools", "bochs", "loader.S")
ROM = os.path.join(ROOT, "build", "bochs-loader.rom")
ROM_SIZE = 0x10000
HANDOVER = 0x100
IPS = 4000000
# A kernel of others has its own timer ticks: at 4 million it would do nothing else.
GUEST_IPS = 20000000
BIOS_FOLDERS = ("/usr/share/bochs", "/usr/share/vgabios", "/usr/local/share/bochs",
                "/opt/homebrew/share/bochs")

CONFIG = """\
config_interface: textconfig
display_library: term
plugin_ctrl: unmapped=1, biosdev=1, speaker=0, parallel=0, gameport=0
cpu: model=corei7_haswell_4770, count={cpus}, ips={ips}, reset_on_triple_fault=0
memory: guest={mem}, host={mem}
clock: sync=none
com1: enabled=1, mode={mode}, dev={com1}
com2: enabled=1, mode=file, dev={com2}
port_e9_hack: enabled=1
log: bochs.log
logprefix: %e%d
panic: action=fatal
error: action=ignore
info: action=ignore
debug: action=ignore
{boot}
"""
NO_DISKS = "ata0: enabled=0\nata1: enabled=0"


def find():
    """Return Bochs' path."""
    path = os.environ.get("BOCHS") or shutil.which("bochs")
    if not path or not shutil.which(path):
        raise Problem(f"Bochs is not installed: {INSTALL}")
    return path


def version(path):
    """Return Bochs' version as text, or '' if it does not say one."""
    told = subprocess.run([path, "--help"], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=30, check=False)
    match = re.search(r"Bochs x86 Emulator (\S+)", told.stdout + told.stderr)
    return match.group(1) if match else ""


def find_bios(*patterns):
    for folder in BIOS_FOLDERS:
        for pattern in patterns:
            for path in sorted(glob.glob(os.path.join(folder, pattern))):
                return path
    raise Problem(f"Bochs' firmware {patterns[0]} is not installed: {INSTALL}")


def assemble_loader():
    """Return the boot ROM's bytes, assembled when loader.S is newer than build/."""
    if not (os.path.exists(ROM) and os.path.getmtime(ROM) >= os.path.getmtime(LOADER)):
        os.makedirs(os.path.dirname(ROM), exist_ok=True)
        # Of this call's own: other threads and processes may be at it, too.
        handle, scratch = tempfile.mkstemp(".o", dir=os.path.dirname(ROM))
        os.close(handle)
        cross = os.environ.get("CROSS", "")
        compiler = os.environ.get("HOSTCC") or cross + "gcc"
        try:
            for argv in ([compiler, "-m32", "-c", "-o", scratch, LOADER],
                         [cross + "objcopy", "-O", "binary", "-j", ".text", scratch]):
                done = subprocess.run(argv, capture_output=True, text=True, check=False)
                if done.returncode:
                    raise Problem(f"cannot assemble {LOADER}: {done.stderr.strip()}")
            # In one step, as another machine may be starting at the same time.
            os.replace(scratch, ROM)
        except FileNotFoundError as error:
            raise Problem(f"{error.filename} is missing: run tools/deps build"
                          ) from None
        finally:
            if os.path.exists(scratch):
                os.unlink(scratch)
    with open(ROM, "rb") as file:
        return file.read()


def make_rom(entry, info, start, end):
    """Return the boot ROM with its four words: see loader.S, HANDOVER."""
    rom = bytearray(assemble_loader())
    if len(rom) != ROM_SIZE:
        raise Problem(f"{ROM} has {len(rom)} bytes, not {ROM_SIZE}; remove it")
    struct.pack_into("<4I", rom, HANDOVER, entry, info, start, end)
    return bytes(rom)


class Bochs:
    """One start of Bochs: `prepare(folder)` makes its files, `argv` its command."""

    uses_terminal = True
    # Its UART drops what its FIFO of 16 has no room for, and it may be slow.
    typing = (2, 0.1)

    def __init__(self, request):
        self.request = request
        self.argv = []

    def prepare(self, folder, com1, com2):
        """Write Bochs' files into folder, its working folder, and fill argv."""
        request = self.request
        path = find()
        if request.gdb is not None:
            raise Problem("Bochs has no GDB stub: use MACHINE=qemu for GDB")
        if request.icount:
            raise Problem("--icount is QEMU's; Bochs always counts instructions")
        boot = self._disc(folder) if request.iso else self._ram(folder)
        mode = "term" if request.terminal else "file"
        config = CONFIG.format(cpus=request.cpus, mem=request.mem, com1=com1, com2=com2,
                               mode=mode, boot=boot,
                               ips=GUEST_IPS if request.terminal else IPS)
        for name, text in (("bochsrc", config), ("commands", "c\n")):
            with open(os.path.join(folder, name), "w", encoding="ascii") as file:
                file.write(text)
        self.argv = [path, "-q", "-f", "bochsrc", "-rc", "commands"]

    def _ram(self, folder):
        """The fast way: everything is in RAM when the boot ROM starts."""
        request = self.request
        command_line = f"exit49.elf {request.append}".rstrip()
        modules = list(zip(request.modules, request.module_names()))
        entry, info, address, data = lay_out(request.image, modules, command_line,
                                             request.mem)
        lines = ["romimage: file=loader.rom, address=0xffff0000, options=none",
                 "vga: extension=none, update_freq=1", NO_DISKS]
        with open(os.path.join(folder, "loader.rom"), "wb") as file:
            file.write(make_rom(entry, info, address, address + len(data)))
        with open(os.path.join(folder, "ram"), "wb") as file:
            file.write(data)
        lines.append(f"optramimage1: file=ram, address={address:#x}")
        return "\n".join(lines)

    def _disc(self, folder):
        """The real way: firmware, CD-ROM, GRUB."""
        os.symlink(os.path.abspath(self.request.iso), f"{folder}/disc.iso")
        return "\n".join([
            f"romimage: file={find_bios('BIOS-bochs-latest')}, options=fastboot",
            f"vgaromimage: file={find_bios('vgabios.bin', 'VGABIOS-lgpl-latest*')}",
            "ata0-master: type=cdrom, path=disc.iso, status=inserted",
            "ata1: enabled=0", "boot: cdrom"])

    def explain(self, folder, said):
        """Return the panic of Bochs' log, else what it said before starting, or ''."""
        try:
            with open(os.path.join(folder, "bochs.log"), encoding="latin-1") as file:
                lines = [line.strip() for line in file if line.strip()]
        except OSError:
            lines = []
        panics = [line for line in lines if ">>PANIC<<" in line]
        if panics:
            # The first two end a machine by design: our own request, a triple fault.
            meant = re.search(r"Shutdown port|3rd \(\d+\) exception", panics[-1])
            return "" if meant else panics[-1].replace(">>PANIC<< ", "")
        told = [line.strip() for line in said.splitlines() if "PANIC" in line]
        return told[-1] if told else ""


def size_terminal(fd):
    """Give the pseudo terminal the size of a text screen."""
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("4H", 25, 80, 0, 0))
