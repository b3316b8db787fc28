# SPDX-License-Identifier: MIT
"""Host unit tests: each *_test.c is compiled with its sources under ASan and UBSan."""
import glob
import os
import re
import subprocess

import pytest

from conftest import ROOT

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = sorted(glob.glob(os.path.join(HERE, "*_test.c")))


@pytest.mark.parametrize("test", TESTS, ids=[os.path.basename(t)[:-2] for t in TESTS])
def test_unit(test, prepared, tmp_path):
    names = " ".join(re.findall(r"/\* sources: (.*) \*/", open(test).read())).split()
    sources = [f for n in names for f in sorted(glob.glob(os.path.join(ROOT, n)))]
    exe = tmp_path / "t"
    subprocess.run(["gcc", "-std=gnu11", "-g", "-O1", "-Wall", "-Wextra", "-Werror",
                    "-Wno-missing-field-initializers",
                    "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
                    f"-I{ROOT}/lib/include", f"-I{ROOT}/rt/include", f"-I{ROOT}/abi/include", f"-I{ROOT}/drivers",
                    f"-I{ROOT}/fs/include",
                    f"-I{ROOT}/arch/x86/include",
                    f"-I{prepared}/include/generated",
                    "-include", f"{ROOT}/abi/include/wherry/config.h", "-o", str(exe), test,
                    *sources, "-lcmocka"], check=True)
    subprocess.run([str(exe)], check=True)
