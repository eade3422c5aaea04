# SPDX-License-Identifier: GPL-2.0-only
# Each wait that ends pauses between its counting and its sending, so that wakers who come just too late
# meet it there. Would catch an outcome that is counted as it has become since, so that one wait is in two
# counters and another in none: the program knows how each of its waits ended.
. tests/storms/lib.sh

wide_test 300 waits
