// SPDX-License-Identifier: MIT
/* sources: arch/x86/cpu/calibrate.c */
/* The clocks are read on a host that takes the CPU away whenever it likes. */
#include "unit.h"

#include <arch/calibrate.h>

#define TSC_MHZ 2600
#define APIC_MHZ 1000

static uint64_t ns, seed;
static unsigned int busy; /* of 1000 instructions, so many wait for 50 ms on average */
static bool dead;	  /* no PIT */

static uint64_t chance(uint64_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % n;
}

static void step(void)
{
	ns += 300 + chance(700);
	if (chance(1000) < busy)
		ns += chance(100000000);
}

static struct calibrate_reading now(void)
{
	struct calibrate_reading r;

	r.tsc = ns * TSC_MHZ / 1000;
	step();
	r.pit = dead ? 0xffff : 0xffff - (unsigned __int128)ns * PIT_HZ / 1000000000;
	step();
	r.apic = ~0u - ns * APIC_MHZ / 1000;
	step();
	r.took = ns * TSC_MHZ / 1000 - r.tsc;
	return r;
}

static void near(uint64_t got, uint64_t mhz, uint64_t part)
{
	assert_in_range(got, mhz * (1000000 - 1000000 / part), mhz * (1000000 + 1000000 / part));
}

static void many(unsigned int how_busy, uint64_t part)
{
	uint64_t tsc, apic;
	int i;

	busy = how_busy;
	for (i = 1; i <= 2000; i++) {
		seed = i * 0x9e3779b97f4a7c15ull;
		ns = 0;
		assert_true(calibrate(now, &tsc, &apic));
		near(tsc, TSC_MHZ, part);
		near(apic, APIC_MHZ, part);
	}
}

static void an_idle_host_gives_the_rate_within_a_200th(void **s)
{
	(void)s;
	many(0, 200);
}

static void a_busy_host_changes_little(void **s)
{
	(void)s;
	many(1, 100);
	many(2, 100);
}

static void no_pit_is_said(void **s)
{
	uint64_t tsc, apic;

	(void)s;
	seed = 1;
	busy = 0;
	dead = true;
	assert_false(calibrate(now, &tsc, &apic));
	dead = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_idle_host_gives_the_rate_within_a_200th),
		cmocka_unit_test(a_busy_host_changes_little),
		cmocka_unit_test(no_pit_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
