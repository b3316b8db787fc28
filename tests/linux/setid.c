// SPDX-License-Identifier: MIT
/* Set-id programs: who one becomes, and what comes along.  Run as root. */
#include "lx.h"

#include <sys/auxv.h>
#include <sys/prctl.h>

static void report(char **argv)
{
	uid_t r, e, s;
	gid_t rg, eg, sg;
	char b[16] = "", cwd[256];
	int n;

	getresuid(&r, &e, &s);
	getresgid(&rg, &eg, &sg);
	printf("uids %d %d %d gids %d %d %d secure %lu\n", r, e, s, rg, eg, sg,
	       getauxval(AT_SECURE));
	printf("same pid: %d, same parent: %d\n", getpid() == atoi(argv[2]),
	       getppid() == atoi(argv[3]));
	n = read(7, b, 3);
	printf("fd 7: %d %s; fd 8: %d\n", n, b, fcntl(8, F_GETFD));
	printf("fd 9 shares fd 7: %ld\n", (long)lseek(9, 0, SEEK_CUR));
	printf("umask %o ignored %d blocked %d\n", umask(0), signal(SIGUSR1, SIG_IGN) == SIG_IGN,
	       sigprocmask(SIG_BLOCK, NULL, NULL));
	printf("argument %s environment %s\n", argv[4], getenv("KEPT"));
	printf("cwd: %s\n", getcwd(cwd, sizeof(cwd)) ? strrchr(cwd, '/') : "none");
	CHECK(open("../secret", O_RDONLY) > 0);
	fflush(stdout);
}

static void copy_self(const char *to, unsigned uid, unsigned gid, unsigned mode)
{
	char buf[65536];
	int in = open("/proc/self/exe", O_RDONLY),
	    out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0700), n;

	while ((n = read(in, buf, sizeof(buf))) > 0)
		write(out, buf, n);
	close(in);
	close(out);
	chown(to, uid, gid);
	chmod(to, mode);
}

static int no_new_privs; /* 1: of the process, 2: of its parent */

static void run_as(unsigned uid, const char *program)
{
	int st;

	printf("-- %s as %u\n", program, uid);
	fflush(stdout);
	if (!fork()) {
		char pid[16], ppid[16];
		int f = open("data", O_RDONLY);

		dup2(f, 7);
		dup2(7, 9);
		fcntl(dup2(f, 8), F_SETFD, FD_CLOEXEC);
		umask(027);
		signal(SIGUSR1, SIG_IGN);
		setenv("KEPT", "yes", 1);
		chdir("sub");
		setresgid(uid, uid, uid);
		setresuid(uid, uid, uid);
		if (no_new_privs)
			prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (no_new_privs == 2 && fork()) { /* a child is bound as well */
			wait(&st);
			_exit(WEXITSTATUS(st));
		}
		sprintf(pid, "%d", getpid());
		sprintf(ppid, "%d", getppid());
		execl(program, program, "report", pid, ppid, "with blanks in it", NULL);
		printf("exec: errno %d\n", errno);
		fflush(stdout);
		_exit(99);
	}
	wait(&st);
	CHECK(WEXITSTATUS(st));
}

int main(int argc, char **argv)
{
	int f;

	if (argc > 1) {
		report(argv);
		return 17;
	}
	umask(022);
	chmod(".", 0755);
	mkdir("sub", 0755);
	f = open("data", O_WRONLY | O_CREAT, 0644);
	write(f, "abcdef", 6);
	close(f);
	close(open("secret", O_WRONLY | O_CREAT, 0600));
	chown("secret", 1000, 1000);
	copy_self("plain", 0, 0, 0755);
	copy_self("suid", 1000, 0, 04755);
	copy_self("sgid", 0, 1000, 02755);
	copy_self("both", 1000, 1000, 06755);
	copy_self("roots", 0, 0, 04755);
	copy_self("closed", 1000, 1000, 04700);
	run_as(2000, "../plain");
	run_as(2000, "../suid");
	run_as(2000, "../sgid");
	run_as(2000, "../both");
	run_as(2000, "../roots");
	run_as(2000, "../closed");
	run_as(1000, "../suid");
	run_as(0, "../suid");
	for (no_new_privs = 1; no_new_privs < 3; no_new_privs++) {
		printf("no new privileges: %d\n", no_new_privs);
		run_as(2000, "../roots");
		run_as(2000, "../sgid");
		run_as(2000, "../closed");
	}
	system("rm -rf sub data secret plain suid sgid both roots closed");
	return 0;
}
