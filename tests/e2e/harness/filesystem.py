"""A file system of a test's own in an image file, whose power can be cut.

cut() is the shutdown request that ext4 and XFS have for this: from then on nothing reaches the image,
neither dirty pages nor the journal in memory, and every call that would write fails with EIO. What an
unmount and a mount make of it is what a machine finds after its power came back: the journal is
replayed, what was not synced is gone. Needs root and loop devices.

A power cut stops the processor too. Who goes on beside cut() may be told a lie: on ext4 (Linux 6.18) an
fdatasync that is under way returns 0 although its blocks are not in the file afterwards. So whoever
counts promises freezes the process first (Gateway.freeze)."""
import fcntl
import os
import shutil
import struct
import subprocess

# EXT4_IOC_SHUTDOWN and XFS_IOC_GOINGDOWN are the same: _IOR('X', 125, __u32).
SHUTDOWN = 2 << 30 | 4 << 16 | ord("X") << 8 | 125
# The journal as it is on disk, or as it stands in memory: a disk may have got either.
KEEP_NO_JOURNAL, KEEP_JOURNAL = 2, 1

IMAGE_BYTES = 400 << 20  # sparse; mkfs.xfs takes nothing below 300 MB


def mkfs(kind):
    """Where it is: the path of an ordinary user, or of root by su, often leaves its directory out."""
    return shutil.which("mkfs." + kind, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def why_not(kind):
    """Why there can be no such file system here; None when there can."""
    if os.geteuid() != 0:
        return "a file system of its own needs root"
    if mkfs(kind) is None:
        return "mkfs.%s is not installed" % kind
    if not os.path.exists("/dev/loop-control"):
        return "there are no loop devices here"
    return None


class NotPossible(Exception):
    """The kernel does not want to: its words."""


class FileSystem:
    def __init__(self, directory, kind):
        self.image, self.root = str(directory / "image"), str(directory / "root")
        self.is_mounted = False
        os.mkdir(self.root)
        with open(self.image, "wb") as image:
            image.truncate(IMAGE_BYTES)
        subprocess.run([mkfs(kind), "-q", self.image], check=True, stdin=subprocess.DEVNULL)
        self.mount()

    def mount(self):
        done = subprocess.run(["mount", "-o", "loop", self.image, self.root], capture_output=True,
                              text=True, check=False)
        if done.returncode != 0:
            raise NotPossible(done.stderr.strip())
        self.is_mounted = True

    def cut(self, flag=KEEP_NO_JOURNAL):
        handle = os.open(self.root, os.O_RDONLY)
        try:
            fcntl.ioctl(handle, SHUTDOWN, struct.pack("I", flag))
        finally:
            os.close(handle)

    def restore(self):
        """After cut(), when nobody has a file open any more."""
        subprocess.run(["umount", self.root], check=True)
        self.is_mounted = False
        self.mount()

    def close(self):
        if self.is_mounted:
            subprocess.run(["umount", "-l", self.root], check=False)
        self.is_mounted = False
