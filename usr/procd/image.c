// SPDX-License-Identifier: MIT
/* The personality's image, and building a Linux process around it. */
#include "proc.h"

#include <lib/flatfs.h>

#define PERSONALITY "lib/personality"
#define VDSO "lib/vdso.so"

struct lx_header personality;
static w_handle_t image, vdso; /* read-only, executable */
static uint64_t vdso_size;

void image_init(void)
{
	struct flatfs_file f;
	struct w_obj_info info;
	struct flatfs fs;
	int64_t h;
	char *p;

	w_obj_info(W_H_ARCHIVE, &info);
	p = rt_map(W_H_ARCHIVE, 0, info.size, W_PROT_READ | W_MAP_SHARED);
	if (!p || flatfs_open(&fs, p, info.size) || !flatfs_find(&fs, PERSONALITY, &f) ||
	    f.off % W_PAGE || f.len < sizeof(personality))
		rt_die("procd: the boot archive has no usable %s", PERSONALITY);
	memcpy(&personality, p + f.off, sizeof(personality));
	if (personality.magic != LX_MAGIC)
		rt_die("procd: %s is not a personality", PERSONALITY);
	personality.size = (f.len + W_PAGE - 1) & ~(W_PAGE - 1);
	h = w_mem_slice(W_H_ARCHIVE, f.off, personality.size);
	if (h < 0)
		rt_die("procd: cannot slice the archive: error %ld", -h);
	image = h;
	if (!flatfs_find(&fs, VDSO, &f) || f.off % W_PAGE)
		rt_die("procd: the boot archive has no usable %s", VDSO);
	vdso_size = (f.len + W_PAGE - 1) & ~(W_PAGE - 1);
	h = w_mem_slice(W_H_ARCHIVE, f.off, vdso_size);
	if (h < 0)
		rt_die("procd: cannot slice the archive: error %ld", -h);
	vdso = h;
	w_as_unmap(0, (uint64_t)p, info.size);
}

static int64_t map(w_handle_t proc, w_handle_t mem, uint64_t va, uint64_t len, uint32_t flags)
{
	struct w_map_args a = {.mem = mem, .flags = flags | W_MAP_FIXED, .va = va, .len = len};

	return w_as_map(proc, &a);
}

int proc_map_personality(w_handle_t p)
{
	struct w_personality w = {
		.text_lo = LX_TEXT,
		.text_hi = LX_TEXT + personality.size,
		.entry = personality.entry,
		.upcall = personality.upcall,
		.exit_lo = personality.exit_lo,
		.exit_hi = personality.exit_hi,
	};
	int64_t r;

	r = map(p, image, LX_TEXT, personality.size,
		W_PROT_READ | W_PROT_EXEC | W_MAP_SHARED | W_MAP_POPULATE);
	if (r >= 0)
		r = map(p, 0, LX_STATE, LX_STATE_HOT, W_PROT_READ | W_PROT_WRITE | W_MAP_EAGER);
	if (r >= 0)
		r = map(p, 0, LX_STATE + LX_STATE_HOT, LX_STATE_SIZE - LX_STATE_HOT,
			W_PROT_READ | W_PROT_WRITE | W_MAP_NORESERVE);
	if (r >= 0)
		r = map(p, W_H_TIME, LX_TIMEPAGE, W_PAGE, W_PROT_READ | W_MAP_SHARED);
	if (r >= 0)
		r = map(p, vdso, LX_VDSO, vdso_size, W_PROT_READ | W_PROT_EXEC | W_MAP_SHARED);
	if (r >= 0)
		r = w_proc_setup(p, &w);
	return r < 0 ? r : 0;
}
