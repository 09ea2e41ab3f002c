"""Debian's Linux, a small initramfs and a root file system, made when they are needed.

Nothing of it is kept in the repository: kernel and busybox come as Debian packages
into build/linux/; initramfs and root file system are put together here, from the texts
in linux_files.py.
"""
import contextlib
import glob
import os
import shutil
import subprocess
import sys
import tempfile
import time

from .common import ROOT, Problem
from .linux_files import CONSOLE_MODULES, DISK_MODULES, INIT, ROOT_FILES, TOOLS

FOLDER = os.path.join(ROOT, "build", "linux")
DEPS = os.path.join(ROOT, "tools", "deps")
PACKAGES = ("linux-image-amd64", "busybox-static")
FOLDERS = ("bin", "dev", "proc", "sys", "mnt", "lib", "tmp")
ROOT_FOLDERS = FOLDERS + ("etc", "sbin", "root")
ROOT_MIB = 32
ROOT_WORDS = "root=/dev/vda"
# A kernel that panics resets its machine in place of looping for ever.
PANIC_WORDS = "panic=-1"
CONSOLES = {"ttyS0": "console=ttyS0", "hvc0": "console=hvc0",
            "ttyS1": "earlycon=uart8250,mmio,0xfe030000 console=ttyS1"}
# Where mke2fs is when it is not in a user's PATH.
SBIN = "/usr/sbin:/sbin:/opt/homebrew/opt/e2fsprogs/sbin"
DIRECTORY, FILE, LINK, DEVICE = 0o040755, 0o100755, 0o120777, 0o020600


def _files(pattern):
    return sorted(glob.glob(os.path.join(FOLDER, pattern)))


def is_fetched():
    """Return whether both packages are there, unpacked."""
    return bool(_files("root/boot/vmlinuz-*") and _files("root/bin/busybox"))


def fetch():
    """Have both packages, unpacked; return (kernel, busybox)."""
    if not is_fetched():
        os.makedirs(FOLDER, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="fetch-", dir=FOLDER) as folder:
            _download(folder)
            _unpack(folder)
            # Whole or not at all; and another run may have been faster.
            with contextlib.suppress(OSError):
                os.rename(f"{folder}/root", f"{FOLDER}/root")
        if not is_fetched():
            raise Problem(f"Debian's packages have neither kernel nor busybox, or "
                          f"{FOLDER}/root is half of one: remove it")
    return _files("root/boot/vmlinuz-*")[-1], _files("root/bin/busybox")[0]


def _download(folder):
    """Put the packages into folder, telling how far it is."""
    print("fetching Debian's kernel and busybox (about 70 MB) ...", flush=True)
    began = time.monotonic()
    with subprocess.Popen([DEPS, "--fetch", folder, *PACKAGES], text=True,
                          stderr=subprocess.PIPE) as process:
        while process.poll() is None:
            time.sleep(0.2)
            if sys.stdout.isatty():
                size = sum(entry.stat().st_size for entry in os.scandir(folder))
                print(f"\r\033[K{size // 10 ** 6} MB, "
                      f"{time.monotonic() - began:.0f} s\r", end="", flush=True)
        if sys.stdout.isatty():
            print("\033[K", end="")
        said = process.stderr.read().strip().splitlines()
    if process.returncode:
        why = said[-1].replace("tools/deps: ", "") if said else "tools/deps failed"
        raise Problem(f"{why}: without Debian's packages there is no Linux to run")


def _unpack(folder):
    for package in sorted(glob.glob(f"{folder}/*.deb")):
        try:
            done = subprocess.run(["dpkg-deb", "-x", package, f"{folder}/root"],
                                  capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise Problem("dpkg-deb is not installed: it unpacks Debian's packages"
                          ) from None
        if done.returncode:
            raise Problem(f"{os.path.basename(package)} cannot be unpacked: "
                          f"{done.stderr.strip()}")


class Archive:
    """A cpio archive of the kind that Linux takes as an initramfs ("newc")."""

    def __init__(self):
        self.data = bytearray()
        self.inode = 0

    def add(self, name, mode, data=b"", device=(0, 0)):
        """Add a file, a link (data: its target), a directory or a device."""
        self.inode += 1
        encoded = name.encode() + b"\0"
        fields = (self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device,
                  len(encoded), 0)
        self.data += b"070701" + b"".join(b"%08X" % field for field in fields)
        self.data += encoded
        self._align()
        self.data += data
        self._align()

    def _align(self):
        self.data += bytes(-len(self.data) % 4)

    def finish(self):
        """Return the whole archive."""
        self.add("TRAILER!!!", 0)
        return bytes(self.data)


def _read(path):
    with open(path, "rb") as file:
        return file.read()


def modules():
    """Return the drivers for disk and console as [(path in the initramfs, bytes)]."""
    found = []
    for module in dict.fromkeys(DISK_MODULES + CONSOLE_MODULES):
        name = os.path.basename(module)
        for path in _files(f"root/lib/modules/*/kernel/{module}.ko")[-1:]:
            found.append((f"lib/{name}.ko", _read(path)))
    return found


def files(busybox):
    """Return what initramfs and root file system have in common: [(path, bytes)]."""
    return [("bin/busybox", _read(busybox)),
            *((path, text.encode()) for path, text in TOOLS), *modules()]


def initramfs(contents):
    """Return an initramfs of these files and its first program."""
    archive = Archive()
    for name in FOLDERS:
        archive.add(name, DIRECTORY)
    archive.add("dev/console", DEVICE, device=(5, 1))
    archive.add("bin/sh", LINK, b"busybox")
    archive.add("init", FILE, INIT.encode())
    for path, data in contents:
        archive.add(path, FILE, data)
    return archive.finish()


def _write(path, data):
    """Write a file whole, or not at all: another run may be reading the old one."""
    scratch = f"{path}.{os.getpid()}"
    with open(scratch, "wb") as file:
        file.write(data)
    os.replace(scratch, path)


def prepare():
    """Make what is missing; return (kernel, initramfs), both paths."""
    kernel, busybox = fetch()
    path = os.path.join(FOLDER, "initramfs")
    _write(path, initramfs(files(busybox)))
    return kernel, path


def console_words(name):
    """Return what the kernel is told to have its console there."""
    if name not in CONSOLES:
        raise Problem(f"CONSOLE={name} is not known: say one of {', '.join(CONSOLES)}")
    return CONSOLES[name]


def _mke2fs():
    """Return the path of mke2fs, having installed it if need be."""
    for _ in range(2):
        path = shutil.which("mke2fs", path=f"{os.environ.get('PATH', '')}:{SBIN}")
        if path:
            return path
        subprocess.run([DEPS, "--quiet", "linux"], check=False)
    raise Problem("mke2fs is not installed: it makes the disk that Linux has its root "
                  "on; run tools/deps linux")


def _fill(folder, contents):
    """Put a root file system's files under folder."""
    for name in ROOT_FOLDERS:
        os.makedirs(os.path.join(folder, name))
    os.symlink("busybox", os.path.join(folder, "bin", "sh"))
    os.symlink("/bin/busybox", os.path.join(folder, "sbin", "init"))
    for path, data in contents:
        place = os.path.join(folder, path)
        with open(place, "wb") as file:
            file.write(data)
        os.chmod(place, 0o755)


def root_disk(path="", more=()):
    """Make a disk image with an ext4 root file system that has also the files of more,
    [(path, bytes)]; return its path."""
    path = path or os.path.join(FOLDER, "root.ext4")
    make, (_, busybox) = _mke2fs(), fetch()
    with tempfile.TemporaryDirectory(prefix="exit49-root-") as folder:
        root, image = os.path.join(folder, "root"), os.path.join(folder, "image")
        texts = [(name, text.encode()) for name, text in ROOT_FILES]
        _fill(root, [*files(busybox), *texts, *more])
        done = subprocess.run([make, "-q", "-t", "ext4", "-E", "root_owner=0:0", "-d",
                               root, image, f"{ROOT_MIB}M"],
                              capture_output=True, text=True, check=False)
        if done.returncode:
            raise Problem("mke2fs cannot make a root file system: "
                          f"{done.stderr.strip()}")
        _write(path, _read(image))
    return path
