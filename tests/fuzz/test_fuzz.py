# SPDX-License-Identifier: MIT
"""Each fuzz target survives a fixed number of mutations under ASan and UBSan."""
import glob
import os
import re
import subprocess

import pytest

from conftest import ROOT

HERE = os.path.dirname(os.path.abspath(__file__))
TARGETS = sorted(glob.glob(os.path.join(HERE, "*_fuzz.c")))
RUNS = {"tty_fuzz": "3000"}


@pytest.mark.parametrize("target", TARGETS, ids=[os.path.basename(t)[:-2] for t in TARGETS])
def test_fuzz(target, prepared, tmp_path):
    sources = re.search(r"/\* sources: (.*) \*/", open(target).read()).group(1).split()
    exe = tmp_path / "f"
    subprocess.run(["gcc", "-std=gnu11", "-g", "-O1", "-Wall", "-Wextra", "-Werror",
                    "-Wno-missing-field-initializers", "-fsanitize=address,undefined",
                    "-fno-sanitize-recover=all", f"-I{ROOT}/lib/include", f"-I{ROOT}/abi/include", f"-I{ROOT}/rt/include",
                    f"-I{prepared}/include/generated", "-include", f"{ROOT}/abi/include/wherry/config.h",
                    "-o", str(exe), target, os.path.join(HERE, "driver.c"),
                    *[os.path.join(ROOT, s) for s in sources]], check=True)
    name = os.path.basename(target)[:-2]
    subprocess.run([str(exe), RUNS.get(name, "200000")], check=True, timeout=300)
