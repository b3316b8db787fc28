# SPDX-License-Identifier: MIT
"""httpd in the machine, and the same binary on the host, as real clients see it."""
import concurrent.futures
import contextlib
import http.client
import os
import re
import socket
import subprocess
import time

import pytest

from vm import VM, free_port


@contextlib.contextmanager
def on_host(build, root):
    port = free_port()
    p = subprocess.Popen([os.path.join(build, "p", "httpd"), "-a", "127.0.0.1", "-p", str(port),
                          os.path.join(root, "srv", "www")])
    try:
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.05)
        yield port
    finally:
        p.kill()
        p.wait()


@pytest.fixture(scope="module", params=["host", "one", "many"])
def server(request, image, web_root):
    root, files = web_root
    name = "many" if request.param == "many" else "default"
    build = image(name, ROOTFS_OVERLAY=root)
    if request.param == "host":
        with on_host(build, root) as port:
            yield port, files
        return
    with VM(build, cpus=2, memory="96M") as vm:
        vm.wait(re.compile("(?s)(has address|httpd: serving).*(has address|httpd: serving).*\n"))
        yield vm.port, files


def get(port, path, headers=None, method="GET"):
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    c.request(method, path, headers=headers or {})
    r = c.getresponse()
    body = r.read()
    c.close()
    return r, body


def test_every_size_is_byte_exact(server):
    port, files = server
    for path, data in files.items():
        r, body = get(port, path)
        assert r.status == 200
        assert int(r.getheader("Content-Length")) == len(data)
        assert body == data, path


@pytest.mark.parametrize("clients", [8, 64])
def test_many_clients_at_once(server, clients):
    """The connections are opened one by one: QEMU's hostfwd listens with a backlog of 1,
    and the host would drop the rest of a burst before it reached the machine."""
    port, files = server
    paths = [p for p in files if len(files[p]) <= 1 << 20]
    conns = [http.client.HTTPConnection("127.0.0.1", port, timeout=60) for _ in range(clients)]

    def one(i):
        ok = True
        for k in range(3):
            p = paths[(i + k) % len(paths)]
            conns[i].request("GET", p)
            ok = ok and conns[i].getresponse().read() == files[p]
        return ok

    for c in conns:
        c.request("GET", "/f1.bin")
        assert c.getresponse().read() == files["/f1.bin"]
    with concurrent.futures.ThreadPoolExecutor(clients) as ex:
        assert all(ex.map(one, range(clients)))
    for c in conns:
        c.close()


def test_keep_alive_serves_many_requests_on_one_connection(server):
    port, files = server
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for _ in range(50):
        c.request("GET", "/f128.bin")
        assert c.getresponse().read() == files["/f128.bin"]
    c.close()


def exchange(port, data, limit=20):
    with socket.create_connection(("127.0.0.1", port), timeout=limit) as s:
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        out = b""
        while chunk := s.recv(65536):
            out += chunk
        return out


def test_pipelined_requests_are_answered_in_order(server):
    port, files = server
    q = b"".join(b"GET /f%d.bin HTTP/1.1\r\nHost: x\r\n\r\n" % n for n in (1, 128, 2049, 0, 65536))
    out = exchange(port, q)
    for n in (1, 128, 2049, 0, 65536):
        head, out = out.split(b"\r\n\r\n", 1)
        assert head.startswith(b"HTTP/1.1 200")
        assert out[:n] == files[f"/f{n}.bin"]
        out = out[n:]
    assert out == b""


def test_ranges(server):
    port, files = server
    data = files["/f100001.bin"]
    for spec, want in (("0-0", data[:1]), ("5-99", data[5:100]), ("-10", data[-10:]),
                       ("100000-", data[100000:]), ("50-999999", data[50:])):
        r, body = get(port, "/f100001.bin", {"Range": f"bytes={spec}"})
        assert r.status == 206 and body == want
    assert get(port, "/f100001.bin", {"Range": "bytes=100001-"})[0].status == 416


def test_etag_gives_304(server):
    port, _ = server
    tag = get(port, "/f128.bin")[0].getheader("ETag")
    r, body = get(port, "/f128.bin", {"If-None-Match": tag})
    assert r.status == 304 and body == b""


def test_head_has_no_body(server):
    port, _ = server
    r, body = get(port, "/f4096.bin", method="HEAD")
    assert r.status == 200 and r.getheader("Content-Length") == "4096" and body == b""


def test_directories(server):
    port, _ = server
    r, _body = get(port, "/sub")
    assert r.status == 301 and r.getheader("Location") == "/sub/"
    assert get(port, "/sub/")[1] == b"sub\n"


@pytest.mark.parametrize("request_,status", [
    (b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
    (b"GET /%2e%2e/etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
    (b"GET /absent HTTP/1.1\r\nHost: x\r\n\r\n", b"404"),
    (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", b"405"),
    (b"GET / HTTP/1.1\r\n\r\n", b"400"),
    (b"\x00\x01\x02\r\n\r\n", b"400"),
    (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n", b"431"),
])
def test_bad_requests(server, request_, status):
    out = exchange(server[0], request_)
    assert out.startswith(b"HTTP/1.1 " + status)


def test_a_client_that_goes_away_harms_nobody(server):
    port, files = server
    for _ in range(20):
        s = socket.create_connection(("127.0.0.1", port), timeout=20)
        s.sendall(b"GET /f8388608.bin HTTP/1.1\r\nHost: x\r\n\r\n")
        s.recv(1000)
        s.close()
    assert get(port, "/f128.bin")[1] == files["/f128.bin"]


@pytest.mark.parametrize("seconds", ["0", "1"])
def test_a_changed_file_is_seen(image, tmp_path, seconds):
    """Small files are kept in memory: for no longer than -v says, whatever happens to them."""
    www = tmp_path / "www"
    (www / "d").mkdir(parents=True)
    (www / "f").write_text("one")
    (www / "d" / "index.html").write_text("index")
    port = free_port()
    p = subprocess.Popen([os.path.join(image(), "p", "httpd"), "-a", "127.0.0.1", "-p", str(port), "-v", seconds,
                          str(www)])

    def soon(want):
        end = time.monotonic() + int(seconds) * 2 + 0.01
        while True:
            late = time.monotonic() > end  # before the request, so that one is made after the end
            r, body = get(port, "/f")
            if want(r, body):
                return True
            assert int(seconds), "with -v 0 each answer is the file of that moment"
            if late:
                return False
    try:
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.05)
        etag = get(port, "/f")[0].getheader("ETag")
        assert get(port, "/f", {"If-None-Match": etag})[0].status == 304
        r, body = get(port, "/f", {"Range": "bytes=1-1"})
        assert (r.status, body) == (206, b"n")
        r, body = get(port, "/f", method="HEAD")
        assert (r.status, body, r.getheader("Content-Length")) == (200, b"", "3")
        r, body = get(port, "/f", {"Connection": "close"})
        assert (body, r.getheader("Connection"), r.getheader("ETag")) == (b"one", "close", etag)
        assert get(port, "/d/")[1] == get(port, "/d/")[1] == b"index"
        assert get(port, "/d")[0].status == 301
        (www / "f").write_text("two")
        assert soon(lambda r, body: body == b"two" and r.getheader("ETag") != etag)
        (www / "g").write_text("three, under another name")
        (www / "g").rename(www / "f")
        assert soon(lambda r, body: body == b"three, under another name")
        (www / "f").unlink()
        assert soon(lambda r, body: r.status == 404)
        (www / "f").mkdir()
        assert soon(lambda r, body: r.status == 301)
    finally:
        p.kill()
        p.wait()
