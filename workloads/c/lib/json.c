// SPDX-License-Identifier: GPL-2.0-only
/* JSON to standard output; one thread, one value at a time. */
#include "json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

static bool need_comma;

static void lead(const char *name)
{
	if (need_comma)
		putchar(',');
	if (name)
		printf("\"%s\":", name);
	need_comma = true;
}

void json_object_open(const char *name)
{
	lead(name);
	putchar('{');
	need_comma = false;
}

void json_object_close(void)
{
	putchar('}');
	need_comma = true;
}

void json_array_open(const char *name)
{
	lead(name);
	putchar('[');
	need_comma = false;
}

void json_array_close(void)
{
	putchar(']');
	need_comma = true;
}

void json_u64(const char *name, uint64_t value)
{
	lead(name);
	printf("%" PRIu64, value);
}

void json_double(const char *name, double value)
{
	lead(name);
	printf("%.3f", value);
}

void json_bool(const char *name, bool value)
{
	lead(name);
	fputs(value ? "true" : "false", stdout);
}

void json_string(const char *name, const char *value)
{
	lead(name);
	printf("\"%s\"", value);
}

int json_finish(void)
{
	putchar('\n');
	need_comma = false;
	errno = 0;
	if (fflush(stdout) || ferror(stdout))
		return errno ? -errno : -EIO;
	return 0;
}
