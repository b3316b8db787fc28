# SPDX-License-Identifier: MIT
"""Policies, priorities and nice values change who runs (kernel/sched/rr.c)."""
import os
import re
import subprocess

from vm import VM

HERE = os.path.dirname(os.path.abspath(__file__))


def test_classes(image, tmp_path):
    (tmp_path / "tests").mkdir()
    subprocess.run(["gcc", "-static", "-O1", "-Wall", "-o", str(tmp_path / "tests" / "sched"),
                    os.path.join(HERE, "sched.c")], check=True)
    with VM(image(ROOTFS_OVERLAY=str(tmp_path))) as vm:
        vm.wait("has address")
        vm.send("\n")
        vm.wait("# ")
        out = vm.command("/tests/sched")
        assert "nobody: Operation not permitted, ok, Permission denied, Operation not permitted" in out, out
        assert "policy: 0 1 7 1" in out, out  # 1 is SCHED_FIFO, inherited by a child
        assert 2 < int(re.search(r"nice: (\d+) percent", out)[1]) < 40, out
        assert "real time: ordinary 0, order 20 10" in out, out
        assert "relief: 1" in out, out
