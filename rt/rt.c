// SPDX-License-Identifier: MIT
#include <lib/elf.h>
#include <rt/rt.h>

static const struct w_timepage *timepage;
static char cmdline[600];

void rt_start(uint64_t arg);
void rt_start(uint64_t arg)
{
	timepage = rt_map(W_H_TIME, 0, W_PAGE, W_PROT_READ | W_MAP_SHARED);
	if (!timepage)
		rt_die("no time page");
	w_sys_info(W_SYS_CMDLINE, 0, cmdline, sizeof(cmdline) - 1);
	w_proc_kill(0, rt_main(arg) & 0xff);
}

/* ---- memory: size classes cut from chunks; larger ones mapped ---- */

#define CHUNK (64ul << 10)

struct block {
	uint64_t size; /* of the payload; a mapped one: of the mapping */
	struct block *next;
};

static struct block *freelist[8]; /* 16 << n */
static char *chunk, *chunk_end;

static int class_of(size_t n)
{
	if (n <= 16)
		return 0;
	return n > 2048 ? 8 : 60 - __builtin_clzl(n - 1);
}

static void *alloc_large(size_t n)
{
	struct block *b;

	n = (n + 16 + W_PAGE - 1) & ~(W_PAGE - 1);
	b = rt_map(0, 0, n, W_PROT_READ | W_PROT_WRITE);
	if (!b)
		return NULL;
	b->size = n;
	return (char *)b + 16;
}

void *rt_try_alloc(size_t n)
{
	void *p = rt_alloc_raw(n);

	return p && class_of(n) < 8 ? memset(p, 0, 16ul << class_of(n)) : p;
}

void *rt_alloc_raw(size_t n)
{
	int c = class_of(n);
	struct block *b;

	if (c == 8)
		return alloc_large(n);
	b = freelist[c];
	if (b) {
		freelist[c] = b->next;
		return (char *)b + 16;
	}
	n = 16 + (16ul << c);
	if ((size_t)(chunk_end - chunk) < n) {
		chunk = rt_map(0, 0, CHUNK, W_PROT_READ | W_PROT_WRITE);
		if (!chunk) {
			chunk_end = NULL;
			return NULL;
		}
		chunk_end = chunk + CHUNK;
	}
	b = (struct block *)chunk;
	chunk += n;
	b->size = 16ul << c;
	return (char *)b + 16;
}

void *rt_alloc(size_t n)
{
	void *p = rt_try_alloc(n);

	if (!p)
		rt_die("out of memory (%zu bytes)", n);
	return p;
}

void rt_free(void *p)
{
	struct block *b = (struct block *)((char *)p - 16);
	int c;

	if (!p)
		return;
	if (b->size >= W_PAGE) {
		w_as_unmap(0, (uint64_t)b, b->size);
		return;
	}
	c = __builtin_ctzl(b->size) - 4; /* it is 16 << c */
	b->next = freelist[c];
	freelist[c] = b;
}

void *rt_map(w_handle_t mem, uint64_t off, uint64_t len, uint32_t flags)
{
	struct w_map_args a = {.mem = mem, .flags = flags, .off = off, .len = len};
	int64_t va = w_as_map(0, &a);

	return va < 0 ? NULL : (void *)va;
}

/* ---- printing ---- */

static void log_v(const char *f, va_list ap)
{
	char buf[300];
	int n = fmt_v(buf, sizeof(buf) - 1, f, ap);

	if (n > (int)sizeof(buf) - 2)
		n = sizeof(buf) - 2;
	buf[n++] = '\n';
	w_debug_write(buf, n);
}

void rt_log(const char *f, ...)
{
	va_list ap;

	va_start(ap, f);
	log_v(f, ap);
	va_end(ap);
}

void rt_die(const char *f, ...)
{
	va_list ap;

	va_start(ap, f);
	log_v(f, ap);
	va_end(ap);
	w_proc_kill(0, 6);
	__builtin_unreachable();
}

/* ---- time and options ---- */

uint64_t rt_now(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return timepage->base_ns +
	       ((unsigned __int128)(((uint64_t)hi << 32 | lo) - timepage->base_tsc) *
			timepage->mult >>
		32);
}

uint64_t rt_wall(void)
{
	return rt_now() + timepage->wall_ns;
}

const char *rt_cmdline(void)
{
	return cmdline;
}

bool rt_option(const char *name, char *buf, size_t size)
{
	size_t n = strlen(name), i;
	const char *p = cmdline;

	for (; (p = strstr(p, name)); p += n) {
		if ((p != cmdline && p[-1] != ' ') || p[n] != '=')
			continue;
		p += n + 1;
		for (i = 0; i + 1 < size && p[i] && p[i] != ' '; i++)
			buf[i] = p[i];
		buf[i] = 0;
		return true;
	}
	return false;
}

/* ---- calls and names ---- */

int64_t rt_call(w_handle_t ch, struct w_msg *m)
{
	return w_chan_call(ch, m);
}

void rt_publish(const char *name, w_handle_t chan)
{
	struct w_msg m = {.op = INIT_PUBLISH,
			  .in = (uint64_t)name,
			  .in_len = strlen(name),
			  .nh = 1,
			  .h = {chan}};
	int64_t r = rt_call(W_H_PARENT, &m);

	if (r < 0)
		rt_die("cannot publish %s: error %ld", name, -r);
}

w_handle_t rt_lookup(const char *name)
{
	struct w_msg m = {.op = INIT_LOOKUP, .in = (uint64_t)name, .in_len = strlen(name)};
	int64_t r = rt_call(W_H_PARENT, &m);

	if (r < 0 || m.nh != 1)
		rt_die("no service %s: error %ld", name, -r);
	return m.h[0];
}

/* ---- loading native programs ---- */

#define STACK_TOP 0x7ffff0000000ull
#define STACK_SIZE (256ull << 10)

static int load_segment(w_handle_t proc, const struct elf_segment *s, w_handle_t mem,
			uint64_t file_off, const char *bytes)
{
	uint64_t lo = s->va & ~(W_PAGE - 1), off = file_off + s->off;
	uint64_t hi = (s->va + s->mem_len + W_PAGE - 1) & ~(W_PAGE - 1);
	struct w_map_args a = {.flags = s->prot | W_MAP_FIXED, .va = lo, .len = hi - lo};
	int64_t m, r;

	if (!(s->prot & W_PROT_WRITE) && (off - (s->va - lo)) % W_PAGE == 0) {
		a.mem = mem; /* read-only: straight from the archive */
		a.off = off - (s->va - lo);
		return w_as_map(proc, &a) < 0 ? W_ENOMEM : 0;
	}
	m = w_mem_create(hi - lo, 0);
	if (m < 0)
		return m;
	r = w_mem_rw(m, s->va - lo, (void *)(bytes + s->off), s->file_len, 1);
	if (r >= 0) {
		a.mem = m;
		r = w_as_map(proc, &a);
	}
	w_handle_close(m);
	return r < 0 ? r : 0;
}

int rt_load(struct rt_image *img, const char *name, w_handle_t mem, uint64_t off, uint64_t len,
	    const char *bytes)
{
	struct w_map_args stack = {.flags = W_PROT_READ | W_PROT_WRITE | W_MAP_FIXED,
				   .va = STACK_TOP - STACK_SIZE,
				   .len = STACK_SIZE};
	struct elf e;
	int64_t p;
	int i, err;

	err = elf_parse(&e, bytes, len < ELF_HEAD ? len : ELF_HEAD, len, STACK_TOP - STACK_SIZE);
	if (err)
		return err;
	p = w_proc_create(name, strlen(name), 0, W_PROC_NATIVE);
	if (p < 0)
		return p;
	for (i = 0; i < e.nseg && !err; i++)
		err = load_segment(p, &e.seg[i], mem, off, bytes);
	if (!err && w_as_map(p, &stack) < 0)
		err = W_ENOMEM;
	if (err) {
		w_handle_close(p);
		return err;
	}
	*img = (struct rt_image){p, e.entry, STACK_TOP};
	return 0;
}
