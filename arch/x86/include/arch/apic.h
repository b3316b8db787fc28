/* SPDX-License-Identifier: MIT */
/* Between the interrupt controllers, ACPI and the clock; nobody else's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <wherry/types.h>

/* How an ISA interrupt really arrives (ACPI 6.5, 5.2.12.5). */
struct irq_override {
	uint32_t gsi;
	bool level, low;
};

struct irq_override acpi_irq_override(uint32_t irq);
void ioapic_add(paddr_t pa, uint32_t gsi_base);
uint64_t ns_to_tsc(uint64_t ns);
extern uint64_t apic_mult;
void apic_timer_start_max(void);
uint32_t apic_timer_measure(void);
void apic_timer_ready(void);
bool apic_has_deadline(void);
