# SPDX-License-Identifier: MIT
"""A suite of small programs, run on this host and in the machine by tests/posix/run.c.

Where the host says PASS (exit status 0) the machine must too, but for what a page of
Documentation explains: names in backquotes."""
import collections
import concurrent.futures
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "harness"))
from vm import VM  # noqa: E402

CACHE = os.environ.get("WHERRY_CACHE", os.path.expanduser("~/.cache/wherry"))


def compile_all(sources, exe_dir, command):
    """The names of the programs that can be linked, in exe_dir.  sources: name -> path;
    command(path, exe): what compiles it."""
    def one(name):
        exe = os.path.join(exe_dir, name)
        if not os.path.exists(exe):
            os.makedirs(os.path.dirname(exe), exist_ok=True)
            if subprocess.run(command(sources[name], exe), capture_output=True).returncode:
                return None
        return name

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return [name for name in pool.map(one, sorted(sources)) if name]


def parse(text):
    rows = (line.split("\t") for line in text.splitlines() if line.count("\t") == 2)
    return {name: (how, said) for name, how, said in rows}


class Suite:
    """title: of the messages; work: where the overlay is; page: what is explained;
    limit: seconds for one program; alone: prefixes of names that nothing else runs beside."""

    def __init__(self, title, work, page, limit, alone=()):
        self.title, self.limit, self.alone = title, limit, alone
        self.page = os.path.join(ROOT, "Documentation", page)
        self.overlay = os.path.join(work, "overlay")
        self.dir = os.path.join(self.overlay, "suite")
        self.exe_dir = os.path.join(self.dir, "bin")

    def on_host(self, names):
        runner = os.path.join(self.dir, "run")
        subprocess.run(["musl-gcc", "-static", "-O1", "-o", runner, os.path.join(ROOT, "tests", "posix", "run.c")], check=True)
        print(f"{self.title}: {len(names)} programs on this host", file=sys.stderr)
        return parse(subprocess.run([runner, self.exe_dir, "4", str(self.limit)], input="".join(n + "\n" for n in names),
                                    text=True, errors="replace", stdout=subprocess.PIPE, check=True,
                                    env={**os.environ, "KEEP_CLOCK": "1"}).stdout)

    def in_machine(self, build, names):
        with VM(build, memory="1G") as vm:
            vm.wait("# ")
            vm.command("mkdir -p /tmp")
            run = "/suite/run /suite/bin"
            vm.send(f"{run} 4 {self.limit} < /suite/list; {run} 1 {self.limit} < /suite/alone\n")
            at = vm.seen
            for n in range(1, len(names) + 1):
                vm.wait(re.compile(r"[^\n]*\t[^\n]*\t[^\n]*\n"), 2 * self.limit)
                print(f"\r{self.title}: {n} of {len(names)}", end="", file=sys.stderr, flush=True)
            vm.wait("run: over", 2 * self.limit)  # of the first list or the second
            print(file=sys.stderr)
            return parse(vm.log[at:])

    def write_lists(self, names):
        for path, alone in (("list", False), ("alone", True)):
            with open(os.path.join(self.dir, path), "w") as f:
                f.write("".join(n + "\n" for n in names if n.startswith(self.alone) == alone))

    def explained(self):
        text = open(self.page).read() if os.path.exists(self.page) else ""
        return set(re.findall(r"`([a-zA-Z0-9_]+[/-][a-zA-Z0-9_-]+)`", text))

    def main(self, names, build, image):
        """TESTS="mmap sem_" runs a part: prefixes of names.  image: the command that builds
        the machine, with the overlay's path behind it."""
        prefixes = tuple(os.environ.get("TESTS", "").split())
        names = [n for n in names if not prefixes or n.startswith(prefixes)]
        names.sort(key=lambda n: n.startswith(self.alone))
        self.write_lists(names)
        host = self.on_host(names)
        subprocess.run([*image, "ROOTFS_OVERLAY=" + self.overlay], check=True, stdout=subprocess.DEVNULL)
        guest = self.in_machine(build, names)
        passed = [n for n in names if host[n][0] == "0"]
        differ = [n for n in passed if guest.get(n, ("missing", ""))[0] != "0"]
        known = self.explained()
        for n in differ:
            print(f"{n}: {guest.get(n, ('missing', ''))[0]}{' (explained)' if n in known else ''}: {guest.get(n, ('', ''))[1]}")
        print("on the host:   ", dict(collections.Counter(h for h, _ in host.values())))
        print("in the machine:", dict(collections.Counter(h for h, _ in guest.values())))
        print(f"{len(passed) - len(differ)} of {len(passed)} that pass on the host pass in the machine "
              f"({100 * (len(passed) - len(differ)) / max(1, len(passed)):.1f} %)")
        return 1 if set(differ) - known else 0
