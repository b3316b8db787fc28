// SPDX-License-Identifier: MIT
/* The list of mounts, where procd reads it for /proc/self/mounts and mountinfo. */
#include "mounts.h"

#include <wherry/fs.h>

static struct fs_mounts *shown;
static w_handle_t shown_mem;

struct text {
	char *at;
	size_t room, len;
};

static void put(struct text *t, const char *s)
{
	size_t n = strlen(s);

	if (t->len + n >= t->room)
		return;
	memcpy(t->at + t->len, s, n);
	t->len += n;
}

/* Blanks, newlines and backslashes would part or end the line (proc(5)). */
static void put_escaped(struct text *t, const char *s)
{
	char one[5] = "";

	for (; *s; s++) {
		if (*s == ' ' || *s == '\t' || *s == '\n' || *s == '\\')
			fmt(one, sizeof(one), "\\%03o", *s);
		else
			fmt(one, sizeof(one), "%c", *s);
		put(t, one);
	}
}

static const struct {
	uint32_t flag;
	const char *name;
} options[] = {{MOUNT_NOSUID, ",nosuid"},	  {MOUNT_NODEV, ",nodev"},
	       {MOUNT_NOEXEC, ",noexec"},	  {MOUNT_NOATIME, ",noatime"},
	       {MOUNT_NODIRATIME, ",nodiratime"}, {MOUNT_STRICTATIME, ",strictatime"}};

static void put_options(struct text *t, const struct mount *m)
{
	size_t i;

	put(t, m->flags & MOUNT_RDONLY ? "ro" : "rw");
	for (i = 0; i < sizeof(options) / sizeof(*options); i++)
		if (m->flags & options[i].flag)
			put(t, options[i].name);
	if (!(m->flags & (MOUNT_NOATIME | MOUNT_STRICTATIME)))
		put(t, ",relatime");
}

static const char *kind_of(const struct mount *m)
{
	if (m->sb)
		return m->sb->kind->name;
	if (!strcmp(m->service, SYS_SERVICE))
		return "sysfs";
	return !strcmp(m->service, "/proc") ? "proc" : "devpts";
}

static void put_line(struct text *t, const struct view *v, const struct mount *m, char *path)
{
	struct path at = {m->parent, m->at};
	char head[64];

	if (!m->parent)
		strlcpy(path, "/", 4096);
	else if (!path_text(v, at, path, 4096))
		return;
	fmt(head, sizeof(head), "%u %u 0:%u / ", m->id, m->parent ? m->parent->id : m->id,
	    m->sb ? (uint32_t)m->sb->dev_no : 1000 + m->id);
	put(t, head);
	put_escaped(t, path);
	put(t, " ");
	put_options(t, m);
	put(t, " - ");
	put(t, kind_of(m));
	put(t, " ");
	put_escaped(t, !m->sb ? kind_of(m) : *m->source ? m->source : "none");
	put(t, m->sb && m->sb->read_only ? " ro\n" : " rw\n");
}

void mounts_show(const struct view *v)
{
	struct text t = {.room = sizeof(shown->text)};
	char *path = rt_try_alloc(4096);
	struct list *l;

	if (shown && path) {
		t.at = shown->text;
		__atomic_store_n(&shown->turn, shown->turn + 1, __ATOMIC_SEQ_CST);
		list_for_each (l, &v->ns->mounts)
			put_line(&t, v, list_entry(l, struct mount, link), path);
		shown->len = t.len;
		__atomic_store_n(&shown->turn, shown->turn + 1, __ATOMIC_SEQ_CST);
	}
	rt_free(path);
}

w_handle_t mounts_memory(void)
{
	int64_t mem = shown_mem ? shown_mem : w_mem_create(sizeof(*shown), 0);

	if (mem < 0)
		return 0;
	shown_mem = mem;
	if (!shown)
		shown = rt_map(mem, 0, sizeof(*shown), W_PROT_READ | W_PROT_WRITE | W_MAP_SHARED);
	return shown ? shown_mem : 0;
}
