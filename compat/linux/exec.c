// SPDX-License-Identifier: MIT
/*
 * Becoming another program.  Everything that can fail and be reported comes
 * first; then the old memory goes, and what fails after that ends the process.
 */
#include "lx.h"

#include <lib/elf.h>

#define PIE_BASE 0x555555554000ull
#define INTERP_BASE 0x7f0000000000ull
#define STACK_INITIAL (132ull << 10)
#define ARGS_MAX (256u << 10) /* arguments and environment together */
#define ARGS_LEAST (128u << 10)
#define ARGS_FEW 4096u /* mostly enough */

struct image {
	struct elf elf;
	w_handle_t mem; /* the file's pages */
	uint64_t size;
	uint32_t mode;
	int64_t head_len;
	char interp[256];
	char head[ELF_HEAD]; /* last: mostly only its beginning is used */
};

#define HEAD_FIRST 1024 /* mostly enough */

static long read_head(struct image *img, uint64_t most)
{
	uint64_t n = img->size < most ? img->size : most;
	long err = w_mem_rw(img->mem, 0, img->head, n, 0);

	img->head_len = n;
	return err < 0 ? err : 0;
}

/* The pages of an open file. */
static long image_of_file(struct image *img, w_handle_t h)
{
	struct w_msg m = {.op = FS_MMAP};
	long err = lx_chan(h, &m);

	if (err < 0)
		return err;
	img->mem = m.h[0];
	img->size = m.FS_MMAP_out_size;
	return read_head(img, HEAD_FIRST);
}

/* A file of another service than the root's. */
static long image_of_path(struct image *img, const char *path)
{
	struct w_msg may = {.op = FS_ACCESS};
	struct lx_file *f;
	long err = path_open(path, 0, 0, &f);

	if (err)
		return err;
	may.FS_ACCESS_in_mode = 1;
	err = (f->mode & FS_S_IFMT) != FS_S_IFREG || f->kind != K_FILE ? W_EACCES
								       : path_op(path, &may);
	img->mode = f->mode;
	if (err >= 0)
		err = image_of_file(img, f->h);
	file_put(f);
	return err < 0 ? err : 0;
}

static long image_open(struct image *img, const char *path)
{
	struct w_msg m = {.op = FS_EXEC};
	w_handle_t given = proc()->exec_from;
	const char *rest = path;
	long err;

	img->mem = 0;
	img->mode = 0;
	img->interp[0] = 0;
	if (given) { /* the very file that the file service has looked at */
		proc()->exec_from = 0;
		err = image_of_file(img, given);
		w_handle_close(given);
		return err;
	}
	if (path_mount(&rest) != LX_H_FS)
		return image_of_path(img, path);
	err = path_op(path, &m);
	if (err < 0)
		return err == W_ENOSYS ? image_of_path(img, path) : err;
	img->mem = m.h[0];
	img->mode = m.FS_EXEC_out_mode;
	img->size = m.FS_EXEC_out_size;
	return read_head(img, HEAD_FIRST);
}

static long image_parse(struct image *img)
{
	int err = elf_parse(&img->elf, img->head, img->head_len, img->size, LX_PROGRAM_TOP);
	const struct elf *e = &img->elf;

	if ((err || e->interp_off + e->interp_len > (uint64_t)img->head_len) &&
	    img->head_len == HEAD_FIRST && (uint64_t)img->head_len < img->size) {
		err = read_head(img, ELF_HEAD);
		return err ? err : image_parse(img);
	}
	if (err)
		return err;
	if (e->interp_len) {
		if (e->interp_off + e->interp_len > (uint64_t)img->head_len)
			return W_ENOEXEC;
		memcpy(img->interp, img->head + e->interp_off, e->interp_len - 1);
	}
	return 0;
}

static void image_close(struct image *img)
{
	if (img->mem)
		w_handle_close(img->mem);
	img->mem = 0;
}

static long map(w_handle_t mem, uint64_t off, uint64_t va, uint64_t len, uint32_t flags)
{
	struct w_map_args a = {
		.mem = mem, .off = off, .va = va, .len = len, .flags = flags | W_MAP_FIXED};

	return w_as_map(0, &a);
}

/* The file may have been cut off behind us: what cannot be written is an error. */
static long clear(uint64_t at, uint64_t end)
{
	static const char zeros[256];
	uint64_t n;

	for (; at < end; at += n) {
		n = end - at < sizeof(zeros) ? end - at : sizeof(zeros);
		if (put_user(at, zeros, n))
			return W_EFAULT;
	}
	return 0;
}

/* File pages, then zero pages; the rest of the last file page is zeroed. */
static long load_segment(const struct image *img, const struct elf_segment *s, uint64_t bias)
{
	uint64_t lo = (s->va & ~(W_PAGE - 1)) + bias, off = s->off & ~(W_PAGE - 1);
	uint64_t file_end = s->va + s->file_len + bias, end = s->va + s->mem_len + bias;
	uint64_t file_pages = (file_end + W_PAGE - 1) & ~(W_PAGE - 1);
	uint64_t pages = (end + W_PAGE - 1) & ~(W_PAGE - 1);
	long r = 0;

	if (s->file_len)
		r = map(img->mem, off, lo, file_pages - lo, s->prot | W_MAP_POPULATE);
	else
		file_pages = lo;
	if (r >= 0 && pages > file_pages)
		r = map(0, 0, file_pages, pages - file_pages, s->prot);
	if (r >= 0 && end > file_end && file_end % W_PAGE && s->file_len && s->prot & W_PROT_WRITE)
		r = clear(file_end, file_pages);
	return r < 0 ? r : 0;
}

static long load_image(const struct image *img, uint64_t bias)
{
	long err = 0;
	int i;

	for (i = 0; i < img->elf.nseg && !err; i++)
		err = load_segment(img, &img->elf.seg[i], bias);
	return err;
}

/* ---- the first stack (System V ABI, AMD64 supplement, 3.4.1) ---- */

enum {
	AT_PHDR = 3,
	AT_PHENT,
	AT_PHNUM,
	AT_PAGESZ,
	AT_BASE,
	AT_FLAGS,
	AT_ENTRY,
	AT_UID = 11,
	AT_EUID,
	AT_GID,
	AT_EGID,
	AT_PLATFORM,
	AT_HWCAP,
	AT_CLKTCK,
	AT_SECURE = 23,
	AT_RANDOM = 25,
	AT_EXECFN = 31,
	AT_SYSINFO_EHDR = 33,
	AT_MINSIGSTKSZ = 51,
	AT_WHERRY_DIRECT = 0x77687279 /* ours: lx_direct; usr/direct */
};

struct stack_builder {
	uint64_t *w;
};

static void aux(struct stack_builder *b, uint64_t key, uint64_t value)
{
	*b->w++ = key;
	*b->w++ = value;
}

static uint64_t put_pointers(struct stack_builder *b, uint64_t at, uint32_t n)
{
	while (n--) {
		*b->w++ = at;
		at += strlen((const char *)at) + 1;
	}
	*b->w++ = 0;
	return at;
}

static uint64_t build_stack(const struct image *img, uint64_t bias, uint64_t interp_bias,
			    const char *path, const char *strings, uint32_t argc, uint32_t envc,
			    uint32_t len)
{
	uint64_t sp = LX_BRK_AT, text, random, fn, words;
	const uint32_t *ids = lx_page()->ids;
	struct stack_builder b;

	sp -= strlen(path) + 1;
	fn = sp;
	memcpy((void *)fn, path, strlen(path) + 1);
	sp = (sp - 16) & ~15ull;
	random = sp;
	w_sys_random((void *)random, 16);
	sp -= len;
	text = sp;
	memcpy((void *)text, strings, len);
	words = 1 + argc + 1 + envc + 1 + 2 * 20;
	sp = (sp - words * 8) & ~15ull;
	b.w = (uint64_t *)sp;
	*b.w++ = argc;
	proc()->view.env_lo = put_pointers(&b, text, argc);
	proc()->view.env_hi = put_pointers(&b, proc()->view.env_lo, envc);
	aux(&b, AT_PHDR, img->elf.phdr_va ? img->elf.phdr_va + bias : 0);
	aux(&b, AT_PHENT, img->elf.phentsize);
	aux(&b, AT_PHNUM, img->elf.phnum);
	aux(&b, AT_PAGESZ, W_PAGE);
	aux(&b, AT_BASE, interp_bias);
	aux(&b, AT_FLAGS, 0);
	aux(&b, AT_ENTRY, img->elf.entry + bias);
	aux(&b, AT_UID, ids[0]);
	aux(&b, AT_EUID, ids[1]);
	aux(&b, AT_GID, ids[3]);
	aux(&b, AT_EGID, ids[4]);
	aux(&b, AT_SECURE, ids[0] != ids[1] || ids[3] != ids[4]);
	aux(&b, AT_RANDOM, random);
	aux(&b, AT_EXECFN, fn);
	aux(&b, AT_CLKTCK, 100);
	aux(&b, AT_SYSINFO_EHDR, LX_VDSO);
	aux(&b, AT_HWCAP, 0);
	aux(&b, AT_MINSIGSTKSZ, 8192);
	aux(&b, AT_WHERRY_DIRECT, (uint64_t)lx_direct);
	aux(&b, 0, 0);
	return sp;
}

/* ---- the point of no return ---- */

static void reset_signals(void)
{
	struct lx_thread *t = self();

	lx_clear_handlers();
	t->altstack = (struct lx_sigstack){.flags = 2};
	t->clear_tid = t->robust = 0;
}

#define ARGS_SHOWN 344 /* bytes of the arguments that /proc/PID/cmdline may want */

static void tell_procd(const char *path, const char *strings, uint32_t argc)
{
	struct lx_path all LX_PATH;
	struct w_msg m = {.op = PROC_EXEC};
	uint64_t n = strlen(path) + 1, end = n + ARGS_SHOWN;

	path_start(&all);
	path_put(&all, 0, path);
	for (; argc && n + strlen(strings) + 1 < end; argc--) {
		if (path_put(&all, n, strings))
			break;
		n += strlen(strings) + 1;
		strings += strlen(strings) + 1;
	}
	m.in = (uint64_t)all.s;
	m.in_len = n;
	lx_chan(LX_H_PROC, &m);
}

#define STACK_MOST (1ull << 30) /* where RLIMIT_STACK says more */

/* What build_stack() writes is on it from the start, whatever the limit says. */
static long map_stack(uint64_t first)
{
	uint64_t limit = proc()->rlimit[RLIMIT_STACK][0];
	uint64_t least = (first + STACK_INITIAL) & ~(W_PAGE - 1);
	struct w_map_args a = {.flags = W_PROT_READ | W_PROT_WRITE | W_MAP_GROWS | W_MAP_FIXED,
			       .va = LX_STACK_TOP - least,
			       .len = least};

	a.cookie = limit > STACK_MOST ? STACK_MOST : limit < least ? least : limit & ~(W_PAGE - 1);
	return w_as_map(0, &a) < 0 ? -ENOMEM : 0;
}

/* When there is no thread left that may be reading the old one. */
static long set_exe(const char *path)
{
	char *exe = pmalloc_raw(strlen(path) + 1);

	if (!exe)
		return -ENOMEM;
	memcpy(exe, path, strlen(path) + 1);
	pfree(proc()->exe);
	proc()->exe = exe;
	return 0;
}

static long replace(struct image *img, struct image *interp, const char *path, struct w_regs *r,
		    const char *strings, uint32_t argc, uint32_t envc, uint32_t len)
{
	uint64_t bias = img->elf.pie ? PIE_BASE - img->elf.lo : 0;
	uint64_t ibias = interp ? INTERP_BASE - interp->elf.lo : 0;
	const char *base = strrchr(path, '/');
	long err;

	lx_end_other_threads();
	err = set_exe(path);
	if (err)
		return err;
	if (w_as_detach() < 0) /* our memory is nobody else's */
		w_as_unmap(0, 0x10000, LX_PROGRAM_TOP - 0x10000);
	err = load_image(img, bias);
	if (!err && interp)
		err = load_image(interp, ibias);
	if (!err)
		err = map_stack(len + strlen(path) + (argc + envc) * 8);
	if (err)
		return err;
	fd_close_exec();
	proc()->undumpable = false;
	reset_signals();
	proc()->brk_start = (img->elf.hi + bias + W_PAGE) & ~(W_PAGE - 1);
	*(uint64_t *)LX_BRK_AT = proc()->brk_start;
	strlcpy(proc()->comm, base ? base + 1 : path, sizeof(proc()->comm));
	w_proc_name(0, proc()->comm, strlen(proc()->comm));
	tell_procd(path, strings, argc);
	memset(r, 0, sizeof(*r));
	r->rsp = build_stack(img, bias, ibias, path, strings, argc, envc, len);
	r->rip = interp ? interp->elf.entry + ibias : img->elf.entry + bias;
	r->cs = 0x2b;
	r->ss = 0x23;
	r->rflags = 0x202;
	self()->fs = 0;
	w_thread_set(W_THREAD_FS, 0);
	return 0;
}

/* "#!interpreter [argument]": the arguments become interpreter, argument, path, rest. */
static long shebang(const struct image *img, const char *path, char *out, char *strings,
		    uint32_t *argc, uint32_t *len)
{
	char line[256], *interp = line, *arg, *end;
	size_t n = img->head_len - 2 < 255 ? img->head_len - 2 : 255, skip, add;

	memcpy(line, img->head + 2, n);
	line[n] = 0;
	end = strchr(line, '\n');
	if (!end)
		return W_ENOEXEC;
	while (end > line && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
		end--;
	*end = 0;
	while (*interp == ' ' || *interp == '\t')
		interp++;
	for (arg = interp; *arg && *arg != ' ' && *arg != '\t'; arg++)
		;
	if (*arg)
		*arg++ = 0;
	while (*arg == ' ' || *arg == '\t')
		arg++;
	if (!*interp)
		return W_ENOEXEC;
	skip = *argc ? strlen(strings) + 1 : 0;
	add = strlen(interp) + 1 + (*arg ? strlen(arg) + 1 : 0) + strlen(path) + 1;
	memmove(strings + add, strings + skip, *len - skip);
	*len += add - skip;
	memcpy(strings, interp, strlen(interp) + 1);
	n = strlen(interp) + 1;
	if (*arg) {
		memcpy(strings + n, arg, strlen(arg) + 1);
		n += strlen(arg) + 1;
	}
	memcpy(strings + n, path, strlen(path) + 1);
	*argc += (*argc ? 0 : 1) + 1 + !!*arg;
	strlcpy(out, interp, 256);
	return 0;
}

long lx_exec(const char *upath, struct w_regs *r, char *strings, uint32_t argc, uint32_t envc,
	     uint32_t len)
{
	struct image *img = pmalloc_raw(sizeof(*img)), *interp = NULL;
	const char *path = upath;
	char next[256];
	int depth;
	long err = img ? image_open(img, path) : -ENOMEM;

	for (depth = 0; !err && img->head_len > 2 && img->head[0] == '#' && img->head[1] == '!';
	     depth++) {
		err = depth == LX_SHEBANG_DEPTH ? W_ELOOP
						: shebang(img, path, next, strings, &argc, &len);
		image_close(img);
		path = next;
		if (!err)
			err = image_open(img, path);
	}
	if (!err)
		err = image_parse(img);
	if (!err && img->interp[0]) {
		interp = pmalloc_raw(sizeof(*interp));
		err = interp ? image_open(interp, img->interp) : -ENOMEM;
		if (!err)
			err = image_parse(interp);
		if (!err && !interp->elf.pie)
			err = W_ENOEXEC;
	}
	if (!err && img->mode & 06000 && !depth) {
		err = lx_setid_exec(path, strings, argc, envc, len);
		err = err == 1 ? 0 : err;
	}
	if (!err && replace(img, interp, path, r, strings, argc, envc, len))
		lx_exit_process(9); /* as Linux does: killed past the point of no return */
	if (img)
		image_close(img);
	if (interp)
		image_close(interp);
	pfree(img);
	pfree(interp);
	if (!err)
		pfree(strings);
	return err;
}

/* Copy a NULL-terminated vector of strings; appends to out. */
static long copy_vector(uint64_t uv, char *out, uint32_t room, uint32_t *len, uint32_t *count)
{
	uint64_t p;
	long n;

	for (*count = 0; uv; uv += 8, (*count)++) {
		if (get_user(&p, uv, 8))
			return -EFAULT;
		if (!p)
			return 0;
		n = lx_copy_str(out + *len, (const char *)p, room - *len);
		if (n == W_ENAMETOOLONG)
			return -E2BIG;
		if (n < 0)
			return n;
		*len += n + 1;
	}
	return 0;
}

/* execve(2): a quarter of the stack is the arguments', or 128 KiB if that is on it. */
static uint32_t args_max(void)
{
	uint64_t stack = proc()->rlimit[RLIMIT_STACK][0], most = stack / 4;

	if (most < ARGS_LEAST)
		most = stack < ARGS_LEAST ? stack : ARGS_LEAST;
	return most < ARGS_MAX ? most : ARGS_MAX;
}

static long exec_common(const char *path, uint64_t argv, uint64_t envp, struct w_regs *r)
{
	uint32_t len, argc, envc, most = args_max();
	uint32_t room = most < ARGS_FEW ? most : ARGS_FEW;
	char *strings;
	long err;

	for (;; room = most) {
		strings = pmalloc_raw(room + LX_SHEBANG_ROOM + strlen(path));
		if (!strings)
			return -ENOMEM;
		len = 0;
		err = copy_vector(argv, strings, room, &len, &argc);
		if (!err)
			err = copy_vector(envp, strings, room, &len, &envc);
		if (err != -7 || room == most)
			break;
		pfree(strings);
	}
	if (!err)
		err = lx_exec(path, r, strings, argc, envc, len);
	if (err)
		pfree(strings);
	return err;
}

LX_FRAME(execve)
{
	struct lx_path path LX_PATH;
	long err;

	path_start(&path);
	err = path_get(-100, a[0], &path);
	if (err >= 0 && !strcmp(path.s, "/proc/self/exe"))
		err = path_put(&path, 0, proc()->exe);
	return err < 0 ? err : exec_common(path.s, a[1], a[2], r);
}

LX_FRAME(execveat)
{
	struct lx_file *f = fd_file(a[0]);
	struct lx_path path LX_PATH;
	char c = 1;
	long err;

	path_start(&path);
	if (a[4] & 0x1000 && !get_user(&c, a[1], 1) && !c) /* AT_EMPTY_PATH */
		err = !f ? -EBADF : f->path ? path_put(&path, 0, f->path) : W_EACCES;
	else
		err = path_get(a[0], a[1], &path);
	return err < 0 ? err : exec_common(path.s, a[2], a[3], r);
}
