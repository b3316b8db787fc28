# SPDX-License-Identifier: MIT
"""Files that stay: a root on srfs, through poweroff and through a machine that is killed."""
import os
import random
import re
import struct
import subprocess
import time

import pytest

from vm import VM

READY = re.compile("(?s)(has address|httpd: serving).*(has address|httpd: serving).*\n")


@pytest.fixture(scope="module")
def built(image):
    return image(ROOT_SRFS="y", SRFS_SIZE="64")


@pytest.fixture
def disk(built, tmp_path):
    path = tmp_path / "disk.img"
    subprocess.run(["cp", "--sparse=always", os.path.join(built, "wherry.img"), path], check=True)
    return path


def start(built, disk, **more):
    vm = VM(built, root=disk, **more)
    vm.wait(READY)
    vm.send("\n")
    vm.wait("# ")
    return vm


def superblock(disk):
    """The volume's state, and the crate's mark of a transaction."""
    with open(disk, "rb") as f:
        f.seek(446 + 16 + 8)
        first, = struct.unpack("<I", f.read(4))
        f.seek(first * 512)
        block = f.read(512)
    return struct.unpack_from("<I", block, 104 + 12)[0], struct.unpack_from("<5QI", block, 56)


def test_poweroff_keeps_everything_and_leaves_a_clean_volume(built, disk):
    with start(built, disk) as vm:
        assert "filling vda2 from the boot archive" in vm.log
        vm.command("mkdir -p /root/a/b; echo one >/root/a/b/c; ln -s c /root/a/b/l; chmod 640 /root/a/b/c; "
                   "chown 1000:1000 /root/a/b/c; mknod /root/p p; ln /root/a/b/c /root/h; "
                   "touch -d @86400 /root/a/b/c; head -c 3000000 /dev/urandom >/root/big; md5sum /root/big >/root/sum; sync")
        said = vm.command("ls -lR /root; cat /root/sum")
        vm.send("poweroff -f\n")
        vm.proc.wait(timeout=60)
    state, marks = superblock(disk)
    assert state == 1 and not any(marks)
    with start(built, disk) as vm:
        assert "filling" not in vm.log
        assert vm.command("ls -lR /root; cat /root/sum") == said
        assert vm.command("md5sum -c /root/sum").strip() == "/root/big: OK"
        assert vm.command("cat /root/a/b/l /root/h").split() == ["one", "one"]


@pytest.mark.parametrize("machine,config", [("microvm", "default"), ("q35", "many")])
def test_other_machines_and_placements(image, machine, config, tmp_path):
    build = image(config, ROOT_SRFS="y", SRFS_SIZE="64")
    disk = tmp_path / "disk.img"
    subprocess.run(["cp", "--sparse=always", os.path.join(build, "wherry.img"), disk], check=True)
    for said in ("", "kept\n"):
        with start(build, disk, machine=machine, cpus=2) as vm:
            assert vm.command("cat /root/x 2>/dev/null") == said
            vm.command("echo kept >/root/x; sync")


def test_root_ram_starts_without_the_disk(built, disk):
    with start(built, disk, cmdline="root=ram") as vm:
        vm.command("echo x >/root/x; sync")
    with start(built, disk) as vm:
        assert vm.command("ls /root") == ""


def test_no_disk_says_so(built):
    with VM(built) as vm:
        vm.wait("no disk for root=srfs")
        vm.wait("# ")


LOAD = """i=0; while :; do i=$((i+1)); echo $i >/root/t/new; sync; mv /root/t/new /root/t/now; sync
echo $i >>/root/t/log; dd if=/dev/urandom of=/root/t/f$((i%7)) bs=1000 count=$((i%40)) 2>/dev/null
rm -f /root/t/f$(((i+3)%7)); sync; echo done $i; done"""


# three kills each; `make check-long` asks for more
@pytest.mark.parametrize("seed", range((int(os.environ.get("WHERRY_KILLS", "9")) + 2) // 3))
def test_killed_at_any_moment(built, disk, seed):
    """What sync was done for is there, whole; nothing else is harmed; it goes on from there."""
    rnd = random.Random(seed)
    done = 0
    with start(built, disk) as vm:
        vm.command("mkdir /root/t; head -c 500000 /dev/urandom >/root/other; md5sum /root/other >/root/sum; sync")
    for _ in range(3):
        with start(built, disk) as vm:
            vm.send(f"{LOAD}\n")
            vm.wait("done 3\n")
            end = time.monotonic() + rnd.uniform(0, 2)
            while time.monotonic() < end:
                vm._read(0.05)
            vm.proc.kill()
            vm.proc.wait()
            done = max(int(n) for n in re.findall(r"^done (\d+)$", vm.log, re.M))
        with start(built, disk) as vm:
            now = int(vm.command("cat /root/t/now"))
            assert now >= done
            assert vm.command("md5sum -c /root/sum").strip() == "/root/other: OK"
            log = [int(n) for n in vm.command("cat /root/t/log").split()]
            assert done in log and max(log) >= done
            vm.command("rm -rf /root/t; mkdir /root/t; sync")
            assert vm.command("ls /root/t") == ""


def test_a_damaged_volume_is_not_the_root(built, disk):
    with start(built, disk) as vm:
        vm.command("sync")
    with open(disk, "r+b") as f:
        f.seek(446 + 16 + 8)
        first, = struct.unpack("<I", f.read(4))
        f.seek(first * 512 + 20)
        f.write(b"\xff")
    with VM(built, root=disk) as vm:
        vm.wait("cannot be the root")
        vm.wait("# ")
