/* SPDX-License-Identifier: MIT */
/* The scalar types of the native ABI. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint32_t w_handle_t; /* index into the process's handle table; 0: none */
typedef uint64_t uaddr_t;    /* a user address, never dereferenced directly */
typedef uint64_t paddr_t;    /* a physical address */
typedef uint64_t ns_t;	     /* nanoseconds, monotonic unless said otherwise */

#define W_PAGE 4096ul
#define W_FOREVER (~0ull) /* a deadline that never comes */
