// SPDX-License-Identifier: MIT
/* mkflatfs COMMAND ...: make, list, extract and verify flatfs images
 * (Documentation/design/flatfs.md). */
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	int args;
	const char *usage;
} commands[] = {
	{"pack", pack, 2,
	 "pack OUT LIST       LIST has a line \"name<TAB>file\" for each file\n"
	 "       mkflatfs pack OUT DIRECTORY  all of it, with modes, owners and links"},
	{"list", list, 1, "list IMAGE          a line for each name, as it would be mounted"},
	{"extract", extract, 2, "extract IMAGE DIRECTORY"},
	{"verify", verify, 1, "verify IMAGE        status 1: something of it cannot be shown"},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

void die(const char *which, const char *format, ...)
{
	va_list ap;

	fprintf(stderr, "mkflatfs: error: %s: ", which);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

void *must_alloc(void *old, size_t size)
{
	void *p = realloc(old, size ? size : 1);

	if (!p)
		die("memory", "used up");
	return p;
}

int main(int argc, char **argv)
{
	size_t i;

	for (i = 0; argc > 1 && i < COMMANDS; i++)
		if (!strcmp(argv[1], commands[i].name) && argc - 2 == commands[i].args)
			return commands[i].run(argc - 2, argv + 2);
	for (i = 0; i < COMMANDS; i++)
		fprintf(stderr, "%s mkflatfs %s\n", i ? "      " : "usage:", commands[i].usage);
	return 2;
}
