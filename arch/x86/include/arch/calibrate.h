/* SPDX-License-Identifier: MIT */
/*
 * How fast the time stamp counter and the APIC's timer run, by the PIT, whose rate is known.
 * Plain arithmetic on readings: the tests run it with clocks of their own.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define PIT_HZ 1193182ull /* 8254 as in every PC: 14.31818 MHz / 12 */

/* The three clocks at one time, as near as one instruction after the other gets. */
struct calibrate_reading {
	uint64_t tsc, took; /* took: TSC ticks from the first clock to the last */
	uint32_t apic;	    /* counts down */
	uint16_t pit;	    /* counts down, and around every 55 ms */
};

/* Ticks a second; within 1/500 where a reading takes a microsecond.  False: no PIT counts. */
bool calibrate(struct calibrate_reading (*read)(void), uint64_t *tsc_hz, uint64_t *apic_hz);
