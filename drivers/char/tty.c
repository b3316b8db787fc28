// SPDX-License-Identifier: MIT
#include "tty.h"

#include <lib/string.h>
#include <wherry/signal.h>

void tty_init(struct tty *tty)
{
	static const uint8_t cc[TTY_NCCS] = {3,	 28, 127, 21, 4,  0,  1, 0, 17, 19,
					     26, 0,  18,  15, 23, 22, 0, 0, 0};

	tty->t = (struct tty_termios){
		.iflag = TTY_ICRNL | TTY_IXON,
		.oflag = TTY_OPOST | TTY_ONLCR,
		.cflag = 0xbf | 017, /* B38400 CS8 CREAD */
		.lflag = TTY_ISIG | TTY_ICANON | TTY_ECHO | TTY_ECHOE | TTY_ECHOK | TTY_ECHOCTL |
			 TTY_ECHOKE | TTY_IEXTEN,
	};
	memcpy(tty->t.cc, cc, sizeof(cc));
	tty->size = (struct tty_winsize){24, 80, 0, 0};
	tty->start = tty->line = tty->end = tty->eofs = 0;
}

static bool flag(const struct tty *tty, uint32_t f)
{
	return tty->t.lflag & f;
}

static bool is_cc(const struct tty *tty, char c, int which)
{
	return tty->t.cc[which] && (uint8_t)c == tty->t.cc[which];
}

static void put(struct tty *tty, char c)
{
	uint32_t o = tty->t.oflag;

	if (c == '\n' && o & TTY_ONLCR) {
		tty->column = 0;
		tty->output(tty, "\r\n", 2);
		return;
	}
	if (c == '\r' && o & TTY_ONOCR && !tty->column)
		return;
	if (c == '\r' && o & TTY_OCRNL)
		c = '\n';
	if (c == '\t' && (o & TTY_TABDLY) == TTY_TABDLY) {
		tty->output(tty, "        ", 8 - tty->column % 8);
		tty->column += 8 - tty->column % 8;
		return;
	}
	if (c == '\r' || (c == '\n' && o & TTY_ONLRET))
		tty->column = 0;
	else if (c == '\b')
		tty->column -= tty->column ? 1 : 0;
	else if ((uint8_t)c >= ' ')
		tty->column++;
	tty->output(tty, &c, 1);
}

/* Most characters need nothing: runs of them go out whole. */
static bool plain(const struct tty *tty, char c)
{
	return (uint8_t)c >= ' ' || (c == '\t' && (tty->t.oflag & TTY_TABDLY) != TTY_TABDLY) ||
	       c == 27;
}

void tty_write(struct tty *tty, const char *p, size_t n)
{
	size_t i, from = 0;

	if (!(tty->t.oflag & TTY_OPOST)) {
		tty->output(tty, p, n);
		return;
	}
	for (i = 0; i < n; i++) {
		if (plain(tty, p[i]))
			continue;
		if (i > from)
			tty->output(tty, p + from, i - from);
		tty->column += i - from;
		put(tty, p[i]);
		from = i + 1;
	}
	if (n > from)
		tty->output(tty, p + from, n - from);
	tty->column += n - from;
}

static void echo(struct tty *tty, char c)
{
	char ctl[2] = {'^', (char)(c ^ 0x40)};

	if (!flag(tty, TTY_ECHO) && !(c == '\n' && flag(tty, TTY_ECHONL)))
		return;
	if (flag(tty, TTY_ECHOCTL) && ((uint8_t)c < 32 || c == 127) && c != '\n' && c != '\t')
		tty->output(tty, ctl, 2);
	else
		tty_write(tty, &c, 1);
}

void tty_flush_input(struct tty *tty)
{
	tty->start = tty->line = tty->end = tty->eofs = 0;
	tty->literal = false;
}

static void compact(struct tty *tty)
{
	if (!tty->start)
		return;
	memmove(tty->in, tty->in + tty->start, tty->end - tty->start);
	tty->line -= tty->start;
	tty->end -= tty->start;
	tty->start = 0;
}

static void store(struct tty *tty, char c)
{
	if (tty->end == TTY_BUF)
		compact(tty);
	if (tty->end == TTY_BUF) {
		tty->output(tty, "\a", 1); /* full: the character is lost, audibly */
		return;
	}
	tty->in[tty->end++] = c;
}

static void erase_one(struct tty *tty)
{
	char c;

	do { /* a UTF-8 character is one to the eye */
		c = tty->in[--tty->end];
	} while (tty->end > tty->line && (c & 0xc0) == 0x80);
	if (!flag(tty, TTY_ECHO) || !flag(tty, TTY_ECHOE))
		return;
	tty->output(tty, "\b \b", 3);
	if ((uint8_t)c < 32 && flag(tty, TTY_ECHOCTL))
		tty->output(tty, "\b \b", 3);
}

static bool edit(struct tty *tty, char c)
{
	if (is_cc(tty, c, TTY_VERASE) || c == '\b') {
		if (tty->end > tty->line)
			erase_one(tty);
		return true;
	}
	if (is_cc(tty, c, TTY_VKILL)) {
		while (tty->end > tty->line)
			erase_one(tty);
		return true;
	}
	if (is_cc(tty, c, TTY_VWERASE)) {
		while (tty->end > tty->line && tty->in[tty->end - 1] == ' ')
			erase_one(tty);
		while (tty->end > tty->line && tty->in[tty->end - 1] != ' ')
			erase_one(tty);
		return true;
	}
	return false;
}

static void reprint(struct tty *tty)
{
	uint32_t i;

	echo(tty, tty->t.cc[TTY_VREPRINT]);
	tty_write(tty, "\n", 1);
	for (i = tty->line; i < tty->end; i++)
		echo(tty, tty->in[i]);
}

static void receive_canonical(struct tty *tty, char c)
{
	if (edit(tty, c))
		return;
	if (is_cc(tty, c, TTY_VREPRINT) && flag(tty, TTY_IEXTEN)) {
		reprint(tty);
		return;
	}
	if (is_cc(tty, c, TTY_VEOF)) {
		if (tty->end == tty->line)
			tty->eofs++;
		tty->line = tty->end;
		return;
	}
	store(tty, c);
	echo(tty, c);
	if (c == '\n' || is_cc(tty, c, TTY_VEOL) || is_cc(tty, c, TTY_VEOL2))
		tty->line = tty->end;
}

static int signal_of(const struct tty *tty, char c)
{
	if (!flag(tty, TTY_ISIG))
		return 0;
	return is_cc(tty, c, TTY_VINTR)	  ? SIGINT
	       : is_cc(tty, c, TTY_VQUIT) ? SIGQUIT
	       : is_cc(tty, c, TTY_VSUSP) ? SIGTSTP
					  : 0;
}

/* ^S and ^Q; true: c was one of them. */
static bool flow(struct tty *tty, char c)
{
	if (!(tty->t.iflag & TTY_IXON))
		return false;
	if (is_cc(tty, c, TTY_VSTOP)) {
		tty->stopped = true;
		return true;
	}
	if (is_cc(tty, c, TTY_VSTART)) {
		tty->stopped = false;
		return true;
	}
	if (tty->t.iflag & TTY_IXANY)
		tty->stopped = false;
	return false;
}

void tty_receive(struct tty *tty, char c)
{
	int sig;

	if (tty->t.iflag & TTY_ISTRIP)
		c &= 0x7f;
	if (tty->literal) {
		tty->literal = false;
		store(tty, c);
		echo(tty, c);
		if (!flag(tty, TTY_ICANON))
			tty->line = tty->end;
		return;
	}
	if (flow(tty, c))
		return;
	if (is_cc(tty, c, TTY_VLNEXT) && flag(tty, TTY_IEXTEN) && flag(tty, TTY_ICANON)) {
		tty->literal = true;
		if (flag(tty, TTY_ECHO) && flag(tty, TTY_ECHOCTL))
			tty->output(tty, "^\b", 2);
		return;
	}
	sig = signal_of(tty, c);
	if (sig) {
		echo(tty, c);
		if (!flag(tty, TTY_NOFLSH))
			tty_flush_input(tty);
		tty->stopped = false;
		tty->signal(tty, sig);
		return;
	}
	if (c == '\r' && tty->t.iflag & TTY_IGNCR)
		return;
	if (c == '\r' && tty->t.iflag & TTY_ICRNL)
		c = '\n';
	else if (c == '\n' && tty->t.iflag & TTY_INLCR)
		c = '\r';
	if (flag(tty, TTY_ICANON)) {
		receive_canonical(tty, c);
		return;
	}
	store(tty, c);
	echo(tty, c);
	tty->line = tty->end;
}

bool tty_readable(const struct tty *tty)
{
	return tty->eofs || (flag(tty, TTY_ICANON) ? tty->line : tty->end) > tty->start;
}

size_t tty_read(struct tty *tty, char *buf, size_t n)
{
	uint32_t limit = flag(tty, TTY_ICANON) ? tty->line : tty->end;
	size_t i;

	if (tty->start == limit && tty->eofs) {
		tty->eofs--;
		return 0;
	}
	for (i = 0; i < n && tty->start < limit; i++) {
		buf[i] = tty->in[tty->start++];
		if (flag(tty, TTY_ICANON) && buf[i] == '\n') {
			i++;
			break;
		}
	}
	if (tty->start > tty->line)
		tty->line = tty->start;
	if (tty->start == tty->end)
		tty->start = tty->line = tty->end = 0;
	return i;
}

size_t tty_room(const struct tty *tty)
{
	return TTY_BUF - (tty->end - tty->start);
}

size_t tty_available(const struct tty *tty)
{
	return (flag(tty, TTY_ICANON) ? tty->line : tty->end) - tty->start;
}

/* What is being edited becomes readable when lines stop to matter, and back. */
void tty_changed(struct tty *tty, const struct tty_termios *was)
{
	if (was->lflag & TTY_ICANON && !flag(tty, TTY_ICANON))
		tty->line = tty->end;
	if (!(tty->t.iflag & TTY_IXON))
		tty->stopped = false;
}
