/* SPDX-License-Identifier: MIT */
/* mkflatfs: its commands, and what they share.  Each returns the exit status; 2 is wrong usage. */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

_Noreturn void die(const char *which, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void *must_alloc(void *old, size_t size); /* realloc() that does not fail */

/* pack OUT LIST|DIRECTORY */
int pack(int argc, char **argv);
/* list IMAGE; extract IMAGE DIRECTORY; verify IMAGE */
int list(int argc, char **argv);
int extract(int argc, char **argv);
int verify(int argc, char **argv);
