# SPDX-License-Identifier: MIT
"""mkflatfs: what it packs an independent reader reads, what the Rust crate wrote it extracts, and
what is damaged it names."""
import hashlib
import lzma
import os
import random
import stat
import struct
import subprocess

import pytest

from conftest import ROOT, make
from flat_reader import files

FIXTURE = os.path.join(ROOT, "..", "shared", "fixtures", "flatfs-reference.img.xz")


@pytest.fixture(scope="module")
def tool(prepared):
    make(prepared, "host/mkflatfs")
    return os.path.join(prepared, "host", "mkflatfs")


def run(*args, status=0):
    p = subprocess.run([str(a) for a in args], text=True, capture_output=True)
    assert p.returncode == status, (args, p.returncode, p.stdout, p.stderr)
    return p.stdout + p.stderr


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    d = tmp_path_factory.mktemp("tree")
    rnd = random.Random(3)
    for n in (0, 1, 2047, 2048, 2049, 4096, 100001):
        (d / f"f{n}").write_bytes(rnd.randbytes(n))
    (d / "empty" / "deeper").mkdir(parents=True)
    (d / "two words" / "ünï").mkdir(parents=True)
    (d / "two words" / "ünï" / "back\\slash").write_text("x")
    (d / "two words" / "a\nnewline").write_text("y")
    (d / "link").symlink_to("two words/ünï")
    (d / "private").mkdir(mode=0o700)
    (d / "zz").write_bytes(b"")
    os.chmod(d / "f1", 0o4751)
    return d


def shape(path):
    out = {}
    for where, dirs, names in os.walk(path):
        for n in dirs + names:
            p = os.path.join(where, n)
            st = os.lstat(p)
            what = os.readlink(p) if stat.S_ISLNK(st.st_mode) else \
                open(p, "rb").read() if stat.S_ISREG(st.st_mode) else ""
            out[os.path.relpath(p, path)] = (st.st_mode, st.st_uid, st.st_gid, what)
    return out


def test_a_directory_there_and_back(tool, tree, tmp_path):
    run(tool, "pack", tmp_path / "a.img", tree)
    run(tool, "pack", tmp_path / "b.img", tree)
    image = (tmp_path / "a.img").read_bytes()
    assert image == (tmp_path / "b.img").read_bytes(), "the same input gives the same bytes"
    read = files(image)
    for name, (mode, _, _, what) in shape(tree).items():
        assert not stat.S_ISREG(mode) or read[name] == what
    assert list(read) == sorted(read, key=str.encode)
    run(tool, "extract", tmp_path / "a.img", tmp_path / "out")
    assert shape(tmp_path / "out").items() >= shape(tree).items()
    assert "11 files, 19 names" in run(tool, "verify", tmp_path / "a.img")
    assert "104751     0     0          1 /f1\n" in run(tool, "list", tmp_path / "a.img")
    assert " /link -> two words/ünï\n" in run(tool, "list", tmp_path / "a.img")


def test_large_files_begin_on_pages(tool, tree, tmp_path):
    run(tool, "pack", tmp_path / "a.img", tree)
    image = (tmp_path / "a.img").read_bytes()
    assert image.index((tree / "f100001").read_bytes()) % 4096 == 0
    assert image.index((tree / "f2048").read_bytes()) % 4096 == 0


def test_a_list(tool, tree, tmp_path):
    lines = [f"etc/{n}\t{tree}/f2049\n" for n in ("b", "a c", "a")]
    (tmp_path / "list").write_text("".join(lines))
    run(tool, "pack", tmp_path / "a.img", tmp_path / "list")
    assert list(files((tmp_path / "a.img").read_bytes())) == ["etc/a", "etc/a c", "etc/b"]
    (tmp_path / "list").write_text("".join(lines + lines[:1]))
    assert "etc/b: listed twice" in run(tool, "pack", tmp_path / "a.img", tmp_path / "list", status=1)
    assert "usage: mkflatfs pack" in run(tool, "pack", status=2)


@pytest.mark.skipif(not os.path.exists(FIXTURE), reason="the crate's image is not beside the checkout")
def test_the_crates_own_image(tool, tmp_path):
    (tmp_path / "v.img").write_bytes(lzma.open(FIXTURE).read())
    run(tool, "extract", tmp_path / "v.img", tmp_path / "out")
    found = {f"/{n}": what for n, (mode, _, _, what) in shape(tmp_path / "out").items() if stat.S_ISREG(mode)}
    said = [line.rstrip("\n").split("\t") for line in open(FIXTURE.replace(".img.xz", ".manifest"), encoding="utf-8")
            if line[0] not in "#\n"]
    for kind, size, digest, path in said:
        if kind == "d":
            continue
        data = found.pop(path, None)
        if data is None or hashlib.sha256(data).hexdigest() != digest:
            data = found.pop(path + "~")  # a directory has the name
        assert len(data) == int(size) and hashlib.sha256(data).hexdigest() == digest, path
    assert not found


def test_damage_is_named(tool, tree, tmp_path):
    bad = tmp_path / "bad.img"
    run(tool, "pack", tmp_path / "a.img", tree)
    image = bytearray((tmp_path / "a.img").read_bytes())
    for data, what in ((b"", "it is empty"), (image[:-8], "cut short"), (b"x" + image[1:], "no flatfs image"),
                       (image[:32] + struct.pack("<Q", 1 << 63) + image[40:], "list of files is damaged"),
                       (image[:64] + struct.pack("<Q", 0) + image[72:], "list of files is damaged")):
        bad.write_bytes(data)
        assert what in run(tool, "verify", bad, status=1)
    at = image.index(b"m 4751 /f1")
    image[at:at + 6] = b"m 9751"
    bad.write_bytes(image)
    assert "1 lines of etc/wherry/meta are not understood" in run(tool, "verify", bad, status=1)


def test_no_file_is_written_outside(tool, tmp_path):
    """A link of META on the way to a file leads inside the image, never to the host's directories."""
    (tmp_path / "src").mkdir()
    meta = tmp_path / "m"
    meta.write_text("l out /\nl up ../../../..\n")
    for n in ("x", "y"):
        (tmp_path / n).write_text(n)
    (tmp_path / "list").write_text(f"etc/wherry/meta\t{meta}\nout/tmp-x\t{tmp_path}/x\nup/y\t{tmp_path}/y\n")
    run(tool, "pack", tmp_path / "a.img", tmp_path / "list")
    run(tool, "extract", tmp_path / "a.img", tmp_path / "out")
    assert (tmp_path / "out" / "tmp-x").read_text() == "x" and (tmp_path / "out" / "y").read_text() == "y"
    assert not os.path.exists("/tmp-x")
