#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Print compile_commands.json from the saved commands of the last build."""
import glob
import json
import os
import re

out = []
for f in sorted(glob.glob("**/.*.o.cmd", recursive=True)):
    m = re.search(r"^cmd_(\S+) := (.*)$", open(f).read(), re.M)
    if m and (src := re.search(r" (\S+\.[cS])$", m.group(2))):
        out.append({"directory": os.getcwd(), "file": src.group(1),
                    "command": m.group(2).replace("$$", "$")})
print(json.dumps(out, indent=1))
