/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One profile in pprof's format, in memory: built sample by sample, merged by
 * (stack, labels), written and read as a gzipped protobuf. Knows nothing of
 * spans; all strings are copied. Ids are dense and start at 1. Several sources
 * define this: pprof.c, pprof_join.c, pprof_read.c and pprof_write.c.
 */
#ifndef LSP_PROFILE_PPROF_H
#define LSP_PROFILE_PPROF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lsp_profile;

#define LSP_PROFILE_MAX_TYPES 8

struct lsp_profile_type {
	const char *type;	/* "delay" */
	const char *unit;	/* "nanoseconds" */
};

struct lsp_profile_mapping {
	uint64_t start;		/* of the executable mapping, as in /proc/PID/maps */
	uint64_t limit;
	uint64_t offset;	/* offset in the file, in bytes */
	const char *filename;
	const char *build_id;	/* lowercase hex or "" */
	bool has_functions;	/* also sets has_filenames, has_line_numbers, has_inline_frames */
};

struct lsp_profile_line {
	const char *function;		/* demangled */
	const char *system_name;	/* the name that the linker knows */
	const char *file;		/* absolute, or "" */
	int64_t line;
	int64_t start_line;
};

/* Either the text @str, or (with @str NULL) the number @num in @unit. */
struct lsp_profile_label {
	const char *key;
	const char *str;
	int64_t num;
	const char *unit;
};

/*
 * A sample as a reader gets it. Locations are leaf first. The pointers belong to the profile, and
 * are valid until it is destroyed or changed.
 */
struct lsp_profile_sample {
	const uint64_t *locations;
	size_t nlocations;
	const struct lsp_profile_label *labels;
	size_t nlabels;
	const double *values;	/* one for each sample type */
};

struct lsp_profile_location {
	uint64_t mapping;	/* 0 none */
	uint64_t address;
	const struct lsp_profile_line *lines;	/* innermost inlined first */
	size_t nlines;
};

/* Go's block and mutex profile: contentions/count and delay/nanoseconds. */
extern const struct lsp_profile_type lsp_profile_contention_types[2];

/*
 * Returns an empty profile with these sample types, the period type contentions/count and the
 * period 1. With more than two types, the default type is "delay". NULL: no memory.
 */
struct lsp_profile *lsp_profile_create(const struct lsp_profile_type *types, size_t ntypes);
void lsp_profile_destroy(struct lsp_profile *p);

/*
 * Sets the period, which is what one sample stands for, if it is not contentions/count, 1. Returns
 * 0 or -ENOMEM.
 */
int lsp_profile_period_set(struct lsp_profile *p, const struct lsp_profile_type *type,
			   int64_t period);

/*
 * Sets the wall-clock time of the profile's beginning. The duration stays 0 for a cumulative
 * profile.
 */
void lsp_profile_time_set(struct lsp_profile *p, int64_t time_ns, int64_t duration_ns);
int lsp_profile_comment_add(struct lsp_profile *p, const char *text);

/*
 * Each function returns the id of the one object that equals what is given, and adds the object if
 * it is new; or it returns a negative errno. The first mapping added is the main binary's.
 *
 * A location is identified by its mapping, address and lines. A frame that has no address
 * ("[handoff]") gives 0 for @mapping and @address, and at least one line. It gets an address made
 * from its lines, which is the same in every run. -EINVAL: an unknown mapping, or neither address
 * nor lines.
 */
int64_t lsp_profile_mapping_add(struct lsp_profile *p, const struct lsp_profile_mapping *m);
int64_t lsp_profile_location_add(struct lsp_profile *p, uint64_t mapping, uint64_t address,
				 const struct lsp_profile_line *lines, size_t nlines);

/*
 * Adds @values to the sample with this stack and these labels. The order of the labels does not
 * matter. A label whose @str is empty is left out, because the format cannot express it. Returns 0
 * or -errno. -EINVAL: an unknown location, a value that is not finite, or a key that is empty, is
 * given twice or begins with "pprof::".
 */
int lsp_profile_sample_add(struct lsp_profile *p, const uint64_t *locations, size_t nlocations,
			   const struct lsp_profile_label *labels, size_t nlabels,
			   const double *values);

/*
 * Adds every sample of @from, times @scale, to @to; subtract takes away @base.
 * Frames are matched as `go tool pprof` matches them when it merges profiles or
 * takes a -base: mappings by size (in whole 4 KiB), offset and build id or else
 * file name, addresses relative to the mapping, and the frame's lines; so two
 * runs at other addresses, and two processes of one program, come together.
 * Samples that cancel out are gone afterwards. Time becomes the earlier of the
 * two, duration the sum; comments are united. 0 or -errno: -EINVAL for other
 * sample types or another period type, or a scale that is not finite; then the
 * profile is as it was. @from may be @to.
 */
int lsp_profile_add(struct lsp_profile *to, const struct lsp_profile *from, double scale);
int lsp_profile_subtract(struct lsp_profile *from, const struct lsp_profile *base);

/* Readers. Indexes start at 0. They return NULL or false if the index is out of range. */
size_t lsp_profile_samples(const struct lsp_profile *p);
bool lsp_profile_sample(const struct lsp_profile *p, size_t index, struct lsp_profile_sample *ret);
bool lsp_profile_location(const struct lsp_profile *p, uint64_t id, struct lsp_profile_location *ret);
bool lsp_profile_mapping(const struct lsp_profile *p, uint64_t id, struct lsp_profile_mapping *ret);
size_t lsp_profile_types(const struct lsp_profile *p);
const struct lsp_profile_type *lsp_profile_type(const struct lsp_profile *p, size_t index);
const char *lsp_profile_comment(const struct lsp_profile *p, size_t index);
int64_t lsp_profile_time_ns(const struct lsp_profile *p);
int64_t lsp_profile_duration_ns(const struct lsp_profile *p);

/*
 * Writes samples in descending order of their last value (delay), equal ones in
 * the order of their making; values rounded to the nearest integer, but a first
 * value of unit "count" that is above 0 to at least 1. Samples that are all
 * zero, and locations and strings that no sample uses, are left out. Equal
 * profiles give equal bytes. lsp_profile_write() goes to a temporary file of
 * mode 0600 beside @path and renames it; lsp_profile_write_fd() streams. 0 or
 * -errno (-ENOSPC for a full disk; no partial file is left).
 */
int lsp_profile_write(const struct lsp_profile *p, const char *path);
int lsp_profile_write_fd(const struct lsp_profile *p, int fd);
/* The same into a malloc'ed buffer, for HTTP. */
int lsp_profile_write_mem(const struct lsp_profile *p, void **ret, size_t *bytes_ret);

/*
 * Reads a profile, gzipped or not, of any origin (Go's own too). Equal samples
 * become one. -EBADMSG for anything that profile.proto or the validity rules of
 * pprof forbid (damaged gzip, truncated message, value count, dangling ids
 * but for a mapping's, which is then none, string index out of range), for no or more than LSP_PROFILE_MAX_TYPES sample
 * types and for more than 1 GiB once inflated; otherwise the errno of open or
 * read, or -ENOMEM. On failure *@ret is NULL and @why (of @why_bytes) holds the
 * reason, a clause to follow the file's name: "the gzip data ends too early".
 * Kept but not shown: frame filters, period, default type. Not kept: columns,
 * fields of later formats.
 */
int lsp_profile_read(const char *path, struct lsp_profile **ret, char *why, size_t why_bytes);
int lsp_profile_read_mem(const void *data, size_t bytes, struct lsp_profile **ret, char *why,
			 size_t why_bytes);

#endif
