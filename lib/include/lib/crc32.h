/* SPDX-License-Identifier: MIT */
/* CRC-32 as in IEEE 802.3, zip and GPT: of "123456789" it is 0xcbf43926. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* before: the result for the bytes that came before, 0 at first. */
uint32_t crc32(uint32_t before, const void *data, size_t n);
