# SPDX-License-Identifier: MIT
"""The virtio disk as /dev/vda: what the guest writes is on the host's file, byte for byte."""
import hashlib
import os
import re

import pytest

from vm import VM


@pytest.fixture(params=[("default", "q35"), ("many", "q35"), ("default", "microvm"), ("default", "legacy")])
def disk(request, image, tmp_path):
    raw = tmp_path / "disk.raw"
    raw.write_bytes(os.urandom(2 << 20))
    config, machine = request.param
    legacy = machine == "legacy"  # the registers of virtio 0.9
    machine = "microvm" if legacy else machine
    kind = "virtio-blk-device" if machine == "microvm" else "virtio-blk-pci"
    with VM(image(config), machine=machine, legacy=legacy, extra=["-drive", f"if=none,id=d0,file={raw},format=raw",
                                                   "-device", f"{kind},drive=d0"]) as vm:
        vm.wait(re.compile("(?s)(has address|httpd: serving).*(has address|httpd: serving).*\n"))
        vm.send("\n")
        vm.wait("# ")
        yield vm, raw


def test_a_card_and_disks_with_the_registers_of_virtio_0_9(image, tmp_path):
    """Frames of every size come through whole, and each device is found once."""
    import http.client
    raw = tmp_path / "disk.raw"
    raw.write_bytes(bytes(1 << 20))
    extra = []
    for n in range(2):
        extra += ["-drive", f"if=none,id=d{n},file={raw},format=raw,snapshot=on",
                  "-device", f"virtio-blk-device,drive=d{n}"]
    with VM(image(), machine="microvm", legacy=True, extra=extra) as vm:
        vm.wait("httpd: serving")
        vm.send("\n")
        vm.wait("# ")
        assert vm.command("cat /sys/block/*/size").split() == ["2048", "2048"]
        want = vm.command("md5sum /usr/bin/busybox").split()[0]
        vm.command("cp /usr/bin/busybox /srv/www/b; dd if=/usr/bin/busybox of=/dev/vda bs=64k count=8 conv=notrunc,fsync")
        assert vm.command("head -c 524288 /dev/vda | cmp - /usr/bin/busybox 2>&1 | grep EOF")
        c = http.client.HTTPConnection("127.0.0.1", vm.port, timeout=30)
        for n in range(3):
            c.request("GET", "/b")
            assert hashlib.md5(c.getresponse().read()).hexdigest() == want


def test_reads_and_writes(disk):
    vm, raw = disk
    before = raw.read_bytes()
    assert "vda: 2 MiB" in vm.log
    assert vm.command("md5sum < /dev/vda").split()[0] == hashlib.md5(before).hexdigest()
    got = vm.command("dd if=/dev/vda bs=1 skip=1000 count=100 2>/dev/null | md5sum").split()[0]
    assert got == hashlib.md5(before[1000:1100]).hexdigest()
    vm.command("printf hello | dd of=/dev/vda bs=1 seek=12345 conv=notrunc 2>/dev/null")
    vm.command("dd if=/etc/wherry/config of=/dev/vda bs=4096 seek=100 conv=notrunc 2>/dev/null")
    config = vm.command("cat /etc/wherry/config")
    vm.command("sync")
    after = raw.read_bytes()
    assert after[12345:12350] == b"hello"
    assert after[:12345] == before[:12345] and after[12350:409600] == before[12350:409600]
    assert after[409600:409600 + len(config)].decode() == config
    vm.command("echo x | dd of=/dev/vda bs=1 seek=2097152 2>&1 | grep -q 'No space'")
    assert vm.status == 0


def test_no_disk_has_no_node(image):
    with VM(image()) as vm:
        vm.wait("# ")
        assert "No such file" in vm.command("cat /dev/vda 2>&1")
        vm.command("mknod /tmp/disk b 254 0")
        assert "No such device" in vm.command("cat /tmp/disk 2>&1")
