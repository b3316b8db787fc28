# SPDX-License-Identifier: MIT
"""TCP as its peer sees it, segment by segment."""
import pytest

from vm import VM
from wire import ACK, FIN, RST, SYN, Wire

GET = b"GET / HTTP/1.0\r\n\r\n"


@pytest.fixture(scope="module")
def wire(image):
    with Wire() as w, VM(image("default", TCP_MAX_CONNECTIONS="16"), net=False,
                         cmdline=f"ip={w.guest}/24", extra=w.qemu) as vm:
        vm.wait(w.guest)
        vm.wait("httpd: serving")
        yield w


def use(c):
    """A request, its answer, and both ends closed, the machine's first."""
    c.send(GET)
    assert b"200 OK" in c.read_to_end()
    c.segment(FIN | ACK)
    c.seq += 1
    s = c.recv()
    assert s.flags == ACK and s.ack == c.seq, s
    return c


def closed_by_the_machine(wire):
    """A connection whose machine's end is in TIME-WAIT."""
    return use(wire.connect(80))


def test_what_comes_after_the_end_is_answered_as_the_standard_says(wire):
    c = closed_by_the_machine(wire)

    def is_acknowledged():
        s = c.recv()
        return s and s.sound and s.flags == ACK and s.ack == c.seq and s.seq == c.ack and s.window

    c.segment(FIN | ACK, seq=c.seq - 1)  # our FIN again: its acknowledgement was lost
    assert is_acknowledged()
    c.segment(ACK, b"old", seq=c.seq - 10)
    assert is_acknowledged()
    c.segment(RST)  # RFC 1337: nothing comes of it
    c.segment(ACK)
    c.segment(FIN | ACK, seq=c.seq - 1, spoil=1)
    assert c.recv(1) is None
    c.segment(FIN | ACK, seq=c.seq - 1)
    assert is_acknowledged()
    c.segment(SYN, seq=c.seq - 5)  # an old one
    assert is_acknowledged()


def test_a_syn_opens_the_same_ports_anew(wire):
    old = closed_by_the_machine(wire)
    new = wire.connect(80, old.sport, old.seq + 100000)
    assert new.answer.flags == SYN | ACK and new.answer.ack == new.seq, new.answer
    assert 0 < (new.isn - old.ack) & 0xffffffff < 1 << 20  # beyond the old connection's window
    use(new)


def test_more_linger_than_may_be_connected(wire):
    every = [closed_by_the_machine(wire) for _ in range(20)]
    every[-1].segment(FIN | ACK, seq=every[-1].seq - 1)
    assert every[-1].recv().flags == ACK
    every[0].segment(FIN | ACK, seq=every[0].seq - 1)  # the oldest had to go
    assert every[0].recv().flags & RST


def test_nobody_foretells_the_first_sequence_number(wire):
    isn = [closed_by_the_machine(wire).isn for _ in range(12)]
    near = [a for a, b in zip(isn, isn[1:]) if (b - a) & 0xffffffff < 1 << 24]
    assert len(near) < 6, isn


def test_connections_beyond_the_limit_are_refused(wire):
    every = [wire.connect(80) for _ in range(16)]
    assert all(c.answer.flags == SYN | ACK for c in every)
    every[-1].send(b"G")
    assert every[-1].recv().flags == ACK  # it is there
    more = wire.connect(80)
    more.segment(ACK)
    s = more.recv()
    assert s and s.flags & RST, s
    for c in every:
        c.segment(RST | ACK)
    closed_by_the_machine(wire)  # and there is room again
