// SPDX-License-Identifier: GPL-2.0
/*
 * Rings: the events of a group on their way to those that read its descriptors.
 * A ring never makes a writer wait: what does not fit is counted and dropped.
 */
#include <linux/mm.h>
#include <linux/pid_namespace.h>
#include <linux/rculist.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "ring.h"

/**
 * vprocns_rings_init - no readers
 * @rings: those of a new group
 */
void vprocns_rings_init(struct vprocns_rings *rings)
{
	mutex_init(&rings->lock);
	INIT_LIST_HEAD(&rings->list);
	init_waitqueue_head(&rings->end_wait);
}

static bool is_empty(const struct vprocns_ring *ring)
{
	/* Pairs with the release in vprocns_ring_write(). */
	return smp_load_acquire(&ring->head) == READ_ONCE(ring->tail);
}

/* After that, no record comes that was not there. */
static bool has_ended(const struct vprocns_ring *ring)
{
	/* Pairs with the release in vprocns_rings_end(). */
	return smp_load_acquire(&ring->ended);
}

static bool has_more(const struct vprocns_ring *ring)
{
	return !is_empty(ring) || has_ended(ring);
}

static void wake_readers(struct irq_work *work)
{
	struct vprocns_ring *const ring =
		container_of(work, struct vprocns_ring, wake_work);

	wake_up_interruptible_poll(&ring->wait, EPOLLIN | EPOLLRDNORM);
}

static unsigned long pages_of(u32 size)
{
	return DIV_ROUND_UP(size, PAGE_SIZE);
}

static void free_ring(struct vprocns_ring *ring)
{
	account_locked_vm(ring->mm, pages_of(ring->size), false);
	mmdrop(ring->mm);
	put_pid_ns(ring->ns);
	kvfree(ring->data);
	kfree(ring);
}

static struct vprocns_ring *alloc_ring(u32 size, u32 wake)
{
	struct vprocns_ring *ring;
	int err;

	err = account_locked_vm(current->mm, pages_of(size), true);
	if (err)
		return ERR_PTR(err);
	ring = kzalloc(sizeof(*ring), GFP_KERNEL_ACCOUNT);
	if (!ring)
		goto err_account;
	ring->data = kvmalloc(size, GFP_KERNEL_ACCOUNT);
	if (!ring->data)
		goto err_ring;
	mmgrab(current->mm);
	ring->mm = current->mm;
	ring->ns = get_pid_ns(task_active_pid_ns(current));
	ring->size = size;
	ring->wake = max(wake, 1U);
	raw_spin_lock_init(&ring->lock);
	mutex_init(&ring->read_lock);
	init_waitqueue_head(&ring->wait);
	init_irq_work(&ring->wake_work, wake_readers);
	return ring;

err_ring:
	kfree(ring);
err_account:
	account_locked_vm(current->mm, pages_of(size), false);
	return ERR_PTR(-ENOMEM);
}

/**
 * vprocns_ring_create - a reader comes
 * @rings: those of the group
 * @size: bytes for records; a power of two
 * @wake: how many bytes wake it, at most @size
 *
 * Context: process, with an mm; takes the lock of @rings; may sleep.
 * Return: the ring, or an ERR_PTR: see VPROCNS_EVENTS.
 */
struct vprocns_ring *vprocns_ring_create(struct vprocns_rings *rings, u32 size,
					 u32 wake)
{
	struct vprocns_ring *ring;
	bool full;

	ring = alloc_ring(size, wake);
	if (IS_ERR(ring))
		return ring;

	mutex_lock(&rings->lock);
	full = rings->nr == VPROCNS_EVENTS_READERS;
	if (!full) {
		ring->ended = rings->ended;
		list_add_tail_rcu(&ring->node, &rings->list);
		rings->nr++;
	}
	mutex_unlock(&rings->lock);
	if (full) {
		free_ring(ring);
		return ERR_PTR(-ENOSPC);
	}
	return ring;
}

/**
 * vprocns_ring_destroy - a reader goes
 * @rings: those of the group
 * @ring: its ring, which no reader is in
 *
 * Context: process; takes the lock of @rings; waits for a grace period, without
 * any lock of ours.
 */
void vprocns_ring_destroy(struct vprocns_rings *rings, struct vprocns_ring *ring)
{
	mutex_lock(&rings->lock);
	list_del_rcu(&ring->node);
	rings->nr--;
	mutex_unlock(&rings->lock);
	/* Writers, which are the only ones that queue the work. */
	synchronize_rcu();
	irq_work_sync(&ring->wake_work);
	free_ring(ring);
}

/**
 * vprocns_ring_wrap - moves a record to the end and the beginning of a ring
 * @ring: the ring, with the record in .across
 * @size: bytes of the record
 *
 * Context: as vprocns_ring_write(), with @ring's lock held.
 */
void vprocns_ring_wrap(struct vprocns_ring *ring, u32 size)
{
	const u32 offset = ring->head & (ring->size - 1);
	const u32 first = ring->size - offset;

	lockdep_assert_held(&ring->lock);
	memcpy(ring->data + offset, ring->across, first);
	memcpy(ring->data, ring->across + first, size - first);
}

/**
 * vprocns_ring_write - tells one reader of an event
 * @ring: its ring
 * @event: the record, of .size bytes, VPROCNS_RING_RECORD_MAX at most; .lost is its copy's
 *
 * Context: any but interrupts, preemption off or on; RCU read side or the lock of
 * the group's rings, either of which keeps @ring; takes @ring's lock.
 */
void vprocns_ring_write(struct vprocns_ring *ring, const struct vprocns_event *event)
{
	struct vprocns_event *copy;

	raw_spin_lock(&ring->lock);
	copy = vprocns_ring_reserve(ring, event->size);
	if (copy) {
		memcpy(copy, event, event->size);
		vprocns_ring_commit(ring, copy, event->size);
	}
	raw_spin_unlock(&ring->lock);
}

/**
 * vprocns_rings_end - tells every reader that there will be no more
 * @rings: those of the group
 * @event: the last record, complete
 *
 * Context: process; takes the lock of @rings.
 */
void vprocns_rings_end(struct vprocns_rings *rings, struct vprocns_event *event)
{
	struct vprocns_ring *ring;

	mutex_lock(&rings->lock);
	WRITE_ONCE(rings->ended, true);
	list_for_each_entry(ring, &rings->list, node) {
		vprocns_ring_write(ring, event);
		/* Pairs with the acquire in has_ended(). */
		smp_store_release(&ring->ended, true);
		wake_up_interruptible_all(&ring->wait);
	}
	mutex_unlock(&rings->lock);
	wake_up_interruptible_all(&rings->end_wait);
}

static u16 size_at(const struct vprocns_ring *ring, unsigned long at)
{
	/* Sizes are multiples of 8, so a record's first word is whole. */
	const struct vprocns_event *const event =
		(void *)(ring->data + (at & (ring->size - 1)));

	return event->size;
}

static bool copy_to_reader(const struct vprocns_ring *ring, char __user *to,
			   unsigned long at, size_t size)
{
	const u32 offset = at & (ring->size - 1);
	const size_t first = min_t(size_t, size, ring->size - offset);

	return !copy_to_user(to, ring->data + offset, first) &&
	       !copy_to_user(to + first, ring->data, size - first);
}

/* Whole records, as many as fit. Returns their bytes, 0 for none, or an errno. */
static ssize_t copy_records(struct vprocns_ring *ring, char __user *to,
			    size_t size)
{
	/* Pairs with the release in vprocns_ring_write(). */
	const unsigned long head = smp_load_acquire(&ring->head);
	unsigned long end = ring->tail;
	size_t copied;

	lockdep_assert_held(&ring->read_lock);
	if (likely(head - end <= size))
		end = head;
	while (end != head && end + size_at(ring, end) - ring->tail <= size)
		end += size_at(ring, end);
	copied = end - ring->tail;
	if (!copied)
		return end == head ? 0 : -EINVAL;
	if (!copy_to_reader(ring, to, ring->tail, copied))
		return -EFAULT;
	/* Pairs with the acquire in vprocns_ring_write(). */
	smp_store_release(&ring->tail, end);
	return copied;
}

/* As copy_records(), and -EAGAIN for a ring that is empty so far. */
static ssize_t try_read(struct vprocns_ring *ring, char __user *to, size_t size)
{
	ssize_t ret;
	bool ended;

	if (mutex_lock_interruptible(&ring->read_lock))
		return -ERESTARTSYS;
	/* Before the look into the ring: the last record comes first. */
	ended = has_ended(ring);
	ret = copy_records(ring, to, size);
	mutex_unlock(&ring->read_lock);
	return ret || ended ? ret : -EAGAIN;
}

/**
 * vprocns_ring_read - read(2)
 * @ring: the ring
 * @to: where to
 * @size: how much fits
 * @wait: for the first record, if there is none
 *
 * Context: process; takes @ring's read_lock.
 * Return: the bytes of whole records, 0 at the end, or a negative errno: see
 * VPROCNS_EVENTS.
 */
ssize_t vprocns_ring_read(struct vprocns_ring *ring, char __user *to,
			  size_t size, bool wait)
{
	ssize_t ret;

	for (;;) {
		ret = try_read(ring, to, size);
		if (ret != -EAGAIN || !wait)
			return ret;
		if (wait_event_interruptible(ring->wait, has_more(ring)))
			return -ERESTARTSYS;
	}
}

/**
 * vprocns_ring_poll - poll(2)
 * @ring: the ring
 * @file: its descriptor
 * @table: the poll's
 *
 * Context: process.
 * Return: EPOLLIN when there is a record.
 */
__poll_t vprocns_ring_poll(struct vprocns_ring *ring, struct file *file,
			   poll_table *table)
{
	poll_wait(file, &ring->wait, table);
	/* Pairs with that in vprocns_ring_reaches_mark(): we have read, and may sleep now. */
	smp_mb();
	return is_empty(ring) ? 0 : EPOLLIN | EPOLLRDNORM;
}

/**
 * vprocns_ring_stats - how a ring stands
 * @ring: the ring
 *
 * Context: process; takes @ring's lock.
 * Return: what became of the events.
 */
struct vprocns_ring_stats vprocns_ring_stats(struct vprocns_ring *ring)
{
	struct vprocns_ring_stats stats;

	raw_spin_lock(&ring->lock);
	stats = (struct vprocns_ring_stats) {
		.told	= ring->told,
		.lost	= ring->lost,
		.queued	= ring->head - READ_ONCE(ring->tail),
	};
	raw_spin_unlock(&ring->lock);
	return stats;
}
