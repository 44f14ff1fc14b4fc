/*
 * newlib.c - what the C library asks of the machine.
 *
 * Owns: standard output, the heap under malloc, its lock, the current thread's struct _reent.
 * Idea: the heap is for the harness, the shell and reports: mm/ and everything below never call
 *       malloc. It lies in the image's own data, outside every world.
 * Rule: malloc and floating-point conversions use the FPU and need a thread with TF_FPU.
 */
#include "kernel/core/newlib.h"

#include <errno.h>
#include <reent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "kernel/core/console.h"
#include "kernel/core/panic.h"
#include "kernel/core/preempt.h"
#include "kernel/core/thread_base.h"
#include "kernel/x86/cpu.h"

#define HEAP_BYTES (1UL << 20)

static u8 heap[HEAP_BYTES] __aligned(16);
static size_t heap_used;

static u32 malloc_owner; /* thread id + 1 of the holder; 0: free */
static u32 malloc_depth;

struct _reent *__getreent(void)
{
	struct thread_base *thread = current_base();

	return thread && thread->reent ? thread->reent : _impure_ptr;
}

static u32 malloc_me(void)
{
	struct thread_base *thread = current_base();

	return thread ? thread->id + 1 : 1;
}

/* A bare lock word: the heap is nobody's shared object as far as worlds and schedules go. */
void __malloc_lock(struct _reent *reent)
{
	u32 me = malloc_me();

	preempt_disable();
	if (__atomic_load_n(&malloc_owner, __ATOMIC_RELAXED) != me) {
		u32 nobody = 0;

		while (!__atomic_compare_exchange_n(&malloc_owner, &nobody, me, false,
						    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
			nobody = 0;
			cpu_pause();
		}
	}
	malloc_depth++;
}

void __malloc_unlock(struct _reent *reent)
{
	if (--malloc_depth == 0)
		__atomic_store_n(&malloc_owner, 0, __ATOMIC_RELEASE);
	preempt_enable();
}

void *_sbrk(ptrdiff_t increment)
{
	u8 *old = heap + heap_used;

	if (increment > 0 && (size_t)increment > HEAP_BYTES - heap_used) {
		errno = ENOMEM;
		return (void *)-1;
	}
	heap_used += increment;
	return old;
}

int _write(int fd, const void *buf, size_t len)
{
	if (fd != STDOUT_FILENO && fd != STDERR_FILENO) {
		errno = EBADF;
		return -1;
	}
	console_write(buf, len);
	return (int)len;
}

/* There are no files but the console, which is read by the shell alone. */
int _read(int fd, void *buf, size_t len)
{
	errno = EBADF;
	return -1;
}

int _close(int fd)
{
	errno = EBADF;
	return -1;
}

off_t _lseek(int fd, off_t offset, int whence)
{
	errno = ESPIPE;
	return -1;
}

int _fstat(int fd, struct stat *st)
{
	st->st_mode = S_IFCHR;
	return 0;
}

int _isatty(int fd)
{
	return fd == STDIN_FILENO || fd == STDOUT_FILENO || fd == STDERR_FILENO;
}

int _getpid(void)
{
	return 1;
}

int _kill(int pid, int signal)
{
	if (pid != _getpid()) {
		errno = ESRCH;
		return -1;
	}
	panic("the C library raised signal %d", signal);
}

void _exit(int status)
{
	panic("the C library ended with status %d", status);
}
