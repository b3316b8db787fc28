# SPDX-License-Identifier: MIT
"""Every way to boot reaches a shell and serves a page."""
import itertools
import re
import subprocess
import time
import urllib.request

import pytest

from vm import VM

MATRIX = [(b, m, c) for b, m, c in itertools.product(("pvh", "mbr"), ("pc", "q35", "microvm"), (1, 2, 4))
          if not (b == "mbr" and m == "microvm")]


def page(vm, path="/"):
    with urllib.request.urlopen(f"http://127.0.0.1:{vm.port}{path}", timeout=30) as r:
        return r.read()


def up(vm):
    """Wait until the page can be had and the shell is at its prompt."""
    vm.wait(re.compile("(?s)(has address|httpd: serving).*(has address|httpd: serving).*\n"))
    vm.send("\n")
    vm.wait("# ")


def check(build, boot, machine, cpus, **kw):
    with VM(build, boot=boot, machine=machine, cpus=cpus, **kw) as vm:
        up(vm)
        assert vm.command("grep -c processor /proc/cpuinfo").strip() == str(cpus)
        assert b"Wherry" in page(vm)


@pytest.mark.parametrize("boot,machine,cpus", MATRIX)
@pytest.mark.parametrize("config", ["default", "coop", "many"])
def test_boots_and_serves(image, config, boot, machine, cpus):
    check(image(config), boot, machine, cpus)


def test_coop_with_a_process_each(image):
    check(image("many", SCHED_COOP="y"), "pvh", "q35", 2)


def test_sixteen_cpus(image):
    check(image(), "pvh", "q35", 16, memory="128M")


def test_sixteen_mebibytes_serve(image):
    check(image(), "pvh", "microvm", 1, memory="16M")


def test_tiny_serves_without_a_shell(image):
    with VM(image("tiny"), machine="microvm") as vm:
        vm.wait("httpd: serving")
        vm.wait("has address") if "has address" not in vm.log else None
        assert b"Wherry" in page(vm)


def uptime(vm):
    """(before, the machine's time, after): seconds, the host's around the machine's."""
    before = time.monotonic()
    said = float(vm.command("cat /proc/uptime").split()[0])
    return before, said, time.monotonic()


def test_time_runs_as_fast_as_the_hosts(image):
    with VM(image(), net=False, cpus=2) as vm:
        vm.send("\n")
        vm.wait("# ")
        a = uptime(vm)
        time.sleep(4)
        b = uptime(vm)
    assert (b[0] - a[2]) * 0.99 - 0.01 <= b[1] - a[1] <= (b[2] - a[0]) * 1.01 + 0.01


def test_static_address_on_the_command_line(image):
    with VM(image(), cmdline="ip=10.0.2.15/24,10.0.2.2") as vm:
        vm.wait("httpd: serving")
        assert "has address 10.0.2.15" in vm.log
        assert b"Wherry" in page(vm)


def test_built_in_command_line_comes_first(image):
    with VM(image(CMDLINE="ip=10.0.2.15/24,10.0.2.2"), cmdline="other=1") as vm:
        vm.wait("# ")
        assert vm.command("cat /proc/cmdline").strip().startswith("ip=10.0.2.15/24,10.0.2.2 other=1")


def test_name_on_the_command_line(image):
    with VM(image(), cmdline="hostname=skiff") as vm:
        vm.wait("# ")
        assert vm.command("hostname").strip() == "skiff"


def test_configuration_is_readable_in_the_running_system(image):
    build = image()
    with VM(build) as vm:
        vm.wait("# ")
        want = [l for l in open(f"{build}/.config").read().splitlines() if l.startswith("CONFIG_")]
        got = vm.command("cat /proc/config").splitlines()
        assert [l for l in got if l.startswith("CONFIG_")] == want


@pytest.mark.parametrize("how", ["poweroff -f", "poweroff", "kill -USR2 1"])
def test_poweroff(image, how):
    with VM(image()) as vm:
        vm.wait("# ")
        vm.send(how + "\n")
        assert vm.exit_status() == 1  # isa-debug-exit: code 0
