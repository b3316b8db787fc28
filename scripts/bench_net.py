#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench_net.py BUILD: keep-alive requests over a virtio network card, Wherry and Linux.

Runs in a network namespace of its own (unshare -rn) with a tap device: one httpd binary, one
client (wrk, 16 connections, a file of 128 bytes), one virtual machine at a time, one CPU.
Instructions are counted by a QEMU plugin, all of them: what interrupts, timers and idling
cost is in.  On Linux those below the kernel's half are the program's; the program is the
same on both sides, so what is not the program's is the rest."""
import os
import re
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request

from bench_common import CPU, cpio

URL = "http://10.9.9.2/bench.txt"
SECONDS = int(os.environ.get("BENCH_SECONDS", "8"))
MODULES = ["virtio_ring", "virtio", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci",
           "failover", "net_failover", "virtio_net"]  # each needs those before it


def counts(path):
    with open(path, "rb") as f:
        return struct.unpack("<QQ", f.read(16))


def wait_for_server(proc):
    for _ in range(600):
        try:
            if urllib.request.urlopen(URL, timeout=2).status == 200:
                return
        except OSError:
            time.sleep(0.1)
        if proc.poll() is not None:
            break
    raise SystemExit("bench_net: the machine does not answer")


def wrk():
    out = subprocess.run(["wrk", "-t1", "-c16", f"-d{SECONDS}s", URL], capture_output=True, text=True).stdout
    n, secs = re.search(r"(\d+) requests in ([\d.]+)s", out).groups()
    if "Non-2xx" in out or "Socket errors" in out:
        raise SystemExit(f"bench_net: errors:\n{out}")
    return int(n), float(secs)


def machine(boot, plugin, work):
    counter = os.path.join(work, "counts")
    with open(counter, "wb") as f:
        f.write(b"\0" * 4096)
    args = ["qemu-system-x86_64", "-M", "q35", "-accel", "tcg", *CPU, "-m", "256", "-nodefaults", "-no-user-config",
            "-display", "none", "-serial", "null", "-no-reboot",
            "-netdev", "tap,id=n0,ifname=bench0,script=no,downscript=no",
            "-device", "virtio-net-pci,netdev=n0", *boot]
    if plugin:
        args += ["-plugin", f"{plugin},counts={counter}"]
    proc = subprocess.Popen(args, stdin=subprocess.DEVNULL)
    try:
        wait_for_server(proc)
        before = counts(counter)
        n, secs = wrk()
        after = counts(counter)
    finally:
        proc.kill()
        proc.wait()
    return n, secs, (after[0] - before[0]) / n, (after[1] - before[1]) / n


def linux_boot(build, work):
    cache = os.path.expanduser(os.environ.get("WHERRY_CACHE", "~/.cache/wherry")) + "/linux"
    if not os.path.isdir(cache + "/modules"):
        return None
    none = (0, 0)
    read = lambda p: open(p, "rb").read()  # noqa: E731
    files = [("dev", 0o40755, b"", none), ("dev/console", 0o20600, b"", (5, 1)), ("bin", 0o40755, b"", none),
             ("srv", 0o40755, b"", none), ("srv/www", 0o40755, b"", none), ("modules", 0o40755, b"", none),
             ("srv/www/bench.txt", 0o100644, b"x" * 128, none),
             ("bin/httpd", 0o100755, read(build + "/p/httpd.stripped"), none),
             ("init", 0o100755, read(build + "/overlay/bench/serve"), none)]
    for i, m in enumerate(MODULES):
        files.append((f"modules/{i}.ko", 0o100644, read(os.path.join(cache, "modules", m + ".ko")), none))
    with open(os.path.join(work, "initrd"), "wb") as f:
        f.write(cpio(files))
    return ["-kernel", cache + "/vmlinuz", "-initrd", os.path.join(work, "initrd"), "-append",
            "console=ttyS0 quiet mitigations=off nokaslr net.ifnames=0 panic=-1"]


def main():
    build = sys.argv[1]
    for c in ("ip tuntap add bench0 mode tap", "ip addr add 10.9.9.1/24 dev bench0", "ip link set bench0 up",
              "ip link set lo up"):
        subprocess.run(c.split(), check=True)
    with tempfile.TemporaryDirectory() as work:
        plugin = os.path.join(work, "count.so")
        subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", plugin,
                        os.path.join(os.environ["srctree"], "tests/bench/count.c")], check=True)
        sides = {"Wherry": ["-kernel", build + "/wherry.elf", "-initrd", build + "/boot.flatfs",
                            "-append", "ip=10.9.9.2/24,10.9.9.1"], "Linux": linux_boot(build, work)}
        print(f"keep-alive requests over virtio-net on q35, 128 bytes, 16 connections, wrk, {SECONDS} s each")
        rate, kernel, user = {}, {}, {}
        for name, boot in sides.items():
            if not boot:
                print(f"{name}: make deps-bench fetches it")
                continue
            n, secs, _, _ = machine(boot, None, work)
            rate[name] = n / secs
            _, _, kernel[name], user[name] = machine(boot, plugin, work)
            print(f"{name:8} {rate[name]:8.0f} requests/s; instructions a request: {kernel[name]:.0f} in the kernel, "
                  f"{user[name]:.0f} outside it")
        if len(rate) == 2:
            total = kernel["Wherry"] + user["Wherry"]
            print(f"outside the program: Wherry {total - user['Linux']:.0f}, Linux {kernel['Linux']:.0f} "
                  f"(the program: {user['Linux']:.0f}); requests/s {rate['Wherry'] / rate['Linux']:.2f} of Linux's")


main()
