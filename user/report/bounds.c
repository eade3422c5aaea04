// SPDX-License-Identifier: GPL-2.0-only
#include "bounds.h"

#include <math.h>

#define COVERED_MIN 0.99

const char *lsp_trust_name(enum lsp_trust trust)
{
	static const char *const names[] = {
		[LSP_TRUST_EXACT] = "exact", [LSP_TRUST_SHOWN] = "95%",
		[LSP_TRUST_TOO_FEW] = "too few", [LSP_TRUST_UNKNOWN] = "unknown",
	};

	return names[trust];
}

static double square(double x)
{
	return x * x;
}

void lsp_bounds_add(struct lsp_bounds_sum *s, double value_ns, const struct lsp_bounds *b)
{
	s->value_ns += value_ns;
	if (b->trust == LSP_TRUST_SHOWN) {
		s->below += square(fmax(value_ns - b->low_ns, 0));
		s->above += square(fmax(b->high_ns - value_ns, 0));
		s->shown = true;
	} else if (b->trust != LSP_TRUST_EXACT && value_ns > 0) {
		s->too_few = true;
	}
}

struct lsp_bounds lsp_bounds_of(const struct lsp_bounds_sum *s, double value_ns)
{
	if (s->too_few || s->value_ns < COVERED_MIN * value_ns)
		return (struct lsp_bounds){ .trust = LSP_TRUST_TOO_FEW };
	if (!s->shown)
		return (struct lsp_bounds){ .trust = LSP_TRUST_EXACT };
	return (struct lsp_bounds){ LSP_TRUST_SHOWN, fmax(value_ns - sqrt(s->below), 0),
				    value_ns + sqrt(s->above) };
}

struct lsp_bounds lsp_bounds_difference(double to_ns, const struct lsp_bounds *to, double from_ns,
					const struct lsp_bounds *from)
{
	double to_below = 0, to_above = 0, from_below = 0, from_above = 0;
	enum lsp_trust worst = to->trust > from->trust ? to->trust : from->trust;

	if (worst != LSP_TRUST_SHOWN)
		return (struct lsp_bounds){ .trust = worst };
	if (to->trust == LSP_TRUST_SHOWN) {
		to_below = to_ns - to->low_ns;
		to_above = to->high_ns - to_ns;
	}
	if (from->trust == LSP_TRUST_SHOWN) {
		from_below = from_ns - from->low_ns;
		from_above = from->high_ns - from_ns;
	}
	return (struct lsp_bounds){
		LSP_TRUST_SHOWN,
		to_ns - from_ns - hypot(to_below, from_above),
		to_ns - from_ns + hypot(to_above, from_below),
	};
}

struct lsp_bounds lsp_bounds_scale(struct lsp_bounds b, double factor)
{
	b.low_ns *= factor;
	b.high_ns *= factor;
	return b;
}
