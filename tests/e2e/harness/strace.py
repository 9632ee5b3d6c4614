"""strace as a saboteur: attached to threads of the gateway, it kills the process at the N-th of a system
call, or makes the call fail.

A killing signal comes on entry: the call is not made. strace counts each call of each thread by itself,
so that an N of one thread means the same thing from run to run although the threads' order is anybody's."""
import functools
import shutil
import subprocess

from . import PATIENCE


def options(*injections):
    found = ["-e", "trace=" + ",".join(each.split(":", 1)[0] for each in injections)]
    for each in injections:
        found += ["-e", "inject=" + each]
    return found


def prefix(*injections, output="/dev/null"):
    """For Gateway: its main thread, from the first instruction. The process stays our own child (-D).
    A line of OUTPUT ends with (INJECTED) where that was done."""
    return ["strace", "-D", "-o", str(output), *options(*injections)]


class Tracer:
    """INJECTIONS: "fdatasync:error=EIO:when=1", see strace(1); a name may begin with ?, for a call that
    not every architecture has."""

    def __init__(self, threads, *injections):
        command = ["strace", "-o", "/dev/null", *options(*injections)]
        for thread in threads:
            command += ["-p", str(thread)]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True)
        for _ in threads:
            line = self.process.stderr.readline()
            if "attached" not in line:
                self.close()
                raise AssertionError("strace: " + line.strip())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Lets go of a thread that still runs."""
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(20 * PATIENCE)
        self.process.stderr.close()


@functools.lru_cache(None)
def why_not():
    """Why nothing can be traced here; None when it can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    # A neighbour, as the gateway is: more than some machines allow for what is no child.
    target = subprocess.Popen(["sleep", "60"], stdin=subprocess.DEVNULL)
    try:
        Tracer([target.pid], "fsync:error=EIO").close()
        return None
    except AssertionError as refused:
        return "no process may be traced here: %s" % refused
    finally:
        target.kill()
        target.wait()


def kill(call, number):
    return "%s:signal=KILL:when=%d" % (call, number)
