/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_RING_H
#define _VPROCNS_RING_H

#include <linux/irq_work.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

#include "vprocns.h"

/* Bytes of the longest record, which a ring of any size has room for. */
#define VPROCNS_RING_RECORD_MAX						\
	(sizeof(struct vprocns_event_exec) + VPROCNS_EVENT_FILENAME_LEN)

struct mm_struct;
struct pid;
struct pid_namespace;

/**
 * struct vprocns_rings - the readers of one group
 * @lock: a mutex: protects the next three against each other; the list is read
 *	under RCU. Nothing of ours is taken inside but a ring's lock.
 * @list: of struct vprocns_ring
 * @nr: how many
 * @ended: the group has told its last event
 * @end_wait: woken when @ended is set
 */
struct vprocns_rings {
	/* of readers that come and go */
	struct mutex lock;
	struct list_head list;
	unsigned int nr;
	bool ended;
	wait_queue_head_t end_wait;
};

/**
 * struct vprocns_ring - events on their way to one reader
 *
 * @head and @tail count bytes and go on past @size. Between them lie whole records
 * that no writer touches, so they are copied out without a lock.
 *
 * @node: in its group's list
 * @lock: of writers: @head, @gap, @across and the counts. Raw: a writer may have
 *	preemption off. Innermost.
 * @head: where the next record goes; published by a release store
 * @gap: events lost since the last record
 * @told: see struct vprocns_events_stats
 * @lost: see struct vprocns_events_stats
 * @ended: no record will follow; published by a release store after @head
 * @across: where a record is made that goes on at the beginning of @data
 * @read_lock: a mutex, of readers: @tail; user memory is written inside
 * @tail: what the next read begins with; published by a release store
 * @wait: readers that sleep
 * @wake: how many bytes wake them
 * @wake_work: does it: a writer can't take @wait's lock with preemption off
 * @ns: the PID namespace that host TIDs are of, with a reference
 * @mm: what is charged for the memory, with a reference
 * @size: bytes in @data; a power of two
 * @data: the records
 */
struct vprocns_ring {
	struct list_head node;
	raw_spinlock_t lock;
	unsigned long head;
	u32 gap;
	u64 told;
	u64 lost;
	bool ended;
	u8 across[VPROCNS_RING_RECORD_MAX] __aligned(8);

	struct mutex read_lock ____cacheline_aligned_in_smp;
	unsigned long tail;
	wait_queue_head_t wait;
	u32 wake;
	struct irq_work wake_work;
	struct pid_namespace *ns;
	struct mm_struct *mm;
	u32 size;
	u8 *data;
};

/**
 * struct vprocns_ring_stats - what became of the events for one reader
 * @told: see struct vprocns_events_stats
 * @lost: see struct vprocns_events_stats
 * @queued: see struct vprocns_events_stats
 */
struct vprocns_ring_stats {
	u64 told;
	u64 lost;
	u32 queued;
};

void vprocns_rings_init(struct vprocns_rings *rings);
void vprocns_rings_end(struct vprocns_rings *rings,
		       struct vprocns_event *event);

struct vprocns_ring *vprocns_ring_create(struct vprocns_rings *rings, u32 size,
					 u32 wake);
void vprocns_ring_destroy(struct vprocns_rings *rings,
			  struct vprocns_ring *ring);
void vprocns_ring_wrap(struct vprocns_ring *ring, u32 size);
void vprocns_ring_write(struct vprocns_ring *ring, const struct vprocns_event *event);
ssize_t vprocns_ring_read(struct vprocns_ring *ring, char __user *to,
			  size_t size, bool wait);
__poll_t vprocns_ring_poll(struct vprocns_ring *ring, struct file *file,
			   poll_table *table);
struct vprocns_ring_stats vprocns_ring_stats(struct vprocns_ring *ring);

/*
 * Reserves @size bytes for one record. Returns where it is to be made, each byte of it but
 * .lost; or NULL when it does not fit, and is counted. Context: @ring's lock is held, up to
 * vprocns_ring_commit(); else as vprocns_ring_write().
 */
static __always_inline void *vprocns_ring_reserve(struct vprocns_ring *ring, u32 size)
{
	const unsigned long head = ring->head;
	const u32 room = ring->size, offset = head & (room - 1);

	/* Pairs with the release in copy_records(): the bytes were read. */
	if (unlikely(room - (head - smp_load_acquire(&ring->tail)) < size)) {
		ring->lost++;
		ring->gap += ring->gap != U32_MAX;
		return NULL;
	}
	return likely(offset + size <= room) ? ring->data + offset : ring->across;
}

/*
 * Whether the record that ends at @head is the one that reaches the mark. No later
 * one has to wake: it is there when the reader comes.
 */
static __always_inline bool vprocns_ring_reaches_mark(const struct vprocns_ring *ring,
						      unsigned long head, u32 size)
{
	u32 after;

	/*
	 * Pairs with that of a reader before it sleeps, in wait_event() and in
	 * vprocns_ring_poll(): it sees our head, or we see its tail.
	 */
	smp_mb();
	/* Past U32_MAX / 2 when the reader has our record already. */
	after = head - READ_ONCE(ring->tail);
	return after >= ring->wake && after - size < ring->wake;
}

/* Tells the reader of the record in what was reserved. */
static __always_inline void vprocns_ring_commit(struct vprocns_ring *ring,
						struct vprocns_event *event, u32 size)
{
	const unsigned long head = ring->head + size;

	event->lost = ring->gap;
	ring->gap = 0;
	ring->told++;
	if (unlikely((u8 *)event == ring->across))
		vprocns_ring_wrap(ring, size);
	/* Pairs with the acquires in is_empty() and copy_records(). */
	smp_store_release(&ring->head, head);
	if (unlikely(vprocns_ring_reaches_mark(ring, head, size)))
		irq_work_queue(&ring->wake_work);
}

/* Whether anybody reads; a reader that comes at this moment may miss the event. */
static inline bool vprocns_rings_wanted(const struct vprocns_rings *rings)
{
	return !list_empty(&rings->list);
}

#endif
