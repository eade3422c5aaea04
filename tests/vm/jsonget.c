// SPDX-License-Identifier: GPL-2.0-only
/*
 * jsonget FILE PATH: prints one value of a JSON file. PATH is made of keys and
 * indices with dots between them: "locks.0.lock". "#" as last step is the
 * number of elements; "*" stands for every element, KEY=VALUE for those in which
 * that is so, and the numbers found below are added up. Exit 1: nothing there, 2: no JSON.
 * libs: -ljson-c
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json.h>

struct found {
	unsigned int n;
	int64_t sum;
	json_object *last;
	size_t length;
	bool is_length;
};

static void find(json_object *o, const char *path, struct found *f);

/* Elements of the list @o of which the string @key is @value. */
static void find_where(json_object *o, const char *key, const char *value, const char *rest, struct found *f)
{
	json_object *has, *one;
	size_t i;

	for (i = 0; json_object_is_type(o, json_type_array) && i < json_object_array_length(o); i++) {
		one = json_object_array_get_idx(o, i);
		if (json_object_object_get_ex(one, key, &has) && !strcmp(json_object_get_string(has), value))
			find(one, rest, f);
	}
}

static void find_in_all(json_object *o, const char *rest, struct found *f)
{
	if (json_object_is_type(o, json_type_array)) {
		size_t i;

		for (i = 0; i < json_object_array_length(o); i++)
			find(json_object_array_get_idx(o, i), rest, f);
	} else if (json_object_is_type(o, json_type_object)) {
		json_object_object_foreach(o, key, value) {
			(void)key;
			find(value, rest, f);
		}
	}
}

static void find_length(json_object *o, struct found *f)
{
	f->n++;
	f->is_length = true;
	f->length += json_object_is_type(o, json_type_array) ? json_object_array_length(o) :
		     json_object_is_type(o, json_type_object) ?
		     (size_t)json_object_object_length(o) : 0;
}

static void find(json_object *o, const char *path, struct found *f)
{
	char step[128], *value;
	const char *dot = strchrnul(path, '.');
	const char *rest = *dot ? dot + 1 : dot;
	json_object *next = NULL;

	if (!*path) {
		f->n++;
		f->last = o;
		f->sum += json_object_get_int64(o);
		return;
	}
	snprintf(step, sizeof(step), "%.*s", (int)(dot - path), path);
	if (!strcmp(step, "*")) {
		find_in_all(o, rest, f);
	} else if (!strcmp(step, "#")) {
		find_length(o, f);
	} else if ((value = strchr(step, '='))) {
		*value = '\0';
		find_where(o, step, value + 1, rest, f);
	} else if (json_object_is_type(o, json_type_array)) {
		if ((size_t)atoll(step) < json_object_array_length(o))
			find(json_object_array_get_idx(o, (size_t)atoll(step)), rest, f);
	} else if (json_object_object_get_ex(o, step, &next)) {
		find(next, rest, f);
	}
}

int main(int argc, char **argv)
{
	struct found f = { 0 };
	json_object *root;

	if (argc != 3) {
		fprintf(stderr, "Usage: jsonget FILE PATH\n");
		return 2;
	}
	root = json_object_from_file(argv[1]);
	if (!root) {
		fprintf(stderr, "jsonget: %s is not JSON\n", argv[1]);
		return 2;
	}
	find(root, argv[2], &f);
	if (!f.n)
		return 1;
	if (f.is_length)
		printf("%zu\n", f.length);
	else if (f.n > 1 || strchr(argv[2], '*'))
		printf("%" PRId64 "\n", f.sum);
	else
		printf("%s\n", f.last ? json_object_get_string(f.last) : "null");
	json_object_put(root);
	return 0;
}
