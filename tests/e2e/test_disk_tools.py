# SPDX-License-Identifier: MIT
"""The tools for disks that people use: busybox's, and blkid of util-linux, which busybox lacks
in Debian's build."""
import io
import os
import re
import subprocess
import tarfile

import pytest

from test_disk_proc import mbr
from vm import VM

BLKID = "/sbin/blkid"


def blkid_disk():
    """A disk whose bytes are a tar archive: blkid of this machine and the libraries it needs."""
    out = io.BytesIO()
    libs = subprocess.run(["ldd", BLKID], text=True, capture_output=True).stdout
    with tarfile.open(fileobj=out, mode="w", dereference=True) as t:
        for path in [BLKID, *re.findall(r"(/\S+) \(", libs)]:
            t.add(os.path.realpath(path), path)
    return out.getvalue()


@pytest.fixture
def machine(image, tmp_path):
    """machine(bytes of vda, bytes of vdb...): booted, and the files behind the disks."""
    vms = []

    def start(*disks):
        extra, files = [], []
        for n, data in enumerate(disks):
            files.append(tmp_path / f"{n}.raw")
            files[n].write_bytes(data)
            extra += ["-drive", f"if=none,id=d{n},file={files[n]},format=raw",
                      "-device", f"virtio-blk-pci,drive=d{n}"]
        vms.append(VM(image(), extra=extra))
        vms[0].wait("# ")
        return vms[0], files
    yield start
    for vm in vms:
        vm.__exit__()


DISK = mbr((0x82, 64, 1000), (0x83, 2048, 2048)).ljust(4 << 20, b"\0")


def test_fdisk_shows_and_makes_partitions(machine):
    vm, (raw,) = machine(DISK)
    out = vm.command("fdisk -l")
    assert "Disk /dev/vda: 4 MB, 4194304 bytes, 8192 sectors" in out
    lines = {w[0]: w[3:7] for w in map(str.split, out.splitlines()) if w and w[0].startswith("/dev/vda")}
    assert lines == {"/dev/vda1": ["64", "1063", "1000", "500K"],
                     "/dev/vda2": ["2048", "4095", "2048", "1024K"]}
    assert "1000 sectors" in vm.command("fdisk -l /dev/vda1")
    vm.command("printf 'n\\np\\n3\\n5000\\n+1M\\nw\\n' | fdisk /dev/vda > /dev/null")
    assert vm.status == 0
    assert vm.command("cat /sys/class/block/vda3/start /sys/class/block/vda3/size").split() == ["5000", "2048"]
    assert vm.command("ls /dev/vda*").split() == ["/dev/vda", "/dev/vda1", "/dev/vda2", "/dev/vda3"]
    vm.command("printf 'd\\n1\\nw\\n' | fdisk /dev/vda > /dev/null; sync")
    assert vm.command("ls /dev/vda*").split() == ["/dev/vda", "/dev/vda2", "/dev/vda3"]
    assert raw.read_bytes()[446:462] == bytes(16)


def test_dd_and_hexdump_see_a_partition_from_its_beginning_to_its_end(machine):
    data = bytearray(os.urandom(4 << 20))
    data[:512] = DISK[:512]
    vm, (raw,) = machine(data)
    part = data[64 * 512:1064 * 512]
    dump = vm.command("hexdump -v -e '1/1 \"%02x\"' -n 64 -s 512 /dev/vda1").strip()
    assert dump == part[512:576].hex()
    assert vm.command("hexdump -C -s 446 -n 2 /dev/vda").split()[:3] == ["000001be", "00", "00"]
    assert vm.command("hexdump -C /dev/vda1 | tail -n 1").strip() == f"{len(part):08x}"
    vm.command("dd if=/dev/vda1 of=/dev/vda2 bs=1000 count=100 skip=7 seek=3 conv=notrunc,fsync 2>/dev/null")
    assert vm.status == 0
    want = bytearray(data)
    want[2048 * 512 + 3000:2048 * 512 + 103000] = part[7000:107000]
    assert raw.read_bytes() == want
    out = vm.command("dd if=/dev/zero of=/dev/vda1 bs=4096 conv=fsync 2>&1")
    assert vm.status == 1 and "No space left" in out and "125+0 records out" in out
    vm.command("sync")  # dd does not, after an error
    want[64 * 512:1064 * 512] = bytes(1000 * 512)
    assert raw.read_bytes() == want
    assert vm.command("for o in getsize64 getsz getss getro; do blockdev --$o /dev/vda1; done").split() == [
        "512000", "1000", "512", "0"]


@pytest.mark.skipif(not os.path.exists(BLKID), reason="no blkid here")
def test_blkid_and_findfs_name_what_is_on_the_partitions(machine):
    vm, _ = machine(DISK, blkid_disk())
    vm.command("tar x -C / -f /dev/vdb")
    assert vm.status == 0
    vm.command("mkswap -L first /dev/vda1; mkswap -L second /dev/vda2")
    for n, label in (1, "first"), (2, "second"):
        at = f"/dev/vda{n}"
        assert f'{at}: LABEL="{label}"' in vm.command("blkid")
        assert vm.command(f"blkid -p -o value -s TYPE {at}").strip() == "swap"
        assert vm.command(f"findfs LABEL={label}").strip() == at
        assert vm.command(f"blkid -L {label}").strip() == at
        assert vm.command(f"findfs UUID=$(blkid -o value -s UUID {at})").strip() == at
    assert vm.command("blkid -p -o value -s PTTYPE /dev/vda").strip() == "dos"


def test_mdev_scans_without_a_complaint(machine):
    vm, _ = machine(DISK)
    assert vm.command("mdev -s 2>&1").strip() == "" and vm.status == 0
    assert "vda2" in vm.command("ls /dev")
