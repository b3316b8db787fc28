# SPDX-License-Identifier: MIT
"""scripts/wherry-cc as its users call it; what its programs do is in tests/linux."""
import os
import re
import subprocess

import pytest

from conftest import ROOT

CC = os.path.join(ROOT, "scripts", "wherry-cc")
PROGRAM = """
#include <stdio.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    printf("%d %d\\n", getppid() == getppid(), close(1000));
    return argc > 1 ? execl(argv[0], argv[0], (char *)0) : 3;
}
"""


@pytest.fixture
def source(tmp_path):
    (tmp_path / "p.c").write_text(PROGRAM)
    return tmp_path


def cc(where, *args, check=True):
    return subprocess.run([CC, *args], cwd=where, env={**os.environ, "WHERRY_CC_V": "1"}, check=check,
                          capture_output=True, text=True)


def code_of(exe, function):
    out = subprocess.run(["objdump", "-d", exe], check=True, capture_output=True, text=True).stdout
    return re.search(rf"<{function}>:\n((?:.+\n)+)", out).group(1)


def test_calls_are_jumps_and_the_syscall_is_still_there(source):
    said = cc(source, "-O2", "-o", "p", "p.c").stderr
    done, total = map(int, re.search(r"(\d+) of (\d+) system calls are jumps", said).groups())
    assert total > done > total // 2
    assert re.search(r"jmp .*wherry_stubs.*\n.*syscall", code_of(source / "p", "getppid"))


@pytest.mark.parametrize("strip", [False, True])
def test_on_linux_it_is_a_program_like_others(source, strip):
    cc(source, "-o", "p", "p.c")
    if strip:
        subprocess.run(["strip", "p"], cwd=source, check=True)
    for args in ([], ["again"]):
        p = subprocess.run([source / "p", *args], capture_output=True, text=True, check=False)
        assert (p.stdout.splitlines()[0], p.returncode) == ("1 -1", 3)


def test_the_name_may_be_glued_to_o_or_be_left_out(source):
    cc(source, "p.c", "-op")
    cc(source, "p.c")
    assert (source / "p").exists() and "wherry_stubs" in code_of(source / "a.out", "getppid")


def test_objects_are_compiled_and_then_linked(source):
    cc(source, "-c", "p.c")
    assert "wherry" not in code_of(source / "p.o", "main")
    cc(source, "-o", "p", "p.o")
    assert "wherry_stubs" in code_of(source / "p", "getppid")


def test_clone_vfork_and_cancellation_points_stay(source):
    (source / "t.c").write_text("""
#include <pthread.h>
#include <unistd.h>
static void *f(void *a) { pause(); return a; }
int main(void) { pthread_t t; pthread_create(&t, 0, f, 0); pthread_cancel(t); pthread_join(t, 0); return vfork() ? 0 : (_exit(0), 1); }
""")
    cc(source, "-o", "t", "t.c", "-pthread")
    for function in ("__clone", "vfork", "__cp_begin|__syscall_cp_asm", "__restore_rt|__restore"):
        code = code_of(source / "t", f"(?:{function})")
        assert "syscall" in code and "wherry_stubs" not in code
    subprocess.run([source / "t"], check=True, timeout=20)


def test_too_little_room_is_said_and_the_rest_traps(source):
    p = cc(source, "-DWHERRY_STUBS=100", "-o", "p", "p.c")
    assert "-DWHERRY_STUBS=" in p.stderr
    assert subprocess.run([source / "p"], check=False).returncode == 3


def test_errors_are_the_compilers_and_its_own(source):
    (source / "bad.c").write_text("int main(void) { return nothing; }\n")
    p = cc(source, "-o", "p", "bad.c", check=False)
    assert p.returncode != 0 and "nothing" in p.stderr and not (source / "p").exists()
    p = cc(source, "-s", "-o", "p", "p.c", check=False)
    assert p.returncode != 0 and "strip it afterwards" in p.stderr
    assert "musl-gcc" in cc(source, "--help").stdout
