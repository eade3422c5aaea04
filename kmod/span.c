// SPDX-License-Identifier: GPL-2.0-only
#include "span.h"

bool lsp_span_recording;
atomic_t lsp_span_pi_open;
atomic_t lsp_span_vector_open;
