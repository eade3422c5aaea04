// SPDX-License-Identifier: GPL-2.0-only
/* lockspan status: what the module is doing, in words or as JSON. */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../capture/client.h"
#include "cmd.h"
#include "deadlocks.h"
#include "json.h"
#include "say.h"

static const struct argp_option options[] = {
	{ "json", 'j', NULL, 0, "Print one JSON object", 0 },
	{ 0 }
};

static error_t option_parse(int key, char *arg, struct argp_state *state)
{
	bool *json = state->input;

	switch (key) {
	case 'j':
		*json = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "unexpected argument: %s", arg);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const char *state_name(uint32_t state)
{
	switch (state) {
	case LOCKSPAN_STATE_IDLE:
		return "idle";
	case LOCKSPAN_STATE_RECORDING:
		return "recording";
	case LOCKSPAN_STATE_DRAINING:
		return "draining";
	}
	return "?";
}

static double seconds_since(uint64_t start_ns)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return ((double)t.tv_sec * 1e9 + (double)t.tv_nsec - (double)start_ns) / 1e9;
}

/* Prints names and numbers in two columns, as wide as the longest. Times are marked as times. */
static void counters_print(const struct lsp_client_report *r)
{
	size_t wide = 0, n;
	bool any = false, time;
	const char *name;

	for (unsigned int i = 0; i < LOCKSPAN_C_COUNT; i++)
		if (r->counters[i] && strlen(lsp_counter_name(i)) > wide)
			wide = strlen(lsp_counter_name(i));
	for (unsigned int i = 0; i < LOCKSPAN_C_COUNT; i++) {
		if (!r->counters[i])
			continue;
		if (!any)
			printf("counters\n");
		any = true;
		name = lsp_counter_name(i);
		n = strlen(name);
		time = n > 3 && !strcmp(name + n - 3, "_ns");
		printf("  %-*s %20" PRIu64 "%s\n", (int)wide, name, r->counters[i], time ? " ns" : "");
	}
}

static void probes_print(const struct lsp_client_report *r)
{
	size_t names = 0, symbols = 0;

	for (size_t i = 0; i < r->nprobes; i++) {
		names = strlen(r->probes[i].name) > names ? strlen(r->probes[i].name) : names;
		symbols = strlen(r->probes[i].symbol) > symbols ? strlen(r->probes[i].symbol) : symbols;
	}
	if (r->nprobes)
		printf("probes\n");
	for (size_t i = 0; i < r->nprobes; i++)
		printf("  %-*s %-*s missed %10" PRIu64 "\n", (int)names, r->probes[i].name, (int)symbols,
		       r->probes[i].symbol, r->probes[i].missed);
}

static void text_print(const struct lsp_client_report *r)
{
	printf("state          %s\n", state_name(r->state));
	if (r->state != LOCKSPAN_STATE_IDLE) {
		printf("owner          pid %u, for %.1f s\n", r->owner_pid, seconds_since(r->start_ns));
		printf("block rate     %" PRIu64 " ns\n", r->rates.block_rate_ns);
		printf("mutex fraction %u\n", r->rates.mutex_fraction);
		printf("min delay      %" PRIu64 " ns\n", r->rates.min_delay_ns);
		printf("open waits     %" PRIu64 "\n", r->open_spans);
	}
	printf("memory         %.1f MiB\n", (double)r->memory_bytes / (1 << 20));
	printf("contract       %u (this command: %u)\n", r->version, LOCKSPAN_VERSION);
	counters_print(r);
	probes_print(r);
}

/* While a recording lasts: among all processes, for the module does not tell which are recorded. */
static void deadlocks_add(struct json_object *o, const struct lsp_client_report *r)
{
	struct lsp_deadlocks d = { 0 };

	if (r->state == LOCKSPAN_STATE_RECORDING)
		lsp_stuck_find_all(&d.found);
	json_object_object_add(o, "deadlocks", lsp_deadlocks_json(&d, NULL));
	lsp_deadlocks_uninit(&d);
}

static int json_print(const struct lsp_client_report *r)
{
	struct json_object *o = json_object_new_object();
	int err;

	lsp_json_string(o, "state", state_name(r->state));
	lsp_json_u64(o, "contract", r->version);
	lsp_json_u64(o, "owner_pid", r->owner_pid);
	lsp_json_u64(o, "start_ns", r->start_ns);
	lsp_json_rates(o, &r->rates);
	lsp_json_u64(o, "open_spans", r->open_spans);
	lsp_json_u64(o, "memory_bytes", r->memory_bytes);
	lsp_json_counters(o, r);
	lsp_json_probes(o, r);
	deadlocks_add(o, r);
	err = puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY)) < 0;
	json_object_put(o);
	return err ? LSP_EXIT_OTHER_FAILED : 0;
}

static int no_data(void *arg, uint32_t cpu, uint64_t seq, const void *run, size_t bytes)
{
	(void)arg, (void)cpu, (void)seq, (void)run, (void)bytes;
	return 0;
}

int lsp_cmd_status(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options, .parser = option_parse,
		.doc = "Shows the state of the lockspan kernel module: session, counters and probes."
		       "\vThe exit status is 0, 2 when the module cannot be asked, 64 for a usage error.",
	};
	struct lsp_client_report report;
	struct lsp_client *client;
	bool json = false;
	int err;

	argp_err_exit_status = LSP_EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &json);
	err = lsp_client_create(no_data, NULL, &client);
	if (err) {
		lsp_say("%s", lsp_say_errno(ENOMEM));
		return LSP_EXIT_OTHER_FAILED;
	}
	err = lsp_client_connect(client);
	if (!err)
		err = lsp_client_status(client, &report);
	if (err)
		lsp_say_client(client, "read the module's state", err);
	lsp_client_destroy(client);
	if (err)
		return LSP_EXIT_OTHER_FAILED;
	if (json)
		return json_print(&report);
	text_print(&report);
	return fflush(stdout) ? LSP_EXIT_OTHER_FAILED : 0;
}
