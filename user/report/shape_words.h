/* SPDX-License-Identifier: GPL-2.0-only */
/* Writes shapes in words, with the numbers that show them, and as JSON. */
#ifndef LSP_REPORT_SHAPE_WORDS_H
#define LSP_REPORT_SHAPE_WORDS_H

#include <stdio.h>

#include "shapes.h"
#include "words.h"

/* Writes the sentence without the lock's name: "slow holder: ...". */
void lsp_shape_write(FILE *to, const struct lsp_shape *s, const struct lsp_words_layout *layout);

/* Writes a line for each shape; nothing if there are none. */
void lsp_shapes_text(FILE *to, const struct lsp_shapes *s, const struct lsp_words_layout *layout);

/*
 * Makes the value of "shapes": shape, lock, site, numbers. It is null if the shapes could not be
 * judged.
 */
struct json_object *lsp_shapes_json(const struct lsp_shapes *s);

#endif
