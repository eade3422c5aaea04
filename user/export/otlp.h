/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Profiles as OpenTelemetry has them (otlp.proto): one dictionary, and for each profile and each of its sample types
 * a profile of that type.
 */
#ifndef LSP_EXPORT_OTLP_H
#define LSP_EXPORT_OTLP_H

#include <stdio.h>

#include "../profile/pprof.h"

struct lsp_export_otlp_view {
	const char *kind;	/* the profile's attribute lockspan.profile */
	const struct lsp_profile *profile;
};

/*
 * Writes @views, of which there is at least one; @release is the program's version. Values are rounded as in the files
 * of pprof's format. Returns 0, -ENOMEM, or -EOVERFLOW beyond 4 GiB. Whether @to took all of it is for the caller to look at.
 */
int lsp_export_otlp(FILE *to, const struct lsp_export_otlp_view *views, size_t n, const char *release);

#endif
