// SPDX-License-Identifier: GPL-2.0-only
#include "cpu.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "maps.h"
#include "ring.h"
#include "../results/profiles.h"

#define MAX_LOCATIONS 1024

static const struct lsp_profile_type cpu_types[2] = {
	{ "samples", "count" },
	{ "cpu", "nanoseconds" },
};

struct lsp_cpu {
	struct lsp_cpu_ring *rings;	/* one for each CPU */
	size_t nrings;
	struct lsp_resolver *resolver;
	struct lsp_cpu_maps *maps;
	struct lsp_profile *profile;
	struct lockspan_stack *stack;	/* room for one */
	uint64_t next_id;
	struct lsp_cpu_totals totals;
};

/* A record's size is 16 bits. */
#define STACK_MAX 65536

/* ---- samplers ---- */

static bool cpu_online(int cpu)
{
	char path[64], on = '1';
	FILE *f;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/online", cpu);
	f = fopen(path, "re");	/* the file is absent for a CPU that cannot be taken offline */
	if (f) {
		on = (char)fgetc(f);
		fclose(f);
	}
	return on != '0';
}

static int rings_open(struct lsp_cpu *c, const struct lsp_cpu_options *o)
{
	long n = sysconf(_SC_NPROCESSORS_CONF);
	int err = 0;

	c->rings = calloc((size_t)n, sizeof(*c->rings));
	if (!c->rings)
		return -ENOMEM;
	for (int cpu = 0; !err && cpu < n; cpu++) {
		if (!cpu_online(cpu))
			continue;
		err = lsp_cpu_ring_open(&c->rings[c->nrings], cpu, o->all ? -1 : o->cgroup);
		if (!err)
			c->nrings++;
	}
	return err;
}

static int targets_want(struct lsp_cpu *c, const struct lsp_cpu_options *o)
{
	int err = 0;

	if (o->all || o->cgroup >= 0)
		lsp_cpu_maps_want_all(c->maps);
	for (size_t i = 0; !err && i < o->npids; i++)
		err = lsp_cpu_maps_want(c->maps, o->pids[i]);
	return err;
}

int lsp_cpu_create(const struct lsp_cpu_options *o, struct lsp_cpu **ret)
{
	struct lsp_resolver_options resolver = o->resolver;
	struct lsp_cpu *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	/*
	 * Time that is spent inside a lock's own code is of interest here, so inner frames are
	 * kept.
	 */
	resolver.all_frames = true;
	c->stack = malloc(sizeof(*c->stack) + STACK_MAX);
	c->profile = lsp_profile_create(cpu_types, 2);
	err = c->stack && c->profile ? 0 : -ENOMEM;
	if (!err)
		err = lsp_profile_period_set(c->profile, &cpu_types[1], LSP_CPU_PERIOD_NS);
	if (!err)
		err = lsp_resolver_create(&resolver, &c->resolver);
	if (!err)
		err = lsp_cpu_maps_create(c->resolver, &c->maps);
	if (!err)
		err = targets_want(c, o);
	if (!err)
		err = rings_open(c, o);
	for (size_t i = 0; !err && i < c->nrings; i++)
		err = lsp_cpu_ring_enable(&c->rings[i]);
	if (err) {
		lsp_cpu_destroy(c);
		return err;
	}
	*ret = c;
	return 0;
}

void lsp_cpu_destroy(struct lsp_cpu *c)
{
	if (!c)
		return;
	for (size_t i = c->nrings; i--;)
		lsp_cpu_ring_close(&c->rings[i]);
	free(c->rings);
	free(c->stack);
	lsp_cpu_maps_destroy(c->maps);
	lsp_resolver_destroy(c->resolver);
	lsp_profile_destroy(c->profile);
	free(c);
}

/* ---- samples ---- */

static int64_t bracket_add(struct lsp_profile *p, const char *name)
{
	const struct lsp_profile_line line = { .function = name, .system_name = name, .file = "" };

	return lsp_profile_location_add(p, 0, 0, &line, 1);
}

static int sample_count(struct lsp_cpu *c, const struct lsp_trace *t)
{
	static const double values[2] = { 1, LSP_CPU_PERIOD_NS };
	uint64_t ids[MAX_LOCATIONS];
	size_t n = 0, i;
	int64_t id;

	for (i = 0; t && i < t->nframes && n < MAX_LOCATIONS - 1; i++) {
		id = lsp_profiles_frame(c->profile, &t->frames[i]);
		if (id < 0)
			return (int)id;
		ids[n++] = (uint64_t)id;
	}
	if (!t || !n) {
		id = bracket_add(c->profile, t ? "[no stack]" : "[kernel thread]");
		if (id < 0)
			return (int)id;
		ids[n++] = (uint64_t)id;
	} else if (t->end != LSP_END_COMPLETE) {
		char name[32];

		snprintf(name, sizeof(name), "[%s]", lsp_end_name(t->end));
		id = bracket_add(c->profile, name);
		if (id < 0)
			return (int)id;
		ids[n++] = (uint64_t)id;
	}
	return lsp_profile_sample_add(c->profile, ids, n, NULL, 0, values);
}

static int sample_add(struct lsp_cpu *c, const struct perf_event_header *h)
{
	struct lockspan_stack *s = c->stack;
	uint64_t regs[LOCKSPAN_REGS] = { 0 };
	struct lsp_cpu_sample sample;
	struct lsp_trace trace;
	int64_t generation;
	int err;

	err = lsp_cpu_sample_read(h, regs, &sample);
	if (err || !lsp_cpu_maps_wanted(c->maps, sample.tgid))
		return err;
	c->totals.samples++;
	if (!sample.abi) {
		c->totals.kernel++;
		return sample_count(c, NULL);
	}
	generation = lsp_cpu_maps_generation(c->maps, sample.tgid);
	if (generation < 0)
		return (int)generation;
	memset(s, 0, sizeof(*s));
	memcpy(s->regs, regs, sizeof(regs));
	/*
	 * The resolver looks one byte before the address, as behind a call. This code was
	 * interrupted exactly at the address.
	 */
	s->regs[LOCKSPAN_REG_RIP]++;
	s->id = ++c->next_id;
	s->tgid = sample.tgid;
	s->tid = sample.tid;
	s->generation = (uint32_t)generation;
	s->mode = LOCKSPAN_STACK_RAW;
	s->window_bytes = s->payload_bytes = (uint32_t)sample.stack_bytes & ~7U;
	if (sample.abi == PERF_SAMPLE_REGS_ABI_32)
		s->rec.flags = LOCKSPAN_STACK_COMPAT;
	s->rec.bytes = (uint32_t)sizeof(*s) + s->payload_bytes;
	memcpy(s + 1, sample.stack, s->payload_bytes);
	err = lsp_resolver_stack(c->resolver, s, LSP_SIDE_WAITER, &trace);
	if (err)
		return err;
	err = sample_count(c, &trace);
	lsp_trace_uninit(&trace);
	return err;
}

/*
 * The passes over the records that have come. What a sample needs may be in another CPU's buffer,
 * or behind the sample.
 */
static int pass_forks(struct lsp_cpu *c, const struct perf_event_header *h)
{
	return lsp_cpu_maps_fork(c->maps, h);
}

static int pass_maps(struct lsp_cpu *c, const struct perf_event_header *h)
{
	if (h->type == PERF_RECORD_LOST && h->size >= sizeof(*h) + 16)
		c->totals.lost += ((const uint64_t *)(h + 1))[1];
	return lsp_cpu_maps_record(c->maps, h);
}

static int pass_samples(struct lsp_cpu *c, const struct perf_event_header *h)
{
	return h->type == PERF_RECORD_SAMPLE ? sample_add(c, h) : 0;
}

/*
 * Returns the sum of what @pass returns, or the first -errno. All records are passed in any case.
 */
static int records_pass(struct lsp_cpu *c, const uint8_t *data, size_t bytes,
			int (*pass)(struct lsp_cpu *c, const struct perf_event_header *h))
{
	int sum = 0, err = 0, one;

	for (size_t at = 0; at + sizeof(struct perf_event_header) <= bytes;) {
		const struct perf_event_header *h = (const struct perf_event_header *)(data + at);

		if (h->size < sizeof(*h) || h->size > bytes - at)
			return -EBADMSG;
		one = pass(c, h);
		if (one < 0 && !err)
			err = one;
		else if (one > 0)
			sum += one;
		at += h->size;
	}
	return err ? err : sum;
}

static int records_read(struct lsp_cpu *c, const uint8_t *data, size_t bytes)
{
	int err;

	do
		err = records_pass(c, data, bytes, pass_forks);
	while (err > 0);
	if (!err)
		err = records_pass(c, data, bytes, pass_maps);
	if (!err)
		err = records_pass(c, data, bytes, pass_samples);
	return err;
}

int lsp_cpu_drain(struct lsp_cpu *c)
{
	uint8_t *data = NULL;
	size_t bytes = 0;
	int err = 0;

	for (size_t i = 0; !err && i < c->nrings; i++)
		err = lsp_cpu_ring_take(&c->rings[i], &data, &bytes);
	if (!err)
		err = records_read(c, data, bytes);
	free(data);
	return err;
}

int lsp_cpu_stop(struct lsp_cpu *c)
{
	for (size_t i = 0; i < c->nrings; i++)
		lsp_cpu_ring_disable(&c->rings[i]);
	return lsp_cpu_drain(c);
}

void lsp_cpu_totals(const struct lsp_cpu *c, struct lsp_cpu_totals *ret)
{
	*ret = c->totals;
}

struct lsp_profile *lsp_cpu_profile(struct lsp_cpu *c)
{
	return c->profile;
}
