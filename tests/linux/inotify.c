// SPDX-License-Identifier: MIT
/* What inotify tells of files and directories. */
#include "lx.h"

#include <sys/inotify.h>

static int in;

static void show(const char *what)
{
	char buf[4096] __attribute__((aligned(8)));
	struct inotify_event *e;
	uint32_t first = 0;
	int n, at;

	n = read(in, buf, sizeof(buf));
	printf("%s:\n", what);
	for (at = 0; at < n; at += sizeof(*e) + e->len) {
		e = (struct inotify_event *)(buf + at);
		if (e->cookie && !first)
			first = e->cookie;
		printf("  wd %d mask %x cookie %d name %s\n", e->wd, e->mask,
		       e->cookie ? (int)(e->cookie - first) + 1 : 0, e->len ? e->name : "-");
	}
	if (n < 0)
		printf("  errno %d\n", errno);
}

int main(void)
{
	struct pollfd p;
	int f, st, n;

	mkdir("w", 0755);
	in = inotify_init1(IN_NONBLOCK);
	CHECK(in >= 0);
	CHECK(inotify_add_watch(in, "w", IN_ALL_EVENTS));
	CHECK(inotify_add_watch(in, "none", IN_MODIFY));
	CHECK(inotify_add_watch(in, "w", 0));
	show("nothing yet");
	f = open("w/f", O_CREAT | O_WRONLY, 0644);
	write(f, "one", 3);
	write(f, "two", 3);
	fchmod(f, 0600);
	close(f);
	show("create, write, close");
	p = (struct pollfd){in, POLLIN};
	CHECK(poll(&p, 1, 0));
	rename("w/f", "w/g");
	mkdir("w/d", 0755);
	rmdir("w/d");
	CHECK(poll(&p, 1, 0));
	CHECK(ioctl(in, FIONREAD, &n));
	show("rename, mkdir, rmdir");
	CHECK(inotify_add_watch(in, "w/g", IN_MODIFY | IN_DELETE_SELF | IN_ATTRIB));
	truncate("w/g", 0);
	show("truncate");
	symlink("g", "w/l");
	unlink("w/l");
	unlink("w/g");
	show("unlink");
	CHECK(inotify_rm_watch(in, 1));
	show("removed");
	CHECK(inotify_rm_watch(in, 1));
	CHECK(inotify_add_watch(in, "w", IN_CREATE | IN_ONESHOT));
	close(open("w/x", O_CREAT | O_WRONLY, 0600));
	close(open("w/y", O_CREAT | O_WRONLY, 0600));
	show("once");
	fcntl(in, F_SETFL, 0);
	CHECK(inotify_add_watch(in, "w", IN_DELETE));
	fflush(stdout);
	if (!fork()) {
		usleep(20000);
		unlink("w/x");
		_exit(0);
	}
	show("waited for");
	wait(&st);
	close(in);
	unlink("w/y");
	rmdir("w");
	return 0;
}
