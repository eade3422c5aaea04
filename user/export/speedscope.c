// SPDX-License-Identifier: GPL-2.0-only
#include "speedscope.h"

#include <json-c/json.h>
#include <math.h>

#define SCHEMA "https://www.speedscope.app/file-format-schema.json"

static struct json_object *frame_json(const struct lsp_export_frame *frame)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "name", json_object_new_string(frame->name));
	if (frame->file[0])
		json_object_object_add(o, "file", json_object_new_string(frame->file));
	if (frame->line > 0)
		json_object_object_add(o, "line", json_object_new_int64(frame->line));
	return o;
}

static struct json_object *frames_json(const struct lsp_export_frames *f)
{
	struct json_object *all = json_object_new_array(), *shared = json_object_new_object();

	for (uint32_t i = 0; i < f->frames.count; i++)
		json_object_array_add(all, frame_json(lsp_export_frame(f, i)));
	json_object_object_add(shared, "frames", all);
	return shared;
}

/* The stacks follow one another on an axis of summed time. */
static struct json_object *view_json(const struct lsp_export_view *view)
{
	struct json_object *o = json_object_new_object(), *samples = json_object_new_array(),
			   *weights = json_object_new_array();
	int64_t sum = 0;

	for (uint32_t i = 0; i < view->stacks->n; i++) {
		struct lsp_export_stack stack = lsp_export_stack(view->stacks, i);
		int64_t value = llround(stack.value);
		struct json_object *frames;

		if (value <= 0)
			continue;
		frames = json_object_new_array();
		for (size_t j = 0; j < stack.n; j++)
			json_object_array_add(frames, json_object_new_int64(stack.frames[j]));
		json_object_array_add(samples, frames);
		json_object_array_add(weights, json_object_new_int64(value));
		sum += value;
	}
	json_object_object_add(o, "type", json_object_new_string("sampled"));
	json_object_object_add(o, "name", json_object_new_string(view->name));
	json_object_object_add(o, "unit", json_object_new_string("nanoseconds"));
	json_object_object_add(o, "startValue", json_object_new_int64(0));
	json_object_object_add(o, "endValue", json_object_new_int64(sum));
	json_object_object_add(o, "samples", samples);
	json_object_object_add(o, "weights", weights);
	return o;
}

struct json_object *lsp_export_speedscope(const struct lsp_export_frames *f, const struct lsp_export_view *views,
					  size_t n, const char *name, const char *exporter)
{
	struct json_object *o = json_object_new_object(), *profiles = json_object_new_array();

	for (size_t i = 0; i < n; i++)
		json_object_array_add(profiles, view_json(&views[i]));
	json_object_object_add(o, "$schema", json_object_new_string(SCHEMA));
	json_object_object_add(o, "shared", frames_json(f));
	json_object_object_add(o, "profiles", profiles);
	json_object_object_add(o, "name", json_object_new_string(name));
	json_object_object_add(o, "exporter", json_object_new_string(exporter));
	return o;
}
