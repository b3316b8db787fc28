# SPDX-License-Identifier: MIT
"""busybox's shell at the serial console, as a person uses it."""
import re

import subprocess

import pytest

from vm import VM


@pytest.fixture(scope="module", params=["default", "many"])
def vm(request, image):
    with VM(image(request.param), cpus=2) as machine:
        machine.wait(re.compile("(?s)(has address|httpd: serving).*(has address|httpd: serving).*\n"))
        machine.send("\n")
        machine.wait("# ")
        yield machine


@pytest.mark.parametrize("line,want", [
    ("echo hello | tr a-z A-Z", "HELLO"),
    ("seq 1 100 | wc -l", "100"),
    ("echo a > /tmp/x; echo b >> /tmp/x; cat /tmp/x", "a\nb"),
    ("mkdir -p /tmp/d/e && ls /tmp/d && rm -r /tmp/d && ls -d /tmp/d 2>&1", "e\nls: /tmp/d: No such file or directory"),
    ("ln -s /etc/hostname /tmp/l; readlink /tmp/l; cat /tmp/l; rm /tmp/l", "/etc/hostname\nwherry"),
    ("echo one > /tmp/a; ln /tmp/a /tmp/b; echo two >> /tmp/b; cat /tmp/a; rm /tmp/a; cat /tmp/b", "one\ntwo\none\ntwo"),
    ("mv /tmp/b /tmp/c; cat /tmp/c; rm /tmp/c", "one\ntwo"),
    ("cd /usr/bin; pwd; cd; pwd", "/usr/bin\n/root"),
    ("(exit 3); echo $?", "3"),
    ("sleep 0.1 & wait; echo done", "done"),
    ("cat < /dev/null; echo $?", "0"),
    ("dd if=/dev/zero bs=1k count=300 2>/dev/null | md5sum", "9abb1d0a3c1cb57ebd73ac7d1c8b1bcb  -"),
    ("echo $((6*7))", "42"),
    ("sh -c 'kill -9 $$'; echo $?", "Killed\n137"),
    ("uname", "Linux"),
    ("printf 'b\\na\\n' | sort | head -n 1", "a"),
    ("find /etc -name hostname", "/etc/hostname"),
    ("test -c /dev/null && test -d /proc && echo yes", "yes"),
    ("for i in 1 2 3; do echo $i; done | sed -n 2p", "2"),
    ("x=$(date +%s); [ $x -gt 1600000000 ] && echo clock", "clock"),
    ("dd if=/dev/urandom bs=64 count=1 2>/dev/null | wc -c", "64"),
    ("cat /etc/hostname; hostname ferry; hostname; cat /proc/sys/kernel/hostname; sh -c 'uname -n'; hostname wherry", "wherry\nferry\nferry\nferry"),
    ("free | grep -c Mem", "1"),
    ("top -bn1 | grep -c 'PID *PPID'", "1"),
])
def test_command(vm, line, want):
    if "md5sum" in line:
        import hashlib
        want = hashlib.md5(bytes(300 * 1024)).hexdigest() + "  -"
    assert vm.command(line).strip() == want


@pytest.mark.parametrize("line,want", [
    ("ls -l /proc/$p/fd | sed 's/.* \\([0-9] -> \\)/\\1/' | tail -n +2", "0 -> /etc/passwd\n1 -> /tmp/o\n2 -> /tmp/o"),
    ("ls -lL /proc/$p/fd/0 | cut -c1-10", "-rw-r--r--"),
    ("readlink /proc/$p/cwd; readlink /proc/$p/exe", "/tmp\n/bin/sh"),
    ("tr '\\0' '\\n' < /proc/$p/environ | grep FOO", "FOO=bar"),
    ("ls /proc/$p/task; cmp /proc/$p/task/$p/comm /proc/$p/comm && echo same", "$p\nsame"),
    ("head -n 1 /proc/$p/fd/0", "root:x:0:0:root:/root:/bin/sh"),
    ("ls /proc/$p/task/1 /proc/$p/fd/77 /proc/$p/fd/x 2>&1 | grep -c 'No such'", "3"),
])
def test_proc_shows_other_processes(vm, line, want):
    vm.command("cd /tmp; FOO=bar busybox sleep 1000 < /etc/passwd > /tmp/o 2>&1 & p=$!; cd; "
               "until grep -q sleep /proc/$p/cmdline; do :; done")
    pid = vm.command("echo $p").strip()
    got = vm.command(line).strip()
    vm.command("kill $p; wait $p")
    assert got == want.replace("$p", pid)


def test_proc_keeps_other_users_processes_secret(vm):
    vm.command("sleep 1000 & p=$!; export p")
    got = vm.command("su -s /bin/sh nobody -c 'ls /proc/$p/fd; cat /proc/$p/environ; readlink /proc/$p/cwd; "
                     "cat /proc/$p/comm; cat /proc/self/environ | tr -d \"\\\\0\" | wc -c; ls -1 /proc/self/fd' 2>&1")
    vm.command("kill $p; wait $p")
    lines = got.strip().splitlines()
    assert "Permission denied" in lines[0] and "ermission denied" in lines[1]
    assert lines[2] in ("sleep", "sh", "busybox") and int(lines[3]) > 0 and "0" in lines[4:]


def test_time_in_calls_is_system_time(vm):
    def seconds(line):
        out = vm.command(f"time {line}", 120)
        return [float(re.search(f"{what}\\s+0m ?([0-9.]+)s", out).group(1)) for what in ("user", "sys")]
    user, system = seconds("sh -c 'dd if=/dev/zero of=/dev/null bs=1 count=400000 2>/dev/null'")
    assert system > user
    user, system = seconds("sh -c 'i=0; while [ $i -lt 40000 ]; do i=$((i+1)); done'")
    assert user > 4 * system


def test_ctrl_c_ends_the_foreground_only(vm):
    vm.send("sh -c 'echo star""ted; exec sleep 1000'\n")
    vm.wait("started\n")
    vm.send("\x03")
    vm.wait("# ")
    assert vm.command("echo alive").strip() == "alive"


def test_ctrl_z_stops_and_fg_goes_on(vm):
    vm.send("sh -c 'echo star""ted; exec cat'\n")
    vm.wait("started\n")
    vm.send("\x1a")
    vm.wait("Stopped")
    vm.wait("# ")
    vm.send("fg\n")
    vm.wait('exec cat"\n')
    vm.send("echoed\n")
    vm.wait("echoed\nechoed\n")
    vm.send("\x04")
    vm.wait("# ")


def test_background_jobs_are_listed(vm):
    vm.command("sleep 100 & true")
    assert "sleep 100" in vm.command("jobs")
    vm.command("kill %1; wait")


def test_line_editing(vm):
    vm.send("echo wrXong\x1b[D\x1b[D\x1b[D\x7f\n")
    vm.wait("wrong\n")
    vm.wait("# ")


def test_vi_writes_a_file(vm):
    vm.send("vi /tmp/v\n")
    vm.wait("1/1 100%")
    vm.send("ihello from vi")
    vm.wait("vi\x1b")  # typed and shown
    vm.send("\x1b")
    vm.wait("Modified")
    vm.send(":wq\n")
    vm.wait("# ")
    assert vm.command("cat /tmp/v").strip() == "hello from vi"


def test_ps_shows_processes(vm):
    out = vm.command("ps")
    assert "httpd" in out and "PID" in out


def test_missing_calls_are_counted(vm):
    vm.command("cat /proc/wherry/missing")
    assert vm.status == 0


def test_login_asks_and_checks(image):
    # "secret", by openssl passwd -6 -salt wherry
    hashed = subprocess.run(["openssl", "passwd", "-6", "-salt", "wherry", "secret"],
                            check=True, capture_output=True, text=True).stdout.strip()
    with VM(image("default", CONSOLE_LOGIN="y", BUSYBOX_SUID="y", ROOT_PASSWORD=hashed), memory="64M") as vm:
        vm.wait("login: ")
        vm.send("root\n")
        vm.wait("Password: ")
        vm.send("wrong\n")
        vm.wait("Login incorrect")
        vm.wait("login: ")
        vm.send("root\n")
        vm.wait("Password: ")
        vm.send("secret\n")
        vm.wait("# ")
        vm.send("su guest -c 'id -un; cat /etc/shadow; touch ~/mine && ls -l ~'; echo do''ne\n")
        out = vm.wait("done\n")
        assert "guest\n" in out and "Permission denied" in out and "mine" in out
        vm.send("su guest\n")
        vm.wait("$ ")
        vm.send("su\n")  # busybox is set-uid root: by the password
        vm.wait("Password: ")
        vm.send("secret\n")
        vm.wait("# ")
        vm.send("id -u; wc -l < /etc/shadow; exit\n")
        assert "0\n2\n" in vm.wait("$ ")
        vm.send("su\n")
        vm.wait("Password: ")
        vm.send("guess\n")
        vm.wait("incorrect password")
        vm.send("exit\n")
        vm.wait("# ")
        vm.send("exit\n")
        vm.wait("login: ")
