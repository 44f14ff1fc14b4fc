/*
 * newlib.h - prototypes of the functions that newlib calls and does not declare.
 */
#ifndef KERNEL_CORE_NEWLIB_H
#define KERNEL_CORE_NEWLIB_H

#include <reent.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

struct _reent *__getreent(void);
void __malloc_lock(struct _reent *reent);
void __malloc_unlock(struct _reent *reent);
void *_sbrk(ptrdiff_t increment);
int _write(int fd, const void *buf, size_t len);
int _read(int fd, void *buf, size_t len);
int _close(int fd);
off_t _lseek(int fd, off_t offset, int whence);
int _fstat(int fd, struct stat *st);
int _isatty(int fd);
int _getpid(void);
int _kill(int pid, int signal);
void _exit(int status) __attribute__((noreturn));

#endif
