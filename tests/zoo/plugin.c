// SPDX-License-Identifier: GPL-2.0-only
/* The contended library of loader.c, there for as long as it is used. */
#include "subject.h"

void plugin_work(long n);

static pthread_mutex_t plugin_mutex = PTHREAD_MUTEX_INITIALIZER;
static volatile long sum;

static FRAME void plugin_take(long n)
{
	pthread_mutex_lock(&plugin_mutex);
	sum += n;
	usleep(HOLD_US);
	pthread_mutex_unlock(&plugin_mutex);
	END;
}

FRAME void plugin_work(long n)
{
	plugin_take(n);
	END;
}
