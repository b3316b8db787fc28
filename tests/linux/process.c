// SPDX-License-Identifier: MIT
/* fork, exec, wait, signals, groups, pipes between processes. */
#include "lx.h"

#include <sys/prctl.h>

static volatile int got, got_code;

static void on_signal(int s, siginfo_t *i, void *u)
{
	(void)u;
	got = s;
	got_code = i->si_code;
}

static int status_of(int (*fn)(void))
{
	int st;
	pid_t p = fork();

	if (!p)
		_exit(fn());
	waitpid(p, &st, 0);
	return st;
}

static int exits(void)
{
	return 7;
}
static int aborts(void)
{
	signal(SIGABRT, SIG_DFL);
	raise(SIGKILL);
	return 0;
}
static int faults(void)
{
	*(volatile int *)8 = 1;
	return 0;
}
static int no_exec(void)
{
	execl("/no/such", "x", NULL);
	return errno;
}
static int runs_shell(void)
{
	execl("/bin/sh", "sh", "-c", "exit 5", NULL);
	return 1;
}
static int divides(void)
{
	volatile int z = 0;
	return 1 / z;
}
static int traps(void)
{
	__asm__ volatile("ud2");
	return 0;
}

static int say_to;
static pid_t parent;

static void on_parents_end(int s, siginfo_t *i, void *u)
{
	char line[64];

	(void)u;
	write(say_to, line,
	      sprintf(line, "signal %d code %d from it %d", s == SIGUSR2, i->si_code,
		      i->si_pid == parent));
	_exit(0);
}

/* A grandchild that asked (how: 1, or lost it by 2 fork, 3 another user) for a signal. */
static void parents_end(int how)
{
	struct sigaction sa = {.sa_sigaction = on_parents_end, .sa_flags = SA_SIGINFO};
	char said[64] = "";
	int p[2], ready[2], v;

	pipe(p);
	pipe(ready);
	if (!fork()) {
		parent = getpid();
		if (!fork()) {
			say_to = p[1];
			sigaction(SIGUSR2, &sa, NULL);
			prctl(PR_SET_PDEATHSIG, SIGUSR2, 0, 0, 0);
			if (how == 2 && (parent = getpid()) && fork())
				sleep(1), _exit(0);
			if (how == 3)
				setuid(65534);
			prctl(PR_GET_PDEATHSIG, &v, 0, 0, 0);
			write(p[1], said, sprintf(said, "asked %d, ", v == SIGUSR2));
			close(ready[1]);
			usleep(how == 1 ? 5000000 : 100000);
			write(p[1], "nothing", 7);
			_exit(0);
		}
		close(ready[1]);
		read(ready[0], said, 1);
		_exit(0);
	}
	close(p[1]);
	close(ready[1]);
	wait(NULL);
	for (v = 0; v < 60 && read(p[0], said + v, 1) == 1; v++)
		;
	said[v] = 0;
	close(p[0]);
	close(ready[0]);
	printf("the parent's end: %s\n", said);
}

int main(int argc, char **argv)
{
	struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
	int p[2], st, n = 0;
	sigset_t set, old;
	char b[8192];
	pid_t c;

	(void)argc;
	(void)argv;
	setvbuf(stdout, NULL, _IONBF, 0);
	printf("exit %x\n", status_of(exits));
	printf("kill %x\n", status_of(aborts));
	printf("segv %x\n", status_of(faults) & 0x7f);
	printf("fpe %x\n", status_of(divides) & 0x7f);
	printf("ill %x\n", status_of(traps) & 0x7f);
	printf("enoent %x\n", status_of(no_exec));
	printf("shell %x\n", status_of(runs_shell));
	CHECK(wait(&st));
	CHECK(pipe(p));
	if (!fork()) {
		close(p[0]);
		memset(b, 'x', sizeof(b));
		for (n = 0; n < 20; n++)
			write(p[1], b, sizeof(b));
		_exit(0);
	}
	close(p[1]);
	for (n = 0; (st = read(p[0], b, sizeof(b))) > 0;)
		n += st;
	printf("through the pipe: %d\n", n);
	wait(NULL);
	CHECK(pipe(p));
	close(p[0]);
	signal(SIGPIPE, SIG_IGN);
	CHECK(write(p[1], "x", 1));
	sigaction(SIGUSR1, &sa, NULL);
	CHECK(kill(getpid(), SIGUSR1));
	printf("got %d code %d\n", got, got_code);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	got = 0;
	sigprocmask(SIG_BLOCK, &set, &old);
	raise(SIGUSR1);
	printf("blocked %d\n", got);
	CHECK(sigpending(&set));
	printf("pending %d\n", sigismember(&set, SIGUSR1));
	sigprocmask(SIG_SETMASK, &old, NULL);
	printf("then %d\n", got);
	c = fork();
	if (!c) {
		for (;;)
			pause();
	}
	CHECK(kill(c, SIGSTOP));
	CHECK(waitpid(c, &st, WUNTRACED) == c);
	printf("stopped %d by %d\n", WIFSTOPPED(st), WSTOPSIG(st));
	CHECK(kill(c, SIGCONT));
	CHECK(waitpid(c, &st, WCONTINUED) == c);
	printf("continued %d\n", WIFCONTINUED(st));
	CHECK(waitpid(c, &st, WNOHANG));
	CHECK(kill(c, SIGTERM));
	CHECK(waitpid(c, &st, 0) == c);
	printf("term %d\n", WTERMSIG(st));
	CHECK(kill(c, 0));
	CHECK(kill(getpid(), 99));
	CHECK(pipe(p));
	c = vfork();
	if (!c) {
		execl("/bin/sh", "sh", "-c", "exit 6", NULL);
		_exit(1);
	}
	CHECK(waitpid(c, &st, 0) == c);
	printf("vfork %d\n", WEXITSTATUS(st));
	printf("system %d\n", WEXITSTATUS(system("exit 4")));
	parents_end(1);
	parents_end(2);
	parents_end(3);
	CHECK(setpgid(0, 0) == 0 || errno == EPERM);
	printf("group %d\n", getpgrp() == getpid() || getsid(0) == getpid());
	return 0;
}
