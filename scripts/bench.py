#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench.py BUILD: guest instructions from reset to the first HTTP byte and per request,
and the least memory that serves.

QEMU TCG with -icount shift=0,sleep=off: one instruction is one tick of the guest's
time stamp counter; what /proc/wherry/boot reports is ticks since reset minus idle time.
httpd serves / in this build, so the first page tells what it took to get there."""
import http.client
import os
import re
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "harness"))
from vm import VM  # noqa: E402
from bench_common import CPU, cpio  # noqa: E402

ICOUNT = ["-icount", "shift=0,sleep=off"]


def ticks(conn):
    conn.request("GET", "/proc/wherry/boot")
    text = conn.getresponse().read().decode()
    return int(re.search(r"busy_ticks (\d+)", text).group(1)), int(re.search(r"kernel_at (\d+)", text).group(1))


def boot(build, machine, how, cmdline=""):
    with VM(build, machine=machine, boot=how, cmdline=cmdline, extra=ICOUNT, memory="128M") as vm:
        vm.wait("httpd: serving")
        if "has address" not in vm.log:
            vm.wait("has address")
        c = http.client.HTTPConnection("127.0.0.1", vm.port, timeout=60)
        total, entry = ticks(c)
        print(f"reset to first HTTP byte, {how} {machine}: {total / 1e6:.2f} M instructions "
              f"(of these {entry / 1e6:.2f} M before the kernel)")


def results(text):
    return {m.group(1).strip(): int(m.group(2)) for m in re.finditer(r"^(\S.*?)  +(\d+)\r?$", text, re.M)}


def linux_calls(build, kernel):
    program = open(os.path.join(build, "overlay/bench/calls"), "rb").read()
    httpd = open(os.path.join(build, "p/httpd.stripped"), "rb").read()
    none = (0, 0)
    initrd = os.path.join(build, "linux-initrd")
    with open(initrd, "wb") as f:
        f.write(cpio([("dev", 0o40755, b"", none), ("dev/console", 0o20600, b"", (5, 1)), ("tmp", 0o41777, b"", none),
                      ("bin", 0o40755, b"", none), ("bin/httpd", 0o100755, httpd, none), ("init", 0o100755, program, none)]))
    out = subprocess.run(["qemu-system-x86_64", "-M", "microvm,rtc=on", "-accel", "tcg", *CPU, *ICOUNT, "-m", "256",
                          "-nodefaults", "-no-user-config", "-display", "none", "-serial", "stdio", "-no-reboot",
                          "-kernel", kernel, "-initrd", initrd,
                          "-append", "console=ttyS0 quiet mitigations=off nokaslr tsc=reliable reboot=t panic=-1"],
                         stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300).stdout
    return results(out)


def wherry_calls(build, program):
    with VM(build, machine="microvm", extra=[*ICOUNT, *CPU], memory="256M") as vm:
        vm.wait("httpd: serving")
        if "has address" not in vm.log:
            vm.wait("has address")
        vm.send("\n")
        vm.wait("# ")
        return results(vm.command(f"/bench/{program}", 300))


def calls(build):
    kernel = os.path.expanduser("~/.cache/wherry/linux/vmlinuz")
    ours = wherry_calls(build, "calls")
    direct = wherry_calls(build, "calls-direct")
    linux = linux_calls(build, kernel) if os.path.exists(kernel) else {}
    name = open(os.path.dirname(kernel) + "/name").read().strip() if linux else "(make deps-bench fetches it)"
    print(f"instructions per operation, the same static binary; direct: of wherry-cc; Linux is {name}, mitigations=off")
    print(f"{'':28} {'direct':>8} {'Wherry':>8} {'Linux':>8}  ratio")
    for what, n in ours.items():
        line = f"{what:28} {direct.get(what, 0):8} {n:8}"
        print(f"{line} {linux[what]:8}  {n / linux[what]:.2f}" if what in linux else line)


def network(build):
    """A tap device needs a network namespace of our own, which not every host gives."""
    here = os.path.dirname(os.path.abspath(__file__))
    if not shutil.which("wrk"):
        print("requests over a network card: make deps-bench installs the client")
        return
    if subprocess.run(["unshare", "-rn", "ip", "tuntap", "add", "bench0", "mode", "tap"],
                      capture_output=True).returncode:
        print("requests over a network card: not measured, this host allows no tap device in a namespace")
        return
    sys.stdout.flush()
    subprocess.run(["unshare", "-rn", "/usr/bin/python3", os.path.join(here, "bench_net.py"), build], check=False)


def least_memory(build):
    for mib in (4, 5, 6, 8, 10, 12, 16):
        with VM(build, machine="microvm", memory=f"{mib}M") as vm:
            try:
                vm.wait("httpd: serving", 10)
                if "has address" not in vm.log:
                    vm.wait("has address", 10)
                ticks(http.client.HTTPConnection("127.0.0.1", vm.port, timeout=10))
            except (AssertionError, OSError, http.client.HTTPException, AttributeError):
                continue
        print(f"least memory that boots and serves (microvm): {mib} MiB")
        return


def main():
    build = sys.argv[1]
    print("host:", os.cpu_count(), "cores;", subprocess.run(["qemu-system-x86_64", "--version"],
          capture_output=True, text=True).stdout.splitlines()[0])
    out = subprocess.run(["size", os.path.join(build, "wherry.elf")], capture_output=True, text=True)
    text, data = out.stdout.splitlines()[1].split()[:2]
    print(f"kernel text+data: {(int(text) + int(data)) / 1024:.0f} KiB")
    print(f"image: boot.flatfs {os.path.getsize(os.path.join(build, 'boot.flatfs')) / 1024:.0f} KiB, "
          f"wherry.img {os.path.getsize(os.path.join(build, 'wherry.img')) / 1024:.0f} KiB")
    boot(build, "microvm", "pvh")
    boot(build, "q35", "pvh")
    boot(build, "pc", "mbr")
    network(build)
    calls(build)
    least_memory(build)
    start = time.time()
    subprocess.run(["make", "-s", "-C", os.environ["srctree"], f"O={build}", "image"], check=True,
                   env=os.environ)
    print(f"null build: {time.time() - start:.2f} s")


main()
