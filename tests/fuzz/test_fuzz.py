# SPDX-License-Identifier: MIT
"""Each fuzz target survives a fixed number of mutations under ASan and UBSan."""
import glob
import os
import re
import subprocess

import pytest

from conftest import OUT, ROOT, make

HERE = os.path.dirname(os.path.abspath(__file__))
TARGETS = sorted(glob.glob(os.path.join(HERE, "*_fuzz.c")))
RUNS = {"tty_fuzz": "3000"}


@pytest.mark.parametrize("target", TARGETS, ids=[os.path.basename(t)[:-2] for t in TARGETS])
def test_fuzz(target, tmp_path):
    out = os.path.join(OUT, "default")
    make(out, "default_defconfig")
    make(out, "prepare")
    sources = re.search(r"/\* sources: (.*) \*/", open(target).read()).group(1).split()
    exe = tmp_path / "f"
    subprocess.run(["gcc", "-std=gnu11", "-g", "-O1", "-Wall", "-Wextra", "-Werror",
                    "-Wno-missing-field-initializers", "-fsanitize=address,undefined",
                    "-fno-sanitize-recover=all", f"-I{ROOT}/lib/include", f"-I{ROOT}/abi/include",
                    f"-I{out}/include/generated", "-include", f"{ROOT}/abi/include/wherry/config.h",
                    "-o", str(exe), target, os.path.join(HERE, "driver.c"),
                    *[os.path.join(ROOT, s) for s in sources]], check=True)
    name = os.path.basename(target)[:-2]
    subprocess.run([str(exe), RUNS.get(name, "200000")], check=True, timeout=300)
