# SPDX-License-Identifier: MIT
"""What all tests share: where the tree is, built configurations, compiled programs."""
import os
import subprocess
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OUT = os.environ.get("WHERRY_TEST_OUT", os.path.join(ROOT, "build", "tests-out"))
sys.path[:0] = [os.path.join(ROOT, "tests", "harness"), os.path.join(ROOT, "tests", "srfs"),
                os.path.join(ROOT, "tests", "flatfs")]

import vm  # noqa: E402


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure shows what its machines said: a server that died says why on the console."""
    report = (yield).get_result()
    said = vm.consoles() if report.failed or call.when == "teardown" else []
    if report.failed:
        report.sections += [("console", text[-4000:]) for text in said]


def make(out, *goals, check=True, env=None):
    """make O=out goals; the completed process, output in .stdout."""
    e = {k: v for k, v in os.environ.items()
         if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES", "O", "V", "Q", "quiet",
                      "WHERRY_SUB", "srctree", "objtree", "CC", "HOSTCC", "KCONFIG_CONFIG",
                      "CC_VERSION_TEXT")
         and not k.startswith("CONFIG_")}
    e.update(env or {})
    p = subprocess.run(["make", "-j2", "-C", ROOT, f"O={out}", *goals], env=e, text=True,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       stdin=subprocess.DEVNULL)
    if check and p.returncode:
        raise AssertionError(f"make {' '.join(goals)} failed:\n{p.stdout[-4000:]}")
    return p


_built = {}


@pytest.fixture(scope="session")
def image():
    """image(name, OPTION=value...): the output directory of that configuration, built once."""
    def build(name="default", **options):
        key = name + "".join(f"-{k}-{v}" for k, v in sorted(options.items()))
        key = "".join(c if c.isalnum() or c in "-_" else "_" for c in key)
        if key not in _built:
            out = os.path.join(OUT, key)
            make(out, f"{name}_defconfig")
            if options:
                make(out, "set", *[f"{k}={v}" for k, v in options.items()])
            make(out, "image")
            _built[key] = out
        return _built[key]
    return build


@pytest.fixture(scope="session")
def prepared():
    """The output directory of the default configuration with what is generated before any
    compilation: headers under include/generated, host tools under host."""
    out = os.path.join(OUT, "default")
    make(out, "default_defconfig")
    make(out, "prepare")
    return out


@pytest.fixture(scope="session")
def web_root(tmp_path_factory):
    """Files of many sizes, to be put into an image: path -> bytes."""
    import random
    d = tmp_path_factory.mktemp("overlay")
    www = d / "srv" / "www"
    www.mkdir(parents=True)
    rnd = random.Random(1)
    files = {}
    for size in (0, 1, 128, 2047, 2048, 2049, 4096, 65535, 65536, 100001, 1 << 20, 8 << 20):
        data = rnd.randbytes(size)
        files[f"/f{size}.bin"] = data
        (www / f"f{size}.bin").write_bytes(data)
    (www / "index.html").write_text("<p>index</p>\n")
    files["/"] = b"<p>index</p>\n"
    (www / "sub").mkdir()
    (www / "sub" / "index.html").write_text("sub\n")
    return str(d), files
