// SPDX-License-Identifier: MIT
#include "disks.h"

#include <rt/blk.h>

static struct disk_table *table;
static w_handle_t table_mem;

static void add_row(struct blk *b, uint32_t whole)
{
	struct disk_row *r = &table->row[table->n];

	if (table->n == DISK_ROWS) {
		b->shown = NULL;
		return;
	}
	*r = (struct disk_row){.rdev = b->rdev,
			       .sectors = b->sectors,
			       .start = b->start,
			       .part = b->part_index,
			       .whole = whole,
			       .block_size = b->block_size,
			       .read_only = b->read_only,
			       .stats = b->stats};
	strlcpy(r->name, b->name, sizeof(r->name));
	b->shown = &r->stats;
	table->n++;
}

static void add_disk(struct blk *disk)
{
	uint32_t row = table->n;
	struct blk *b;

	add_row(disk, row);
	for (b = blk_next(NULL); b; b = blk_next(b))
		if (b->whole == disk)
			add_row(b, row);
}

static void changed(struct blk *which)
{
	struct blk *b;

	if (which && !which->ops)
		which->shown = NULL;
	__atomic_store_n(&table->turn, table->turn + 1, __ATOMIC_SEQ_CST);
	table->n = 0;
	for (b = blk_next(NULL); b; b = blk_next(b))
		if (b->ops && !b->whole)
			add_disk(b);
	__atomic_store_n(&table->turn, table->turn + 1, __ATOMIC_SEQ_CST);
}

void disks_start(void)
{
	int64_t mem = w_mem_create((sizeof(*table) + W_PAGE - 1) & ~(W_PAGE - 1), 0);

	if (mem < 0)
		return;
	table = rt_map(mem, 0, sizeof(*table), W_PROT_READ | W_PROT_WRITE | W_MAP_SHARED);
	if (!table) {
		w_handle_close(mem);
		return;
	}
	table_mem = mem;
	blk_watch(changed);
	changed(NULL);
}

w_handle_t disks_memory(void)
{
	return table_mem;
}
