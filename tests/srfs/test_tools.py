# SPDX-License-Identifier: MIT
"""The tools for disks: what mksrfs writes an independent reader reads, what the Rust crate wrote
is read, and fsck.srfs finds what is wrong."""
import hashlib
import lzma
import os
import random
import stat
import struct
import subprocess

import pytest

from conftest import ROOT, make
from reader import BLOCK, Volume

FIXTURE = os.path.join(ROOT, "..", "shared", "fixtures", "srfs-reference.img.xz")


@pytest.fixture(scope="module")
def tools(prepared):
    make(prepared, "tools")
    return os.path.join(prepared, "host")


def run(*args, status=0, **env):
    p = subprocess.run([str(a) for a in args], text=True, capture_output=True, env={**os.environ, **env})
    assert p.returncode == status, (args, p.returncode, p.stdout, p.stderr)
    return p.stdout + p.stderr


SIZES = [0, 1, 3967, 3968, 3969, 4096, 4097, 8192, 100001, 2031615, 2031616, 2031617, 2097153, 6000000]


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    d = tmp_path_factory.mktemp("tree")
    rnd = random.Random(2)
    for n in SIZES:
        (d / f"f{n}").write_bytes(rnd.randbytes(n))
    for count in (0, 1, 13, 14, 15, 16, 30, 31, 500):
        sub = d / f"dir{count}"
        sub.mkdir()
        for i in range(count):
            (sub / f"a name {i}").write_text(str(i))
    (d / "ünï").write_text("x")
    (d / ("n" * 255)).write_text("long")
    (d / "link").symlink_to("dir14/a name 3")
    os.link(d / "f1", d / "hard")
    os.mkfifo(d / "fifo")
    os.chmod(d / "f1", 0o4751)
    for path, _, files in os.walk(d):
        for f in files:
            os.utime(os.path.join(path, f), (5, 5), follow_symlinks=False)
        os.utime(path, (5, 5))
    return d


def same_tree(image, tree):
    v = Volume(image)
    seen = {}
    for path, e in v.walk():
        seen[path] = e
        st = os.lstat(f"{tree}{path}")
        assert e.mode == st.st_mode and (e.uid, e.gid) == (st.st_uid, st.st_gid), path
        if stat.S_ISREG(st.st_mode):
            assert e.content == open(f"{tree}{path}", "rb").read(), path
            assert e.nlink == st.st_nlink
        elif stat.S_ISLNK(st.st_mode):
            assert e.content.decode() == os.readlink(f"{tree}{path}")
    want = {"/"} | {os.path.join(p, n)[len(str(tree)):] for p, ds, fs in os.walk(tree) for n in ds + fs}
    assert set(seen) == want
    return v


def test_what_mksrfs_writes_is_read_by_who_never_saw_it(tools, tree, tmp_path):
    run(f"{tools}/mksrfs", "-d", tree, tmp_path / "v.img", "64M")
    image = (tmp_path / "v.img").read_bytes()
    v = same_tree(image, tree)
    log, nlog, bitmap, nbitmap, orphans = struct.unpack_from("<5Q", image, 104 + 24)
    for first, n in (log, nlog), (bitmap, nbitmap), (orphans, 1):
        for b in range(first, first + n):
            v.claim(b)
    assert v.free_blocks == v.num_blocks - len(v.used), "no block is lost"
    marked = int.from_bytes(image[bitmap * BLOCK:(bitmap + nbitmap) * BLOCK], "little")
    assert {b for b in range(v.num_blocks) if marked >> b & 1} == v.used
    assert v.transaction == (0, 0, 0, 0, 0, 0) and v.freelist == 0
    assert max(v.used) < v.empty_start
    assert "0 problems" in run(f"{tools}/fsck.srfs", "-n", tmp_path / "v.img")


def test_the_same_input_gives_the_same_bytes(tools, tree, tmp_path):
    for name in "ab":
        run(f"{tools}/mksrfs", "-d", tree, tmp_path / name, "32M", SOURCE_DATE_EPOCH="7")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_there_and_back(tools, tree, tmp_path):
    run(f"{tools}/mksrfs", "-d", tree, tmp_path / "v.img", "32M")
    (tmp_path / "out").mkdir()
    run(f"{tools}/srfsdump", "-x", tmp_path / "out", tmp_path / "v.img")
    run("diff", "-r", "--no-dereference", "--exclude=fifo", tree, tmp_path / "out")
    listing = run(f"{tools}/srfsdump", tmp_path / "v.img")
    assert "state clean" in listing and "features links special" in listing and " a name 499\n" in listing


def test_what_the_crate_cannot_express_is_refused(tools, tree, tmp_path):
    assert "Operation not supported" in run(f"{tools}/mksrfs", "-c", "-d", tree, tmp_path / "v.img", "32M", status=1)


@pytest.mark.skipif(not os.path.exists(FIXTURE), reason="the crate's image is not beside the checkout")
def test_the_crates_own_volume(tools, tmp_path):
    image = lzma.open(FIXTURE).read()
    (tmp_path / "v.img").write_bytes(image)
    (tmp_path / "out").mkdir()
    run(f"{tools}/srfsdump", "-x", tmp_path / "out", tmp_path / "v.img")
    n = 0
    for line in open(FIXTURE.replace(".img.xz", ".manifest"), encoding="utf-8"):
        if line[0] in "#\n":
            continue
        kind, size, digest, path = line.rstrip("\n").split("\t")
        path = f"{tmp_path}/out{path}"
        if kind == "d":
            assert len(os.listdir(path)) == int(size)
        else:
            data = open(path, "rb").read()
            assert len(data) == int(size) and hashlib.sha256(data).hexdigest() == digest, path
        n += 1
    assert n == 580
    before = {p: e.content for p, e in Volume(image).walk() if not e.is_dir}
    assert "555 files, 26 directories" in run(f"{tools}/fsck.srfs", "-n", tmp_path / "v.img")
    assert (tmp_path / "v.img").read_bytes() == image, "looking changes nothing"
    assert len(before) == 555


def damaged(tools, tree, tmp_path):
    run(f"{tools}/mksrfs", "-d", tree, tmp_path / "v.img", "32M")
    return bytearray((tmp_path / "v.img").read_bytes())


def test_fsck_mends_the_bitmap(tools, tree, tmp_path):
    image = damaged(tools, tree, tmp_path)
    good = bytes(image)
    bitmap, = struct.unpack_from("<Q", image, 104 + 40)
    image[bitmap * BLOCK + 300] ^= 0xff
    (tmp_path / "v.img").write_bytes(image)
    assert "marked" in run(f"{tools}/fsck.srfs", "-n", tmp_path / "v.img", status=4)
    assert "mended" in run(f"{tools}/fsck.srfs", "-p", tmp_path / "v.img", status=1)
    run(f"{tools}/fsck.srfs", "-n", tmp_path / "v.img")
    same_tree((tmp_path / "v.img").read_bytes(), tree)
    assert (tmp_path / "v.img").read_bytes()[bitmap * BLOCK:][:BLOCK] == good[bitmap * BLOCK:][:BLOCK]


def test_any_damage_is_an_error_and_nothing_worse(tools, tree, tmp_path):
    """Bytes of metadata changed at random: the tools say so or do not notice, and always end."""
    image = damaged(tools, tree, tmp_path)
    used = sorted(Volume(bytes(image)).used | {e.ino for _, e in Volume(bytes(image)).walk()})
    rnd = random.Random(3)
    found = 0
    for _ in range(60):
        broken = bytearray(image)
        for _ in range(rnd.randrange(1, 6)):
            at = rnd.choice(used) * BLOCK + rnd.randrange(400)
            broken[at] = rnd.randrange(256)
        (tmp_path / "b.img").write_bytes(broken)
        p = subprocess.run([f"{tools}/fsck.srfs", "-n", str(tmp_path / "b.img")], capture_output=True, timeout=60)
        assert p.returncode in (0, 4, 8), p
        found += p.returncode != 0
    assert found > 20


@pytest.mark.parametrize("args,message", [
    (["mksrfs"], "usage"), (["mksrfs", "x", "9Q"], "not a size"), (["fsck.srfs"], "usage"), (["srfsdump"], "usage"),
    (["fsck.srfs", "/nonexistent"], "No such file"), (["srfsdump", "/etc/passwd"], "error"),
    (["mksrfs", "small.img", "100K"], "512 KiB")])
def test_wrong_arguments_are_said(tools, tmp_path, args, message):
    p = subprocess.run([f"{tools}/{args[0]}", *args[1:]], cwd=tmp_path, text=True, capture_output=True)
    assert p.returncode >= 8 and message in p.stderr
