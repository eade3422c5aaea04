/* SPDX-License-Identifier: GPL-2.0-only */
/* Follows types from a variable down to the lock at an offset. */
#include "type.h"

#include <dwarf.h>
#include <stdio.h>
#include <string.h>

#define DEPTH_MAX 32
#define STEPS_MAX 8192		/* how many entries are looked at for one question */

/*
 * Types of locks, without template arguments. The name of a lock does not go on into their members.
 */
static const char *const locks[] = {
	"pthread_mutex_t", "pthread_rwlock_t", "pthread_cond_t", "pthread_barrier_t",
	"pthread_spinlock_t", "pthread_once_t", "sem_t", "mtx_t", "cnd_t", "once_flag",
	"_IO_lock_t",
	"mutex", "recursive_mutex", "timed_mutex", "recursive_timed_mutex", "shared_mutex",
	"shared_timed_mutex", "condition_variable", "condition_variable_any", "latch",
	"barrier", "counting_semaphore",
	"Mutex", "CondVar", "Notification", "BlockingCounter", "SpinLock",
	"MicroLock", "MicroLockBase", "SharedMutexImpl", "Baton", "DistributedMutex",
	"RwLock", "Condvar", "Once", "Barrier", "ReentrantLock", "RawMutex", "RawRwLock",
	"OnceLock", "LazyLock",
	"GMutex", "GCond", "GRWLock", "GRecMutex", "GOnce",
	"QMutex", "QBasicMutex", "QRecursiveMutex", "QReadWriteLock", "QWaitCondition",
	"QSemaphore", "malloc_mutex_t", "malloc_mutex_s",
};

/* Types that only wrap another one. Their member adds nothing to a path. */
static const char *const wrappers[] = {
	"UnsafeCell", "SyncUnsafeCell", "ManuallyDrop", "MaybeUninit", "MaybeDangling",
	"CachePadded", "array", "CachelinePadded",
};

struct search {
	char *path;
	size_t bytes;
	size_t len;
	unsigned int steps;
	bool lock;		/* the path ended at a lock */
};

static bool descend(struct search *s, Dwarf_Die *type, uint64_t offset, int depth);

static bool is_listed(const char *name, const char *const *list, size_t n)
{
	size_t i, len = name ? strcspn(name, "<") : 0;

	for (i = 0; i < n; i++)
		if (strlen(list[i]) == len && !strncmp(list[i], name, len))
			return true;
	return false;
}

static bool is_lock(Dwarf_Die *type)
{
	return is_listed(dwarf_diename(type), locks, sizeof(locks) / sizeof(*locks));
}

static bool is_wrapper(Dwarf_Die *type)
{
	return is_listed(dwarf_diename(type), wrappers, sizeof(wrappers) / sizeof(*wrappers));
}

static bool number_get(Dwarf_Die *die, unsigned int name, Dwarf_Word *ret)
{
	Dwarf_Attribute attr;

	return dwarf_attr(die, name, &attr) && !dwarf_formudata(&attr, ret);
}

static bool direct_type(Dwarf_Die *die, Dwarf_Die *ret)
{
	Dwarf_Attribute attr;

	return dwarf_attr(die, DW_AT_type, &attr) && dwarf_formref_die(&attr, ret);
}

bool lsp_type_of(Dwarf_Die *die, Dwarf_Die *ret)
{
	Dwarf_Die at = *die;
	int i;

	for (i = 0; i < DEPTH_MAX; i++) {
		Dwarf_Attribute attr;
		Dwarf_Die next;

		if (direct_type(&at, ret))
			return true;
		if ((!dwarf_attr(&at, DW_AT_specification, &attr) &&
		     !dwarf_attr(&at, DW_AT_abstract_origin, &attr)) ||
		    !dwarf_formref_die(&attr, &next))
			return false;
		at = next;
	}
	return false;
}

static bool is_qualifier(Dwarf_Die *type)
{
	switch (dwarf_tag(type)) {
	case DW_TAG_typedef:
	case DW_TAG_const_type:
	case DW_TAG_volatile_type:
	case DW_TAG_restrict_type:
	case DW_TAG_atomic_type:
	case DW_TAG_packed_type:
	case DW_TAG_shared_type:
		return true;
	default:
		return false;
	}
}

/* Reads the number of elements of one dimension. Returns false if it has no bound. */
static bool dimension_count(Dwarf_Die *range, uint64_t *ret)
{
	Dwarf_Word upper, lower = 0;

	if (number_get(range, DW_AT_count, ret))
		return true;
	if (!number_get(range, DW_AT_upper_bound, &upper))
		return false;
	number_get(range, DW_AT_lower_bound, &lower);
	*ret = upper - lower + 1;
	return true;
}

/* Returns the product of the dimensions after the first @skip; 0: not known. */
static uint64_t elements_count(Dwarf_Die *array, unsigned int skip)
{
	uint64_t count, total = 1;
	unsigned int n = 0, steps;
	Dwarf_Die die;

	if (dwarf_child(array, &die))
		return 0;
	for (steps = 0; steps < DEPTH_MAX; steps++) {
		if (dwarf_tag(&die) == DW_TAG_subrange_type && n++ >= skip) {
			if (!dimension_count(&die, &count))
				return 0;
			if (__builtin_mul_overflow(total, count, &total))
				return 0;
		}
		if (dwarf_siblingof(&die, &die))
			break;
	}
	return total;
}

uint64_t lsp_type_bytes(Dwarf_Die *type)
{
	Dwarf_Die at = *type, next;
	uint64_t count = 1;
	Dwarf_Word bytes;
	uint8_t address;
	int i;

	for (i = 0; i < DEPTH_MAX; i++) {
		if (number_get(&at, DW_AT_byte_size, &bytes))
			return __builtin_mul_overflow(count, bytes, &count) ? 0 : count;
		if (dwarf_tag(&at) == DW_TAG_array_type) {
			if (__builtin_mul_overflow(count, elements_count(&at, 0), &count))
				return 0;
		} else if (dwarf_tag(&at) == DW_TAG_pointer_type ||
			   dwarf_tag(&at) == DW_TAG_reference_type) {
			return dwarf_diecu(&at, &next, &address, NULL) ? count * address : 0;
		} else if (!is_qualifier(&at)) {
			return 0;
		}
		if (!direct_type(&at, &next))
			return 0;
		at = next;
	}
	return 0;
}

static bool path_add(struct search *s, const char *prefix, const char *text)
{
	int n = snprintf(s->path + s->len, s->bytes - s->len, "%s%s", prefix, text);

	if (n < 0 || (size_t)n >= s->bytes - s->len)
		return false;
	s->len += (size_t)n;
	return true;
}

static bool member_offset(Dwarf_Die *member, uint64_t *ret)
{
	Dwarf_Attribute attr;
	Dwarf_Op *ops;
	size_t n;

	*ret = 0;
	if (dwarf_hasattr(member, DW_AT_data_bit_offset) ||
	    dwarf_hasattr(member, DW_AT_bit_size) || dwarf_hasattr(member, DW_AT_external))
		return false;
	if (!dwarf_attr(member, DW_AT_data_member_location, &attr))
		return true;
	if (!dwarf_formudata(&attr, ret))
		return true;
	if (dwarf_getlocation(&attr, &ops, &n) || n != 1 || ops[0].atom != DW_OP_plus_uconst)
		return false;
	*ret = ops[0].number;
	return true;
}

/* Goes into @member (or the base class) of @type, if @offset lies in it. */
static bool member_enter(struct search *s, Dwarf_Die *type, Dwarf_Die *member, uint64_t offset,
			 int depth)
{
	const char *name = dwarf_diename(member);
	bool base = dwarf_tag(member) == DW_TAG_inheritance;
	uint64_t start;
	Dwarf_Die inner;

	if ((!base && dwarf_tag(member) != DW_TAG_member) || !member_offset(member, &start) ||
	    offset < start || !direct_type(member, &inner) ||
	    offset - start >= lsp_type_bytes(&inner))
		return false;
	if (!base && name && !is_wrapper(type) && !path_add(s, ".", name))
		return false;
	return descend(s, &inner, offset - start, depth + 1);
}

/*
 * Goes into the member that holds @offset. In a union there may be several: the first that leads to
 * a lock counts, or else the first.
 */
static bool members_search(struct search *s, Dwarf_Die *type, uint64_t offset, int depth)
{
	struct search first = { .len = 0 };
	size_t len = s->len;
	bool found = false;
	char path[256];
	Dwarf_Die die;

	if (dwarf_child(type, &die))
		return false;
	do {
		if (!s->steps)
			break;
		s->steps--;
		s->len = len;
		if (!member_enter(s, type, &die, offset, depth))
			continue;
		if (s->lock || dwarf_tag(type) != DW_TAG_union_type)
			return true;
		if (!found && s->len - len < sizeof(path)) {
			found = true;
			first.len = s->len;
			memcpy(path, s->path + len, s->len - len);
		}
	} while (!dwarf_siblingof(&die, &die));
	s->len = found ? first.len : len;
	if (found)
		memcpy(s->path + len, path, first.len - len);
	s->path[s->len] = '\0';
	return found;
}

static bool array_enter(struct search *s, Dwarf_Die *array, uint64_t offset, int depth)
{
	unsigned int dimension = 0, steps;
	uint64_t bytes, index;
	Dwarf_Die element, die;
	char text[32];

	if (!direct_type(array, &element) || dwarf_child(array, &die))
		return false;
	bytes = lsp_type_bytes(&element);
	if (!bytes)
		return false;
	index = offset / bytes;
	for (steps = 0; steps < DEPTH_MAX; steps++) {
		if (dwarf_tag(&die) == DW_TAG_subrange_type) {
			uint64_t below = elements_count(array, ++dimension);

			if (!below)
				return false;
			snprintf(text, sizeof(text), "[%llu]",
				 (unsigned long long)(index / below));
			index %= below;
			if (!path_add(s, "", text))
				return false;
		}
		if (dwarf_siblingof(&die, &die))
			break;
	}
	return descend(s, &element, offset % bytes, depth + 1);
}

/*
 * The value that Rust's Mutex<T> guards lies inside the Mutex. A lock in this value has a path of
 * its own.
 */
static bool guarded_enter(struct search *s, Dwarf_Die *lock, uint64_t offset, int depth)
{
	size_t len = s->len;
	Dwarf_Die die;

	if (!strchr(dwarf_diename(lock), '<') || dwarf_child(lock, &die))
		return false;
	do {
		const char *name = dwarf_diename(&die);

		if (!s->steps)
			break;
		s->steps--;
		if (!name || (strcmp(name, "data") && strcmp(name, "value")))
			continue;
		if (member_enter(s, lock, &die, offset, depth) && s->lock)
			return true;
		s->lock = false;
		s->len = len;
		s->path[len] = '\0';
	} while (!dwarf_siblingof(&die, &die));
	return false;
}

static bool descend(struct search *s, Dwarf_Die *type, uint64_t offset, int depth)
{
	Dwarf_Die at = *type, next;

	for (; depth < DEPTH_MAX && s->steps; depth++, s->steps--) {
		if (is_lock(&at)) {
			if (dwarf_haschildren(&at) <= 0 || !guarded_enter(s, &at, offset, depth))
				s->lock = true;
			return true;
		}
		switch (dwarf_tag(&at)) {
		case DW_TAG_structure_type:
		case DW_TAG_class_type:
		case DW_TAG_union_type:
			return members_search(s, &at, offset, depth);
		case DW_TAG_array_type:
			return array_enter(s, &at, offset, depth);
		default:
			if (!is_qualifier(&at))
				return true;
		}
		if (!direct_type(&at, &next))
			return false;
		at = next;
	}
	return false;
}

bool lsp_type_path(Dwarf_Die *type, uint64_t offset, char *path, size_t path_bytes)
{
	struct search s = { .path = path, .bytes = path_bytes, .steps = STEPS_MAX };

	path[0] = '\0';
	if (descend(&s, type, offset, 0))
		return true;
	path[0] = '\0';
	return false;
}
