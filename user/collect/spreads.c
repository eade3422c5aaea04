// SPDX-License-Identifier: GPL-2.0-only
#include "spreads.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Histograms that are kept; a program with more locks has none for the rest. */
#define SPREADS_MAX 8192

int lsp_spreads_init(struct lsp_spreads *s)
{
	memset(s, 0, sizeof(*s));
	if (lsp_array_grow(&s->spreads, &s->room, 0, sizeof(*s->spreads)))
		return -ENOMEM;
	s->spreads[s->n++] = (struct lsp_spread){ .name = LSP_INDEX_NONE };
	return 0;
}

void lsp_spreads_uninit(struct lsp_spreads *s)
{
	for (size_t i = 0; i < s->n; i++)
		for (int k = 0; k < LSP_SPREAD_OCTAVES; k++)
			free(s->spreads[i].octaves[k]);
	free(s->spreads);
	free(s->mixed);
	lsp_index_uninit(&s->index);
	memset(s, 0, sizeof(*s));
}

static bool key_equal(const void *arg, uint32_t place, const void *key)
{
	const struct lsp_spreads *s = arg;

	return s->spreads[place].key == *(const uint64_t *)key;
}

static uint32_t find(const struct lsp_spreads *s, uint64_t key)
{
	uint32_t place = lsp_index_find(&s->index, lsp_hash(&key, sizeof(key), 0), key_equal, s, &key);

	return place == LSP_INDEX_NONE ? 0 : place;
}

uint32_t lsp_spreads_at(struct lsp_spreads *s, uint64_t key)
{
	uint32_t place = find(s, key);

	if (place || s->n >= SPREADS_MAX)
		return place;
	if (lsp_array_grow(&s->spreads, &s->room, s->n, sizeof(*s->spreads)) ||
	    lsp_index_add(&s->index, lsp_hash(&key, sizeof(key), 0), (uint32_t)s->n))
		return 0;
	s->spreads[s->n] = (struct lsp_spread){ .key = key, .name = LSP_INDEX_NONE };
	return (uint32_t)s->n++;
}

/* Keys are hashes, which hit none of these few numbers. */
uint32_t lsp_spreads_of_name(struct lsp_spreads *s, uint32_t name)
{
	return lsp_spreads_at(s, ~(uint64_t)name);
}

void lsp_spreads_add_first(struct lsp_spreads *s, uint32_t number, uint64_t wait_ns)
{
	unsigned int octave = 63U - LSP_SPREAD_LEAST_BITS - (unsigned int)__builtin_clzll(wait_ns);
	struct lsp_spread *spread = &s->spreads[number];

	/* Number 0 is never read. */
	if (!number || octave >= LSP_SPREAD_OCTAVES)
		return;
	spread->octaves[octave] = calloc(LSP_SPREAD_BUCKETS, sizeof(*spread->octaves[octave]));
	if (spread->octaves[octave])
		spread->octaves[octave][wait_ns >> octave & (LSP_SPREAD_BUCKETS - 1)]++;
}

static int mix(struct lsp_spreads *s, uint32_t name)
{
	size_t before = s->mixed_room;

	while (name >= s->mixed_room)
		if (lsp_array_grow(&s->mixed, &s->mixed_room, s->mixed_room, sizeof(*s->mixed)))
			return -ENOMEM;
	if (s->mixed_room > before)
		memset(s->mixed + before, 0, s->mixed_room - before);
	s->mixed[name] = true;
	return 0;
}

int lsp_spreads_name(struct lsp_spreads *s, uint32_t number, uint32_t name)
{
	struct lsp_spread *spread = &s->spreads[number];

	if (number && spread->name == LSP_INDEX_NONE)
		spread->name = name;
	if (number && spread->name == name)
		return 0;
	return mix(s, name) || (number && mix(s, spread->name)) ? -ENOMEM : 0;
}

int lsp_spreads_drop(struct lsp_spreads *s, uint64_t key)
{
	uint32_t number = find(s, key);

	return number && s->spreads[number].name != LSP_INDEX_NONE ? mix(s, s->spreads[number].name) : 0;
}

/* The middle of the bucket in which the wait with the number @rank is, counted from the shortest. */
static double length(const uint64_t *counts, uint64_t rank)
{
	uint64_t seen = 0;
	size_t at = 0;

	while (seen + counts[at] < rank)
		seen += counts[at++];
	return ((double)(LSP_SPREAD_BUCKETS + at % LSP_SPREAD_BUCKETS) + 0.5) * (double)(1ULL << at / LSP_SPREAD_BUCKETS);
}

bool lsp_spreads_lengths(const struct lsp_spreads *s, uint32_t name, uint64_t waits, struct lsp_lengths *ret)
{
	uint64_t counts[LSP_SPREAD_OCTAVES * LSP_SPREAD_BUCKETS] = { 0 }, all = 0;

	if (!waits || (name < s->mixed_room && s->mixed[name]))
		return false;
	for (size_t i = 1; i < s->n; i++) {
		const struct lsp_spread *spread = &s->spreads[i];

		if (spread->name != name)
			continue;
		for (size_t k = 0; k < LSP_SPREAD_OCTAVES * LSP_SPREAD_BUCKETS; k++)
			if (spread->octaves[k / LSP_SPREAD_BUCKETS])
				counts[k] += spread->octaves[k / LSP_SPREAD_BUCKETS][k % LSP_SPREAD_BUCKETS];
	}
	for (size_t k = 0; k < LSP_SPREAD_OCTAVES * LSP_SPREAD_BUCKETS; k++)
		all += counts[k];
	if (all != waits)
		return false;
	for (int i = 0; i < LSP_LENGTH_COUNT; i++)
		ret->ns[i] = length(counts, waits - waits / 1000 * lsp_length_kinds[i].longer -
				    waits % 1000 * lsp_length_kinds[i].longer / 1000);
	return true;
}
