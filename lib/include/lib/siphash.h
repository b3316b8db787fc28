/* SPDX-License-Identifier: MIT */
/*
 * SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012): a hash
 * whose values nobody can foretell who does not know the key.
 */
#pragma once

#include <stdint.h>

/* Of n words. */
uint64_t siphash(const uint64_t key[2], const uint64_t *words, unsigned int n);
