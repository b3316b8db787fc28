/* SPDX-License-Identifier: MIT */
/* lwIP's view of compiler and machine. */
#pragma once

#include <lib/fmt.h>
#include <lib/string.h>
#include <stddef.h>
#include <stdint.h>

#define BYTE_ORDER 1234
#ifndef LITTLE_ENDIAN
#define LITTLE_ENDIAN 1234
#endif
#ifndef BIG_ENDIAN
#define BIG_ENDIAN 4321
#endif
#define LWIP_NO_INTTYPES_H 1
#define LWIP_NO_CTYPE_H 1
#define LWIP_NO_UNISTD_H 1
#define LWIP_NO_LIMITS_H 1
#define X8_F "02x"
#define U16_F "u"
#define S16_F "d"
#define X16_F "x"
#define U32_F "u"
#define S32_F "d"
#define X32_F "x"
#define SZT_F "zu"
#define INT_MAX 0x7fffffff
#define SSIZE_MAX 0x7fffffffffffffffl
typedef long ssize_t;

#define LWIP_PLATFORM_DIAG(x) rt_log x
/* No packet may stop the stack: a failed assertion is logged, once a second at
 * most, and the code after it does what it does without assertions. */
#define LWIP_PLATFORM_ASSERT(x) net_assert(x)
#define LWIP_RAND() net_random()

void rt_log(const char *f, ...);
void net_assert(const char *what);
uint32_t net_random(void);
void *rt_alloc_raw(size_t n);
void rt_free(void *p);
void *lwip_calloc(size_t n, size_t size);
int atoi(const char *s);
