// SPDX-License-Identifier: GPL-2.0
/*
 * kcheck: questions to the real Kconfig parser (it links libkconfig-parser, which
 * is GPL-2.0; a host tool, nothing of it enters the image).
 *
 *	kcheck lint Kconfig		undefined symbols, missing help or default
 *	kcheck explain NAME Kconfig	value, where it comes from, what blocks it
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define LKC_DIRECT_LINK
#include <kconfig/lkc.h>

static int problems;

static void out(void *data, struct symbol *sym, const char *str)
{
	(void)data;
	if (sym)
		printf("%s[=%s]", sym->name ? sym->name : "choice", sym_get_string_value(sym));
	else
		fputs(str, stdout);
}

static void problem(const char *what, struct symbol *sym, struct property *p)
{
	fprintf(stderr, "%s:%d: %s: %s\n", p && p->file ? p->file->name : "Kconfig",
		p ? p->lineno : 0, sym->name ? sym->name : "choice", what);
	problems++;
}

static int has_default(struct symbol *sym)
{
	struct property *p;

	for_all_defaults (sym, p)
		return 1;
	return 0;
}

static void lint_symbol(struct symbol *sym)
{
	struct property *p;
	int defined = 0;

	for_all_properties (sym, p, P_PROMPT) {
		defined = 1;
		if (p->menu && !menu_has_help(p->menu) && !sym_is_choice(sym))
			problem("a prompt without help", sym, p);
		if ((sym->type == S_INT || sym->type == S_HEX) && !has_default(sym))
			problem("an int or hex without default", sym, p);
	}
	if (sym->type == S_UNKNOWN && sym->name && !defined &&
	    (sym->name[0] < '0' || sym->name[0] > '9') && sym->name[0] != '-')
		problem("used but never defined", sym, sym->prop);
}

static int explain(const char *name)
{
	struct symbol *sym = sym_find(name);
	struct property *p;

	if (!sym || sym->type == S_UNKNOWN) {
		printf("%s: there is no such option\n", name);
		return 1;
	}
	sym_calc_value(sym);
	printf("%s = %s (%s)\n", name, sym_get_string_value(sym), sym_type_name(sym->type));
	for_all_properties (sym, p, P_PROMPT) {
		printf("  asked as \"%s\" at %s:%d%s\n", p->text, p->file->name, p->lineno,
		       sym->visible == no ? ", hidden now" : "");
		if (p->visible.expr) {
			printf("  needs: ");
			expr_print(p->visible.expr, out, NULL, E_NONE);
			printf("  -> %s\n",
			       expr_calc_value(p->visible.expr) == no ? "NOT met" : "met");
		}
	}
	if (sym->rev_dep.expr && expr_calc_value(sym->rev_dep.expr) != no) {
		printf("  selected by: ");
		expr_print(sym->rev_dep.expr, out, NULL, E_NONE);
		printf("\n");
	}
	printf("  value comes from: %s\n",
	       sym_has_value(sym) && sym->visible != no ? "the configuration" : "the default");
	return 0;
}

int main(int argc, char **argv)
{
	struct symbol *sym;
	int i;

	if (argc < 3) {
		fprintf(stderr, "usage: kcheck lint Kconfig | kcheck explain NAME Kconfig\n");
		return 2;
	}
	conf_parse(argv[argc - 1]);
	conf_read_simple(NULL, S_DEF_USER);
	if (!strcmp(argv[1], "explain"))
		return explain(argv[2]);
	for_all_symbols (i, sym)
		if (!(sym->flags & SYMBOL_CONST))
			lint_symbol(sym);
	return problems != 0;
}
