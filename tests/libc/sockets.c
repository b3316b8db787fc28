/* SPDX-License-Identifier: MIT */
/* gnulib's tests start the sockets of systems that want that first. */
int gl_sockets_startup(int version)
{
	return version - version;
}

int gl_sockets_cleanup(void)
{
	return 0;
}
