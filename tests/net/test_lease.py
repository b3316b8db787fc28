# SPDX-License-Identifier: MIT
"""Leases as clouds give them: a network of one address, and a gateway that is not in it."""
import re

import pytest

from vm import VM
from wire import Wire

GET = b"GET / HTTP/1.0\r\n\r\n"
GATEWAY = "10.9.9.1"


def started(vm, wire):
    vm.wait(re.compile(f"(?s)(has address {wire.guest}|httpd: serving).*(has address {wire.guest}|httpd: serving)"))


def serves(wire):
    c = wire.connect(80)
    assert c.ack, "no answer"
    c.send(GET)
    return b"200 OK" in c.read_to_end()


@pytest.mark.parametrize("proxy", [False, True], ids=["plain", "proxy"])
def test_a_gateway_outside_the_leased_network(image, proxy):
    """Everything is behind the gateway, link-local addresses too (clouds tell a machine about
    itself at one), and it may answer ARP for everybody, who asks as well."""
    with Wire(GATEWAY, proxy) as wire, VM(image("default"), net=False, extra=wire.qemu) as vm:
        wire.lease("255.255.255.255", GATEWAY)
        started(vm, wire)
        for wire.host in ("192.0.2.7", GATEWAY, "169.254.169.254"):
            assert serves(wire)


def test_a_gateway_outside_the_given_network(image):
    with Wire(GATEWAY) as wire, VM(image("default"), net=False, extra=wire.qemu,
                                   cmdline=f"ip={Wire.guest}/32,{GATEWAY}") as vm:
        started(vm, wire)
        wire.host = "192.0.2.7"
        assert serves(wire)
