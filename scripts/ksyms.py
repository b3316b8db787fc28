#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""ksyms.py KERNEL: print the kernel's function table as assembly, for panics."""
import subprocess
import sys

syms = []
base = None
for line in subprocess.run(["nm", "-n", sys.argv[1]], capture_output=True, text=True,
                           check=True).stdout.splitlines():
    addr, kind, name = line.split()
    if name == "kernel_start":
        base = int(addr, 16)
    elif name == "kernel_text_end":
        break
    elif base is not None and kind in "tT":
        syms.append((int(addr, 16) - base, name))
print('.section .rodata.zksyms,"a"\n.globl ksyms, ksym_names, ksym_count\n.balign 4\nksyms:')
pos = 0
for off, name in syms:
    print(f".long {off}, {pos}")
    pos += len(name) + 1
print(f"ksym_count: .long {len(syms)}\nksym_names:")
for _, name in syms:
    print(f'.asciz "{name}"')
print('.byte 0\n.section .note.GNU-stack,"",@progbits')
