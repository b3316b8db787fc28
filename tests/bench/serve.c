// SPDX-License-Identifier: MIT
/*
 * The only process of a Linux kernel that serves files: load the modules of a network
 * card, set the address, become httpd.
 *
 *	/modules/0.ko ...	in the order in which they need each other
 */
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static void load_modules(void)
{
	char path[32];
	int i, f;

	for (i = 0;; i++) {
		snprintf(path, sizeof(path), "/modules/%d.ko", i);
		f = open(path, O_RDONLY);
		if (f < 0)
			return;
		if (syscall(SYS_finit_module, f, "", 0))
			perror(path);
		close(f);
	}
}

static void set_address(const char *name, const char *address, const char *mask)
{
	struct ifreq r = {0};
	struct sockaddr_in *a = (struct sockaddr_in *)&r.ifr_addr;
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	strcpy(r.ifr_name, name);
	a->sin_family = AF_INET;
	inet_aton(address, &a->sin_addr);
	if (ioctl(s, SIOCSIFADDR, &r))
		perror(name);
	inet_aton(mask, &a->sin_addr);
	ioctl(s, SIOCSIFNETMASK, &r);
	r.ifr_flags = IFF_UP | IFF_RUNNING;
	ioctl(s, SIOCSIFFLAGS, &r);
	close(s);
}

int main(void)
{
	char *const argv[] = {"httpd", "-p", "80", "/srv/www", NULL}, *const env[] = {NULL};

	mount("dev", "/dev", "devtmpfs", 0, NULL);
	open("/dev/console", O_RDWR);
	dup2(0, 1);
	dup2(0, 2);
	load_modules();
	set_address("lo", "127.0.0.1", "255.0.0.0");
	set_address("eth0", "10.9.9.2", "255.255.255.0");
	execve("/bin/httpd", argv, env);
	perror("/bin/httpd");
	return 1;
}
