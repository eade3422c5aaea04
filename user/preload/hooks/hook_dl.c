// SPDX-License-Identifier: GPL-2.0-only
/*
 * dlopen() looks at its caller for where to search, so the hooks note that
 * libraries will come and jump: the caller stays the program. Where a path is given and
 * the caller has no search path for what that library needs, it makes no difference who calls,
 * and the end of the loading can be noted, too.
 */
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <string.h>

#include "../mappings.h"
#include "real.h"

void *lsp_dlopen_target(const char *file, int flags, void *caller);
void *lsp_dlmopen_target(void);

static void *called(const char *file, int flags)
{
	void *handle;

	lsp_text_loading(1);
	handle = lsp_reals()->dlopen(file, flags);
	lsp_text_loading(-1);
	return handle;
}

static bool caller_searches(void *caller)
{
	struct link_map *map;
	Dl_info info;

	if (!dladdr1(caller, &info, (void **)&map, RTLD_DL_LINKMAP) || !map)
		return true;
	for (const ElfW(Dyn) *d = map->l_ld; d && d->d_tag != DT_NULL; d++)
		if (d->d_tag == DT_RPATH)
			return true;
	return false;
}

void *lsp_dlopen_target(const char *file, int flags, void *caller)
{
	(void)flags;
	/* No file is the program itself. */
	if (!file)
		return (void *)lsp_reals()->dlopen;
	if (strchr(file, '/') && !strchr(file, '$') && !caller_searches(caller))
		return (void *)called;
	lsp_text_stale();
	return (void *)lsp_reals()->dlopen;
}

void *lsp_dlmopen_target(void)
{
	lsp_text_stale();
	return (void *)lsp_reals()->dlmopen;
}

#define JUMP(name) \
	__asm__(".text\n" \
		".globl " #name "\n" \
		".type " #name ", @function\n" \
		#name ":\n" \
		".cfi_startproc\n" \
		"endbr64\n" \
		"pushq %rdi\n.cfi_adjust_cfa_offset 8\n" \
		"pushq %rsi\n.cfi_adjust_cfa_offset 8\n" \
		"pushq %rdx\n.cfi_adjust_cfa_offset 8\n" \
		"movq 24(%rsp), %rdx\n" \
		"call lsp_" #name "_target\n" \
		"popq %rdx\n.cfi_adjust_cfa_offset -8\n" \
		"popq %rsi\n.cfi_adjust_cfa_offset -8\n" \
		"popq %rdi\n.cfi_adjust_cfa_offset -8\n" \
		"jmp *%rax\n" \
		".cfi_endproc\n" \
		".size " #name ", .-" #name "\n")

JUMP(dlopen);
JUMP(dlmopen);
