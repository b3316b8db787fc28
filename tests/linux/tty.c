// SPDX-License-Identifier: MIT
/* Pseudo-terminals: line discipline, signals, job control, hanging up. */
#include "lx.h"

static int master;

static int open_pair(char *name)
{
	master = posix_openpt(O_RDWR | O_NOCTTY);
	CHECK(grantpt(master));
	CHECK(open(ptsname(master), O_RDWR | O_NOCTTY));
	CHECK(unlockpt(master));
	strcpy(name, ptsname(master));
	return open(name, O_RDWR | O_NOCTTY);
}

static void print(const char *b, int n)
{
	int i;

	printf("%d bytes:", n);
	for (i = 0; i < n; i++)
		printf(b[i] < 32 || b[i] > 126 ? " %02x" : " %c", (unsigned char)b[i]);
	printf(n < 0 ? " errno %d\n" : "\n", errno);
}

static void show(int fd)
{
	char b[512];
	struct pollfd p = {fd, POLLIN};

	poll(&p, 1, 1000);
	print(b, read(fd, b, sizeof(b)));
}

/* What the terminal sends out comes in pieces of any size. */
static void show_out(int want)
{
	char b[512];
	struct pollfd p = {master, POLLIN};
	int n = 0, r = 1;

	while (n < want && r > 0 && poll(&p, 1, 10000) > 0) {
		r = read(master, b + n, sizeof(b) - n);
		if (r > 0)
			n += r;
	}
	print(b, r < 0 ? r : n);
}

static void discipline(int s)
{
	struct termios t;
	struct winsize w = {24, 80};
	int n;

	CHECK(isatty(s));
	CHECK(isatty(master));
	CHECK(tcgetattr(s, &t));
	CHECK(t.c_lflag);
	CHECK(t.c_iflag & (ICRNL | IXON | INLCR | IGNCR));
	CHECK(t.c_oflag & (OPOST | ONLCR));
	CHECK(t.c_cc[VINTR] << 16 | t.c_cc[VEOF] << 8 | t.c_cc[VMIN]);
	CHECK(ioctl(s, TIOCSWINSZ, &w));
	CHECK(ioctl(master, TIOCGWINSZ, &w));
	CHECK(w.ws_row * 1000 + w.ws_col);
	write(master,
	      "abc\x7f"
	      "d\r",
	      6);
	show(s);
	show_out(9);
	write(s, "out\nput", 7);
	show_out(8);
	write(master,
	      "one two\x17three\x15"
	      "end\n",
	      18);
	show(s);
	show_out(53);
	write(master, "part\x04", 5);
	show(s);
	write(master, "\x04", 1);
	show(s);
	show_out(4);
	write(master, "\x16\x03lit\n", 6);
	show(s);
	show_out(9);
	CHECK(ioctl(s, FIONREAD, &n));
	t.c_lflag &= ~(ICANON | ECHO);
	t.c_cc[VMIN] = 3;
	t.c_cc[VTIME] = 0;
	CHECK(tcsetattr(s, TCSANOW, &t));
	write(master, "xyz\x7f", 4);
	show(s);
	t.c_cc[VMIN] = 0;
	t.c_cc[VTIME] = 1;
	tcsetattr(s, TCSANOW, &t);
	show(s);
	write(master, "q", 1);
	show(s);
	t.c_oflag &= ~OPOST;
	tcsetattr(s, TCSADRAIN, &t);
	write(s, "raw\n", 4);
	show_out(4);
	t.c_lflag |= ICANON | ECHO;
	t.c_oflag |= OPOST;
	tcsetattr(s, TCSANOW, &t);
	fcntl(s, F_SETFL, O_NONBLOCK);
	CHECK(read(s, &n, 1));
	fcntl(s, F_SETFL, 0);
}

static void on_signal(int sig)
{
	char c = sig == SIGINT ? 'I' : sig == SIGWINCH ? 'W' : sig == SIGHUP ? 'H' : '?';

	write(3, &c, 1);
}

/* A session on the terminal; what it sees goes up the pipe. */
static void session(const char *name)
{
	int p[2], st, i;
	char c;
	pid_t child;

	pipe(p);
	fflush(stdout);
	child = fork();
	if (!child) {
		struct sigaction sa = {.sa_handler = on_signal};
		int s;

		dup2(p[1], 3);
		for (i = 4; i < 32; i++)
			if (i != master)
				close(i);
		close(master);
		setsid();
		s = open(name, O_RDWR); /* becomes the controlling terminal */
		sigaction(SIGINT, &sa, NULL);
		sigaction(SIGWINCH, &sa, NULL);
		sigaction(SIGHUP, &sa, NULL);
		write(3, tcgetpgrp(s) == getpid() && tcgetsid(s) == getpid() ? "C" : "-", 1);
		write(3, open("/dev/tty", O_RDWR) >= 0 ? "T" : "-", 1);
		pid_t job = fork();
		if (!job) {
			setpgid(0, 0);
			signal(SIGTTIN, SIG_DFL);
			read(s, &c, 1); /* in the background: stopped */
			_exit(7);
		}
		setpgid(job, job);
		waitpid(job, &st, WUNTRACED);
		write(3, WIFSTOPPED(st) && WSTOPSIG(st) == SIGTTIN ? "S" : "-", 1);
		signal(SIGTTOU, SIG_IGN);
		write(3, tcsetpgrp(s, job) == 0 ? "F" : "-", 1);
		kill(-job, SIGCONT);
		write(3, "r", 1);
		waitpid(job, &st, WUNTRACED);
		write(3, WIFEXITED(st) && WEXITSTATUS(st) == 7 ? "E" : "-", 1);
		tcsetpgrp(s, getpid());
		for (;;)
			pause();
	}
	close(p[1]);
	for (i = 0; i < 5; i++) {
		read(p[0], &c, 1);
		printf("%c", c);
	}
	write(master, "go\n", 3);
	read(p[0], &c, 1);
	printf("%c", c);
	usleep(50000);
	write(master, "\x03", 1);
	read(p[0], &c, 1);
	printf("%c", c);
	ioctl(master, TIOCSWINSZ, &(struct winsize){50, 100});
	read(p[0], &c, 1);
	printf("%c", c);
	close(master);
	read(p[0], &c, 1);
	printf("%c\n", c);
	kill(child, SIGKILL);
	wait(&st);
	close(p[0]);
}

int main(void)
{
	char name[64], b[8];
	int s = open_pair(name), p;

	CHECK(s >= 0);
	CHECK(strncmp(name, "/dev/pts/", 9));
	CHECK(strcmp(ttyname(s), name));
	discipline(s);
	p = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	CHECK(p >= 0);
	write(p, "peer", 4);
	show_out(4);
	close(p);
	close(s);
	CHECK(read(master, b, 8));
	s = open(name, O_RDWR | O_NOCTTY);
	write(s, "back", 4);
	show_out(4);
	session(name);
	CHECK(read(s, b, 8));
	CHECK(write(s, b, 8));
	CHECK(open(name, O_RDWR | O_NOCTTY));
	CHECK(ioctl(0, TIOCGPTN, &p));
	return 0;
}
