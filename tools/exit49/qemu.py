"""How QEMU is found, judged and started.

The QEMU of any distribution from 7.2 on will do. Under TCG ("qemu") it offers SVM to
the hypervisor on every host; under KVM ("kvm") it offers what the host's CPU has.
"""
import os
import re
import shutil
import socket
import subprocess

from .common import Problem

OLDEST = (7, 2)
INSTALL = "run tools/deps qemu"


def find():
    """Return QEMU's path."""
    path = os.environ.get("QEMU") or shutil.which("qemu-system-x86_64")
    if not path or not shutil.which(path):
        raise Problem(f"QEMU (qemu-system-x86_64) is not installed: {INSTALL}")
    return path


def version(path):
    """Return QEMU's version as text, e.g. '7.2.22'; a Problem if it is too old."""
    try:
        told = subprocess.run([path, "--version"], capture_output=True, text=True,
                              timeout=30, check=False).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Problem(f"{path} does not start: {error}") from None
    match = re.search(r"version (\d+)\.(\d+)(\.\d+)?", told)
    if not match:
        raise Problem(f"{path} does not say its version; is it QEMU?")
    text = match.group(0).split()[1]
    if (int(match.group(1)), int(match.group(2))) < OLDEST:
        raise Problem(f"QEMU {text} is too old: 7.2 or later is needed, {INSTALL}")
    return text


def _read(path):
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


def kvm_trouble(device="/dev/kvm", modules="/sys/module", cpuinfo="/proc/cpuinfo"):
    """Return why KVM cannot be used, as a clause, or '' when it can."""
    if not os.path.exists(device):
        return f"there is no {device}"
    try:
        os.close(os.open(device, os.O_RDWR))
    except OSError as error:
        return f"{device} cannot be opened ({error.strerror})"
    for module, feature in (("kvm_intel", "VMX"), ("kvm_amd", "SVM")):
        if os.path.isdir(f"{modules}/{module}"):
            if _read(f"{modules}/{module}/parameters/nested") in ("Y", "1"):
                return ""
            return f"KVM's nested {feature} is off (module {module}, parameter nested)"
    if not re.search(r"\b(vmx|svm)\b", _read(cpuinfo)):
        return "this machine's CPU offers neither VMX nor SVM"
    return "neither kvm_intel nor kvm_amd is loaded"


def require_kvm():
    trouble = kvm_trouble()
    if trouble:
        raise Problem(f"KVM cannot be used: {trouble}; use MACHINE=qemu instead")


def require_free_port(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            raise Problem(f"port {port} for GDB is in use or not allowed; "
                          "is another machine waiting for GDB?") from None


class Qemu:
    """One start of QEMU: `prepare(folder)` makes its files, `argv` its command."""

    uses_terminal = False
    typing = (16, 0.0)
    """So many bytes into COM1 at once, and seconds to the next."""

    def __init__(self, request):
        self.request = request
        self.argv = []

    def prepare(self, folder, com1, com2):
        """Fill argv. folder is the machine's own and will be its working folder."""
        request = self.request
        path = find()
        version(path)
        if request.machine == "kvm":
            require_kvm()
        self.argv = [path, *self._cpu(), "-m", str(request.mem), "-smp",
                     str(request.cpus), "-nodefaults", "-no-reboot", "-display", "none",
                     "-device", "isa-debug-exit,iobase=0xf4,iosize=1",
                     *self._console(com1), "-serial", f"file:{com2}"]
        if request.icount:
            # Time then follows instructions, but lab 1 takes four times as long,
            # and no verdict depends on time anyway: an option, not the rule.
            self.argv += ["-icount", "shift=0,sleep=off"]
        if request.gdb is not None:
            require_free_port(request.gdb)
            self.argv += ["-S", "-gdb", f"tcp:127.0.0.1:{request.gdb}"]
        self.argv += self._payload(folder)

    def _console(self, com1):
        if self.request.terminal:
            return ["-chardev", f"serial,id=console,path={com1}",
                    "-serial", "chardev:console"]
        return ["-serial", f"file:{com1}"]

    def _cpu(self):
        if self.request.machine == "kvm":
            return ["-accel", "kvm", "-cpu", "host"]
        return ["-accel", "tcg", "-cpu", "max"]

    def _payload(self, folder):
        """-kernel and -initrd take paths apart at blanks and commas: link them."""
        request = self.request
        if request.iso:
            os.symlink(os.path.abspath(request.iso), f"{folder}/disc.iso")
            return ["-cdrom", "disc.iso", "-boot", "d"]
        os.symlink(os.path.abspath(request.image), f"{folder}/exit49.elf")
        words = ["-kernel", "exit49.elf", "-append", request.append]
        for module, name in zip(request.modules, request.module_names()):
            os.symlink(os.path.abspath(module), f"{folder}/{name}")
        # QEMU hands the file name over as the module's string.
        modules = ",".join(request.module_names())
        return words + (["-initrd", modules] if modules else [])

    def explain(self, folder, said):
        """Return the line of QEMU's stderr that tells why it stopped, or ''."""
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        errors = [line for line in lines if "warning:" not in line]
        return errors[0] if errors else ""
