// SPDX-License-Identifier: MIT
#include "request.h"

#include "permission.h"

void request_begin(struct request *rq, struct w_msg *m, char *bytes, struct view *view)
{
	rq->m = m;
	rq->bytes = bytes;
	rq->view = view;
	rq->koid = m ? m->sender : 0;
	rq->cred = NULL;
	rq->known = NULL;
	rq->nmet = 0;
	rq->elsewhere = NULL;
}

void request_end(struct request *rq)
{
	permission_release(rq);
	rt_free(rq->elsewhere);
}

void reply(struct request *rq, int64_t status)
{
	rq->m->nh = 0;
	service_finish(&vfs_service, rq->m, status);
}

void reply_handle(struct request *rq, int64_t h)
{
	if (h < 0) {
		reply(rq, h);
		return;
	}
	rq->m->h[0] = h;
	rq->m->nh = 1;
	service_finish(&vfs_service, rq->m, 0);
}

void reply_bytes(struct request *rq, int64_t status, const void *p, uint32_t n)
{
	rq->m->nh = 0;
	service_finish_bytes(&vfs_service, rq->m, status, p, n);
}

const char *request_second(const struct request *rq)
{
	size_t first = strlen(rq->bytes);

	return first < rq->m->in_len && first < SERVICE_BYTES - 1 ? rq->bytes + first + 1 : NULL;
}
