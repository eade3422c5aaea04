/* SPDX-License-Identifier: GPL-2.0-only */
/* Shapes in words, with the numbers that made them. */
#ifndef LSP_REPORT_SHAPE_WORDS_H
#define LSP_REPORT_SHAPE_WORDS_H

#include <stdio.h>

#include "shapes.h"

/* The sentence without the lock's name: "slow holder: ...". */
void lsp_shape_write(FILE *to, const struct lsp_shape *s);

/* A line for each; nothing when there are none. */
void lsp_shapes_text(FILE *to, const struct lsp_shapes *s);

/* "shapes": shape, lock, site, numbers; null when they could not be judged. */
struct json_object *lsp_shapes_json(const struct lsp_shapes *s);

#endif
