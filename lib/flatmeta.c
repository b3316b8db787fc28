/* SPDX-License-Identifier: MIT */
#include <lib/flatmeta.h>
#include <lib/string.h>

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* "\040" is a blank, as in /etc/fstab. */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++, to++) {
		if (s[0] == '\\' && is_octal(s[1]) && is_octal(s[2]) && is_octal(s[3])) {
			*to = (s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0');
			s += 3;
		} else {
			*to = *s;
		}
	}
	*to = 0;
}

static char *next_word(char **at)
{
	char *word = *at, *p = word;

	while (*p && *p != ' ')
		p++;
	if (*p)
		*p++ = 0;
	*at = p;
	unescape(word);
	return word;
}

static bool number(const char *word, uint32_t base, uint32_t most, uint32_t *out)
{
	uint64_t v = 0;
	const char *p;

	for (p = word; *p >= '0' && *p < (char)('0' + base) && v <= most; p++)
		v = v * base + (*p - '0');
	*out = v;
	return p != word && !*p && v <= most;
}

static bool parse_mode(char **at, struct flatmeta *m)
{
	return number(next_word(at), 8, 07777, &m->mode);
}

static bool parse_words(char **at, struct flatmeta *m)
{
	switch (m->kind) {
	case FLATMETA_DIR:
	case FLATMETA_MODE:
		return parse_mode(at, m);
	case FLATMETA_OWNER:
		return number(next_word(at), 10, UINT32_MAX - 1, &m->uid) &&
		       number(next_word(at), 10, UINT32_MAX - 1, &m->gid);
	case FLATMETA_CHAR:
	case FLATMETA_BLOCK:
		return number(next_word(at), 10, 255, &m->major) &&
		       number(next_word(at), 10, 255, &m->minor) && parse_mode(at, m);
	case FLATMETA_LINK:
		return true;
	}
	return false;
}

static bool parse_line(struct flatmeta *m)
{
	char *at = m->line;
	const char *kind = next_word(&at);

	m->kind = (enum flatmeta_kind)kind[0];
	if (!kind[0] || kind[1] || !parse_words(&at, m))
		return false;
	m->path = next_word(&at);
	if (m->kind == FLATMETA_LINK)
		m->target = next_word(&at);
	while (*m->path == '/')
		m->path++;
	return *m->path && !*at && (m->kind != FLATMETA_LINK || *m->target);
}

void flatmeta_begin(struct flatmeta *m, const void *text, size_t len)
{
	m->at = text;
	m->end = m->at + len;
	m->bad = 0;
}

bool flatmeta_next(struct flatmeta *m)
{
	const char *line, *nl;
	size_t n;

	while (m->at < m->end) {
		line = m->at;
		nl = memchr(line, '\n', m->end - line);
		n = (nl ? nl : m->end) - line;
		m->at = nl ? nl + 1 : m->end;
		if (n < sizeof(m->line) && !memchr(line, 0, n)) {
			memcpy(m->line, line, n);
			m->line[n] = 0;
			if (parse_line(m))
				return true;
		}
		m->bad++;
	}
	return false;
}
