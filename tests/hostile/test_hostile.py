# SPDX-License-Identifier: MIT
"""Programs that mean harm: afterwards the machine still serves, and nobody else was hurt."""
import glob
import http.client
import os
import re
import subprocess

import pytest

from vm import VM

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAMS = sorted(os.path.basename(f)[:-2] for f in glob.glob(os.path.join(HERE, "*.c")))


@pytest.fixture(scope="module")
def overlay(tmp_path_factory):
    d = tmp_path_factory.mktemp("hostile")
    (d / "hostile").mkdir()
    for name in PROGRAMS:
        exe = d / "hostile" / name
        subprocess.run(["musl-gcc", "-static", "-O1", "-w", "-pthread", "-o", str(exe),
                        os.path.join(HERE, name + ".c")], check=True)
        subprocess.run(["strip", str(exe)], check=True)
    return str(d)


@pytest.fixture(scope="module", params=[("default", 1), ("many", 2)], ids=["one", "many"])
def vm(request, image, overlay):
    with VM(image(request.param[0], ROOTFS_OVERLAY=overlay), cpus=request.param[1],
            memory="192M") as machine:
        machine.wait(re.compile("(?s)(has address|httpd: serving).*(has address|httpd: serving).*\n"))
        machine.send("\n")
        machine.wait("# ")
        yield machine


@pytest.mark.parametrize("what", ["storm 1 120", "storm 1001 120", "race", "forks", "elf"])
def test_only_the_offender_suffers(vm, what):
    before = len(vm.log)
    out = vm.command(f"/hostile/{what}", 240)
    assert re.search(r"(over|killed|ran)\n", out), out
    assert "init: " not in vm.log[before:], vm.log[before:]  # no service ended
    assert "panic" not in vm.log[before:]
    assert vm.command("echo alive | cat; ls /etc/passwd") == "alive\n/etc/passwd\n"
    c = http.client.HTTPConnection("127.0.0.1", vm.port, timeout=30)
    c.request("GET", "/")
    assert c.getresponse().status == 200
