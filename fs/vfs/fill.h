/* SPDX-License-Identifier: MIT */
/*
 * The tree gets what the boot archive has: its files, and what its META says
 * (Documentation/design/flatfs.md).  As nobody: no permission is asked.  What cannot be made
 * is logged and left out.
 */
#pragma once

#include <fs/file_system.h>

struct path;
struct view;

void fill_begin(struct view *v); /* all below is about its names */
void fill_all(void);
/* Only directories, links and devices of META in these directories (without leading slash,
 * NULL ends them): for what is made anew with each start. */
void fill_below(const char *const *below);
/* With the directories above it, where they are missing.  out counts. */
int fill_directory(const char *path, struct path *out);
int fill_find(const char *path, struct path *out); /* out counts */
