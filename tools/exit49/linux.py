"""Debian's Linux and a small initramfs, made when they are needed.

Nothing of it is kept in the repository: kernel and busybox come as Debian packages
into build/linux/, and the initramfs is put together here.
"""
import glob
import os
import subprocess

from .common import ROOT, Problem

FOLDER = os.path.join(ROOT, "build", "linux")
PACKAGES = ("linux-image-amd64", "busybox-static")
APPLETS = ("sh", "mount", "ls", "cat", "echo", "dd", "md5sum", "poweroff", "reboot",
           "uname", "dmesg", "umount",
           "mkdir", "nproc", "free", "sleep", "head", "grep", "wc",
           "insmod", "setsid", "cttyhack", "date", "vi", "top", "ps", "hexdump", "dc")
INIT = """\
#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
export PS1='exit49# ' HOME=/ PATH=/bin
echo "Linux $(uname -r), $(nproc) CPU(s): the shell of busybox; poweroff -f ends it"
exec setsid cttyhack sh
"""
# To be loaded in this order for the virtio disk.
MODULES = ("virtio/virtio_ring", "virtio/virtio", "virtio/virtio_mmio",
           "block/virtio_blk")
DISK = """\
#!/bin/sh
for module in virtio_ring virtio virtio_mmio virtio_blk; do
	insmod /lib/$module.ko || exit
done
"""
DIRECTORY, FILE, LINK, DEVICE = 0o040755, 0o100755, 0o120777, 0o020600


def _files(pattern):
    return sorted(glob.glob(os.path.join(FOLDER, pattern)))


def fetch():
    """Have both packages, unpacked; return (kernel, busybox)."""
    if not (_files("root/boot/vmlinuz-*") and _files("root/bin/busybox")):
        tell = "fetching Debian's kernel and busybox (70 MB)"
        print(f"{tell} ...", flush=True)
        done = subprocess.run([os.path.join(ROOT, "tools", "deps"), "--fetch", FOLDER,
                               *PACKAGES], check=False)
        if done.returncode:
            raise Problem("without these packages there is no Linux to run")
        _unpack()
    return _files("root/boot/vmlinuz-*")[-1], _files("root/bin/busybox")[0]


def _unpack():
    for package in _files("*.deb"):
        try:
            done = subprocess.run(["dpkg-deb", "-x", package, FOLDER + "/root"],
                                  capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise Problem("dpkg-deb is not installed: it unpacks Debian's packages"
                          ) from None
        if done.returncode:
            raise Problem(f"{package} cannot be unpacked: {done.stderr.strip()}")
        os.unlink(package)


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
    """Return the drivers of the virtio disk as [(path in the initramfs, bytes)]."""
    found = []
    for module in MODULES:
        for path in _files(f"root/lib/modules/*/kernel/drivers/{module}.ko")[-1:]:
            found.append((f"lib/{os.path.basename(path)}", _read(path)))
    return found


def initramfs(busybox, more=()):
    """Return an initramfs; more is [(path, bytes)]."""
    archive = Archive()
    for name in ("bin", "dev", "proc", "sys", "mnt", "lib"):
        archive.add(name, DIRECTORY)
    archive.add("dev/console", DEVICE, device=(5, 1))
    archive.add("bin/busybox", FILE, _read(busybox))
    for applet in APPLETS:
        archive.add(f"bin/{applet}", LINK, b"busybox")
    archive.add("init", FILE, INIT.encode())
    archive.add("bin/disk", FILE, DISK.encode())
    for path, data in more:
        archive.add(path, FILE, data)
    return archive.finish()


def prepare():
    """Make what is missing; return (kernel, initramfs), both paths."""
    kernel, busybox = fetch()
    path = os.path.join(FOLDER, "initramfs")
    data = initramfs(busybox, modules())
    scratch = f"{path}.{os.getpid()}"
    with open(scratch, "wb") as file:
        file.write(data)
    os.replace(scratch, path)
    return kernel, path
