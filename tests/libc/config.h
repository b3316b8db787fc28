/* SPDX-License-Identifier: MIT */
/*
 * What gnulib's configure would have found: a C library that has everything and needs no
 * mending, so that its tests test that library and not gnulib's own code (scripts/check-libc).
 */
#define _GNU_SOURCE 1
#include <assert.h>
#include <fcntl.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>

#define EXEEXT ""
#define USE_POSIX_THREADS 1
#define HAVE_ALIGNED_ALLOC 1
#define HAVE_DUPLOCALE 1
#define HAVE_ISNAND_IN_LIBC 1
#define HAVE_ISNANF_IN_LIBC 1
#define HAVE_ISNANL_IN_LIBC 1
#define HAVE_MEMALIGN 1
#define HAVE_POSIX_MEMALIGN 1
#define HAVE_WORKING_DUPLOCALE 1

#define O_BINARY 0
#define O_TEXT 0

/* gnulib-common.m4 */
#define _GL_ARG_NONNULL(a)
#define _GL_ATTRIBUTE_ALLOC_SIZE(a)
#define _GL_ATTRIBUTE_CONST
#define _GL_ATTRIBUTE_DEALLOC(a, b)
#define _GL_ATTRIBUTE_DEALLOC_FREE
#define _GL_ATTRIBUTE_DEPRECATED
#define _GL_ATTRIBUTE_FALLTHROUGH __attribute__((__fallthrough__))
#define _GL_ATTRIBUTE_FORMAT(a)
#define _GL_ATTRIBUTE_MALLOC
#define _GL_ATTRIBUTE_MAYBE_UNUSED __attribute__((__unused__))
#define _GL_ATTRIBUTE_NODISCARD
#define _GL_ATTRIBUTE_NONNULL(a)
#define _GL_ATTRIBUTE_NOTHROW
#define _GL_ATTRIBUTE_PURE
#define _GL_ATTRIBUTE_RETURNS_NONNULL
#define _GL_CMP(a, b) (((a) > (b)) - ((a) < (b)))
#define _GL_EXTERN_INLINE static inline
#define _GL_INLINE static inline
#define _GL_INLINE_HEADER_BEGIN
#define _GL_INLINE_HEADER_END
#define _GL_UNUSED __attribute__((__unused__))
#define _GL_UNUSED_LABEL
