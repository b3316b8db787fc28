# SPDX-License-Identifier: MIT
"""The in-guest tests of the native calls, on one and two CPUs, preemptive and not."""
import glob
import os
import re
import subprocess

import pytest

from conftest import ROOT
from vm import VM


@pytest.mark.parametrize("config,cpus", [("default", 1), ("default", 2), ("coop", 1), ("coop", 2)])
def test_native_calls(image, config, cpus):
    with VM(image(config, GUEST_TESTS="y", NET="n", BUSYBOX="n"), cpus=cpus, memory="96M") as vm:
        out = vm.wait(re.compile(r"guest: (\d+) passed, (\d+) failed"))
        bad = [line for line in out.splitlines() if line.startswith(("not ok", "#"))]
        assert not bad, "\n".join(bad)


def test_checklist(prepared):
    """Every `fails` word of abi/kernel.wid is provoked by an assertion here."""
    here = os.path.dirname(os.path.abspath(__file__))
    listing = subprocess.run([os.path.join(prepared, "host", "widc"), "checklist",
                              os.path.join(ROOT, "abi", "errors.wid"),
                              os.path.join(ROOT, "abi", "kernel.wid")],
                             check=True, capture_output=True, text=True).stdout
    text = re.sub(r"\s+", " ", "".join(open(f).read() for f in glob.glob(os.path.join(here, "*.c"))))
    covered = {f"{m[1]} {m[3]}".replace("map ", "as_map ", 1) if m[1] == "map" else f"{m[1]} {m[3]}"
               for m in re.finditer(r"t_eq\((?:w_)?(\w+)\(([^;]*?)\), W_E(\w+)\);", text)}
    covered |= {f"{m} NOMEM" for m in re.findall(r"t_starved\(w_(\w+)\(", text)}
    missing = sorted(line for line in listing.splitlines() if line not in covered)
    assert not missing
