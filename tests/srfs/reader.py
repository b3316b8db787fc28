# SPDX-License-Identifier: MIT
"""A reader of srfs volumes made from the description of the format alone: it shares no code
with the module.  It looks at every block once, checks every sum, and complains by AssertionError.

    for path, entry in Volume(open("disk.img", "rb").read()).walk(): ...
"""
import struct
import zlib

BLOCK = 4096
INLINE = BLOCK - 128


class Entry:
    def __init__(self, volume, block, generation):
        raw = volume.block(block)
        own, gen, self.parent, _, self.size = struct.unpack_from("<5Q", raw)
        assert (own, gen) == (block, generation), f"block {block} is another entry"
        assert zlib.crc32(raw[:124]) == struct.unpack_from("<I", raw, 124)[0], f"sum of block {block}"
        self.mtime = struct.unpack_from("<QI", raw, 56)
        self.mode, self.nlink, self.uid, self.gid, self.ctime, self.rdev, self.blocks, self.xattr = \
            struct.unpack_from("<4IQ3I", raw, 88)
        self.is_dir = bool(generation & 1)
        self.raw, self.volume, self.ino = raw, volume, block

    def table(self, n):
        """The numbers of n data blocks, each claimed together with the tables on the way."""
        v = self.volume

        def below(numbers, n, level):
            if level == 0:
                for b in numbers[:n]:
                    v.claim(b)
                return list(numbers[:n])
            span, out = 512 ** level, []
            for i in range((n + span - 1) // span):
                part = min(span, n - i * span)
                if numbers[i]:
                    v.claim(numbers[i])
                    out += below(struct.unpack("<512Q", v.block(numbers[i])), part, level - 1)
                else:
                    out += [0] * part
            return out
        return below(struct.unpack_from("<496Q", self.raw, 128), n, 0 if n <= 496 else 1 if n <= 496 * 512 else 2)

    def data(self):
        if self.size <= INLINE:
            return self.raw[128:128 + self.size]
        blocks = self.table((self.size + BLOCK - 1) // BLOCK)
        return b"".join(self.volume.block(b) if b else bytes(BLOCK) for b in blocks)[:self.size]

    def names(self):
        if self.size <= 14:
            slots = [self.raw[272 * (i + 1):272 * (i + 2)] for i in range(self.size)]
        else:
            blocks = [self.volume.block(b) for b in self.table((self.size + 14) // 15)]
            slots = [blocks[i // 15][272 * (i % 15):272 * (i % 15 + 1)] for i in range(self.size)]
        for s in slots:
            block, generation = struct.unpack_from("<QQ", s)
            yield s[16:16 + s[271]].decode(), block, generation


class Volume:
    def __init__(self, image):
        self.image = image
        head = image[:104]
        (self.magic, self.version, self.num_blocks, self.free_blocks, self.generation, self.freelist,
         self.empty_start) = struct.unpack_from("<7Q", head)
        self.transaction = struct.unpack_from("<5QI", head, 56)
        assert self.magic == 0x0c51a0bbb1083d14 and self.version == 1
        assert zlib.crc32(head[:100]) == struct.unpack_from("<I", head, 100)[0], "sum of the superblock"
        assert self.num_blocks * BLOCK <= len(image)
        self.used = {0}

    def block(self, n):
        assert 0 < n < self.num_blocks, f"block {n}"
        return self.image[n * BLOCK:(n + 1) * BLOCK]

    def claim(self, n):
        if n:
            assert n not in self.used, f"block {n} is used twice"
            self.used.add(n)

    def walk(self):
        """(path, entry) of everything, the root first; a second name of a file comes once more."""
        self.claim(1)
        todo, known = [("", Entry(self, 1, 1))], {}
        while todo:
            path, e = todo.pop()
            yield path or "/", e
            if not e.is_dir:
                continue
            names = set()
            for name, block, generation in e.names():
                assert name and "/" not in name and name not in names, f"{path}: {name!r}"
                names.add(name)
                if block in known:
                    assert known[block].nlink > 1, f"{path}/{name}: a second name"
                    yield f"{path}/{name}", known[block]
                    continue
                self.claim(block)
                child = Entry(self, block, generation)
                if not child.is_dir:
                    known[block] = child
                    child.content = child.data()
                todo.append((f"{path}/{name}", child))
