# SPDX-License-Identifier: MIT
"""A reader of flatfs images that shares no code with ours (layout: Documentation/design/flatfs.md)."""
import struct

PAGE = 4096


def files(image):
    """name -> bytes, in the image's order; every offset is checked."""
    magic, version, length, count = struct.unpack_from("<4Q", image)
    assert (magic, version) == (0xf1a1f1a1f1a1f1a1, 1) and length <= len(image) and length % 8 == 0
    out, at = {}, 32
    while count and at:
        assert at % 8 == 0 and at + 40 <= length
        name, name_len, data, data_len, following = struct.unpack_from("<5Q", image, at)
        assert name + name_len <= length and data + data_len <= length and (following > at or not following)
        out[image[name:name + name_len].decode()] = image[data:data + data_len]
        at = following
    assert len(out) == count
    return out
