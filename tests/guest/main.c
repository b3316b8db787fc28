// SPDX-License-Identifier: MIT
/* The runner: every case of the section, TAP on the log, then the machine goes off. */
#include "t.h"

extern const struct test __start_tests[], __stop_tests[];
static bool failed;

void t_fail(const char *file, int line, const char *what, int64_t got, int64_t want)
{
	failed = true;
	rt_log("# %s:%d: %s is %ld, not %ld", file, line, what, got, want);
}

uint64_t t_wait_end(w_handle_t h)
{
	struct w_obj_info i = {0};

	while (w_obj_info(h, &i) >= 0 && !(i.signals & W_ENDED))
		w_thread_yield();
	return i.status;
}

static uint64_t objects(void)
{
	struct w_sys_stat s;

	w_sys_info(W_SYS_STAT, 0, &s, sizeof(s));
	return s.objects;
}

/* The servers beside us are still starting: wait until they rest. */
static void settle(void)
{
	uint64_t n, until = 0;

	for (n = 0; n != objects() || rt_now() < until;) {
		if (n != objects()) {
			n = objects();
			until = rt_now() + 300000000;
		}
		w_thread_yield();
	}
}

int rt_main(uint64_t arg)
{
	const struct test *t;
	int n = 0, bad = 0;
	uint64_t before;

	(void)arg;
	settle();
	for (t = __start_tests; t < __stop_tests; t++) {
		failed = false;
		before = objects();
		t->run();
		if (objects() > before) {
			failed = true;
			rt_log("# %ld kernel objects leaked", objects() - before);
		}
		bad += failed;
		rt_log("%s %d %s: %s", failed ? "not ok" : "ok", ++n, t->call, t->name);
	}
	rt_log("guest: %d passed, %d failed", n - bad, bad);
	w_sys_power(W_H_IOROOT, 0, bad != 0);
	return 0;
}
