# SPDX-License-Identifier: MIT
"""OVERCOMMIT_NEVER: who asks for more than there is hears of it at once, and what was promised
can be touched."""
import subprocess

import pytest

from vm import VM

PROGRAM = r"""
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#define MIB (1 << 20)
static char *get(int mib, int prot)
{
	char *p = mmap(NULL, mib * MIB, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	printf("%d MiB %s: %s\n", mib, prot & PROT_WRITE ? "to write" : "to reserve", p == MAP_FAILED ? strerror(errno) : "ok");
	return p;
}
int main(void)
{
	char *r = get(200, PROT_NONE), *p;
	int st = 0;
	pid_t pid;

	printf("all of it: %s\n", mprotect(r, 200 * MIB, PROT_READ | PROT_WRITE) ? strerror(errno) : "ok");
	p = get(20, PROT_READ | PROT_WRITE);
	if (p != MAP_FAILED)
		memset(p, 1, 20 * MIB);
	get(40, PROT_READ | PROT_WRITE);
	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(7);
	if (pid > 0)
		wait(&st);
	printf("fork: %s\n", pid < 0 ? strerror(errno) : st >> 8 == 7 ? "ok" : "died");
	munmap(p, 20 * MIB);
	get(30, PROT_READ | PROT_WRITE);
	return 0;
}
"""


@pytest.mark.parametrize("policy", ["NEVER", "ALWAYS"])
def test_policy(image, tmp_path, policy):
    (tmp_path / "promise.c").write_text(PROGRAM)
    overlay = tmp_path / "overlay"
    (overlay / "bin").mkdir(parents=True)
    subprocess.run(["musl-gcc", "-static", "-w", "-O1", "-o", str(overlay / "bin" / "promise"),
                    str(tmp_path / "promise.c")], check=True)
    with VM(image(ROOTFS_OVERLAY=str(overlay), **{f"OVERCOMMIT_{policy}": "y"}), memory="48M") as vm:
        vm.wait("# ")
        out = vm.command("/bin/promise")
        assert "200 MiB to reserve: ok" in out
        assert "20 MiB to write: ok" in out
        never = policy == "NEVER"
        assert f"all of it: {'Out of memory' if never else 'ok'}" in out
        assert f"40 MiB to write: {'Out of memory' if never else 'ok'}" in out
        assert f"fork: {'Out of memory' if never else 'ok'}" in out
        assert "30 MiB to write: ok" in out
        assert "alive" in vm.command("echo alive | cat")
