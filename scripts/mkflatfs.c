// SPDX-License-Identifier: MIT
/*
 * mkflatfs OUT LIST: write a flatfs archive (layout: Documentation/design/
 * flatfs.md).  LIST has a line "name<TAB>path" per file.  Executables and large
 * files get page-aligned bytes, so that the running system maps them in place;
 * the format allows it since an entry names where its bytes start.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define ALIGN_FROM 2048
#define PAGE 4096

struct entry {
	char *name, *path;
	uint64_t size, name_off, off, next;
};

static struct entry *list;
static size_t n;

static void fail(const char *what, const char *which)
{
	fprintf(stderr, "mkflatfs: error: %s: %s\n", which, what);
	exit(1);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static void add(char *line)
{
	char *tab = strchr(line, '\t');
	struct stat st;

	if (!tab)
		fail("no tab in line", line);
	*tab = 0;
	if (stat(tab + 1, &st))
		fail("cannot read", tab + 1);
	list = realloc(list, (n + 1) * sizeof(*list));
	if (!list)
		fail("out of memory", line);
	list[n++] =
		(struct entry){.name = strdup(line), .path = strdup(tab + 1), .size = st.st_size};
}

static uint64_t layout(void)
{
	uint64_t at = 32;
	size_t i;

	for (i = 0; i < n; i++) {
		struct entry *e = &list[i];

		e->name_off = at + 40;
		e->off = e->name_off + strlen(e->name);
		if (e->size >= ALIGN_FROM)
			e->off = (e->off + PAGE - 1) & ~(uint64_t)(PAGE - 1);
		at = (e->off + e->size + 7) & ~7ull;
		e->next = i + 1 < n ? at : 0;
	}
	return at;
}

static void put(FILE *f, uint64_t at, const void *data, size_t len)
{
	if (fseek(f, at, SEEK_SET) || fwrite(data, 1, len, f) != len)
		fail("cannot write", "output");
}

static void write_entry(FILE *f, const struct entry *e, uint64_t header_at)
{
	uint64_t h[5] = {e->name_off, strlen(e->name), e->off, e->size, e->next};
	char *buf = malloc(e->size + 1);
	FILE *in = fopen(e->path, "rb");

	if (!in || !buf || fread(buf, 1, e->size, in) != e->size)
		fail("cannot read", e->path);
	put(f, header_at, h, sizeof(h));
	put(f, e->name_off, e->name, strlen(e->name));
	if (e->size)
		put(f, e->off, buf, e->size);
	fclose(in);
	free(buf);
}

int main(int argc, char **argv)
{
	uint64_t head[4] = {0xf1a1f1a1f1a1f1a1ull, 1, 0, 0}, total, at = 32;
	char line[8192];
	FILE *f;
	size_t i;

	if (argc != 3 || !(f = fopen(argv[2], "r"))) {
		fprintf(stderr, "usage: mkflatfs OUT LIST\n");
		return 2;
	}
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		if (*line)
			add(line);
	}
	fclose(f);
	qsort(list, n, sizeof(*list), by_name);
	for (i = 1; i < n; i++)
		if (!strcmp(list[i].name, list[i - 1].name))
			fail("listed twice", list[i].name);
	total = layout();
	head[2] = total;
	head[3] = n;
	f = fopen(argv[1], "wb");
	if (!f)
		fail("cannot create", argv[1]);
	put(f, 0, head, sizeof(head));
	for (i = 0; i < n; i++) {
		write_entry(f, &list[i], at);
		at = list[i].next;
	}
	put(f, total - 1, "", list[n - 1].off + list[n - 1].size < total ? 1 : 0);
	if (fclose(f))
		fail("cannot write", argv[1]);
	return 0;
}
