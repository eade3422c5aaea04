// SPDX-License-Identifier: GPL-2.0-only
#include "owner.h"

#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "parse.h"

/* Reads a number that sudo has set. It is of no use if we are not root: then anybody may have set it. */
static bool id_of(const char *variable, uint32_t *ret)
{
	const char *text = getenv(variable);
	uint64_t n;

	if (geteuid() || !text || !lsp_text_number(text, UINT32_MAX - 1, &n))
		return false;
	*ret = (uint32_t)n;
	return true;
}

bool lsp_owner_is(uid_t uid)
{
	uint32_t user;

	return id_of("SUDO_UID", &user) && user == uid;
}

void lsp_owner_give(const char *path)
{
	uint32_t user, group;

	/* Where that is not possible (NFS) the file is good all the same. */
	if (id_of("SUDO_UID", &user) && id_of("SUDO_GID", &group))
		(void)!lchown(path, user, group);
}
