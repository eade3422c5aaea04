// SPDX-License-Identifier: GPL-2.0-only
#include "recording.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "words.h"

static const char *const part_names[LSP_PART_COUNT] = { "block", "mutex", "contention" };

const char *lsp_part_name(enum lsp_part part)
{
	return part_names[part];
}

void lsp_recording_uninit(struct lsp_recording *r)
{
	for (int i = 0; i < LSP_PART_COUNT; i++)
		lsp_profile_destroy(r->parts[i]);
	lsp_facts_uninit(&r->facts);
	memset(r, 0, sizeof(*r));
}

int lsp_part_column(const struct lsp_profile *p, const char *name)
{
	for (size_t i = 0; i < lsp_profile_types(p); i++)
		if (!strcmp(lsp_profile_type(p, i)->type, name))
			return (int)i;
	return -1;
}

const char *lsp_sample_text(const struct lsp_profile_sample *s, const char *key)
{
	for (size_t i = 0; i < s->nlabels; i++)
		if (s->labels[i].str && !strcmp(s->labels[i].key, key))
			return s->labels[i].str;
	return "";
}

bool lsp_recording_takes(const struct lsp_recording *r, const struct lsp_profile_sample *s)
{
	return lsp_words_asked(lsp_sample_text(s, "lock"), r->only);
}

bool lsp_recording_has_any(const struct lsp_recording *r)
{
	struct lsp_profile_sample s;
	struct lsp_facts_open open;

	for (int part = 0; part < LSP_PART_COUNT; part++)
		for (size_t i = 0; r->parts[part] && lsp_profile_sample(r->parts[part], i, &s); i++)
			if (lsp_recording_takes(r, &s))
				return true;
	for (size_t i = 0; lsp_facts_open(&r->facts, i, &open); i++)
		if (lsp_words_asked(open.lock, r->only))
			return true;
	return false;
}

bool lsp_sample_given_up(const struct lsp_profile_sample *s)
{
	return !strcmp(lsp_sample_text(s, "kind"), "given_up");
}

static bool types_are_contention(const struct lsp_profile *p)
{
	for (size_t i = 0; i < 2; i++)
		if (lsp_profile_types(p) != 2 ||
		    strcmp(lsp_profile_type(p, i)->type, lsp_profile_contention_types[i].type) ||
		    strcmp(lsp_profile_type(p, i)->unit, lsp_profile_contention_types[i].unit))
			return false;
	return true;
}

/* -1: nothing tells which part it is */
static int part_by_comment(const struct lsp_profile *p)
{
	const char *comment;

	for (size_t i = 0; (comment = lsp_profile_comment(p, i)); i++)
		for (int part = 0; part < LSP_PART_EXT; part++) {
			char start[64];

			snprintf(start, sizeof(start), "lockspan %s profile", part_names[part]);
			if (!strncmp(comment, start, strlen(start)))
				return part;
		}
	return -1;
}

static int part_by_samples(const struct lsp_profile *p)
{
	struct lsp_profile_sample s;
	struct lsp_profile_location l;
	size_t unlocks = 0, n = lsp_profile_samples(p);

	for (size_t i = 0; lsp_profile_sample(p, i, &s); i++) {
		const char *kind = lsp_sample_text(&s, "kind");

		if (!strcmp(kind, "block") || !strcmp(kind, "mutex") || lsp_sample_given_up(&s))
			return *kind == 'b' ? LSP_PART_BLOCK : LSP_PART_MUTEX;
		if (s.nlocations && lsp_profile_location(p, s.locations[0], &l) && l.nlines &&
		    (strstr(l.lines[0].function, "nlock")))
			unlocks++;
	}
	if (!n)
		return -1;
	return 2 * unlocks > n ? LSP_PART_MUTEX : LSP_PART_BLOCK;
}

/* Only a difference (go tool pprof -diff_base, -base) has values below 0. */
static bool is_difference(const struct lsp_profile *p)
{
	struct lsp_profile_sample s;

	for (size_t i = 0; lsp_profile_sample(p, i, &s); i++)
		for (size_t k = 0; k < lsp_profile_types(p); k++)
			if (s.values[k] < 0)
				return true;
	return false;
}

int lsp_recording_part(const struct lsp_profile *p, const char *name, char *why, size_t why_bytes)
{
	const char *base = strrchr(name, '/');
	size_t n = 0;
	int part;

	if (is_difference(p)) {
		snprintf(why, why_bytes, "it is the difference of two profiles, with values below 0; lockspan diff takes the two themselves");
		return -EINVAL;
	}
	if (lsp_part_column(p, "hold") >= 0 && lsp_part_column(p, "sched_delay") >= 0 &&
	    lsp_part_column(p, "delay") >= 0)
		return LSP_PART_EXT;
	if (types_are_contention(p)) {
		part = part_by_comment(p);
		if (part < 0)
			part = part_by_samples(p);
		if (part < 0)
			part = strstr(base ? base : name, "mutex") ? LSP_PART_MUTEX : LSP_PART_BLOCK;
		return part;
	}
	n = (size_t)snprintf(why, why_bytes, "it has the sample types");
	for (size_t i = 0; i < lsp_profile_types(p) && n < why_bytes; i++)
		n += (size_t)snprintf(why + n, why_bytes - n, "%s %s/%s", i ? "," : "",
				      lsp_profile_type(p, i)->type, lsp_profile_type(p, i)->unit);
	if (n < why_bytes)
		snprintf(why + n, why_bytes - n,
			 "; a block or mutex profile has contentions/count, delay/nanoseconds");
	return -EINVAL;
}

int lsp_recording_add(struct lsp_recording *r, enum lsp_part part, struct lsp_profile *p)
{
	int err;

	if (!r->parts[part]) {
		r->parts[part] = p;
		return 0;
	}
	err = lsp_profile_add(r->parts[part], p, 1);
	lsp_profile_destroy(p);
	return err;
}

/* ---- what locks are used for ---- */

static bool sync_is_lock(const char *sync)
{
	return !strcmp(sync, "mutex") || !strncmp(sync, "rwlock", 6) || !strcmp(sync, "pi");
}

bool lsp_use_is_blamed(const struct lsp_profile_sample *s)
{
	const char *role = lsp_sample_text(s, "role");

	return *role ? !strcmp(role, "lock") : sync_is_lock(lsp_sample_text(s, "sync"));
}

static enum lsp_use use_of_sync(const char *sync)
{
	if (!*sync || sync_is_lock(sync))
		return LSP_USE_LOCK;
	if (!strcmp(sync, "join") || !strcmp(sync, "barrier"))
		return LSP_USE_END;
	return !strcmp(sync, "sem") || !strcmp(sync, "other") ? LSP_USE_UNKNOWN : LSP_USE_HANDOVER;
}

static enum lsp_use use_of_role(const char *role, const char *sync)
{
	if (!strcmp(role, "lock") || !strcmp(role, "unsure"))
		return LSP_USE_LOCK;
	if (!strcmp(role, "signal") || !strcmp(role, "pool"))
		return LSP_USE_HANDOVER;
	if (!strcmp(role, "join") || !strcmp(role, "barrier"))
		return LSP_USE_END;
	return use_of_sync(sync);
}

static int release_take(struct lsp_uses *u, const struct lsp_profile_sample *s, double hold_ns)
{
	const char *lock = lsp_sample_text(s, "lock"), *role = lsp_sample_text(s, "role");
	int64_t id = lsp_intern_add(&u->names, lock, strlen(lock) + 1);
	size_t before = u->room;

	if (id < 0 || lsp_array_grow(&u->locks, &u->room, (size_t)id, sizeof(*u->locks)))
		return -ENOMEM;
	if (u->room > before)
		memset(&u->locks[before], 0, (u->room - before) * sizeof(*u->locks));
	if (hold_ns < u->locks[id].hold_ns)
		return 0;
	u->locks[id] = (struct lsp_use_lock){ use_of_role(role, lsp_sample_text(s, "sync")), hold_ns };
	return 0;
}

int lsp_uses_create(const struct lsp_recording *r, struct lsp_uses *ret)
{
	const struct lsp_profile *p = r->parts[LSP_PART_EXT];
	int hold = p ? lsp_part_column(p, "hold") : -1, err = 0;
	struct lsp_profile_sample s;

	memset(ret, 0, sizeof(*ret));
	lsp_intern_init(&ret->names);
	for (size_t i = 0; !err && hold >= 0 && lsp_profile_sample(p, i, &s); i++)
		if (*lsp_sample_text(&s, "role"))
			err = release_take(ret, &s, s.values[hold]);
	if (err)
		lsp_uses_destroy(ret);
	return err;
}

void lsp_uses_destroy(struct lsp_uses *u)
{
	free(u->locks);
	lsp_intern_uninit(&u->names);
	memset(u, 0, sizeof(*u));
}

enum lsp_use lsp_uses_of(const struct lsp_uses *u, const char *lock, const char *sync)
{
	int64_t id = lsp_intern_find(&u->names, lock, strlen(lock) + 1);

	return id < 0 ? use_of_sync(sync) : u->locks[id].use;
}
