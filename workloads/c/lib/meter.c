// SPDX-License-Identifier: GPL-2.0-only
/* Sums of meters. */
#include "meter.h"

void meter_add(struct meter *to, const struct meter *from)
{
	to->acquisitions += from->acquisitions;
	to->call_ns += from->call_ns;
	to->long_calls += from->long_calls;
	to->long_call_ns += from->long_call_ns;
	to->held_ns += from->held_ns;
	if (from->max_call_ns > to->max_call_ns)
		to->max_call_ns = from->max_call_ns;
}
