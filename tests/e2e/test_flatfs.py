# SPDX-License-Identifier: MIT
"""flatfs as a mounted file system: images on disks, and the boot archive as a root that nobody writes."""
import hashlib
import lzma
import os
import random
import struct
import subprocess
import urllib.request

import pytest

from conftest import ROOT, make
from vm import VM

FIXTURE = os.path.join(ROOT, "..", "shared", "fixtures", "flatfs-reference.img.xz")


def disk(n, path, block=512):
    return ["-drive", f"if=none,id=d{n},file={path},format=raw", "-device",
            f"virtio-blk-pci,drive=d{n},logical_block_size={block},physical_block_size={block}"]


def pad(path):
    os.truncate(path, (os.path.getsize(path) + 4095) // 4096 * 4096)


@pytest.fixture(scope="module")
def packed(prepared, tmp_path_factory):
    """A tree, its image, and its files' hashes."""
    make(prepared, "host/mkflatfs")
    d = tmp_path_factory.mktemp("flat")
    tree = d / "tree"
    (tree / "many").mkdir(parents=True)
    rnd = random.Random(4)
    for n in (0, 1, 512, 2047, 2048, 4096, 4097, 300000, 3 << 20):
        (tree / f"f{n}").write_bytes(rnd.randbytes(n))
    for n in range(3000):
        (tree / "many" / f"n{n}").write_text(str(n))
    (tree / "busybox").write_bytes(open("/bin/busybox", "rb").read())
    os.chmod(tree / "busybox", 0o755)
    (tree / "secret").write_text("s")
    os.chmod(tree / "secret", 0o600)
    (tree / "link").symlink_to("many/n7")
    subprocess.run([f"{prepared}/host/mkflatfs", "pack", d / "flat.img", tree], check=True)
    pad(d / "flat.img")
    return d, {f"f{n}": hashlib.sha256((tree / f"f{n}").read_bytes()).hexdigest()
               for n in (0, 1, 512, 2047, 2048, 4096, 4097, 300000, 3 << 20)}


@pytest.mark.parametrize("block", [512, 4096])
def test_in_place_from_a_disk(image, packed, block):
    d, hashes = packed
    with VM(image(), extra=disk(0, d / "flat.img", block)) as vm:
        vm.wait("# ")
        vm.command("mkdir /m; mount -t flatfs /dev/vda /m")
        assert "/dev/vda /m flatfs ro," in vm.command("cat /proc/mounts")
        said = vm.command("cd /m; sha256sum f*; cd /").split("\n")
        assert {line.split()[1]: line.split()[0] for line in said if line} == hashes
        assert vm.command("ls /m/many | wc -l; cat /m/link; echo; ls -ld /m/secret").split()[:3] == ["3000", "7", "-rw-------"]
        assert vm.command("/m/busybox echo executed in place") == "executed in place\n"
        for change in ("touch /m/x", "rm -f /m/f1", "mkdir /m/d", "echo x >>/m/f1", "chmod 644 /m/secret",
                       "mv /m/f1 /m/f2", "ln /m/f1 /m/g", "mount -o remount,rw /m"):
            assert "Read-only" in vm.command(f"{change} 2>&1"), change
        assert "busy" in vm.command("mount -t flatfs /dev/vda /mnt 2>&1")
        assert vm.command("umount /m; ls /m; dd if=/dev/vda of=/dev/null bs=4k count=1 2>&1 | head -1") == "1+0 records in\n"


@pytest.mark.skipif(not os.path.exists(FIXTURE), reason="the crate's image is not beside the checkout")
def test_the_crates_own_image(image, tmp_path):
    (tmp_path / "v.img").write_bytes(lzma.open(FIXTURE).read())
    pad(tmp_path / "v.img")
    with VM(image(), extra=disk(0, tmp_path / "v.img")) as vm:
        vm.wait("# ")
        vm.command("mkdir /m; mount -t flatfs /dev/vda /m")
        said = vm.command("find /m -type f -exec sha256sum {} +")
        found = {line.split(maxsplit=1)[0] for line in said.splitlines()}
    wanted = {line.split("\t")[2] for line in open(FIXTURE.replace(".img.xz", ".manifest"), encoding="utf-8")
              if line.startswith("f\t")}
    assert wanted <= found


def test_images_that_are_none(image, packed):
    d, _ = packed
    good = (d / "flat.img").read_bytes()
    bad = {"short": good[:1 << 20], "magic": b"\0" * 8 + good[8:],
           "chain": good[:64] + struct.pack("<Q", len(good) - 8) + good[72:],
           "name": good[:40] + struct.pack("<Q", 1 << 40) + good[48:]}
    extra = []
    for n, (name, data) in enumerate(bad.items()):
        (d / name).write_bytes(data)
        extra += disk(n, d / name)
    with VM(image(), extra=extra) as vm:
        vm.wait("# ")
        for n in range(len(bad)):
            assert "Invalid argument" in vm.command(f"mount -t flatfs /dev/vd{'abcd'[n]} /mnt 2>&1")
        assert "Block device required" in vm.command("mount -t flatfs /dev/null /mnt 2>&1")


def test_the_archive_is_the_root(image):
    with VM(image(ROOT_FLATFS="y")) as vm:
        vm.wait("# ")
        assert vm.command("cat /proc/mounts | head -1").startswith("archive / flatfs ro,")
        for change in ("touch /x", "rm -f /etc/passwd", "echo x >/srv/www/index.html", "mkdir /root/d",
                       "chmod 777 /etc", "mount -o remount,rw /"):
            assert "Read-only" in vm.command(f"{change} 2>&1"), change
        assert vm.command("ls -ld /tmp /var/tmp | cut -c1-10; echo a >/tmp/x; cat /tmp/x; ls -l /dev/null | cut -c1-10") \
            == "drwxrwxrwt\ndrwxrwxrwt\na\ncrw-rw-rw-\n"
        assert vm.command("mount -t flatfs archive /mnt && cat /mnt/etc/hostname") == "wherry\n"
        with urllib.request.urlopen(f"http://127.0.0.1:{vm.port}/", timeout=30) as r:
            assert b"<title>" in r.read()


def test_a_disk_with_a_flatfs_is_the_root(image, prepared, tmp_path):
    """The whole image, but for a file that the archive in memory does not have."""
    build = image()
    subprocess.run([f"{build}/host/mkflatfs", "extract", f"{build}/boot.flatfs", tmp_path / "tree"], check=True)
    (tmp_path / "tree" / "etc" / "only-here").write_text("yes\n")
    subprocess.run([f"{build}/host/mkflatfs", "pack", tmp_path / "r.img", tmp_path / "tree"], check=True)
    pad(tmp_path / "r.img")
    with VM(build, extra=disk(0, tmp_path / "r.img"), cmdline="root=vda") as vm:
        vm.wait("# ")
        assert vm.command("cat /etc/only-here") == "yes\n"
        assert vm.command("head -1 /proc/mounts").startswith("vda / flatfs ro,")
        assert "Read-only" in vm.command("touch /etc/x 2>&1")
