# SPDX-License-Identifier: MIT
# auto.conf for the shell: strings in single quotes, so that nothing in them is expanded.
s/'/'\\''/g
s/^\(CONFIG_[A-Z0-9_]*\)="\(.*\)"$/\1='\2'/p
t
s/^CONFIG_[A-Z0-9_]*=[^"]*$/&/p
