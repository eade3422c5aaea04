// SPDX-License-Identifier: GPL-2.0-only
/*
 * portthief PORT: as nobody, binds a netlink socket to PORT as soon as it is free, which
 * is tried without a pause, and listens for half a second. Prints "TRIES BYTES" of what
 * it got. Exit status 1 when it got anything, 2 when the port never became free.
 */
#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { NOBODY = 65534, PATIENCE_S = 60, LISTEN_US = 500000 };

int main(int argc, char **argv)
{
	static char buffer[1 << 17];
	struct sockaddr_nl address = { .nl_family = AF_NETLINK };
	struct timeval listen = { .tv_usec = LISTEN_US };
	time_t until = time(NULL) + PATIENCE_S;
	long tries = 1, bytes = 0;
	ssize_t got;
	int fd;

	if (argc != 2 || setgid(NOBODY) || setuid(NOBODY)) {
		fprintf(stderr, "Usage: portthief PORT, as root\n");
		return 64;
	}
	address.nl_pid = (unsigned int)strtoul(argv[1], NULL, 0);
	fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC);
	for (; bind(fd, (struct sockaddr *)&address, sizeof(address)); tries++)
		if (errno != EADDRINUSE || time(NULL) > until) {
			fprintf(stderr, "portthief: %s\n", strerror(errno));
			return 2;
		}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &listen, sizeof(listen));
	while ((got = recv(fd, buffer, sizeof(buffer), 0)) > 0)
		bytes += got;
	printf("%ld %ld\n", tries, bytes);
	return bytes > 0;
}
