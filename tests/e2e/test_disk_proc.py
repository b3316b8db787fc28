# SPDX-License-Identifier: MIT
"""What /proc and /sys tell of disks: true, and true again after each change."""
import struct

import pytest

from vm import VM


def mbr(*parts):
    """A first sector with these partitions: (type, first sector, sectors)."""
    entries = b"".join(struct.pack("<B3xB3xII", 0, t, start, n) for t, start, n in parts)
    return bytes(446) + entries.ljust(64, b"\0") + b"\x55\xaa"


@pytest.fixture
def vm(image, tmp_path):
    raw = tmp_path / "a.raw"
    raw.write_bytes(mbr((0x83, 64, 1000), (0x83, 2048, 2048)).ljust(4 << 20, b"\0"))
    small = tmp_path / "b.raw"
    small.write_bytes(bytes(1 << 20))
    extra = []
    for n, f in enumerate((raw, small)):
        extra += ["-drive", f"if=none,id=d{n},file={f},format=raw",
                  "-device", f"virtio-blk-pci,drive=d{n}"]
    with VM(image(), extra=extra) as vm:
        vm.wait("# ")
        yield vm


def rows(vm):
    """name -> [major, minor, blocks] of /proc/partitions."""
    lines = vm.command("cat /proc/partitions").splitlines()
    assert lines[0].split() == ["major", "minor", "#blocks", "name"] and lines[1] == ""
    return {w[3]: [int(x) for x in w[:3]] for w in (line.split() for line in lines[2:])}


def stats(vm, name):
    lines = vm.command("cat /proc/diskstats").splitlines()
    words = next(w for w in (line.split() for line in lines) if w[2] == name)
    assert len(words) == 20  # as Linux since 5.5
    keys = ("reads", "", "read", "", "writes", "", "written", "", "flight", "busy", "", "discards",
            "", "discarded", "", "flushes", "")
    return dict(zip(keys, map(int, words[3:])))


def test_partitions_are_listed_and_go_with_the_table(vm):
    assert rows(vm) == {"vda": [254, 0, 4096], "vda1": [254, 1, 500], "vda2": [254, 2, 1024],
                        "vdb": [254, 16, 1024]}
    vm.command("dd if=/dev/zero of=/dev/vda bs=512 count=1 conv=notrunc,fsync 2>/dev/null")
    vm.command("blockdev --rereadpt /dev/vda")
    assert vm.status == 0
    assert list(rows(vm)) == ["vda", "vdb"]
    assert vm.command("ls /sys/class/block").split() == ["vda", "vdb"]
    vm.command("ls /sys/block/vda/vda1")
    assert vm.status != 0


def test_sys_block(vm):
    assert vm.command("ls /sys/block").split() == ["vda", "vdb"]
    assert vm.command("ls /sys/class/block").split() == ["vda", "vda1", "vda2", "vdb"]
    assert vm.command("cat /sys/block/*/size").split() == ["8192", "2048"]
    assert vm.command("cat /sys/class/block/*/size").split() == ["8192", "1000", "2048", "2048"]
    assert vm.command("ls /sys/dev/block").split() == ["254:0", "254:1", "254:16", "254:2"]
    assert vm.command("cat /sys/dev/block/254:2/partition").strip() == "2"
    assert vm.command("cd /sys/block/vda/vda2 && cat dev start size partition ro").split() == [
        "254:2", "2048", "2048", "2", "0"]
    vm.command("cat /sys/block/vda1/size 2>/dev/null || cat /sys/block/vda/start 2>/dev/null")
    assert vm.status != 0
    vm.command("echo 1 2>/dev/null > /sys/block/vda/size")
    assert vm.status != 0
    assert vm.command("grep sysfs /proc/mounts").split()[1:3] == ["/sys", "sysfs"]
    assert vm.command("mkdir -p /tmp/s; mount -t sysfs none /tmp/s; cat /tmp/s/block/vdb/size").strip() == "2048"


def test_counts_are_those_of_the_requests(vm):
    before, part = stats(vm, "vda"), stats(vm, "vda2")
    vm.command("dd if=/dev/urandom of=/dev/vda2 bs=4096 count=16 conv=notrunc,fsync 2>/dev/null")
    after, now = stats(vm, "vda"), stats(vm, "vda2")
    assert now["written"] - part["written"] == after["written"] - before["written"] == 128
    assert now["flushes"] - part["flushes"] == after["flushes"] - before["flushes"] >= 1
    assert now["writes"] > part["writes"] and now["flight"] == 0
    assert vm.command("cat /sys/block/vda/vda2/stat").split()[6] == str(now["written"])
    table = stats(vm, "vdb")["read"]  # was looked for
    vm.command("dd if=/dev/vdb of=/dev/null bs=64k 2>/dev/null")
    assert stats(vm, "vdb")["read"] - table == 2048
    vm.command("blkdiscard -o 0 -l 65536 /dev/vdb")
    assert vm.status == 0
    assert stats(vm, "vdb")["discards"] == 1 and stats(vm, "vdb")["discarded"] == 128
    assert vm.command("cat /sys/block/vd*/errors").split() == ["0", "0"]


def test_without_disks_there_is_nothing(image):
    with VM(image()) as vm:
        vm.wait("# ")
        assert rows(vm) == {}
        assert vm.command("cat /proc/diskstats; ls /sys/block").strip() == ""
        assert vm.command("ls /sys").split() == ["block", "class", "dev"]
