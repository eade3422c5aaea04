/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a profile is kept in memory. Several sources define this: those that build, encode, decode
 * and join profiles. Everything is interned: two equal strings, locations, stacks or label sets are
 * one object. The objects point to the canonical copies of what they contain, so equal objects have
 * equal bytes.
 */
#ifndef LSP_PROFILE_PPROF_PRIVATE_H
#define LSP_PROFILE_PPROF_PRIVATE_H

#include "gzip.h"
#include "../base/intern.h"
#include "pprof.h"

/* The largest profile that is read, once decompressed. A million samples take 0.1 GiB. */
#define LSP_PROFILE_MAX_BYTES (1U << 30)

/* The four has_* of a mapping, each its own bit. */
#define LSP_MAPPING_FUNCTIONS	(1U << 0)
#define LSP_MAPPING_FILENAMES	(1U << 1)
#define LSP_MAPPING_LINES	(1U << 2)
#define LSP_MAPPING_INLINES	(1U << 3)
#define LSP_MAPPING_HAS_ALL	15U

/* These have no padding, because they are compared as bytes. */
struct lsp_mapping_item {
	uint64_t start;
	uint64_t limit;
	uint64_t offset;
	const char *filename;
	const char *build_id;
	uint64_t has;			/* LSP_MAPPING_* */
};

struct lsp_location_item {
	uint64_t mapping;
	uint64_t address;
	uint64_t folded;
	struct lsp_profile_line lines[];
};

struct lsp_sample_item {
	uint32_t stack;
	uint32_t labels;
};

struct lsp_profile {
	struct lsp_profile_type types[LSP_PROFILE_MAX_TYPES];
	size_t ntypes;
	struct lsp_profile_type period_type;
	int64_t period;
	int64_t time_ns;
	int64_t duration_ns;
	const char *default_type;	/* these four "" when unset */
	const char *drop_frames;
	const char *keep_frames;
	const char *doc_url;
	const char **comments;
	size_t ncomments;
	size_t comments_room;
	struct lsp_intern strings;	/* with their NUL; id 0 is "" */
	struct lsp_intern mappings;	/* struct lsp_mapping_item; the public id is one more */
	struct lsp_intern locations;	/* struct lsp_location_item; likewise */
	struct lsp_intern stacks;	/* uint64_t ids, leaf first */
	struct lsp_intern labels;	/* struct lsp_profile_label, sorted */
	struct lsp_intern samples;	/* struct lsp_sample_item */
	double *values;			/* ntypes for each sample */
	size_t values_room;			/* in samples */
	void *scratch;
	size_t scratch_bytes;
};

/* Returns a profile without types and period, whose only string is "". NULL: no memory. */
struct lsp_profile *lsp_profile_alloc(void);

/*
 * Returns the canonical copy of a text. NULL counts as "". Text that is not UTF-8 is cleaned. NULL:
 * no memory.
 */
const char *lsp_profile_string(struct lsp_profile *p, const char *text);
const char *lsp_profile_string_bytes(struct lsp_profile *p, const char *text, size_t bytes);

/*
 * Like the public functions, but for parts that are canonical already. @m and @l must be all zero
 * except for their fields.
 */
int64_t lsp_profile_mapping_intern(struct lsp_profile *p, const struct lsp_mapping_item *m);
int64_t lsp_profile_location_intern(struct lsp_profile *p, const struct lsp_location_item *l,
				    size_t nlines);

/*
 * Like lsp_profile_sample_add(), but for labels with canonical strings. They are sorted in place,
 * and a key may occur more than once.
 */
int lsp_profile_sample_intern(struct lsp_profile *p, const uint64_t *locations, size_t nlocations,
			      struct lsp_profile_label *labels, size_t nlabels,
			      const double *values);

/*
 * Returns at least @bytes bytes of memory, which belong to the profile and to one caller at a time.
 * NULL: no memory.
 */
void *lsp_profile_scratch(struct lsp_profile *p, size_t bytes);

/* Rounds @value as it is written: to the nearest integer, within int64_t. */
int64_t lsp_profile_round(double value);

/* Writes the whole file to @sink, compressed by gzip. Returns 0, -ENOMEM or the sink's error. */
int lsp_profile_encode(const struct lsp_profile *p, lsp_gzip_sink sink, void *arg);

/*
 * Makes a profile from an uncompressed message of at most LSP_PROFILE_MAX_BYTES. Returns 0,
 * -ENOMEM, or -EBADMSG with the reason in @why.
 */
int lsp_profile_decode(const void *data, size_t bytes, struct lsp_profile **ret, char *why,
		       size_t why_bytes);

#endif
