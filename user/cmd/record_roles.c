// SPDX-License-Identifier: GPL-2.0-only
/* The part of record.json that says what keys are used for, and for which hold nobody is blamed. */
#include "record_roles.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../results/unblamed.h"
#include "json.h"

/* Keys that are listed, those with most releases. */
#define KEYS_MAX 100

struct listed {
	const struct lsp_key_role *key;
	const char *lock;
};

struct list {
	struct listed *keys;
	size_t n;
	size_t room;
};

static int key_take(void *arg, const struct lsp_key_role *key, const char *lock)
{
	struct list *l = arg;

	if (lsp_array_grow(&l->keys, &l->room, l->n, sizeof(*l->keys)))
		return -ENOMEM;
	l->keys[l->n++] = (struct listed){ key, lock };
	return 0;
}

static int key_compare(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;
	const struct lsp_evidence *p = &x->key->evidence, *q = &y->key->evidence;

	if (p->releases != q->releases)
		return p->releases < q->releases ? 1 : -1;
	if (p->waits != q->waits)
		return p->waits < q->waits ? 1 : -1;
	return strcmp(x->lock, y->lock);
}

static struct json_object *key_new(const struct listed *l)
{
	const struct lsp_evidence *e = &l->key->evidence;
	struct json_object *o = json_object_new_object();

	lsp_json_string(o, "lock", l->lock);
	lsp_json_string(o, "sync", lsp_sync_name(l->key->sync));
	lsp_json_string(o, "role", lsp_role_name(l->key->role));
	lsp_json_string(o, "doubt", lsp_doubt_name(l->key->doubt));
	json_object_object_add(o, "virtual", json_object_new_boolean(l->key->virtual));
	lsp_json_u64(o, "waits", e->waits);
	lsp_json_u64(o, "threads", e->threads);
	lsp_json_u64(o, "releases", e->releases);
	lsp_json_u64(o, "own_releases", e->own_releases);
	lsp_json_u64(o, "calls", e->calls);
	lsp_json_double(o, "waiters_a_call", e->calls ? (double)e->releases / (double)e->calls : 0);
	lsp_json_u64(o, "judged", e->judged);
	lsp_json_double(o, "chained", lsp_evidence_chained(e));
	lsp_json_u64(o, "left", e->left);
	lsp_json_u64(o, "herds", e->herds);
	lsp_json_u64(o, "both", e->both);
	return o;
}

int lsp_record_roles_add(struct json_object *o, const struct lsp_record_result *r)
{
	struct json_object *reasons = json_object_new_object(), *keys = json_object_new_array();
	struct list l = { 0 };
	int err = lsp_collector_keys(r->collector, key_take, &l);

	json_object_object_add(o, "not_blamed", reasons);
	for (unsigned int i = 0; i < LSP_UNBLAMED_COUNT; i++) {
		const struct lsp_estimate *e = &r->summary->unblamed[i];
		struct json_object *one;

		if (!e->kept)
			continue;
		one = json_object_new_object();
		lsp_json_double(one, "releases", e->count);
		lsp_json_double(one, "hold_ns", e->delay_ns);
		lsp_json_string(one, "why", lsp_unblamed_why(i));
		json_object_object_add(reasons, lsp_unblamed_name(i), one);
	}
	json_object_object_add(o, "keys", keys);
	lsp_json_u64(o, "keys_known", l.n);
	if (l.n)
		qsort(l.keys, l.n, sizeof(*l.keys), key_compare);
	for (size_t i = 0; i < l.n && i < KEYS_MAX; i++)
		json_object_array_add(keys, key_new(&l.keys[i]));
	free(l.keys);
	return err;
}
