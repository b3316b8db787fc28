/* SPDX-License-Identifier: MIT */
/*
 * printf-style formatting: %d %i %u %x %X %p %s %c %%, with l/ll/z, width, '-',
 * '0' and precision for strings.  Always terminates; returns the full length.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

int fmt_v(char *buf, size_t size, const char *fmt, va_list ap);
int fmt(char *buf, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
