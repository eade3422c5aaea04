// SPDX-License-Identifier: GPL-2.0-only
#include "json.h"

void lsp_json_string(struct json_object *o, const char *key, const char *value)
{
	json_object_object_add(o, key, json_object_new_string(value));
}

void lsp_json_u64(struct json_object *o, const char *key, uint64_t value)
{
	json_object_object_add(o, key, json_object_new_int64((int64_t)value));
}

void lsp_json_double(struct json_object *o, const char *key, double value)
{
	json_object_object_add(o, key, json_object_new_double(value));
}

void lsp_json_counters(struct json_object *o, const struct lsp_client_report *r)
{
	struct json_object *counters = json_object_new_object();

	for (unsigned int i = 0; i < LOCKSPAN_C_COUNT; i++)
		lsp_json_u64(counters, lsp_counter_name(i), r->counters[i]);
	json_object_object_add(o, "counters", counters);
}

void lsp_json_probes(struct json_object *o, const struct lsp_client_report *r)
{
	struct json_object *probes = json_object_new_array();

	for (size_t i = 0; i < r->nprobes; i++) {
		struct json_object *probe = json_object_new_object();

		lsp_json_string(probe, "name", r->probes[i].name);
		lsp_json_string(probe, "symbol", r->probes[i].symbol);
		lsp_json_u64(probe, "missed", r->probes[i].missed);
		json_object_array_add(probes, probe);
	}
	json_object_object_add(o, "probes", probes);
}
