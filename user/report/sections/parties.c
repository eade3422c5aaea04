// SPDX-License-Identifier: GPL-2.0-only
#include "parties.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../base/index.h"
#include "../site.h"

static struct lsp_party *party_at(struct lsp_parties *p, const char *lock, const char *site,
				  enum lsp_party_side side)
{
	int64_t key[3] = {
		lsp_intern_add(&p->locks, lock, strlen(lock) + 1), lsp_intern_add(&p->sites, site, strlen(site) + 1),
		side,
	};
	int64_t id = key[0] < 0 || key[1] < 0 ? -ENOMEM : lsp_intern_add(&p->keys, key, sizeof(key));

	if (id < 0)
		return NULL;
	if ((size_t)id == p->n) {
		if (lsp_array_grow(&p->parties, &p->room, p->n, sizeof(*p->parties)))
			return NULL;
		p->parties[p->n++] = (struct lsp_party){
			.site = lsp_intern_get(&p->sites, (uint32_t)key[1], NULL), .lock = (size_t)key[0],
			.side = side,
		};
	}
	return &p->parties[id];
}

/* Which part says how much of a sample: the sums of a lock's releasers are those of the mutex profile. */
static int sample_take(struct lsp_parties *p, enum lsp_part part, const struct lsp_profile *profile,
		       const struct lsp_profile_sample *s, int hold, int spurious)
{
	const char *kind = lsp_sample_text(s, "kind");
	bool release = part == LSP_PART_MUTEX || !strcmp(kind, "mutex");
	enum lsp_party_side side = !release ? LSP_PARTY_WAITS :
				   part == LSP_PART_MUTEX ? LSP_PARTY_BLAMED : LSP_PARTY_OTHER;
	struct lsp_party *party;
	struct lsp_site site;

	if (lsp_sample_given_up(s) || !strcmp(kind, "handoff") ||
	    (part == LSP_PART_EXT && release && lsp_use_is_blamed(s)))
		return 0;
	lsp_site_find(profile, s, &site);
	party = party_at(p, lsp_sample_text(s, "lock"), site.function, side);
	if (!party)
		return -ENOMEM;
	if (part == LSP_PART_EXT && !release) {
		party->rewaits += spurious < 0 ? 0 : s->values[spurious];
		return 0;
	}
	party->count += s->values[0];
	party->ns += part != LSP_PART_EXT ? s->values[1] : hold < 0 ? 0 : s->values[hold];
	return 0;
}

static int party_compare(const void *a, const void *b)
{
	const struct lsp_party *x = a, *y = b;

	if (x->lock != y->lock)
		return x->lock < y->lock ? -1 : 1;
	if (x->side != y->side)
		return x->side < y->side ? -1 : 1;
	if (x->ns != y->ns)
		return x->ns < y->ns ? 1 : -1;
	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return strcmp(x->site, y->site);
}

static int locks_find(struct lsp_parties *p)
{
	p->nlocks = p->locks.count;
	p->first = calloc(p->nlocks + 1, sizeof(*p->first));
	if (!p->first)
		return -ENOMEM;
	if (p->n)
		qsort(p->parties, p->n, sizeof(*p->parties), party_compare);
	for (size_t i = 0; i < p->n; i++)
		p->first[p->parties[i].lock + 1]++;
	for (size_t i = 0; i < p->nlocks; i++)
		p->first[i + 1] += p->first[i];
	return 0;
}

int lsp_parties_create(const struct lsp_recording *r, struct lsp_parties *ret)
{
	struct lsp_profile_sample s;
	int err = 0;

	memset(ret, 0, sizeof(*ret));
	lsp_intern_init(&ret->locks);
	lsp_intern_init(&ret->sites);
	lsp_intern_init(&ret->keys);
	for (int part = 0; part < LSP_PART_COUNT; part++) {
		const struct lsp_profile *p = r->parts[part];
		int hold = p ? lsp_part_column(p, "hold") : -1, spurious = p ? lsp_part_column(p, "spurious") : -1;

		for (size_t i = 0; !err && p && lsp_profile_sample(p, i, &s); i++)
			if (lsp_recording_takes(r, &s))
				err = sample_take(ret, (enum lsp_part)part, p, &s, hold, spurious);
	}
	if (!err)
		err = locks_find(ret);
	if (err)
		lsp_parties_destroy(ret);
	return err;
}

void lsp_parties_destroy(struct lsp_parties *p)
{
	free(p->parties);
	free(p->first);
	lsp_intern_uninit(&p->locks);
	lsp_intern_uninit(&p->sites);
	lsp_intern_uninit(&p->keys);
	memset(p, 0, sizeof(*p));
}

size_t lsp_parties_of(const struct lsp_parties *p, const char *lock, enum lsp_party_side side,
		      const struct lsp_party **ret)
{
	int64_t id = lsp_intern_find(&p->locks, lock, strlen(lock) + 1);
	size_t at, end, n = 0;

	*ret = NULL;
	if (id < 0 || (size_t)id >= p->nlocks)
		return 0;
	at = p->first[id];
	end = p->first[id + 1];
	while (at < end && p->parties[at].side != side)
		at++;
	while (at + n < end && p->parties[at + n].side == side)
		n++;
	*ret = n ? &p->parties[at] : NULL;
	return n;
}
