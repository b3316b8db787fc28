# SPDX-License-Identifier: MIT
"""Programs that mean harm: afterwards the machine still serves, and nobody else was hurt."""
import glob
import http.client
import os
import re
import subprocess

import pytest

from conftest import ROOT
from vm import VM

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAMS = sorted(os.path.basename(f)[:-2] for f in glob.glob(os.path.join(HERE, "*.c")))


@pytest.fixture(scope="module")
def overlay(tmp_path_factory, prepared):
    d = tmp_path_factory.mktemp("hostile")
    (d / "hostile").mkdir()
    for name in PROGRAMS:
        exe = d / "hostile" / name
        subprocess.run(["musl-gcc", "-static", "-O1", "-w", "-pthread", "-o", str(exe),
                        f"-I{ROOT}/abi/include", f"-I{prepared}/include/generated", os.path.join(HERE, name + ".c")], check=True)
        subprocess.run(["strip", str(exe)], check=True)
    return str(d)


@pytest.fixture(scope="module", params=[("default", 1), ("many", 2)], ids=["one", "many"])
def vm(request, image, overlay):
    with VM(image(request.param[0], ROOTFS_OVERLAY=overlay), cpus=request.param[1],
            memory="192M", extra=["-blockdev", "null-co,node-name=d0,size=1048576",
                                  "-device", "virtio-blk-pci,drive=d0"]) as machine:
        machine.wait(re.compile("(?s)(has address|httpd: serving).*(has address|httpd: serving).*\n"))
        machine.send("\n")
        machine.wait("# ")
        yield machine


def serves(vm):
    c = http.client.HTTPConnection("127.0.0.1", vm.port, timeout=60)
    c.request("GET", "/")
    return c.getresponse().status == 200


def serves_many(vm):
    """All at once, so that httpd needs memory that it did not have before."""
    every = [http.client.HTTPConnection("127.0.0.1", vm.port, timeout=60) for _ in range(40)]
    for c in every:
        c.request("GET", "/")
    return all(c.getresponse().status == 200 for c in every)


@pytest.mark.parametrize("what", ["storm 1 100", "storm 1001 100 root", "storm 2001 50 inside", "race", "forks", "elf", "loop"])
def test_only_the_offender_suffers(vm, what):
    before = len(vm.log)
    out = vm.command(f"/hostile/{what}", 240)
    assert re.search(r"(over|killed|ran)\n", out), out
    assert what != "loop" or "3 of 3 end" in out, out
    assert "init: " not in vm.log[before:], vm.log[before:]  # no service ended
    assert "panic" not in vm.log[before:]
    if not what.endswith("inside"):  # it has spoilt its own
        assert "personality fault" not in vm.log[before:], vm.log[before:]
    assert vm.command("echo alive | cat; ls /etc/passwd") == "alive\n/etc/passwd\n"
    assert serves(vm)


def test_who_is_unknown_has_no_rights(vm):
    before = len(vm.log)
    out = vm.command("/hostile/native; sleep 1; ls /tmp/owned")
    assert "native: done 1, open -13, spawn -1" in out, out  # EACCES, EPERM
    assert "No such file" in out
    assert "init: " not in vm.log[before:], vm.log[before:]  # nobody was killed
    assert serves(vm)


def test_devices_ask_who_calls(vm):
    """Disk, terminals and low ports, without the detour by the nodes in /dev."""
    out = vm.command("/hostile/native devices")
    assert re.findall(r"native: (\w+) (-?\d+)", out) == [
        ("disk", "-13"), ("console", "-13"), ("foreign", "-13"), ("taken", "-1"),
        ("own", "0"), ("given", "-1"), ("port", "-13")]


@pytest.mark.parametrize("config,cpus", [("default", 1), ("many", 2)])
def test_no_memory_left(image, overlay, config, cpus):
    """Whoever uses it up hears of it; the servers have what is kept for them, and what was
    used comes back."""
    with VM(image(config, ROOTFS_OVERLAY=overlay, FS_MEM_LIMIT="1024"), cpus=cpus, memory="48M") as vm:
        vm.wait(re.compile("(?s)(has address|httpd: serving).*(has address|httpd: serving).*\n"))
        vm.send("\n")
        vm.wait("# ")
        assert "stopped" in vm.command("/hostile/greedy alone", 120)
        for how in ("children", "files"):
            before = len(vm.log)
            vm.send("/hostile/greedy " + ("together" if how == "children" else "files") + "\n")
            vm.wait(f"greedy: full of {how}", 120)
            assert serves_many(vm) if how == "children" else serves(vm)
            assert "httpd: out of memory" not in vm.log
            vm.send("\n")
            vm.wait("greedy: over", 120)
            vm.wait("# ")
            assert "init: " not in vm.log[before:], vm.log[before:]
            assert vm.command("echo alive > /tmp/b && cat /tmp/b | cat") == "alive\n"
