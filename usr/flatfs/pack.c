// SPDX-License-Identifier: MIT
/*
 * Write an image.  The same input gives the same bytes: entries in order of their names, no
 * times.  Files of 2 KiB and more begin on pages, so that the running system maps them in place;
 * the format allows it since an entry names where its bytes start.
 */
#include "tool.h"
#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define ALIGN_FROM 2048
#define PAGE 4096

struct entry {
	char *name, *path;
	const char *bytes; /* instead of a file's */
	uint64_t size, name_off, off, next;
};

static struct entry *entries;
static size_t n, room;

static struct entry *add(const char *name, const char *path, uint64_t size)
{
	if (n == room) {
		room = room ? room * 2 : 256;
		entries = must_alloc(entries, room * sizeof(*entries));
	}
	entries[n] = (struct entry){.name = strdup(name), .path = strdup(path), .size = size};
	if (!entries[n].name || !entries[n].path)
		die(name, "no memory");
	return &entries[n++];
}

/* ---- from a list ---- */

static void read_list(FILE *f)
{
	char *line = NULL, *tab;
	size_t size = 0;
	struct stat st;

	while (getline(&line, &size, f) > 0) {
		line[strcspn(line, "\n")] = 0;
		if (!*line)
			continue;
		tab = strchr(line, '\t');
		if (!tab)
			die(line, "no tab in the line");
		*tab = 0;
		if (stat(tab + 1, &st))
			die(tab + 1, "%s", strerror(errno));
		add(line, tab + 1, st.st_size);
	}
	free(line);
}

/* ---- from a directory ---- */

static char *meta;
static size_t meta_len;
static FILE *meta_file;

/* As flatmeta reads it: a blank would end the word, a newline the line. */
static void put_escaped(const char *s)
{
	for (; *s; s++)
		if (strchr(" \t\n\\", *s))
			fprintf(meta_file, "\\%03o", (unsigned char)*s);
		else
			fputc(*s, meta_file);
}

static void put_line(const char *head, const char *name, const char *target)
{
	fprintf(meta_file, "%s /", head);
	put_escaped(name);
	if (target)
		fputc(' ', meta_file);
	put_escaped(target ? target : "");
	fputc('\n', meta_file);
}

static void put_link(const char *name, const char *path)
{
	char target[4096];
	ssize_t len = readlink(path, target, sizeof(target));

	if (len < 0 || (size_t)len == sizeof(target))
		die(path, "%s", len < 0 ? strerror(errno) : "the link is too long");
	target[len] = 0;
	put_line("l", name, target);
}

static void add_directory(const char *name, const char *path);

static void add_node(const char *name, const char *path)
{
	char head[64];
	struct stat st;

	if (lstat(path, &st))
		die(path, "%s", strerror(errno));
	if (S_ISREG(st.st_mode)) {
		add(name, path, st.st_size);
		snprintf(head, sizeof(head), "m %o", st.st_mode & 07777);
	} else if (S_ISDIR(st.st_mode)) {
		snprintf(head, sizeof(head), "d %o", st.st_mode & 07777);
	} else if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) {
		snprintf(head, sizeof(head), "%c %u %u %o", S_ISCHR(st.st_mode) ? 'c' : 'b',
			 major(st.st_rdev), minor(st.st_rdev), st.st_mode & 07777);
	} else if (S_ISLNK(st.st_mode)) {
		put_link(name, path);
	} else {
		die(path, "flatfs has no sockets and no fifos");
	}
	if (!S_ISLNK(st.st_mode))
		put_line(head, name, NULL);
	snprintf(head, sizeof(head), "o %u %u", st.st_uid, st.st_gid);
	if (st.st_uid || st.st_gid)
		put_line(head, name, NULL);
	if (S_ISDIR(st.st_mode))
		add_directory(name, path);
}

static void add_directory(const char *name, const char *path)
{
	struct dirent **list;
	char sub[4096], sub_path[4096];
	int count = scandir(path, &list, NULL, alphasort), i;

	if (count < 0)
		die(path, "%s", strerror(errno));
	for (i = 0; i < count; i++) {
		if (strcmp(list[i]->d_name, ".") && strcmp(list[i]->d_name, "..")) {
			if (snprintf(sub, sizeof(sub), "%s%s%s", name, *name ? "/" : "",
				     list[i]->d_name) >= (int)sizeof(sub) ||
			    snprintf(sub_path, sizeof(sub_path), "%s/%s", path, list[i]->d_name) >=
				    (int)sizeof(sub_path))
				die(path, "a path below it is too long");
			if (strcmp(sub, FLATMETA_NAME)) /* made anew here */
				add_node(sub, sub_path);
		}
		free(list[i]);
	}
	free(list);
}

static void read_directory(const char *path)
{
	struct entry *e;

	meta_file = open_memstream(&meta, &meta_len);
	if (!meta_file)
		die("memory", "used up");
	add_directory("", path);
	if (fclose(meta_file))
		die("memory", "used up");
	if (!meta_len)
		return;
	e = add(FLATMETA_NAME, "", meta_len);
	e->bytes = meta;
}

/* ---- the image ---- */

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static uint64_t layout(void)
{
	uint64_t at = FLATFS_HEADER;
	size_t i;

	for (i = 0; i < n; i++) {
		struct entry *e = &entries[i];

		e->name_off = at + FLATFS_ENTRY;
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
	if (fseeko(f, at, SEEK_SET) || fwrite(data, 1, len, f) != len)
		die("output", "%s", strerror(errno));
}

static void put_file(FILE *f, const struct entry *e)
{
	char *buf = must_alloc(NULL, e->size);
	FILE *in = fopen(e->path, "rb");

	if (!in || fread(buf, 1, e->size, in) != e->size)
		die(e->path, "cannot be read");
	put(f, e->off, buf, e->size);
	fclose(in);
	free(buf);
}

static void put_entry(FILE *f, const struct entry *e, uint64_t header_at)
{
	uint64_t h[5] = {e->name_off, strlen(e->name), e->off, e->size, e->next};

	put(f, header_at, h, sizeof(h));
	put(f, e->name_off, e->name, strlen(e->name));
	if (e->bytes)
		put(f, e->off, e->bytes, e->size);
	else if (e->size)
		put_file(f, e);
}

static void write_image(const char *path)
{
	uint64_t head[4] = {FLATFS_MAGIC, 1, layout(), n}, at = FLATFS_HEADER;
	FILE *f = fopen(path, "wb");
	size_t i;

	if (!f)
		die(path, "%s", strerror(errno));
	put(f, 0, head, sizeof(head));
	for (i = 0; i < n; i++) {
		put_entry(f, &entries[i], at);
		at = entries[i].next;
	}
	if (fflush(f) || ftruncate(fileno(f), head[2]) || fclose(f))
		die(path, "%s", strerror(errno));
}

int pack(int argc, char **argv)
{
	struct stat st;
	FILE *f;
	size_t i;

	(void)argc;
	if (stat(argv[1], &st))
		die(argv[1], "%s", strerror(errno));
	if (S_ISDIR(st.st_mode)) {
		read_directory(argv[1]);
	} else {
		f = fopen(argv[1], "r");
		if (!f)
			die(argv[1], "%s", strerror(errno));
		read_list(f);
		fclose(f);
	}
	qsort(entries, n, sizeof(*entries), by_name);
	for (i = 1; i < n; i++)
		if (!strcmp(entries[i].name, entries[i - 1].name))
			die(entries[i].name, "listed twice");
	write_image(argv[0]);
	return 0;
}
