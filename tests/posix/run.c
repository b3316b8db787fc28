// SPDX-License-Identifier: MIT
/*
 * run DIR JOBS LIMIT < LIST: run the programs of a test suite, on the host as in the
 * machine: each in a session and a directory of its own, JOBS at a time, at most LIMIT
 * seconds.  For each, a line: name, exit status (or "signal N", "timeout"), the last line
 * it printed.  Without CAP_SYS_TIME where KEEP_CLOCK is set: some set the clock.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_JOBS 64

static struct job {
	pid_t pid;
	time_t end;
	int timed_out;
	char name[128], work[64];
} jobs[MAX_JOBS];

static const char *dir;
static int limit;
static sigset_t inherited;

static void start(struct job *j, const char *name)
{
	static int n;
	char path[512];
	int out;

	snprintf(j->name, sizeof(j->name), "%s", name);
	snprintf(j->work, sizeof(j->work), "/tmp/posix-%d-%d", getpid(), n++);
	j->timed_out = 0;
	j->end = time(NULL) + limit;
	fflush(stdout);
	j->pid = fork();
	if (j->pid)
		return;
	sigprocmask(SIG_SETMASK, &inherited, NULL);
	setenv("LC_ALL", "C", 1); /* the same on both sides */
	setsid();
	mkdir(j->work, 0777);
	if (chdir(j->work))
		_exit(126);
	chmod(".", 0777); /* some become another user */
	out = open("output", O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0666);
	dup2(open("/dev/null", O_RDONLY), 0);
	dup2(out, 1);
	dup2(out, 2);
	close(out);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	execl(path, path, NULL);
	_exit(127);
}

static void last_line(const struct job *j, char *out, size_t size)
{
	char path[128], buf[4096];
	ssize_t n;
	char *p;
	int fd;

	snprintf(path, sizeof(path), "%s/output", j->work);
	fd = open(path, O_RDONLY);
	n = fd < 0 ? 0 : pread(fd, buf, sizeof(buf) - 1, 0);
	close(fd);
	buf[n < 0 ? 0 : n] = 0;
	for (p = buf + strlen(buf); p > buf && (p[-1] == '\n' || p[-1] == ' '); p--)
		p[-1] = 0;
	p = strrchr(buf, '\n');
	snprintf(out, size, "%.100s", p ? p + 1 : buf);
	for (p = out; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
}

static void ended(struct job *j, int status)
{
	char line[128], how[32], clean[128];

	kill(-j->pid, SIGKILL); /* what it has left running */
	last_line(j, line, sizeof(line));
	if (j->timed_out)
		snprintf(how, sizeof(how), "timeout");
	else if (WIFSIGNALED(status))
		snprintf(how, sizeof(how), "signal %d", WTERMSIG(status));
	else
		snprintf(how, sizeof(how), "%d", WEXITSTATUS(status));
	printf("%s\t%s\t%s\n", j->name, how, line);
	snprintf(clean, sizeof(clean), "rm -rf %s", j->work);
	if (system(clean))
		perror("rm");
	j->pid = 0;
}

static void wait_for_one(void)
{
	struct timespec second = {1};
	int status, i;
	sigset_t set;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	while (!(pid = waitpid(-1, &status, WNOHANG))) {
		for (i = 0; i < MAX_JOBS; i++)
			if (jobs[i].pid && !jobs[i].timed_out && time(NULL) > jobs[i].end) {
				jobs[i].timed_out = 1;
				kill(-jobs[i].pid, SIGKILL);
				kill(jobs[i].pid, SIGKILL);
			}
		sigtimedwait(&set, NULL, &second);
	}
	for (i = 0; i < MAX_JOBS; i++)
		if (jobs[i].pid == pid)
			ended(&jobs[i], status);
}

int main(int argc, char **argv)
{
	int most, running = 0, i;
	sigset_t set;
	char name[128];

	if (argc != 4)
		return 2;
	dir = argv[1];
	most = atoi(argv[2]) < MAX_JOBS ? atoi(argv[2]) : MAX_JOBS;
	limit = atoi(argv[3]);
	if (getenv("KEEP_CLOCK"))
		prctl(PR_CAPBSET_DROP, 25, 0, 0, 0); /* CAP_SYS_TIME; exec loses it */
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, &inherited);
	while (fgets(name, sizeof(name), stdin)) {
		name[strcspn(name, "\n")] = 0;
		for (i = 0; jobs[i].pid; i++)
			;
		start(&jobs[i], name);
		if (++running == most) {
			wait_for_one();
			running--;
		}
	}
	for (; running; running--)
		wait_for_one();
	printf("run: over\n");
	return 0;
}
