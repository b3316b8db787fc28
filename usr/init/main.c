// SPDX-License-Identifier: MIT
/*
 * init: starts what /etc/wherry/services lists, keeps the names of services, and
 * restarts what dies.
 *
 *	native NAME PATH RIGHTS		a server; RIGHTS: io, archive or -
 *	linux NAME PATH [ARGUMENT...]	a Linux program, once procd is there
 *	console NAME PATH [ARGUMENT...]	the same, with the console as its terminal
 *
 * A server gets the handles its line names and nothing else.  A name may be
 * published only by the server that the table starts.
 */
#include <lib/flatfs.h>
#include <rt/ev.h>
#include <wherry/proc.h>

#define TABLE "etc/wherry/services"
#define MAX_SERVICES 32
#define MAX_NAMES 32
#define RESTART_DELAY_NS 500000000ull

struct entry {
	struct ev_source ended;
	struct ev_timer again;
	bool native, console, io, archive;
	char name[16];
	char command[400]; /* path, then arguments; NUL-ended each */
	uint32_t command_len;
	w_handle_t process;
	uint32_t starts;
};

struct name {
	char name[32];
	w_handle_t chan;
	uint64_t owner; /* badge of the publisher */
};

struct waiter {
	struct list link;
	struct w_msg m;
	char name[32];
};

static struct flatfs archive;
static uint64_t archive_off; /* of the image in the memory object */
static struct entry entries[MAX_SERVICES];
static int nentries;
static struct name names[MAX_NAMES];
static int nnames;
static struct list waiters = LIST_INIT(waiters);
static struct service service;
static struct ev_task start_linux;
static w_handle_t proc;
static bool restart = true;

static struct name *find_name(const char *s)
{
	int i;

	for (i = 0; i < nnames; i++)
		if (!strcmp(names[i].name, s))
			return &names[i];
	return NULL;
}

/* ---- starting ---- */

static w_handle_t dup_handle(w_handle_t h, uint32_t rights)
{
	int64_t d = w_handle_dup(h, rights);

	if (d < 0)
		rt_die("init: cannot duplicate handle %u: error %ld", h, -d);
	return d;
}

static void give_handles(struct entry *e, w_handle_t process)
{
	w_proc_give(process, dup_handle(W_H_TIME, W_READ | W_DUP), W_H_TIME);
	w_proc_give(process, service_mint(&service, e - entries + 1), W_H_PARENT);
	if (e->io)
		w_proc_give(process, dup_handle(W_H_IOROOT, W_ALL), W_H_IOROOT);
	if (e->archive)
		w_proc_give(process, dup_handle(W_H_ARCHIVE, W_ALL & ~W_WRITE), W_H_ARCHIVE);
}

static int start_native(struct entry *e)
{
	struct w_thread_args a = {0};
	struct flatfs_file f;
	struct rt_image img;
	int64_t t;
	int err;

	if (!flatfs_find(&archive, e->command + 1, &f))
		return W_ENOENT;
	err = rt_load(&img, e->name, W_H_ARCHIVE, archive_off + f.off, f.len,
		      (const char *)archive.base + f.off);
	if (err)
		return err;
	give_handles(e, img.process);
	e->process = img.process;
	ev_add(&e->ended, img.process, W_ENDED);
	a.rip = img.entry;
	a.rsp = img.stack;
	a.arg = archive_off;
	t = w_thread_create(img.process, &a);
	if (t > 0)
		w_handle_close(t);
	return t < 0 ? t : 0;
}

static int start_linux_program(struct entry *e)
{
	struct w_msg m = {.op = PROC_SPAWN, .in = (uint64_t)e->command, .in_len = e->command_len};
	int64_t r;

	m.PROC_SPAWN_in_flags = e->console ? LX_START_TTY : 0;
	r = rt_call(proc, &m);
	if (r < 0)
		return r;
	if (m.nh == 1) {
		e->process = m.h[0];
		ev_add(&e->ended, e->process, W_ENDED);
	}
	return 0;
}

static void start(struct entry *e)
{
	int err = e->native ? start_native(e) : start_linux_program(e);

	e->starts++;
	if (err)
		rt_log("init: cannot start %s: error %d", e->name, -err);
}

static void start_again(struct ev_timer *t)
{
	start(container_of(t, struct entry, again));
}

static void ended(struct ev_source *s, uint32_t bits)
{
	struct entry *e = container_of(s, struct entry, ended);
	struct w_obj_info info = {0};

	(void)bits;
	w_obj_info(e->process, &info);
	ev_del(s);
	w_handle_close(e->process);
	e->process = 0;
	if (!restart) {
		rt_log("init: %s ended with status %lu", e->name, info.status);
		return;
	}
	if (info.status || e->native)
		rt_log("init: %s ended with status %lu; starting it again", e->name, info.status);
	ev_timer_set(&e->again, rt_now() + RESTART_DELAY_NS);
}

/* The machine's name: the boot option hostname=NAME, or the first line of /etc/hostname. */
static void name_machine(void)
{
	struct w_msg m = {.op = PROC_HOST};
	struct flatfs_file f;
	char name[LX_NAME + 1] = "";
	uint64_t n = 0;

	if (!rt_option("hostname", name, sizeof(name)) &&
	    flatfs_find(&archive, "etc/hostname", &f)) {
		for (; n < f.len && n < LX_NAME; n++) {
			name[n] = ((const char *)archive.base)[f.off + n];
			if (name[n] <= ' ')
				break;
		}
		name[n] = 0;
	}
	m.in = (uint64_t)name;
	m.in_len = strlen(name);
	if (m.in_len)
		rt_call(proc, &m);
}

static void start_all_linux(struct ev_task *t)
{
	int i;

	(void)t;
	name_machine();
	for (i = 0; i < nentries; i++)
		if (!entries[i].native && !entries[i].process)
			start(&entries[i]);
}

/* ---- names ---- */

static void answer(struct w_msg *m, const struct name *n)
{
	m->nh = 1;
	m->h[0] = dup_handle(n->chan, W_WRITE | W_DUP);
	if (service_reply(&service, m, 0) < 0)
		w_handle_close(m->h[0]);
}

static void wake_waiters(const struct name *n)
{
	struct list *l, *tmp;
	struct waiter *w;

	list_for_each_safe (l, tmp, &waiters) {
		w = list_entry(l, struct waiter, link);
		if (strcmp(w->name, n->name))
			continue;
		list_del(&w->link);
		answer(&w->m, n);
		rt_free(w);
	}
}

static void publish(struct w_msg *m, const char *s)
{
	struct name *n = find_name(s);
	w_handle_t chan = m->h[0];

	if (m->nh != 1 || (!n && nnames == MAX_NAMES) || (n && n->owner != m->badge)) {
		if (m->nh == 1)
			w_handle_close(chan);
		m->nh = 0;
		service_reply(&service, m, W_EACCES);
		return;
	}
	if (!n)
		n = &names[nnames++];
	else
		w_handle_close(n->chan);
	strlcpy(n->name, s, sizeof(n->name));
	n->chan = chan;
	n->owner = m->badge;
	m->nh = 0;
	service_reply(&service, m, 0);
	wake_waiters(n);
	if (!strcmp(s, "proc")) {
		proc = chan;
		ev_task_add(&start_linux);
	}
}

static void lookup(struct w_msg *m, const char *s)
{
	struct name *n = find_name(s);
	struct waiter *w;

	if (n) {
		answer(m, n);
		return;
	}
	w = rt_alloc(sizeof(*w));
	w->m = *m;
	strlcpy(w->name, s, sizeof(w->name));
	list_append(&waiters, &w->link);
}

static void call(struct service *s, struct w_msg *m)
{
	switch (m->op) {
	case INIT_PUBLISH:
		publish(m, s->bytes);
		break;
	case INIT_LOOKUP:
		lookup(m, s->bytes);
		break;
	case W_OP_CLOSED:
		break;
	default:
		service_reply(s, m, W_ENOSYS);
	}
}

/* ---- the table ---- */

/* One word; in double quotes it may hold blanks. */
static const char *word(const char *p, const char *end, char *out, size_t size)
{
	bool quoted = false;
	size_t n = 0;

	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	for (; p < end && (quoted || (*p != ' ' && *p != '\t')); p++)
		if (*p == '"')
			quoted = !quoted;
		else if (n + 1 < size)
			out[n++] = *p;
	out[n] = 0;
	return p;
}

static void parse_command(struct entry *e, const char *p, const char *end)
{
	char w[256];

	for (;;) {
		p = word(p, end, w, sizeof(w));
		if (!*w || e->command_len + strlen(w) + 1 > sizeof(e->command))
			return;
		memcpy(e->command + e->command_len, w, strlen(w) + 1);
		e->command_len += strlen(w) + 1;
	}
}

static void parse_line(const char *p, const char *end)
{
	struct entry *e = &entries[nentries];
	char kind[16], rights[64];

	p = word(p, end, kind, sizeof(kind));
	if (!*kind || *kind == '#')
		return;
	if (nentries == MAX_SERVICES) {
		rt_log("init: %s has more than %d entries", TABLE, MAX_SERVICES);
		return;
	}
	e->native = !strcmp(kind, "native");
	e->console = !strcmp(kind, "console");
	p = word(p, end, e->name, sizeof(e->name));
	if (e->native) {
		p = word(p, end, e->command, sizeof(e->command));
		p = word(p, end, rights, sizeof(rights));
		e->io = strstr(rights, "io");
		e->archive = strstr(rights, "archive");
	} else {
		parse_command(e, p, end);
	}
	e->ended.fn = ended;
	e->again.fn = start_again;
	nentries++;
}

static void read_table(void)
{
	struct flatfs_file f;
	const char *p, *end, *nl;

	if (!flatfs_find(&archive, TABLE, &f))
		rt_die("init: the boot archive has no %s", TABLE);
	p = (const char *)archive.base + f.off;
	for (end = p + f.len; p < end; p = nl + 1) {
		nl = memchr(p, '\n', end - p);
		if (!nl)
			nl = end;
		parse_line(p, nl);
	}
}

int rt_main(uint64_t arg)
{
	struct w_obj_info info;
	char value[8];
	char *base;
	int i;

	archive_off = arg;
	w_obj_info(W_H_ARCHIVE, &info);
	base = rt_map(W_H_ARCHIVE, 0, info.size, W_PROT_READ | W_MAP_SHARED);
	if (!base || flatfs_open(&archive, base + arg, info.size - arg))
		rt_die("init: cannot map the boot archive");
	if (rt_option("init.restart", value, sizeof(value)))
		restart = value[0] != '0';
	start_linux.fn = start_all_linux;
	service.call = call;
	service_listen(&service);
	read_table();
	for (i = 0; i < nentries; i++)
		if (entries[i].native)
			start(&entries[i]);
	ev_run();
}
