/* SPDX-License-Identifier: MIT */
/*
 * What every native server is linked with: start code, memory, printing, names
 * of services, spawning.
 */
#pragma once

#include <lib/fmt.h>
#include <lib/list.h>
#include <lib/string.h>
#include <wherry/abi.h>
#include <wherry/ops.h>
#include <wherry/stubs.h>

int rt_main(uint64_t arg); /* the program provides it */

void *rt_alloc(size_t n);     /* zeroed; never NULL: out of memory ends the server */
void *rt_try_alloc(size_t n); /* zeroed; NULL */
void *rt_alloc_raw(size_t n); /* contents undefined; NULL */
void rt_free(void *p);
void *rt_map(w_handle_t mem, uint64_t off, uint64_t len, uint32_t flags); /* NULL: failed */
void rt_log(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void rt_die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
uint64_t rt_now(void);	/* ns, monotonic */
uint64_t rt_wall(void); /* ns since 1970 */
const char *rt_cmdline(void);
/* The value of "name=" on the command line, up to a space, in buf; false: absent. */
bool rt_option(const char *name, char *buf, size_t size);

/* Names: init keeps them; publish gives the channel away. */
void rt_publish(const char *name, w_handle_t chan);
w_handle_t rt_lookup(const char *name);

/* A call whose reply must come; the status, or the kernel's error. */
int64_t rt_call(w_handle_t ch, struct w_msg *m);

/* The program named in the boot archive as a suspended process: 0 or W_E. */
struct rt_image {
	w_handle_t process;
	uint64_t entry, stack;
};
int rt_load(struct rt_image *img, const char *name, w_handle_t mem, uint64_t off, uint64_t len,
	    const char *bytes);
