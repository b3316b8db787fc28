# SPDX-License-Identifier: MIT
"""The other end of the cable: a host made of plain Python, for tests that say themselves what
segments go to the machine and look at each that comes back.

    with Wire() as wire, VM(build, net=False, cmdline=f"ip={wire.guest}/24", extra=wire.qemu) as vm:
        vm.wait("has address")
        c = wire.connect(80)
        c.send(b"GET / HTTP/1.0\\r\\n\\r\\n")
        s = c.recv()  # the next segment; None: none within the limit

A frame is a datagram of QEMU's -netdev dgram.  Nothing is sent but what the test asks for,
except answers to ARP: for the host itself, or for its gateway when there is one, since whoever is
behind a gateway does not answer; with proxy, the gateway answers for everybody, the guest too.
lease() is what a DHCP server says.
"""
import select
import socket
import struct
import time

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
MAC, GUEST_MAC = bytes.fromhex("525400000001"), bytes.fromhex("525400000002")


def checksum(data):
    data += b"\0" * (len(data) % 2)
    s = sum(struct.unpack(f">{len(data) // 2}H", data))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return s ^ 0xffff


class Segment:
    def __init__(self, packet):
        ihl = (packet[0] & 15) * 4
        tcp = packet[ihl:struct.unpack_from(">H", packet, 2)[0]]
        self.sport, self.dport, self.seq, self.ack, off, self.flags, self.window = \
            struct.unpack_from(">HHIIBBH", tcp)
        self.data = tcp[(off >> 4) * 4:]
        pseudo = packet[12:20] + struct.pack(">HH", 6, len(tcp))
        self.sound = checksum(packet[:ihl]) == 0 and checksum(pseudo + tcp) == 0

    def __repr__(self):
        return f"<{self.sport}>{self.dport} seq {self.seq} ack {self.ack} flags {self.flags:#x} {len(self.data)} bytes>"


class Wire:
    host, guest = "10.0.0.2", "10.0.0.1"

    def __init__(self, gateway=None, proxy=False):
        self.gateway, self.proxy = gateway, proxy
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(("127.0.0.1", 0))
            self.peer = s.getsockname()
        here = self.sock.getsockname()
        self.qemu = ["-netdev", "dgram,id=n0,local.type=inet,local.host=127.0.0.1,"
                     f"local.port={self.peer[1]},remote.type=inet,remote.host=127.0.0.1,remote.port={here[1]}",
                     "-device", f"virtio-net-pci,netdev=n0,mac={GUEST_MAC.hex(':')}"]
        self.port = 40000

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def _frame(self, kind, payload):
        self.sock.sendto(GUEST_MAC + MAC + kind + payload, self.peer)

    def _packet(self, protocol, src, dst, payload):
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0) + src + dst
        self._frame(b"\x08\0", ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:] + payload)

    def _arp(self, frame):
        """Says where we are if that is what frame asks; true if it did."""
        asked = frame[12:14] == b"\x08\x06" and frame[20:22] == b"\0\1"
        if asked and (self.proxy or frame[38:42] == socket.inet_aton(self.gateway or self.host)):
            self._frame(b"\x08\x06", frame[14:20] + b"\0\2" + MAC + frame[38:42] + frame[22:32])
        return asked

    def send(self, sport, dport, seq, ack, flags, data=b"", spoil=0):
        src, dst = socket.inet_aton(self.host), socket.inet_aton(self.guest)
        tcp = struct.pack(">HHIIBBHHH", sport, dport, seq & 0xffffffff, ack & 0xffffffff, 0x50, flags, 65535, 0, 0) + data
        total = checksum(src + dst + struct.pack(">HH", 6, len(tcp)) + tcp) ^ spoil
        tcp = tcp[:16] + struct.pack(">H", total) + tcp[18:]
        self._packet(6, src, dst, tcp)

    def lease(self, mask, gateway, limit=30):
        """Answers DHCP (and ARP) until the guest says that the address is its own."""
        end = time.monotonic() + limit
        options = {1: socket.inet_aton(mask), 3: socket.inet_aton(gateway), 51: struct.pack(">I", 3600),
                   54: socket.inet_aton(gateway)}
        while select.select([self.sock], [], [], max(0, end - time.monotonic()))[0]:
            frame = self.sock.recv(65536)
            if self._arp(frame) and frame[28:32] == socket.inet_aton(self.guest):
                return
            if frame[12:14] != b"\x08\0" or frame[23] != 17 or frame[36:38] != b"\0\x43":
                continue
            asked = frame[42:]  # BOOTP behind Ethernet, IP without options and UDP
            kind = asked[asked.index(b"\x35\1", 240) + 2]  # option 53: 1 is DISCOVER, 3 REQUEST
            assert kind in (1, 3), f"DHCP message of kind {kind}"
            says = {53: bytes([kind // 2 * 3 + 2]), **options}
            boot = b"\2\1\6\0" + asked[4:8] + bytes(8) + socket.inet_aton(self.guest) + bytes(8) \
                + asked[28:44] + bytes(192) + b"\x63\x82\x53\x63" \
                + b"".join(bytes([k, len(v)]) + v for k, v in says.items()) + b"\xff"
            self._packet(17, options[54], b"\xff" * 4, struct.pack(">HHHH", 67, 68, 8 + len(boot), 0) + boot)
        raise AssertionError("nobody asked for a lease")

    def recv(self, sport, dport, limit=10):
        """The next segment from the machine's port sport to ours; None: none came."""
        end = time.monotonic() + limit
        while select.select([self.sock], [], [], max(0, end - time.monotonic()))[0]:
            frame = self.sock.recv(65536)
            if not self._arp(frame) and frame[12:14] == b"\x08\0" and frame[23] == 6:
                s = Segment(frame[14:])
                if (s.sport, s.dport) == (sport, dport):
                    return s
        return None

    def lend_address(self, options, limit=20):
        """Be the DHCP server (RFC 2131) until the machine has asked for its address and got it."""
        end = time.monotonic() + limit
        while select.select([self.sock], [], [], max(0, end - time.monotonic()))[0]:
            frame = self.sock.recv(65536)
            if frame[12:14] != b"\x08\0" or frame[23] != 17 or frame[36:38] != b"\0\x43":
                continue
            bootp = frame[42:]
            kind = bootp[240:].split(b"\x35\x01", 1)[1][0]
            answer = {1: b"\2", 3: b"\5"}.get(kind)
            if not answer:
                continue
            here, there = socket.inet_aton(self.host), socket.inet_aton(self.guest)
            said = b"\2\1\6\0" + bootp[4:12] + bytes(4) + there + here + bytes(4) + bootp[28:236] + bootp[236:240]
            said += b"\x35\1" + answer + b"\x36\4" + here + b"\x33\4\0\0\x0e\x10" + options + b"\xff"
            udp = struct.pack(">HHHH", 67, 68, 8 + len(said), 0) + said
            ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0) + here + b"\xff" * 4
            ip = ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:]
            self._frame(b"\x08\0", ip + udp)
            if kind == 3:
                return True
        return False

    def connect(self, dport, sport=None, seq=1000):
        c = Connection(self, dport, sport or self.port, seq)
        self.port += not sport
        return c


class Connection:
    """Sequence numbers as they stand on this side: seq is the next to send, ack the next expected."""

    def __init__(self, wire, dport, sport, seq):
        self.wire, self.dport, self.sport, self.seq, self.ack = wire, dport, sport, seq, 0
        self.segment(SYN)
        self.seq += 1
        self.answer = self.recv()
        if self.answer and self.answer.flags == SYN | ACK:
            self.isn = self.answer.seq
            self.ack = self.isn + 1
            self.segment(ACK)

    def segment(self, flags, data=b"", seq=None, spoil=0):
        self.wire.send(self.sport, self.dport, self.seq if seq is None else seq, self.ack, flags, data, spoil)

    def recv(self, limit=10):
        return self.wire.recv(self.dport, self.sport, limit)

    def send(self, data):
        self.segment(PSH | ACK, data)
        self.seq += len(data)

    def read_to_end(self):
        """All that comes up to the machine's FIN, acknowledged."""
        got = b""
        while True:
            s = self.recv()
            assert s and s.sound and not s.flags & RST, s
            assert (s.seq - self.ack) & 0xffffffff == 0 or not s.data, s
            got += s.data
            self.ack = (self.ack + len(s.data) + (s.flags & FIN)) & 0xffffffff
            if s.data or s.flags & FIN:
                self.segment(ACK)
            if s.flags & FIN:
                return got
