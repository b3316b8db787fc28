# SPDX-License-Identifier: MIT
"""A virtual machine running a Wherry image, driven over its serial console.

    with VM(build, machine="q35", boot="pvh", cpus=2) as vm:
        vm.wait("# ")
        assert "hello" in vm.command("echo hello")
        http(vm.port, "/")

Waiting is for text, never for time alone; the limit only ends a hang, and what the
console said so far is in the error.
"""
import os
import re
import select
import socket
import subprocess
import time

LIMIT = float(os.environ.get("WHERRY_TEST_LIMIT", "60"))
PROMPT = "# "
PASTE_MODE = re.compile("\x1b\\[\\?2004[hl]")


class Timeout(AssertionError):
    pass


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


_started = []


def consoles():
    """What every machine started since the last call, and every one that still runs, has said."""
    for vm in _started:
        while vm.proc.poll() is None and select.select([vm.proc.stdout], [], [], 0)[0]:
            if not vm._read(0):
                break
    said = [vm.log for vm in _started]
    _started[:] = [vm for vm in _started if vm.proc.poll() is None]
    return said


class VM:
    def __init__(self, build, machine="q35", boot="pvh", cpus=1, memory="64M", net=True,
                 cmdline="", extra=(), kernel="wherry.elf", archive="boot.flatfs",
                 disk="wherry.img", forward=(), root=None, legacy=False):
        self.port = free_port()
        self.ports = {80: self.port, **{p: free_port() for p in forward}}  # guest's -> host's
        self.log = ""
        self.seen = 0
        self.wide = False
        args = ["qemu-system-x86_64", "-M", machine, "-accel", "tcg", "-cpu", "max", "-m", memory,
                "-smp", str(cpus), "-nodefaults", "-no-user-config", "-display", "none",
                "-serial", "stdio", "-no-reboot"]
        if machine != "microvm":
            args += ["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
        if boot == "pvh":
            args += ["-kernel", os.path.join(build, kernel)]
            if archive:
                args += ["-initrd", os.path.join(build, archive)]
            if cmdline:
                args += ["-append", cmdline]
        elif boot == "mbr":
            args += ["-drive", f"file={os.path.join(build, disk)},format=raw,if=ide,snapshot=on"]
        if machine == "microvm" and not legacy:  # QEMU 7.2's default is the old register layout
            args += ["-global", "virtio-mmio.force-legacy=false"]
        if root:  # a virtio disk, as `make run` attaches it
            kind = "virtio-blk-device" if machine == "microvm" else "virtio-blk-pci"
            args += ["-drive", f"if=none,id=root,file={root},format=raw,cache=writeback",
                     "-device", f"{kind},drive=root"]
        if net:
            kind = "virtio-net-device" if machine == "microvm" else "virtio-net-pci"
            rules = "".join(f",hostfwd=tcp:127.0.0.1:{h}-:{g}" for g, h in self.ports.items())
            args += ["-netdev", f"user,id=n0{rules}",
                     "-device", f"{kind},netdev=n0"]
        self.proc = subprocess.Popen(args + list(extra), stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0)
        _started.append(self)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.proc.kill()
        self.proc.wait()
        self.proc.stdout.close()
        self.proc.stdin.close()

    def _read(self, seconds):
        ready, _, _ = select.select([self.proc.stdout], [], [], seconds)
        if not ready:
            return True
        data = os.read(self.proc.stdout.fileno(), 65536)
        self.log += data.decode("utf-8", "replace").replace("\r", "")
        self.log = PASTE_MODE.sub("", self.log)  # bash's line editor switches it on and off
        return bool(data)

    def wait(self, text, limit=LIMIT):
        """Console output up to and including text (a string or a compiled regex)."""
        pattern = text if isinstance(text, re.Pattern) else re.compile(re.escape(text))
        end = time.monotonic() + limit
        while True:
            m = pattern.search(self.log, self.seen)
            if m:
                out = self.log[self.seen:m.end()]
                self.seen = m.end()
                return out
            if time.monotonic() > end:
                raise Timeout(f"no {pattern.pattern!r}; console:\n{self.log[-3000:]}")
            if not self._read(0.2):
                raise Timeout(f"the machine ended before {pattern.pattern!r}:\n{self.log[-3000:]}")

    def send(self, text):
        self.proc.stdin.write(text.encode())

    def command(self, line, limit=LIMIT):
        """Run a shell command; its output without echo and prompt.

        Whatever the console shows of a line that was typed ahead (once by the terminal, again
        by the shell's editor), the output is between two marks that are never echoed whole."""
        if not self.wide:  # the shell's line editor redraws lines that wrap
            self.wide = True
            self.send("stty cols 2000\n")
            self.wait(PROMPT, limit)
        mark = f"_{os.urandom(4).hex()}_"
        say = f"echo {mark[:5]}''{mark[5:]}"
        self.send(f"{say}; {line}; {say} $?\n")
        out = self.wait(re.compile(f"(?s){mark}\n(.*?){mark} (\\d+)\n"), limit)
        out, status = re.search(f"(?s){mark}\n(.*?){mark} (\\d+)\n", out).groups()
        self.status = int(status)
        self.wait(PROMPT, limit)
        return out

    def exit_status(self, limit=LIMIT):
        end = time.monotonic() + limit
        while time.monotonic() < end:
            if not self._read(0.2) or self.proc.poll() is not None:
                return self.proc.wait()
        raise Timeout(f"the machine still runs; console:\n{self.log[-3000:]}")
