# SPDX-License-Identifier: MIT
"""Damaged or missing input: a reason on the console, never a hang."""
import os
import re
import shutil
import struct

import pytest

from vm import VM


@pytest.fixture
def broken(image, tmp_path):
    """A copy of the default image to damage."""
    build = image()
    for f in ("wherry.elf", "boot.flatfs", "wherry.img"):
        shutil.copy(os.path.join(build, f), tmp_path / f)
    return tmp_path


def entry_offset(archive, name):
    """Where the bytes of a file start in a flatfs archive."""
    at = 32
    while at:
        name_at, name_len, off, _len, at = struct.unpack_from("<5Q", archive, at)
        if archive[name_at:name_at + name_len] == name:
            return off
    raise KeyError(name)


def patch(path, offset, data):
    with open(path, "r+b") as f:
        f.seek(offset)
        f.write(data)


def says(build, text, **kw):
    with VM(str(build), **kw) as vm:
        vm.wait(text)
        return vm


def test_no_archive(broken):
    with VM(str(broken), archive=None) as vm:
        vm.wait("PANIC no_boot_archive")
        vm.wait(re.compile(r"panic\+0x[0-9a-f]+\n(.|\n)*cr0 [0-9a-f]+ cr2 "))  # where, and what in registers
        assert vm.exit_status() == 7


def test_truncated_archive(broken):
    os.truncate(broken / "boot.flatfs", 100000)
    says(broken, "PANIC bad_boot_archive")


def test_archive_with_a_bad_entry(broken):
    patch(broken / "boot.flatfs", 32 + 16, b"\xff" * 8)
    says(broken, "PANIC bad_boot_archive")


def test_archive_that_is_noise(broken):
    (broken / "boot.flatfs").write_bytes(os.urandom(8192))
    says(broken, "PANIC bad_boot_archive")


def test_corrupt_init(broken):
    data = bytearray((broken / "boot.flatfs").read_bytes())
    at = entry_offset(data, b"sbin/init")
    data[at + 32:at + 40] = b"\xff" * 8
    (broken / "boot.flatfs").write_bytes(data)
    says(broken, "PANIC bad_init")


def test_corrupt_server_is_reported(broken):
    data = bytearray((broken / "boot.flatfs").read_bytes())
    at = entry_offset(data, b"sbin/sysio")
    data[at + 32:at + 40] = b"\xff" * 8
    (broken / "boot.flatfs").write_bytes(data)
    says(broken, "init: cannot start sysio")


def test_disk_without_second_stage(broken):
    patch(broken / "wherry.img", 512, b"\0" * 512)
    says(broken, "second stage missing", boot="mbr")


def test_disk_without_partition(broken):
    patch(broken / "wherry.img", 450, b"\0")
    says(broken, "first partition is not ours", boot="mbr")


def test_disk_with_damaged_kernel(broken):
    patch(broken / "wherry.img", (2048 + 1) * 512, b"\0" * 16)
    says(broken, "the kernel is not an ELF file", boot="mbr")


def test_truncated_disk(broken):
    os.truncate(broken / "wherry.img", 2048 * 512 + 100 * 512)
    says(broken, "disk read error", boot="mbr")


def test_no_network_card(image):
    with VM(image(), net=False) as vm:
        vm.wait("vnet: no network card")
        vm.wait("# ")
        assert "wherry" in vm.command("cat /etc/hostname")


def test_eight_mebibytes_are_enough_for_a_shell(image):
    with VM(image(), machine="microvm", memory="8M") as vm:
        vm.wait("# ")
        assert vm.command("echo alive").strip() == "alive"


def test_memory_runs_out_for_one_process_only(image):
    with VM(image(), memory="48M") as vm:
        vm.wait("# ")
        vm.command("dd if=/dev/zero of=/dev/null bs=200M count=1", 60)
        assert vm.status != 0
        assert vm.command("echo alive").strip() == "alive"


def test_files_in_memory_are_bounded(image):
    with VM(image(FS_MEM_LIMIT=2), memory="64M") as vm:
        vm.wait("# ")
        out = vm.command("dd if=/dev/zero of=/tmp/big bs=1M count=8 2>&1")
        assert "No space left" in out
        vm.command("rm /tmp/big; echo ok > /tmp/small && cat /tmp/small")
        assert vm.status == 0


def test_a_dead_server_is_restarted_or_reported(image):
    with VM(image(), cmdline="init.restart=1") as vm:
        vm.wait("# ")
        vm.command("kill $(pidof httpd)")
        vm.command("sleep 1.5")
        assert "httpd" in vm.command("ps")


def test_a_fault_ends_that_process_only(image):
    with VM(image()) as vm:
        vm.wait("# ")
        vm.command("sh -c 'kill -SEGV $$'")
        assert vm.status == 139
        assert vm.command("echo alive").strip() == "alive"
