/* SPDX-License-Identifier: MIT */
/*
 * In-guest tests of the native calls.  A case names the call and what it shows;
 * `covers:` lists the `fails` words of abi/kernel.wid that it provokes.  The runner
 * compares the number of kernel objects before and after each case.
 */
#pragma once

#include <rt/rt.h>

struct test {
	const char *call, *name;
	void (*run)(void);
};

#define TEST(call, name)                                                               \
	static void call##_##name(void);                                               \
	static const struct test t_##call##_##name                                     \
		__attribute__((used, aligned(8), section("tests"))) = {#call, #name,   \
								       call##_##name}; \
	static void call##_##name(void)

void t_fail(const char *file, int line, const char *what, int64_t got, int64_t want);

/* Wait until a process or thread has ended; a process's status. */
uint64_t t_wait_end(w_handle_t h);

#define t_eq(got_, want_)                                            \
	do {                                                         \
		int64_t g_ = (int64_t)(got_), w_ = (int64_t)(want_); \
		if (g_ != w_)                                        \
			t_fail(__FILE__, __LINE__, #got_, g_, w_);   \
	} while (0)
#define t_ok(x)                                                \
	do {                                                   \
		int64_t v_ = (int64_t)(x);                     \
		if (v_ < 0)                                    \
			t_fail(__FILE__, __LINE__, #x, v_, 0); \
	} while (0)

#define BAD_HANDLE 4000u
#define BAD_POINTERS ((void *)8), ((void *)0x7ffffffff000ull), ((void *)0xffff800000000000ull)
