# SPDX-License-Identifier: MIT
"""A disk that gets another size while the machine runs: QEMU's block_resize."""
import os
import socket
import time

import pytest

from test_disk_proc import mbr
from vm import VM

SIZE = (4 << 20) - 512  # the last page is cut off: what is cached of it has to be completed


class Monitor:
    def __init__(self, path):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.connect(str(path))
        self.answer()

    def answer(self):
        got = b""
        while not got.endswith(b"(qemu) "):
            got += self.s.recv(4096)
        return got.decode()

    def resize(self, size):
        self.s.send(f"block_resize d0 {size}B\n".encode())
        out = self.answer()
        assert "rror" not in out, out


@pytest.fixture(params=["q35", "microvm", "legacy"])
def disk(request, image, tmp_path):
    raw, path = tmp_path / "disk.raw", tmp_path / "monitor"
    data = bytearray(os.urandom(SIZE))
    data[:512] = mbr((0x83, 64, 1000), (0x83, 4096, 4000))
    raw.write_bytes(data)
    kind = "virtio-blk-pci" if request.param == "q35" else "virtio-blk-device"
    with VM(image(), machine="q35" if request.param == "q35" else "microvm",
            legacy=request.param == "legacy",
            extra=["-drive", f"if=none,id=d0,file={raw},format=raw", "-device", f"{kind},drive=d0",
                   "-monitor", f"unix:{path},server,nowait"]) as vm:
        vm.wait("# ")
        yield vm, raw, Monitor(path)


def wait_for_size(vm, sectors):
    end = time.monotonic() + 30
    while vm.command("cat /sys/block/vda/size").strip() != str(sectors):
        assert time.monotonic() < end


def md5(vm, what="/dev/vda"):
    return vm.command(f"md5sum {what}").split()[0]


def same(raw):
    import hashlib
    return hashlib.md5(raw.read_bytes()).hexdigest()


def test_it_grows_and_shrinks_below_what_is_cached(disk):
    vm, raw, monitor = disk
    assert md5(vm) == same(raw)
    monitor.resize(8 << 20)
    with raw.open("r+b") as f:  # not in the cache: written past the old end, from outside
        f.seek(SIZE)
        f.write(os.urandom(5000))
    wait_for_size(vm, 16384)
    assert "vda: now 8 MiB" in vm.log
    assert vm.command("blockdev --getsize64 /dev/vda").strip() == str(8 << 20)
    assert "16384 sectors" in vm.command("fdisk -l /dev/vda")
    assert md5(vm) == same(raw)
    vm.command("echo end | dd of=/dev/vda bs=512 seek=16383 conv=notrunc,sync,fsync 2>/dev/null")
    assert vm.status == 0 and raw.read_bytes()[-512:] == b"end\n".ljust(512, b"\0")

    monitor.resize((2 << 20) + 512)
    wait_for_size(vm, 4097)
    assert md5(vm) == same(raw)
    assert "No space left" in vm.command("echo x | dd of=/dev/vda bs=512 seek=4097 conv=notrunc,fsync 2>&1")
    assert "rror" in vm.command("dd if=/dev/vda2 of=/dev/null bs=512 skip=3000 count=1 2>&1")
    assert md5(vm, "/dev/vda1")
    monitor.resize(SIZE)
    wait_for_size(vm, SIZE // 512)
    assert md5(vm) == same(raw)


def test_what_is_open_and_dirty_follows(disk):
    vm, raw, monitor = disk
    last = SIZE // 512 - 1
    vm.command("exec 3<>/dev/vda; cat <&3 >/dev/null")
    vm.command(f"echo dirty | dd of=/dev/vda bs=512 seek={last} conv=notrunc,sync 2>/dev/null")
    with raw.open("r+b") as f:
        f.truncate(6 << 20)
        f.seek(SIZE)
        f.write(b"behind it" * 1000)
    monitor.resize(6 << 20)
    wait_for_size(vm, 12288)
    assert vm.command("dd bs=9000 count=1 <&3 2>/dev/null | md5sum").split()[0] == vm.command(
        f"dd if=/dev/vda bs=512 skip={last + 1} 2>/dev/null | head -c 9000 | md5sum").split()[0]
    vm.command("sync; exec 3>&-")
    data = raw.read_bytes()
    assert data[SIZE - 512:SIZE] == b"dirty\n".ljust(512, b"\0")
    assert data[SIZE:SIZE + 9000] == b"behind it" * 1000
    assert md5(vm) == same(raw)


def test_a_program_that_reads_it_as_it_grows_sees_the_new_bytes(disk):
    vm, raw, monitor = disk
    vm.command("(while cat /dev/vda >/dev/null; do :; done) & echo")
    for mib in (5, 7, 6, 8):
        monitor.resize(mib << 20)
        wait_for_size(vm, mib * 2048)
    vm.command("kill %1; kill $!")
    assert md5(vm) == same(raw)
    assert vm.command("cat /sys/block/vda/errors").strip().isdigit()
