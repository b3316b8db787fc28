/* SPDX-License-Identifier: MIT */
/*
 * A fuzz target is one function.  With clang -fsanitize=fuzzer libFuzzer calls it for as
 * long as you like; linked with driver.c it runs a fixed number of mutations of
 * its seeds under ASan and UBSan, which is what `make check` does.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
extern const uint8_t *fuzz_seed(int n, size_t *size); /* NULL: no more */
