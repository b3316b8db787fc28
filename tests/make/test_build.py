# SPDX-License-Identifier: MIT
"""The build and the configuration: nothing is rebuilt needlessly, nothing is missed, and
what cannot be is said with file, line and reason."""
import glob
import hashlib
import os
import shutil
import subprocess
import time

import pytest

from conftest import OUT, ROOT, make
from vm import VM

CONFIG_TEXT = "u/usr/procd/procfs.o"  # holds the configuration's text for /proc/config
SEEDS = int(os.environ.get("WHERRY_SEEDS", "20"))


@pytest.fixture(scope="module")
def tree():
    out = os.path.join(OUT, "build-test")
    shutil.rmtree(out, ignore_errors=True)
    make(out, "defconfig", "image")
    return out


def steps(output):
    return [line.split()[1] for line in output.splitlines() if line.startswith("  ") and
            line.split()[0].isupper() and len(line.split()) > 1]


def test_second_build_does_nothing(tree):
    make(tree, "image")
    start = time.monotonic()
    out = make(tree, "image").stdout
    assert steps(out) == []
    assert time.monotonic() - start < 5  # the figure itself is in make bench


def test_touching_the_configuration_rebuilds_no_object(tree):
    os.utime(os.path.join(tree, ".config"))
    assert not [s for s in steps(make(tree, "image").stdout) if s.endswith(".o") and "proc_" not in s]


def test_one_option_rebuilds_what_names_it(tree):
    make(tree, "set", "SCHED_SLICE_US=5000")
    objs = [s for s in steps(make(tree, "image").stdout) if s.endswith(".o") and "proc_" not in s]
    assert sorted(objs) == ["k/kernel/sched/rr.o", CONFIG_TEXT]
    make(tree, "set", "SCHED_SLICE_US=4000")
    make(tree, "image")


def test_flipping_a_choice_compiles_the_other_file_only(tree):
    make(tree, "set", "SCHED_COOP=y")
    objs = [s for s in steps(make(tree, "image").stdout) if s.endswith(".o") and "proc_" not in s]
    assert sorted(objs) == ["k/kernel/sched/coop.o", CONFIG_TEXT]
    make(tree, "set", "SCHED_RR=y")
    make(tree, "image")


def test_a_failed_compile_is_not_forgotten(tree, tmp_path):
    src = tmp_path / "src"
    subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], check=True, capture_output=True)
    shutil.copytree(ROOT, src, ignore=shutil.ignore_patterns("build", ".git", "__pycache__"))
    out = tmp_path / "out"

    def mk(*goals):
        env = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS", "WHERRY_SUB"))}
        return subprocess.run(["make", "-C", str(src), f"O={out}", *goals], env=env, text=True,
                              capture_output=True)

    assert mk("tiny_defconfig", "wherry.elf").returncode == 0
    f = src / "kernel" / "core" / "lock.c"
    good = f.read_text()
    f.write_text(good + "\nint broken(\n")
    assert mk("wherry.elf").returncode != 0
    assert mk("wherry.elf").returncode != 0
    f.write_text(good)
    assert mk("wherry.elf").returncode == 0


def test_two_directories_give_the_same_bytes(tree, tmp_path):
    other = tmp_path / "other" / "place"
    make(tree, "image")
    make(other, "defconfig", "image")
    for f in ("boot.flatfs", "wherry.img"):
        digests = {hashlib.sha256(open(os.path.join(str(d), f), "rb").read()).hexdigest()
                   for d in (tree, other)}
        assert len(digests) == 1, f


@pytest.mark.parametrize("assignment,reason", [
    ("NR_CPUS=1000", "did not take"),
    ("NO_SUCH_OPTION=y", "no such option"),
    ("NET_ADDRESS=1.2.3.4/24", "NOT met"),
])
def test_a_value_that_does_not_take_is_an_error_with_its_reason(tree, assignment, reason):
    before = open(os.path.join(tree, ".config")).read()
    p = make(tree, "set", assignment, check=False)
    assert p.returncode != 0
    assert reason in p.stdout and "make set:" in p.stdout
    assert open(os.path.join(tree, ".config")).read() == before


def test_a_defconfig_that_asks_for_the_impossible_names_file_and_line(tree):
    bad = os.path.join(ROOT, "configs", "zz_test_defconfig")
    try:
        with open(bad, "w") as f:
            f.write("# a test\nCONFIG_NET_STATIC=y\nCONFIG_VIRTIO_NET_RING=7\n")
        p = make(os.path.join(OUT, "bad"), "zz_test_defconfig", check=False)
    finally:
        os.unlink(bad)
    assert p.returncode != 0 and "configs/zz_test_defconfig:3" in p.stdout


def test_menuconfig_without_a_terminal_says_so(tree):
    p = make(tree, "menuconfig", check=False)
    assert p.returncode != 0 and "terminal" in p.stdout


def test_explain_tells_value_and_place(tree):
    out = make(tree, "explain", "X=NET_ADDRESS").stdout
    assert "net/Kconfig" in out and "NOT met" in out


def test_every_option_has_help_default_and_use(tree):
    make(tree, "lint")


@pytest.mark.parametrize("line", ["#include <kernel/thread.h>", '#include "../net/stack.h"',
                                  "#include <stdio.h>"])
def test_an_include_that_points_up_is_an_error(tmp_path, line):
    os.mkdir(tmp_path / "fs")
    (tmp_path / "fs" / "bad.c").write_text("#include <lib/list.h>\n" + line + "\n")
    p = subprocess.run(["sh", os.path.join(ROOT, "scripts", "layers")], stderr=subprocess.PIPE,
                       text=True, env={**os.environ, "srctree": str(tmp_path)})
    assert p.returncode != 0 and "fs/bad.c:2:" in p.stderr and len(p.stderr.splitlines()) == 1


def test_every_header_compiles_alone(tree):
    make(tree, "headercheck")


def test_sources_are_formatted(tree):
    make(tree, "format")


def test_reference_pages_are_generated(tree):
    make(tree, "ref")
    assert "w_chan_call" in open(os.path.join(tree, "ref", "calls.md")).read()
    assert "clone" in open(os.path.join(tree, "ref", "linux.md")).read()


def test_compile_commands_name_every_object(tree):
    import json
    make(tree, "compile_commands.json")
    files = {os.path.basename(e["file"]) for e in
             json.load(open(os.path.join(tree, "compile_commands.json")))}
    assert {"trap.c", "sock.c", "exec.c", "vnet.c"} <= files


def test_help_lists_configurations(tree):
    out = make(tree, "help").stdout
    for f in glob.glob(os.path.join(ROOT, "configs", "*_defconfig")):
        assert os.path.basename(f) in out


def test_no_configuration_is_a_clear_error(tmp_path):
    p = make(tmp_path, "image", check=False)
    assert p.returncode != 0 and "make defconfig" in p.stdout


# The first ten with both compilers, the others with one: each build takes half a minute.
@pytest.mark.parametrize("seed,compiler", [(s, c) for s in range(1, SEEDS + 1)
                                           for i, c in enumerate(["gcc", "clang"])
                                           if s <= 10 or s % 2 == i])
def test_random_configurations_build(seed, compiler):
    out = os.path.join(OUT, f"rand-{seed}-{compiler}")
    pin = os.path.join(OUT, "pin.config")
    os.makedirs(OUT, exist_ok=True)
    with open(pin, "w") as f:
        f.write("CONFIG_EARLY_CONSOLE=y\n")
    make(out, "randconfig", env={"KCONFIG_SEED": str(seed), "KCONFIG_ALLCONFIG": pin})
    make(out, f"CC={compiler}", "image")
    if compiler == "gcc" and seed <= 5:
        archive = os.path.getsize(os.path.join(out, "boot.flatfs")) >> 20
        with VM(out, cpus=2, memory=f"{64 + 2 * archive}M") as vm:
            vm.wait("wherry: pvh boot")
            for _ in range(5):
                vm._read(0.3)
            assert "PANIC" not in vm.log


@pytest.mark.parametrize("name", ["allyesconfig", "allnoconfig", "alldefconfig"])
def test_extreme_configurations_build(name):
    out = os.path.join(OUT, name)
    make(out, name)
    make(out, "image")
