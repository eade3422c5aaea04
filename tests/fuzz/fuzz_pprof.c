// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: bytes that make the profile reader crash, read outside the file,
 * leak, or give out a profile that cannot be walked, written, read again or
 * subtracted from itself. For libFuzzer; tests/fuzz/run builds and starts it.
 * The input is the inflated message; gzip is zlib's business and would hide
 * the rest from the fuzzer. An input that begins as gzip does is inflated.
 * sources: user/base/intern.c user/base/arena.c user/base/index.c user/profile/utf8.c user/profile/gzip.c user/profile/wire.c
 * sources: user/profile/pprof.c user/profile/pprof_encode.c user/profile/pprof_write.c
 * sources: user/profile/pprof_decode.c user/profile/pprof_read.c user/profile/pprof_join.c
 * sources: user/profile/profile.pb-c.c
 * libs: -lprotobuf-c -lz
 */
#include <stdlib.h>
#include <string.h>

#include "../../user/profile/pprof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#define MUST(condition) do { if (!(condition)) abort(); } while (0)

/* Everything that the readers give out can be looked at. */
static uint64_t walk(const struct lsp_profile *p)
{
	struct lsp_profile_sample s;
	struct lsp_profile_location l;
	struct lsp_profile_mapping m;
	uint64_t seen = 0;
	size_t i, k, n;

	for (i = 0; lsp_profile_sample(p, i, &s); i++) {
		for (k = 0; k < s.nlocations; k++) {
			MUST(lsp_profile_location(p, s.locations[k], &l));
			MUST(!l.mapping || lsp_profile_mapping(p, l.mapping, &m));
			for (n = 0; n < l.nlines; n++)
				seen += strlen(l.lines[n].function) + strlen(l.lines[n].system_name) +
					strlen(l.lines[n].file);
		}
		for (k = 0; k < s.nlabels; k++)
			seen += strlen(s.labels[k].key) + strlen(s.labels[k].unit) +
				(s.labels[k].str ? strlen(s.labels[k].str) : 0);
		for (k = 0; k < lsp_profile_types(p); k++)
			seen += s.values[k] > 0;
	}
	for (i = 1; lsp_profile_mapping(p, i, &m); i++)
		seen += strlen(m.filename) + strlen(m.build_id);
	for (i = 0; lsp_profile_comment(p, i); i++)
		seen += strlen(lsp_profile_comment(p, i));
	return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct lsp_profile *p, *back;
	char why[64];
	size_t size;
	void *file;

	if (lsp_profile_read_mem(data, bytes, &p, why, sizeof(why))) {
		MUST(!p && memchr(why, '\0', sizeof(why)) && why[0]);
		return 0;
	}
	walk(p);
	MUST(!lsp_profile_write_mem(p, &file, &size));
	MUST(!lsp_profile_read_mem(file, size, &back, why, sizeof(why)));
	free(file);
	MUST(lsp_profile_samples(back) <= lsp_profile_samples(p));
	walk(back);
	MUST(!lsp_profile_add(p, back, 0.5));
	MUST(!lsp_profile_subtract(back, back));
	MUST(!lsp_profile_samples(back));
	lsp_profile_destroy(back);
	lsp_profile_destroy(p);
	return 0;
}
