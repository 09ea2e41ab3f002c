"""What stands in the initramfs and in the root file system, beside busybox.

The initramfs does what a distribution's does: it loads the drivers of console and disk
when the kernel's command line asks for them, mounts the root and hands over to it. With
no root= it gives a shell itself. No command needs a file of its own: the shell knows
them all, once /proc is there.
"""
# In the order in which they need each other; paths below the kernel's modules.
_VIRTIO = ("drivers/virtio/virtio_ring", "drivers/virtio/virtio",
           "drivers/virtio/virtio_mmio")
DISK_MODULES = (*_VIRTIO, "drivers/block/virtio_blk", "crypto/crc32c_generic",
                "lib/crc16", "fs/mbcache", "fs/jbd2/jbd2", "fs/ext4/ext4")
CONSOLE_MODULES = (*_VIRTIO, "drivers/char/virtio_console")


def _names(modules):
    return " ".join(module.rsplit("/", 1)[-1] for module in modules)


INIT = """\
#!/bin/sh
/bin/busybox mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
export PS1='exit49# ' HOME=/ PATH=/bin
root=
for word in $(cat /proc/cmdline); do
	case $word in
	root=*) root=${word#root=} ;;
	console=hvc*) console && exec </dev/console >/dev/console 2>&1 ;;
	esac
done
if [ -n "$root" ]; then
	if disk && mount -t ext4 $root /mnt; then
		for folder in sys dev proc; do
			/bin/busybox mount --move /$folder /mnt/$folder
		done
		exec /bin/busybox switch_root /mnt /sbin/init
	fi
	echo "$root cannot be mounted as the root: here is the initramfs' shell"
fi
echo "Linux $(uname -r), $(nproc) CPU(s): the shell of busybox; poweroff -f ends it"
exec setsid cttyhack terminal sh
"""

# name, text
TOOLS = (
    ("bin/load", """\
#!/bin/sh
# Drivers by their names; those that are there already stay as they are.
for module; do
	[ -d /sys/module/$module ] || insmod /lib/$module.ko || exit
done
"""),
    ("bin/terminal", """\
#!/bin/sh
# Who has started the machine may have told the terminal's size on the command line.
[ -n "$COLUMNS" ] && stty rows "$LINES" cols "$COLUMNS"
exec "$@"
"""),
    ("bin/disk", f"#!/bin/sh\nexec load {_names(DISK_MODULES)}\n"),
    ("bin/console", f"#!/bin/sh\nexec load {_names(CONSOLE_MODULES)}\n"),
)

ROOT_FILES = (
    ("etc/inittab", """\
::sysinit:/etc/rc
::respawn:cttyhack /bin/terminal /bin/busybox login
::shutdown:mount -o remount,ro /
"""),
    ("etc/rc", """\
#!/bin/sh
hostname exit49
echo "Linux $(uname -r), $(nproc) CPU(s), root on the virtio disk: log in as root"
"""),
    ("etc/passwd", "root::0:0:root:/root:/bin/sh\n"),
    ("etc/group", "root:x:0:\n"),
    ("etc/profile", "export PS1='exit49# ' PATH=/bin:/sbin\n"),
    ("etc/motd", "poweroff ends it; what was written to the disk is gone then.\n"),
)
