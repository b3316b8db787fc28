// SPDX-License-Identifier: MIT
/* A server is its list of modules (gen/proc_NAME.c) and the event loop. */
#include <rt/module.h>

int rt_main(uint64_t arg)
{
	const struct module *const *m;

	(void)arg;
	for (m = modules; *m; m++)
		(*m)->start();
	ev_run();
}
