/* SPDX-License-Identifier: MIT */
/*
 * Modules: a server is a list of them (gen/proc_NAME.c), started in order.  A
 * module meets others only through the interfaces below, provided by name; who
 * asks cannot tell whether the provider is in this process.
 */
#pragma once

#include <rt/ev.h>

struct module {
	const char *name;
	void (*start)(void);
};

extern const struct module *const modules[]; /* NULL-terminated */
