# SPDX-License-Identifier: MIT
"""The same static binaries on the host and in the machine: what they print must agree."""
import glob
import os
import re
import subprocess
import tempfile

import pytest

from conftest import ROOT
from vm import VM

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAMS = sorted(os.path.basename(f)[:-2] for f in glob.glob(os.path.join(HERE, "*.c")))
# direct: the calls are jumps into the personality there, and traps here
CCS = [("musl", "musl-gcc"), ("glibc", "gcc"), ("direct", os.path.join(ROOT, "scripts", "wherry-cc"))]


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """An overlay with /tests/NAME-LIBC, and what the host says."""
    d = tmp_path_factory.mktemp("linux")
    (d / "tests").mkdir()
    expected = {}
    for name in PROGRAMS:
        for libc, cc in CCS:
            exe = d / "tests" / f"{name}-{libc}"
            subprocess.run([cc, "-static", "-O1", "-w", "-pthread", "-o", str(exe),
                            os.path.join(HERE, name + ".c")], check=True)
            subprocess.run(["strip", str(exe)], check=True)
            with tempfile.TemporaryDirectory() as work:
                os.chmod(work, 0o755)  # some of them become nobody there
                expected[f"{name}-{libc}"] = subprocess.run(
                    [str(exe)], cwd=work, text=True, capture_output=True, check=True, timeout=60).stdout
    return str(d), expected


@pytest.fixture(scope="module", params=[("default", 1), ("many", 4)], ids=["one", "many"])
def vm(request, image, programs):
    with VM(image(request.param[0], ROOTFS_OVERLAY=programs[0], STRACE="y"), cpus=request.param[1],
            memory="128M") as machine:
        machine.wait(re.compile("(?s)(has address|httpd: serving).*(has address|httpd: serving).*\n"))
        machine.send("\n")
        machine.wait("# ")
        machine.command("cd /tmp")
        yield machine


@pytest.mark.parametrize("libc", [libc for libc, _ in CCS])
@pytest.mark.parametrize("name", PROGRAMS)
def test_agrees_with_the_host(vm, programs, name, libc):
    got = vm.command(f"/tests/{name}-{libc} > out 2>&1; cat out")
    assert got.splitlines() == programs[1][f"{name}-{libc}"].splitlines()


@pytest.fixture(scope="module")
def vm_on_srfs(image, programs, tmp_path_factory):
    """The root, and so /tmp, is a volume on a disk."""
    build = image(ROOTFS_OVERLAY=programs[0], ROOT_SRFS="y", SRFS_SIZE="128")
    disk = tmp_path_factory.mktemp("disk") / "disk.img"
    subprocess.run(["cp", "--sparse=always", os.path.join(build, "wherry.img"), disk], check=True)
    with VM(build, memory="192M", root=disk) as machine:
        machine.wait(re.compile("(?s)(has address|httpd: serving).*(has address|httpd: serving).*\n"))
        machine.send("\n")
        machine.wait("# ")
        machine.command("cd /tmp")
        yield machine


@pytest.mark.parametrize("name", PROGRAMS)
def test_agrees_on_srfs(vm_on_srfs, programs, name):
    got = vm_on_srfs.command(f"/tests/{name}-musl > out 2>&1; cat out")
    assert got.splitlines() == programs[1][f"{name}-musl"].splitlines()


def traced(vm, program):
    """The names of the calls that strace prints of it."""
    vm.command(f"strace -o trace /tests/{program} > /dev/null 2>&1")
    assert f'execve("/tests/{program}"' in vm.command("grep execve trace | head -n 1")
    assert "exit_group(0)" in vm.command("tail -n 1 trace")
    return set(vm.command("sed -n 's/^.[0-9]*. \\([a-z0-9_]*\\)(.*) = .*/\\1/p' trace | sort -u").split())


def test_strace_prints_every_call(vm):
    """Those as well that end in the process, and those that are jumps."""
    names = traced(vm, "calls_proc-musl")
    assert {"getppid", "getpid", "kill", "vfork", "getrusage"} <= names
    assert traced(vm, "calls_proc-direct") == names
