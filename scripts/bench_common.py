# SPDX-License-Identifier: MIT
"""What the measurements share: the CPU that both sides get and Linux's initramfs."""

CPU = ["-cpu", "max,-erms,-fsrm"]  # the same for both: rep movsb would count every byte


def cpio(files):
    """A newc archive: Linux's initramfs."""
    out, ino = b"", 0
    for name, mode, data, rdev in files + [("TRAILER!!!", 0, b"", (0, 0))]:
        ino += 1
        n = name.encode() + b"\0"
        entry = b"070701" + b"".join(b"%08x" % x for x in (
            ino, mode, 0, 0, 1, 0, len(data), 0, 0, *rdev, len(n), 0)) + n
        entry += b"\0" * (-len(entry) % 4) + data
        out += entry + b"\0" * (-len(entry) % 4)
    return out
