// SPDX-License-Identifier: MIT
#include <rt/cred.h>
#include <wherry/fs.h>

bool cred_ask(uint64_t koid, struct proc_cred *out, uint64_t *procd)
{
	static w_handle_t proc;
	struct w_msg m = {.op = PROC_GROUPS, .out = (uint64_t)out, .out_len = sizeof(*out)};

	if (!proc)
		proc = rt_lookup("proc");
	m.PROC_GROUPS_in_koid = koid;
	if (rt_call(proc, &m) < 0) {
		*out = (struct proc_cred){.uid = 65534, .gid = 65534, .ruid = 65534, .rgid = 65534};
		return false;
	}
	if (procd)
		*procd = m.PROC_GROUPS_out_procd;
	return true;
}

bool cred_member(const struct proc_cred *c, uint32_t gid)
{
	uint32_t i;

	for (i = 0; i < c->ngroups && i < PROC_GROUPS_MAX; i++)
		if (c->groups[i] == gid)
			return true;
	return c->gid == gid;
}

bool cred_allows(const struct proc_cred *c, uint32_t mode, uint32_t uid, uint32_t gid,
		 uint32_t bits)
{
	if (!c->uid) /* root may all but execute what nobody may */
		return !(bits & MAY_X) || (mode & FS_S_IFMT) == FS_S_IFDIR || mode & 0111;
	mode = uid == c->uid ? mode >> 6 : cred_member(c, gid) ? mode >> 3 : mode;
	return (mode & bits) == bits;
}

uint32_t cred_open_bits(uint32_t flags)
{
	static const uint32_t bits[4] = {MAY_R, MAY_W, MAY_R | MAY_W, MAY_R | MAY_W};

	return bits[flags & 3] | (flags & FS_O_TRUNC ? MAY_W : 0);
}
