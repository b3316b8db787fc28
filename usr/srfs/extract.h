/* SPDX-License-Identifier: MIT */
/* What a directory of a volume holds, copied below a directory that is there. */
#pragma once

#include <srfs.h>

void extract_directory(struct srfs *fs, struct srfs_node *dir, const char *path);
