# SPDX-License-Identifier: MIT
"""mount(2) and umount2(2): a data disk, memory, binds, and what /proc says of them."""
import re
import subprocess

import pytest

from conftest import make
from vm import VM


@pytest.fixture(scope="module")
def machine(image, prepared, tmp_path_factory):
    make(prepared, "tools")
    d = tmp_path_factory.mktemp("data")
    (d / "in").mkdir()
    (d / "in" / "hello").write_text("from the host\n")
    subprocess.run([f"{prepared}/host/mksrfs", "-d", d / "in", d / "v.img", "32M"], check=True)
    with VM(image(), extra=["-drive", f"if=none,id=d0,file={d / 'v.img'},format=raw",
                            "-device", "virtio-blk-pci,drive=d0"]) as vm:
        vm.wait("# ")
        vm.command("mkdir -p /data /m; cd /")
        yield vm, d / "v.img", f"{prepared}/host"


def test_a_data_disk(machine):
    vm, disk, tools = machine
    assert vm.command("mount -t srfs -o nosuid /dev/vda /data && cat /data/hello") == "from the host\n"
    assert "/dev/vda /data srfs rw,nosuid,relatime 0 0\n" in vm.command("cat /proc/mounts")
    assert " / /data rw,nosuid,relatime - srfs /dev/vda rw\n" in vm.command("cat /proc/self/mountinfo")
    assert "/dev/vda" in vm.command("df /data").splitlines()[-1]
    assert "busy" in vm.command("mount -t srfs /dev/vda /m 2>&1")
    vm.command("exec 5>/data/open")
    assert "busy" in vm.command("umount /data 2>&1")
    vm.command("echo to the host >&5; exec 5>&-; ln /data/hello /data/again")
    assert "cross-device" in vm.command("ln /data/hello /tmp/x 2>&1").lower()
    assert vm.command("umount /data; ls /data") == ""
    subprocess.run([f"{tools}/fsck.srfs", "-n", disk], check=True)
    out = disk.parent / "out"
    out.mkdir()
    subprocess.run([f"{tools}/srfsdump", "-x", out, disk], check=True)
    assert (out / "open").read_text() == "to the host\n" and (out / "again").read_text() == "from the host\n"


def test_read_only_and_remount(machine):
    vm, _, _ = machine
    vm.command("mount -t srfs -o ro /dev/vda /data")
    assert "Read-only" in vm.command("touch /data/x 2>&1")
    assert "Read-only" in vm.command("rm -f /data/hello 2>&1")
    vm.command("mount -o remount,rw /data && touch /data/x && mount -o remount,ro /data")
    assert "Read-only" in vm.command("rm -f /data/x 2>&1")
    assert " ro," in vm.command("grep /data /proc/mounts")
    assert vm.command("umount /data; grep -c /data /proc/mounts").strip() == "0"


def test_memory_read_only_and_back(machine):
    vm, _, _ = machine
    vm.command("mount -t tmpfs -o ro mem /m")
    assert "Read-only" in vm.command("touch /m/x 2>&1")
    assert vm.command("mount -o remount,rw /m && touch /m/x && ls /m") == "x\n"
    assert "Read-only" in vm.command("mount -o remount,ro /m; touch /m/y 2>&1")
    assert vm.command("umount /m; ls /m") == ""


def test_memory_and_binds(machine):
    vm, _, _ = machine
    vm.command("mount -t tmpfs mem /m && mkdir /m/a && echo x >/m/a/b && mount --bind /m/a /data")
    assert vm.command("cat /data/b; ls /data/..").split()[:2] == ["x", "bin"]
    assert "busy" in vm.command("rmdir /data 2>&1").lower()
    assert "busy" in vm.command("umount /m && ls /m 2>&1; umount /m 2>&1; umount /m 2>&1").lower() or \
        vm.command("cat /data/b") == "x\n"
    vm.command("umount /data; umount /m")
    assert vm.command("ls /m /data") == "/data:\n\n/m:\n"


def test_lazy_and_executables(machine):
    vm, _, _ = machine
    vm.command("mount -t tmpfs -o noexec mem /m; cp /usr/bin/busybox /m/true")
    assert "Permission denied" in vm.command("/m/true 2>&1")
    vm.command("exec 6</m/true; umount -l /m")
    assert vm.command("ls /m; head -c 4 <&6 | tail -c 3; exec 6<&-").strip() == "ELF"


@pytest.mark.parametrize("what,why", [
    ("-t nosuch /dev/vda /data", "No such device"), ("-t srfs /dev/null /data", "Block device required"), ("-t tmpfs x /etc/hostname", "Not a directory"),
    ("-t tmpfs x /nowhere", "No such file")])
def test_what_cannot_be_mounted_is_said(machine, what, why):
    assert why in machine[0].command(f"mount {what} 2>&1")


def test_who_may_not(machine):
    vm, _, _ = machine
    assert "root" in vm.command("su guest -s /bin/sh -c 'mount -t tmpfs x /m' 2>&1; "
                                "busybox su guest -c id 2>&1").lower() or vm.command("grep -c /m /proc/mounts").strip() == "0"


def test_a_disk_that_fails_is_named(image, prepared, tmp_path):
    """Writes to the log fail: programs hear EIO, the console says which disk, what was there stays."""
    make(prepared, "tools")
    tools = f"{prepared}/host"
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "old").write_text("old\n")
    disk = tmp_path / "v.img"
    subprocess.run([f"{tools}/mksrfs", "-d", tmp_path / "in", disk, "32M"], check=True)
    said = subprocess.run([f"{tools}/srfsdump", disk], check=True, text=True, capture_output=True).stdout
    log = int(re.search(r"log (\d+)\+", said).group(1))
    rules = ",".join(f"file.inject-error.{n}.event=none,file.inject-error.{n}.iotype=write,"
                     f"file.inject-error.{n}.sector={log * 8 + n}" for n in range(64))
    with VM(image(), extra=["-drive", "if=none,id=d0,driver=raw,werror=report,file.driver=blkdebug,"
                            f"file.image.driver=file,file.image.filename={disk},{rules}",
                            "-device", "virtio-blk-pci,drive=d0"]) as vm:
        vm.wait("# ")
        vm.command("mkdir -p /data; mount -t srfs /dev/vda /data && cat /data/old")
        vm.command("echo new >/data/new; sync")
        assert "srfs: vda: error 5 in the middle of a change" in vm.log + vm.command("dmesg")
        assert "Input/output error" in vm.command("echo newer >/data/newer 2>&1; touch /data/x 2>&1")
        assert vm.command("cat /data/old") == "old\n"
    subprocess.run([f"{tools}/fsck.srfs", "-p", disk], check=True, stdout=subprocess.DEVNULL)
    assert "old" in subprocess.run([f"{tools}/srfsdump", disk], check=True, text=True, capture_output=True).stdout
