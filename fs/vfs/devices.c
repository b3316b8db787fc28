// SPDX-License-Identifier: MIT
#include "devices.h"

#include "make.h"
#include "permission.h"
#include "walk.h"

#include <rt/blk.h>
#include <rt/fiber.h>

#define GROUP_DISK 6 /* base-passwd's */

static struct request self;
static bool again, running;

static void make_node(const struct blk *b)
{
	struct new_file what = make_what(&self, FS_S_IFBLK | 0660);
	struct path p, dir;

	what.gid = GROUP_DISK;
	what.rdev = b->rdev;
	if (walk(&self, "/dev", 0, &dir))
		return;
	if (!make_in(&self, dir, b->name, &what, &p))
		path_put(p);
	path_put(dir);
}

static void remove_node(const struct blk *b)
{
	struct path dir;

	if (walk(&self, "/dev", 0, &dir))
		return;
	unmake(&self, dir, b->name, false);
	path_put(dir);
}

/* Whatever has changed: what is there has a node. */
static void update(void *arg)
{
	struct blk *b;

	(void)arg;
	do {
		again = false;
		for (b = blk_next(NULL); b; b = blk_next(b))
			if (b->ops)
				make_node(b);
			else
				remove_node(b);
	} while (again);
	running = false;
}

static void changed(struct blk *b)
{
	again = true;
	if (b->whole && !b->ops) /* it leaves the list: its node goes by itself */
		remove_node(b);
	if (!running)
		running = fiber_start(update, NULL) != NULL;
}

void devices_start(struct view *view)
{
	request_begin(&self, NULL, NULL, view);
	blk_watch(changed);
	running = true;
	update(NULL);
}
