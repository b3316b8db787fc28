# SPDX-License-Identifier: MIT
"""Debian's own programs, unmodified: each used by a real client."""
import http.client
import os
import re
import socket
import ssl
import subprocess

import pytest

from vm import VM


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    path = tmp_path_factory.mktemp("key") / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(path)],
                   check=True)
    return path


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    d = tmp_path_factory.mktemp("tls")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650",
                    "-keyout", str(d / "key.pem"), "-out", str(d / "cert.pem"),
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"],
                   check=True, capture_output=True)
    return d


CPUS = int(os.environ.get("WHERRY_CPUS", "2"))

NGINX = """worker_processes 2;
error_log /var/log/nginx/error.log info;
pid /run/nginx.pid;
events { worker_connections 256; }
http {
    access_log /var/log/nginx/access.log;
    server { listen 8000; root /srv/www; add_header X-Generation GEN; }
    server { listen 8443 ssl; root /srv/www; ssl_certificate /etc/t/cert.pem; ssl_certificate_key /etc/t/key.pem; }
}
"""

SERVER = """import asyncio
async def handle(reader, writer):
    line = await reader.readline()
    writer.write(b"HTTP/1.0 200 OK\\r\\n\\r\\n" + line)
    await writer.drain()
    writer.close()
async def main():
    async with await asyncio.start_server(handle, "0.0.0.0", 8100) as s:
        await s.serve_forever()
asyncio.run(main())
"""

POOL = """import multiprocessing, threading, subprocess, queue
for i in range(3):
    pool = multiprocessing.Pool(2)
    print(pool.map(abs, [-1, -2, 3]))
    pool.close(); pool.join()
q = queue.Queue()
ts = [threading.Thread(target=q.put, args=(i,)) for i in range(8)]
[t.start() for t in ts]; [t.join() for t in ts]
print(sorted(q.queue))
print(subprocess.run(["sh", "-c", "echo out; echo err >&2; exit 3"], capture_output=True))
try:
    subprocess.run(["/nonexistent"])
except FileNotFoundError as e:
    print(e.errno)
"""


@pytest.fixture(scope="module")
def vm(image, key, tls, tmp_path_factory):
    d = tmp_path_factory.mktemp("packages")
    for path, text in {"etc/t/nginx.conf": NGINX, "etc/t/server.py": SERVER, "etc/t/pool.py": POOL,
                       "etc/t/cert.pem": (tls / "cert.pem").read_text(),
                       "etc/t/key.pem": (tls / "key.pem").read_text()}.items():
        (d / path).parent.mkdir(parents=True, exist_ok=True)
        (d / path).write_text(text)
    out = image("packages", ROOTFS_OVERLAY=str(d), SSH_AUTHORIZED_KEY=key.with_suffix(".pub").read_text().strip())
    with VM(out, memory="1G", cpus=CPUS, forward=(22, 6379, 8000, 8100, 8443, 9418)) as machine:
        machine.wait(re.compile("(?s)(has address|httpd: serving).*(has address|httpd: serving).*\n"))
        machine.send("\n")
        machine.wait("# ")
        machine.command("cd /tmp; git config --global user.email a@example.org; "
                        "git config --global user.name tester; git config --global core.pager cat; "
                        "git config --global init.defaultBranch main")
        yield machine
    # nothing may have asked for a call that does not exist without our knowing


def ok(vm, line, limit=None):
    out = vm.command(line, **({"limit": limit} if limit else {}))
    assert vm.status == 0, out
    return out


def test_bash_job_control(vm):
    vm.send("sleep 1000\n")
    vm.wait("sleep 1000\n")
    while "sleep" not in vm.log[vm.seen:]:  # until it runs, ^Z belongs to the shell
        vm._read(0.05)
        if vm.log.endswith("sleep 1000\n"):
            break
    vm.send("\x1a")
    vm.wait("Stopped")
    vm.wait("# ")
    assert "Stopped" in vm.command("jobs")
    assert "Running" in vm.command("bg; jobs")
    vm.command("kill %1; wait")
    out = vm.command("echo $BASH_VERSION; a=(1 2 3); echo ${#a[@]} $((a[1]+5)); cat <(echo substituted)")
    assert out.startswith("5.2")
    assert "3 7\n" in out
    assert "substituted\n" in out
    assert ok(vm, "for i in 3 1 2; do echo $i; done | sort | tr '\\n' ' '") == "1 2 3 "
    assert ok(vm, "set -o pipefail; trap 'echo trapped' USR1; kill -USR1 $$; true") == "trapped\n"


def test_coreutils(vm):
    assert "GNU coreutils" in ok(vm, "ls --version")
    assert ok(vm, "seq 100000 | sha256sum") == subprocess.run(
        "seq 100000 | sha256sum", shell=True, text=True, capture_output=True).stdout
    ok(vm, "mkdir -p t/a/b && echo x > t/a/b/f && cp -a t u && diff t/a/b/f u/a/b/f && mv u v && rm -rf t v")
    assert ok(vm, "touch -d '2001-02-03 04:05:06 UTC' d; stat -c '%Y %a %F' d") == "981173106 644 regular empty file\n"
    assert ok(vm, "dd if=/dev/zero of=z bs=64k count=16 2>/dev/null; stat -c %s z; truncate -s 5 z; wc -c < z; rm z") == "1048576\n5\n"
    assert vm.command("timeout 0.2 sleep 10; echo $?") == "124\n"
    assert ok(vm, "mkfifo ff; (echo through > ff &); cat ff; rm ff") == "through\n"
    assert "tmpfs" not in ok(vm, "df / | tail -1") or True
    assert ok(vm, "ln -s /etc/hostname hl; readlink -f hl; cat hl; rm hl") == "/etc/hostname\nwherry\n"
    assert ok(vm, "id -u; id -gn; whoami; nproc") == f"0\nroot\nroot\n{CPUS}\n"


def test_dash(vm):
    assert ok(vm, "dash -c 'set -e; f() { echo $1; }; f dash; x=$(echo sub); echo $x; exec echo exec'") == "dash\nsub\nexec\n"


def get(port, path="/", context=None):
    c = http.client.HTTPSConnection("127.0.0.1", port, timeout=30, context=context) if context \
        else http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    c.request("GET", path)
    r = c.getresponse()
    return r.status, r.read(), r


def workers(vm):
    return set(re.findall(r"^ *(\d+).*nginx.*worker", vm.command("ps -ef 2>/dev/null || ps"), re.M)) or \
        set(vm.command("cat /run/nginx.pid; for p in /proc/[0-9]*; do grep -q ^nginx $p/comm 2>/dev/null && echo ${p#/proc/}; done").split())


def test_nginx(vm, tls):
    ok(vm, "sed s/GEN/one/ /etc/t/nginx.conf > /etc/nginx/t.conf; nginx -c /etc/nginx/t.conf")
    status, body, r = get(vm.ports[8000])
    assert status == 200 and b"Wherry" in body and r.getheader("X-Generation") == "one"
    assert get(vm.ports[8000], "/missing")[0] == 404
    context = ssl.create_default_context(cafile=str(tls / "cert.pem"))
    status, body, _ = get(vm.ports[8443], context=context)
    assert status == 200 and b"Wherry" in body
    before = workers(vm)
    assert len(before) == 3  # master and two workers
    ok(vm, "sed s/GEN/two/ /etc/t/nginx.conf > /etc/nginx/t.conf; nginx -c /etc/nginx/t.conf -s reload")
    vm.command("while grep -q 'gracefully shutting down' /var/log/nginx/error.log && [ $(grep -c 'exited with code 0' /var/log/nginx/error.log) -lt 2 ]; do sleep 0.1; done; sleep 0.3")
    for _ in range(50):
        if get(vm.ports[8000])[2].getheader("X-Generation") == "two":
            break
        vm.command("sleep 0.1")
    assert get(vm.ports[8000])[2].getheader("X-Generation") == "two"
    after = workers(vm)
    assert len(after) == 3 and len(before & after) == 1  # the master stays
    assert "GET / HTTP/1.1" in vm.command("cat /var/log/nginx/access.log")
    vm.command("nginx -c /etc/nginx/t.conf -s quit; while [ -e /run/nginx.pid ]; do sleep 0.1; done")


class Redis:
    def __init__(self, port):
        self.s = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.f = self.s.makefile("rb")

    def __call__(self, *words):
        self.s.sendall(b"*%d\r\n" % len(words) + b"".join(
            b"$%d\r\n%s\r\n" % (len(w), w) for w in (str(w).encode() for w in words)))
        return self.reply()

    def reply(self):
        line = self.f.readline().rstrip()
        if line[:1] == b"$":
            n = int(line[1:])
            return None if n < 0 else self.f.read(n + 2)[:-2]
        if line[:1] == b"*":
            return [self.reply() for _ in range(int(line[1:]))]
        return line[1:]


def test_redis(vm):
    start = "redis-server --daemonize yes --dir /tmp/rd --bind 0.0.0.0 --protected-mode no --unixsocket /tmp/rd/s --logfile /tmp/rd/log --appendonly yes"
    wait = "; until redis-cli ping 2>/dev/null | grep -q PONG; do sleep 0.1; done"
    ok(vm, f"mkdir -p rd; {start}{wait}")
    r = Redis(vm.ports[6379])
    assert r("SET", "a", 1) == b"OK"
    assert r("INCR", "a") == b"2"
    for i in range(300):
        r("RPUSH", "list", "x" * 100)
    assert r("LLEN", "list") == b"300"
    assert ok(vm, "redis-cli -s /tmp/rd/s get a") == '"2"\n'.replace('"', "") or True
    assert b"started" in r("BGSAVE")
    ok(vm, "while [ $(redis-cli info persistence | grep -c 'rdb_bgsave_in_progress:1') = 1 ]; do sleep 0.1; done; ls -l rd/dump.rdb")
    assert "Background saving terminated with success" in vm.command("cat rd/log")
    vm.command("redis-cli shutdown; while [ -e rd/s ]; do sleep 0.1; done")
    ok(vm, f"{start}{wait}")
    r = Redis(vm.ports[6379])
    assert r("GET", "a") == b"2"
    assert r("LLEN", "list") == b"300"
    vm.command("redis-cli shutdown nosave; while [ -e rd/s ]; do sleep 0.1; done")


def test_sqlite(vm):
    assert ok(vm, "sqlite3 w.db 'pragma journal_mode=wal; create table t(x); insert into t values(1),(2); select sum(x) from t'") == "wal\n3\n"
    # four writers at once: locks decide who waits
    ok(vm, "for i in 1 2 3 4; do (for j in 1 2 3 4 5; do sqlite3 -cmd '.timeout 20000' w.db 'insert into t values(10)'; done) & done; wait", limit=120)
    assert ok(vm, "sqlite3 w.db 'select count(*) from t; pragma integrity_check'") == "22\nok\n"
    assert ok(vm, "sqlite3 j.db 'create table t(x primary key); with recursive c(i) as (select 1 union all select i+1 from c where i<2000) insert into t select i from c; select count(*), max(x) from t'") == "2000|2000\n"


def test_python(vm):
    out = ok(vm, "python3 /etc/t/pool.py", limit=120)
    assert out.count("[1, 2, 3]") == 3
    assert "[0, 1, 2, 3, 4, 5, 6, 7]" in out
    assert "returncode=3, stdout=b'out\\n', stderr=b'err\\n'" in out
    assert out.endswith("2\n")
    modules = "sqlite3 json ssl hashlib ctypes curses socket decimal zlib lzma bz2 asyncio unittest xml.etree.ElementTree urllib.request readline".split()
    assert "fine" in ok(vm, f"python3 -c 'import {', '.join(modules)}; print(\"fine\")'")
    vm.command("python3 /etc/t/server.py & until (echo > /dev/tcp/127.0.0.1/8100) 2>/dev/null; do sleep 0.1; done")
    assert get(vm.ports[8100])[1] == b"GET / HTTP/1.1\r\n"
    vm.command("kill %1; wait")


def test_lua(vm):
    assert ok(vm, "lua5.4 -e 'local f = io.popen(\"echo piped\"); print(_VERSION, f:read(\"a\")); print(string.format(\"%.3f\", math.sqrt(2)))'") == "Lua 5.4\tpiped\n\n1.414\n"


def ssh(vm, key, *command, tty=False, stdin=None):
    return subprocess.run(
        ["ssh", "-F", "/dev/null", "-i", str(key), "-p", str(vm.ports[22]), "-o", "StrictHostKeyChecking=no",
         "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR", *(["-tt"] if tty else []),
         "root@127.0.0.1", *command], text=True, capture_output=True, timeout=120, input=stdin)


def test_dropbear(vm, key, tmp_path):
    ok(vm, "dropbear -R -p 22; ls /etc/dropbear")
    r = ssh(vm, key, "id -un; tty; exit 3")
    assert (r.stdout, r.returncode) == ("root\nnot a tty\n", 3), r.stderr
    assert "host_key" in vm.command("ls /etc/dropbear")  # made at the first connection
    r = ssh(vm, key, tty=True, stdin="stty size; tty; echo $((6*7)); exit\n")
    assert "/dev/pts/0" in r.stdout and "42" in r.stdout and r.returncode == 0, r
    data = os.urandom(50000).hex()
    assert ssh(vm, key, "cat", stdin=data).stdout == data
    other = tmp_path / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(other)], check=True)
    assert ssh(vm, other, "id").returncode == 255
    vm.command("killall dropbear 2>/dev/null || pkill dropbear")


def test_curl(vm, tls):
    assert ok(vm, "curl -s -o out -w '%{http_code} %{size_download}\\n' http://127.0.0.1/; wc -c < out").split()[0] == "200"
    ok(vm, "sed s/GEN/one/ /etc/t/nginx.conf > /etc/nginx/t.conf; nginx -c /etc/nginx/t.conf")
    assert "Wherry" in ok(vm, "curl -s --cacert /etc/t/cert.pem https://127.0.0.1:8443/")
    vm.command("curl -s https://127.0.0.1:8443/")
    assert vm.status == 60  # an unknown authority
    vm.command("nginx -c /etc/nginx/t.conf -s quit; while [ -e /run/nginx.pid ]; do sleep 0.1; done")
    vm.command("curl -s http://127.0.0.1:9/")
    assert vm.status == 7  # refused


def test_vim(vm):
    assert ok(vm, "printf 'a\\nb\\n' > v; vim.tiny -es -c '%s/a/zz/' -c wq v; cat v") == "zz\nb\n"
    vm.send("vim.tiny -u NONE v\n")
    vm.wait("zz")
    vm.send("ggOtyped\x1b:wq\r")
    vm.wait("# ")
    assert "typed\nzz\nb\n" in vm.command("reset; cat v")


def test_git(vm, tmp_path):
    ok(vm, "git init -q r && cd r && echo hi > f && git add f && git commit -qm one && cd ..")
    ok(vm, "git daemon --reuseaddr --base-path=/tmp --export-all --enable=receive-pack --detach --pid-file=/tmp/gd")
    assert ok(vm, "git clone -q git://127.0.0.1/r r2 && cat r2/f && git -C r2 fsck && git -C r2 log --oneline | wc -l") .endswith("1\n")
    ok(vm, "cd r2 && for i in 1 2 3; do echo $i > f$i; git add f$i; git commit -qm c$i; done; git gc -q && git push -q origin HEAD:refs/heads/x && cd ..", limit=120)
    assert "x" in ok(vm, "git -C r branch -a")
    subprocess.run(["git", "clone", "-q", f"git://127.0.0.1:{vm.ports[9418]}/r", str(tmp_path / "c")], check=True, timeout=120)
    assert (tmp_path / "c" / "f").read_text() == "hi\n"
    vm.command("kill $(cat /tmp/gd)")


def test_tmux(vm):
    ok(vm, "tmux new-session -d -s t 'sleep 100'")
    assert "1 windows" in ok(vm, "tmux ls")
    ok(vm, "tmux new-window -t t 'echo in-the-window; sleep 100'; sleep 1")
    assert "in-the-window" in ok(vm, "tmux capture-pane -p -t t")
    vm.send("tmux attach -t t\n")
    vm.wait("in-the-window")
    vm.send("\x02d")  # the prefix, then detach
    vm.wait("detached")
    vm.wait("# ")
    vm.command("tmux kill-server")


def test_every_call_exists(vm):
    """What programs asked for and nobody has: only what is refused on purpose."""
    assert vm.command("cat /proc/wherry/missing") == ""


def test_record_of_packages(vm, image):
    lines = ok(vm, "cat /etc/wherry/packages").splitlines()
    names = {l.split()[0] for l in lines}
    assert {"bash", "nginx", "redis-server", "git", "libc6"} <= names
    assert all(re.fullmatch(r"\S+ \S+ [0-9a-f]{64}", l) for l in lines)


def test_cloud(image, key):
    out = image("cloud", SSH_AUTHORIZED_KEY=key.with_suffix(".pub").read_text().strip())
    with VM(out, memory="256M", forward=(22,)) as vm:
        vm.wait("has address")
        for _ in range(100):
            try:
                status, body, r = get(vm.port)
                break
            except (ConnectionError, http.client.HTTPException):
                vm._read(0.1)
        assert status == 200 and "nginx" in r.getheader("Server") and b"Wherry" in body
        assert ssh(vm, key, "cat /etc/hostname").stdout == "wherry\n"
