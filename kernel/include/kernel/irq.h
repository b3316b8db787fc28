/* SPDX-License-Identifier: MIT */
/* Interrupts as objects: a vector turns READABLE, irq_ack() re-arms it. */
#pragma once

#include <kernel/object.h>

struct irq {
	struct object obj;
	uint32_t vector; /* [c] */
	int gsi;	 /* [c] -1: MSI */
	bool level;	 /* [c] masked until acked */
	uint64_t count;	 /* [k] */
};

BKL_BEGIN
void irq_fire(uint32_t vector);
struct object *ioroot_new(void);
BKL_END
