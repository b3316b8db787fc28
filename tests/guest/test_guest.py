# SPDX-License-Identifier: MIT
"""The in-guest tests of the native calls, on one and two CPUs, preemptive and not."""
import re

import pytest

from vm import VM


@pytest.mark.parametrize("config,cpus", [("default", 1), ("default", 2), ("coop", 1), ("coop", 2)])
def test_native_calls(image, config, cpus):
    with VM(image(config, GUEST_TESTS="y", NET="n", BUSYBOX="n"), cpus=cpus, memory="96M") as vm:
        out = vm.wait(re.compile(r"guest: (\d+) passed, (\d+) failed"))
        bad = [line for line in out.splitlines() if line.startswith(("not ok", "#"))]
        assert not bad, "\n".join(bad)
