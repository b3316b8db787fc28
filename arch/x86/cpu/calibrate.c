// SPDX-License-Identifier: MIT
/*
 * Below us the host may run somebody else between two instructions, for milliseconds.  So
 * of a few readings the one that took the least time counts; and a span in which the PIT
 * may have gone around unseen is measured again, or the clock would run many times too fast.
 */
#include <arch/calibrate.h>

#define SPAN 600     /* ticks of the PIT: half a millisecond */
#define READINGS 5   /* of which the best counts */
#define GAP 1000     /* between two readings, in units of what a reading takes */
#define STILL 100000 /* readings that are all the same: there is no PIT */
#define TRIES 100    /* then what came last must do */

typedef struct calibrate_reading (*read_fn)(void);

static struct calibrate_reading read_best(read_fn read)
{
	struct calibrate_reading r, best = read();
	int i;

	for (i = 1; i < READINGS; i++) {
		r = read();
		if (r.took < best.took)
			best = r;
	}
	return best;
}

static uint16_t ticks(const struct calibrate_reading *from, const struct calibrate_reading *to)
{
	return from->pit - to->pit;
}

enum span { SPAN_GOOD, SPAN_GAP, SPAN_STILL };

static enum span read_later(read_fn read, const struct calibrate_reading *from,
			    struct calibrate_reading *to)
{
	enum span e = SPAN_GOOD;
	uint64_t last = from->tsc;
	int still = 0;

	do {
		*to = read();
		if (to->pit == from->pit && ++still == STILL)
			return SPAN_STILL;
		if (to->tsc + to->took - last > GAP * from->took)
			e = SPAN_GAP;
		last = to->tsc;
	} while (ticks(from, to) < SPAN);
	*to = read_best(read);
	return to->tsc - last > GAP * from->took || !ticks(from, to) ? SPAN_GAP : e;
}

bool calibrate(read_fn read, uint64_t *tsc_hz, uint64_t *apic_hz)
{
	struct calibrate_reading a, b;
	enum span e;
	int tries = 0;

	do {
		a = read_best(read);
		e = read_later(read, &a, &b);
	} while (e == SPAN_GAP && ++tries < TRIES);
	if (e == SPAN_STILL || !ticks(&a, &b))
		return false;
	*tsc_hz = (b.tsc - a.tsc) * PIT_HZ / ticks(&a, &b);
	*apic_hz = (uint64_t)(a.apic - b.apic) * PIT_HZ / ticks(&a, &b);
	return *tsc_hz && *apic_hz;
}
