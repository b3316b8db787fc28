/* SPDX-License-Identifier: MIT */
/*
 * The kernel log (a ring that dmesg reads), panics and named invariants.
 * klog() may be called from anywhere in the kernel; it never allocates.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

void klog(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void klog_bytes(const char *s, size_t n);
size_t klog_read(uint64_t off, char *buf, size_t n); /* from the oldest byte on */
void panic(const char *name, const char *fmt, ...) __attribute__((noreturn, format(printf, 2, 3)));

/* A broken invariant of ours stops the machine and prints its name. */
#define kassert(name, cond)                                                   \
	do {                                                                  \
		if (__builtin_expect(!(cond), 0))                             \
			panic(#name, "%s:%d: %s", __FILE__, __LINE__, #cond); \
	} while (0)
