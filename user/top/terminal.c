// SPDX-License-Identifier: GPL-2.0-only
#include "terminal.h"

#include <curses.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <unistd.h>

#define ESCAPE 27

struct lsp_terminal {
	SCREEN *screen;
};

int lsp_terminal_create(FILE *out, FILE *in, struct lsp_terminal **ret)
{
	struct lsp_terminal *t;

	*ret = NULL;
	if (!isatty(fileno(out)) || !isatty(fileno(in)))
		return -ENOTTY;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	/* Names of functions are UTF-8. */
	setlocale(LC_CTYPE, "");
	t->screen = newterm(NULL, out, in);
	if (!t->screen) {
		free(t);
		return -ENOTTY;
	}
	cbreak();
	noecho();
	nodelay(stdscr, TRUE);
	keypad(stdscr, TRUE);
	set_escdelay(50);
	curs_set(0);
	*ret = t;
	return 0;
}

void lsp_terminal_destroy(struct lsp_terminal *t)
{
	if (!t)
		return;
	endwin();
	delscreen(t->screen);
	free(t);
}

void lsp_terminal_size(struct lsp_terminal *t, struct lsp_top_screen *s)
{
	(void)t;
	s->lines = (size_t)LINES;
	s->columns = (size_t)COLS;
}

void lsp_terminal_show(struct lsp_terminal *t, const struct lsp_top_lines *lines)
{
	(void)t;
	erase();
	for (size_t i = 0; i < lines->n && i < (size_t)LINES; i++) {
		attr_t style = lines->lines[i].style == LSP_TOP_HEAD ? A_REVERSE :
			lines->lines[i].style == LSP_TOP_CHOSEN ? A_BOLD | A_UNDERLINE : A_NORMAL;

		attrset(style);
		mvaddnstr((int)i, 0, lines->lines[i].text, -1);
		if (lines->lines[i].style == LSP_TOP_HEAD)
			for (int x = getcurx(stdscr); x < COLS && getcury(stdscr) == (int)i; x++)
				mvaddch((int)i, x, ' ' | style);
	}
	attrset(A_NORMAL);
	refresh();
}

enum lsp_top_key lsp_terminal_key(struct lsp_terminal *t, bool *any)
{
	int key = getch();

	(void)t;
	*any = key != ERR;
	switch (key) {
	case KEY_UP:
	case 'k':
		return LSP_TOP_KEY_UP;
	case KEY_DOWN:
	case 'j':
		return LSP_TOP_KEY_DOWN;
	case 's':
		return LSP_TOP_KEY_SORT;
	case 'f':
	case ' ':
		return LSP_TOP_KEY_FREEZE;
	case '\n':
	case '\r':
	case KEY_ENTER:
		return LSP_TOP_KEY_OPEN;
	case ESCAPE:
	case KEY_LEFT:
		return LSP_TOP_KEY_CLOSE;
	case 'w':
		return LSP_TOP_KEY_WRITE;
	case 'q':
		return LSP_TOP_KEY_QUIT;
	default:
		return LSP_TOP_KEY_NONE;
	}
}
