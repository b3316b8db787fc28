// SPDX-License-Identifier: MIT
/*
 * fixdep FILE.d TARGET: turn the compiler's dependency list into one that
 * follows single options.  autoconf.h, which every option changes, is replaced by
 * the touch files of the options that the sources name.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char **seen;
static size_t nseen;

static char *slurp(const char *path)
{
	FILE *f = fopen(path, "rb");
	char *buf;
	long n;

	if (!f)
		return NULL;
	fseek(f, 0, SEEK_END);
	n = ftell(f);
	rewind(f);
	buf = malloc(n + 1);
	if (!buf || fread(buf, 1, n, f) != (size_t)n)
		exit(1);
	buf[n] = 0;
	fclose(f);
	return buf;
}

static int add_seen(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < nseen; i++)
		if (strlen(seen[i]) == len && !memcmp(seen[i], name, len))
			return 0;
	seen = realloc(seen, (nseen + 1) * sizeof(*seen));
	if (!seen)
		exit(1);
	seen[nseen++] = strndup(name, len);
	return 1;
}

static void option(const char *name, size_t len)
{
	size_t i;

	if (!add_seen(name, len))
		return;
	printf(" $(wildcard include/config/");
	for (i = 0; i < len; i++)
		putchar(name[i] == '_' ? '/' : tolower((unsigned char)name[i]));
	printf(".h)");
}

static void scan(const char *path)
{
	char *text = slurp(path), *p, *e;

	for (p = text; p && (p = strstr(p, "CONFIG_")); p = e) {
		e = p + 7;
		if (p > text && (isalnum((unsigned char)p[-1]) || p[-1] == '_'))
			continue;
		while (isupper((unsigned char)*e) || isdigit((unsigned char)*e) || *e == '_')
			e++;
		if (e > p + 7)
			option(p + 7, e - p - 7);
	}
	free(text);
}

int main(int argc, char **argv)
{
	char *text, *p, *tok;
	char **files = NULL;
	size_t n = 0, i;

	if (argc != 3 || !(text = slurp(argv[1]))) {
		fprintf(stderr, "fixdep: usage: fixdep FILE.d TARGET\n");
		return 1;
	}
	p = strchr(text, ':');
	if (!p)
		return 1;
	printf("deps_%s :=", argv[2]);
	for (tok = strtok(p + 1, " \t\n\\"); tok; tok = strtok(NULL, " \t\n\\")) {
		if (strstr(tok, "generated/autoconf.h"))
			continue;
		files = realloc(files, (n + 1) * sizeof(*files));
		files[n++] = tok;
		printf(" %s", tok);
	}
	for (i = 0; i < n; i++)
		scan(files[i]);
	printf("\n%s: $(deps_%s)\n$(deps_%s):\n", argv[2], argv[2], argv[2]);
	return 0;
}
