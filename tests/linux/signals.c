// SPDX-License-Identifier: MIT
/* signalfd, sigqueue, POSIX timers, pidfd, subreaper, PI and robust mutexes, usage. */
#include "lx.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>

static void signal_descriptor(void)
{
	struct signalfd_siginfo s[4];
	struct pollfd p;
	sigset_t set;
	int fd, ep = epoll_create1(0), st;
	struct epoll_event ev = {EPOLLIN};

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN + 3);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	CHECK(fd >= 0);
	CHECK(read(fd, s, sizeof(s)));
	p = (struct pollfd){fd, POLLIN};
	CHECK(poll(&p, 1, 0));
	kill(getpid(), SIGUSR1);
	sigqueue(getpid(), SIGRTMIN + 3, (union sigval){.sival_int = 77});
	CHECK(poll(&p, 1, 1000));
	CHECK(read(fd, s, sizeof(s)) / sizeof(s[0]));
	CHECK(s[0].ssi_signo == SIGUSR1 && s[0].ssi_pid == getpid() && s[0].ssi_code == SI_USER);
	CHECK(s[1].ssi_signo == SIGRTMIN + 3 && s[1].ssi_code == SI_QUEUE && s[1].ssi_int == 77);
	CHECK(poll(&p, 1, 0));
	epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
	fflush(stdout);
	if (!fork()) {
		usleep(20000);
		_exit(5);
	}
	CHECK(epoll_wait(ep, &ev, 1, 5000));
	CHECK(read(fd, s, sizeof(s)) / sizeof(s[0]));
	CHECK(s[0].ssi_signo == SIGCHLD && s[0].ssi_status == 5 && s[0].ssi_code == CLD_EXITED);
	wait(&st);
	CHECK(fcntl(fd, F_SETFL, 0));
	fflush(stdout);
	if (!fork()) {
		usleep(20000);
		kill(getppid(), SIGUSR1);
		_exit(0);
	}
	CHECK(read(fd, s, sizeof(s[0])) / sizeof(s[0]));
	CHECK(s[0].ssi_signo);
	wait(&st);
	close(fd);
	close(ep);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static int order[32], norder;

static void on_queued(int sig, siginfo_t *i, void *c)
{
	if (norder < 32)
		order[norder++] = (sig - SIGRTMIN) * 100 + i->si_value.sival_int;
}

/* Real-time signals queue with their values, in order; others do not. */
static void queues(void)
{
	struct sigaction sa = {.sa_sigaction = on_queued, .sa_flags = SA_SIGINFO};
	sigset_t set;
	int i;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 1);
	sigaddset(&set, SIGRTMIN + 2);
	sigaddset(&set, SIGUSR1);
	sigfillset(&sa.sa_mask);
	sigaction(SIGRTMIN + 1, &sa, NULL);
	sigaction(SIGRTMIN + 2, &sa, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (i = 0; i < 4; i++) {
		CHECK(sigqueue(getpid(), SIGRTMIN + 2, (union sigval){.sival_int = i}));
		CHECK(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = i}));
		kill(getpid(), SIGUSR1);
	}
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	printf("%d came:", norder);
	for (i = 0; i < norder; i++)
		printf(" %d", order[i] < 0 ? -1 : order[i]);
	printf("\n");
}

static volatile int fired, value;

static void on_timer(int sig, siginfo_t *i, void *c)
{
	fired++;
	value = i->si_code == SI_TIMER ? i->si_value.sival_int : -1;
}

static void on_thread(union sigval v)
{
	__atomic_store_n((int *)v.sival_ptr, 1, __ATOMIC_SEQ_CST);
}

static void timers(void)
{
	struct sigaction sa = {.sa_sigaction = on_timer, .sa_flags = SA_SIGINFO};
	struct sigevent e = {.sigev_notify = SIGEV_SIGNAL,
			     .sigev_signo = SIGUSR2,
			     .sigev_value.sival_int = 4711};
	struct itimerspec t = {{0, 5000000}, {0, 5000000}}, now;
	int done = 0, i;
	timer_t id;

	sigaction(SIGUSR2, &sa, NULL);
	CHECK(timer_create(CLOCK_MONOTONIC, &e, &id));
	CHECK(timer_settime(id, 0, &t, NULL));
	while (fired < 3)
		usleep(1000);
	CHECK(value);
	t = (struct itimerspec){{0, 0}, {100, 0}};
	CHECK(timer_settime(id, 0, &t, NULL));
	CHECK(timer_gettime(id, &now));
	CHECK(now.it_value.tv_sec >= 99 && !now.it_interval.tv_nsec);
	CHECK(timer_delete(id));
	CHECK(timer_settime(id, 0, &t, NULL));
	clock_gettime(CLOCK_REALTIME, &t.it_value);
	t.it_value.tv_nsec += 20000000;
	if (t.it_value.tv_nsec >= 1000000000)
		t.it_value.tv_nsec -= 1000000000, t.it_value.tv_sec++;
	e = (struct sigevent){.sigev_notify = SIGEV_THREAD,
			      .sigev_notify_function = on_thread,
			      .sigev_value.sival_ptr = &done};
	CHECK(timer_create(CLOCK_REALTIME, &e, &id));
	CHECK(timer_settime(id, TIMER_ABSTIME, &t, NULL));
	for (i = 0; i < 2000 && !__atomic_load_n(&done, __ATOMIC_SEQ_CST); i++)
		usleep(1000);
	CHECK(done);
	t.it_value.tv_nsec = -1;
	CHECK(timer_settime(id, 0, &t, NULL));
	CHECK(timer_delete(id)); /* musl's thread goes, and what its id points to */
}

static void processes(void)
{
	struct rusage u;
	siginfo_t info;
	int fd, st;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		for (;;)
			pause();
	fd = syscall(SYS_pidfd_open, pid, 0);
	CHECK(fd >= 0);
	CHECK(poll(&(struct pollfd){fd, POLLIN}, 1, 0));
	CHECK(syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0));
	CHECK(poll(&(struct pollfd){fd, POLLIN}, 1, 5000));
	CHECK(waitid(P_PIDFD, fd, &info, WEXITED));
	CHECK(info.si_pid == pid && info.si_code == CLD_KILLED && info.si_status == SIGTERM);
	CHECK(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
	CHECK(syscall(SYS_pidfd_open, pid, 0));
	close(fd);
	CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	fflush(stdout);
	if (!fork()) {
		if (!fork()) {
			usleep(30000);
			_exit(42);
		}
		_exit(1);
	}
	wait(&st);
	CHECK(st);
	CHECK(wait(&st) > 0);
	CHECK(st); /* the grandchild's */
	CHECK(prctl(PR_SET_CHILD_SUBREAPER, 0));
	fflush(stdout);
	if (!fork()) {
		for (volatile int i = 0; i < 30000000; i++)
			;
		_exit(0);
	}
	wait(&st);
	getrusage(RUSAGE_CHILDREN, &u);
	CHECK(u.ru_utime.tv_sec * 1000000 + u.ru_utime.tv_usec > 1000);
	CHECK(getpriority(PRIO_PROCESS, 0));
	CHECK(setpriority(PRIO_PROCESS, 0, 5));
	CHECK(getpriority(PRIO_PROCESS, 0));
}

static pthread_mutex_t pi, robust;
static int shared;

static void *adder(void *unused)
{
	int i;

	for (i = 0; i < 2000; i++) {
		pthread_mutex_lock(&pi);
		shared++;
		pthread_mutex_unlock(&pi);
	}
	return NULL;
}

static void *dies_holding(void *unused)
{
	pthread_mutex_lock(&robust);
	return NULL;
}

static void mutexes(void)
{
	pthread_mutexattr_t a;
	pthread_t t[4];
	int i;

	pthread_mutexattr_init(&a);
	CHECK(pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_INHERIT));
	CHECK(pthread_mutex_init(&pi, &a));
	for (i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, adder, NULL);
	for (i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	CHECK(shared);
	pthread_mutexattr_init(&a);
	CHECK(pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST));
	pthread_mutex_init(&robust, &a);
	pthread_create(&t[0], NULL, dies_holding, NULL);
	pthread_join(t[0], NULL);
	CHECK(pthread_mutex_lock(&robust));
	CHECK(pthread_mutex_consistent(&robust));
	CHECK(pthread_mutex_unlock(&robust));
	CHECK(pthread_mutex_lock(&robust));
}

static void copies(void)
{
	int in = open("in", O_RDWR | O_CREAT | O_TRUNC, 0600),
	    out = open("out2", O_RDWR | O_CREAT | O_TRUNC, 0600);
	off_t off = 2;
	char b[16];

	write(in, "0123456789", 10);
	CHECK(copy_file_range(in, &off, out, NULL, 5, 0));
	CHECK(off);
	CHECK(pread(out, b, 16, 0));
	CHECK(memcmp(b, "23456", 5));
	lseek(in, 8, SEEK_SET);
	CHECK(copy_file_range(in, NULL, out, NULL, 100, 0));
	CHECK(lseek(out, 0, SEEK_CUR));
	unlink("in");
	unlink("out2");
}

int main(void)
{
	signal_descriptor();
	queues();
	timers();
	processes();
	mutexes();
	copies();
	return 0;
}
