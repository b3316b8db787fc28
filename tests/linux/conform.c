// SPDX-License-Identifier: MIT
/*
 * What the Open POSIX Test Suite found (Documentation/posix-tests.md), in short: each line
 * was wrong once.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int seen[65], codes[8], ncodes;

static void count(int sig, siginfo_t *i, void *c)
{
	(void)c;
	seen[sig]++;
	if (sig == SIGCHLD && ncodes < 8)
		codes[ncodes++] = i->si_code;
}

static void handle(int sig, int flags)
{
	struct sigaction a = {.sa_sigaction = count, .sa_flags = SA_SIGINFO | flags};

	sigaction(sig, &a, NULL);
}

static const char *outcome(long r)
{
	return r >= 0 ? "ok" : strerror(errno);
}

/* glibc keeps the thread's id; a child of fork has another one. */
static void mutex_across_fork(void)
{
	pthread_mutex_t *m =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_t a;
	int status;

	pthread_mutexattr_init(&a);
	pthread_mutexattr_settype(&a, PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(m, &a);
	pthread_mutex_lock(m);
	if (!fork())
		_exit(pthread_mutex_trylock(m) == EBUSY && pthread_mutex_unlock(m) == EPERM);
	wait(&status);
	printf("mutex of the parent's: %d\n", WEXITSTATUS(status));
}

static void real_time_signals_queue_for_a_thread(void)
{
	sigset_t set, pending;
	siginfo_t info;
	int i, n = 0;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 3);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (i = 0; i < 3; i++)
		pthread_kill(pthread_self(), SIGRTMIN + 3);
	for (i = 0; i < 5; i++) {
		struct timespec none = {0};

		n += sigtimedwait(&set, &info, &none) > 0;
		sigpending(&pending);
		printf("%d", sigismember(&pending, SIGRTMIN + 3));
	}
	printf(": %d of 3\n", n);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void children_without_zombies(void)
{
	int status;
	pid_t p;

	handle(SIGCHLD, SA_NOCLDWAIT);
	p = fork();
	if (!p)
		_exit(3);
	printf("SA_NOCLDWAIT: %s", outcome(wait(&status)));
	printf(", signals %d\n", seen[SIGCHLD]);
	signal(SIGCHLD, SIG_IGN);
	if (!fork())
		_exit(3);
	printf("SIG_IGN: %s\n", outcome(wait(&status)));
	signal(SIGCHLD, SIG_DFL);
}

/* A child that has never run, stopped, continued and ended. */
static void stop_continue_end(int flags)
{
	int status, i, left;
	pid_t p;

	seen[SIGCHLD] = ncodes = 0;
	handle(SIGCHLD, flags);
	signal(SIGHUP, SIG_DFL); /* by nohup(1) it would be ignored */
	p = fork();
	if (!p) {
		select(0, NULL, NULL, NULL, NULL);
		_exit(1);
	}
	kill(p, SIGSTOP);
	while (waitpid(p, &status, WUNTRACED) != p)
		;
	printf("stopped: %d by %d\n", WIFSTOPPED(status), WSTOPSIG(status));
	kill(p, SIGCONT);
	kill(p, SIGHUP);
	while (waitpid(p, &status, 0) != p)
		;
	printf("ended: %d by %d\n", WIFSIGNALED(status), WTERMSIG(status));
	for (i = left = 0; i < ncodes; i++)
		left |= codes[i] == CLD_STOPPED;
	printf("told that it stopped: %d\n", left);
	signal(SIGCHLD, SIG_DFL);
}

static void sleep_across_a_stop(void)
{
	struct timespec t = {0, 300000000}, before, after;
	long ms;
	int status;
	pid_t p = fork();

	if (!p) {
		clock_gettime(CLOCK_MONOTONIC, &before);
		status = nanosleep(&t, NULL);
		clock_gettime(CLOCK_MONOTONIC, &after);
		ms = (after.tv_sec - before.tv_sec) * 1000 +
		     (after.tv_nsec - before.tv_nsec) / 1000000;
		_exit(status ? 1 : ms < 300 ? 2 : 0);
	}
	usleep(100000);
	kill(p, SIGSTOP);
	kill(p, SIGCONT);
	waitpid(p, &status, 0);
	printf("sleep across a stop: %d\n", WEXITSTATUS(status));
}

static void overruns(void)
{
	struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
	struct itimerspec s = {{0, 1000}, {0, 20000000}}, left;
	struct timespec t = {0, 120000000};
	sigset_t set, old;
	siginfo_t info;
	timer_t id;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_BLOCK, &set, &old);
	timer_create(CLOCK_MONOTONIC, &e, &id);
	timer_settime(id, 0, &s, NULL);
	nanosleep(&t, NULL);
	timer_gettime(id, &left);
	printf("interval kept: %ld, left in it: %d\n", left.it_interval.tv_nsec,
	       left.it_value.tv_nsec <= 1000);
	sigwaitinfo(&set, &info);
	timer_delete(id);
	signal(SIGALRM, SIG_IGN);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static void odds_and_ends(void)
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	stack_t s = {.ss_sp = page, .ss_size = 8192, .ss_flags = 3};
	unsigned char vec[2];
	struct timespec t;
	struct stat st;
	int p[2], fd;

	printf("sigaltstack: %s\n", outcome(sigaltstack(&s, NULL)));
	if (pipe(p))
		return;
	printf("fsync of a pipe: %s\n", outcome(fsync(p[0])));
	printf("clock -1: %s\n", outcome(syscall(SYS_clock_gettime, -1, &t)));
	munmap(page + 4096, 4096);
	printf("mlock: %s", outcome(mlock(page, 4096)));
	printf(" %s", outcome(mlock(page, 8192)));
	printf(" %s", outcome(munlock(page, 4096)));
	printf(" %s\n", outcome(munlock(page, 8192)));
	printf("mlockall: %s", outcome(mlockall(0)));
	printf(" %s\n", outcome(mlockall(64)));
	printf("msync: %s", outcome(msync(page, 8192, MS_SYNC)));
	printf(" %s", outcome(msync(page, 4096, MS_SYNC | MS_ASYNC)));
	printf(" %s", outcome(msync(page, 4096, 64)));
	printf(" %s\n", outcome(msync(page, 4096, MS_SYNC)));
	printf("mincore: %s", outcome(mincore(page, 4096, vec)));
	printf(" %s\n", outcome(mincore(page, 8192, vec)));
	fd = open("mapped", O_RDWR | O_CREAT | O_TRUNC, 0600);
	futimens(fd, (struct timespec[2]){{1000, 0}, {2000, 0}});
	if (ftruncate(fd, 4096) || read(fd, vec, 1) < 0)
		return;
	mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	fstat(fd, &st);
	printf("a mapping reads: %d\n", st.st_atime > 1000);
	unlink("mapped");
	if (!fork()) {
		printf("kill of init: %s", setuid(65534) ? "?" : outcome(kill(1, 0)));
		printf(" %s\n", outcome(sigqueue(1, 0, (union sigval){0})));
		exit(0);
	}
	fflush(stdout);
	wait(NULL);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	mutex_across_fork();
	real_time_signals_queue_for_a_thread();
	children_without_zombies();
	stop_continue_end(0);
	stop_continue_end(SA_NOCLDSTOP);
	sleep_across_a_stop();
	overruns();
	odds_and_ends();
	return 0;
}
