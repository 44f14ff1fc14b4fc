/*
 * annotations.h - what clang's thread-safety analysis is told about locks.
 *
 * Owns: the attribute names. gcc knows none of them and sees nothing.
 * Use: a lock type is CAPABILITY("name"), a field GUARDED_BY(lock), a prototype REQUIRES(lock). The
 * bodies of lock operations are NO_LOCK_ANALYSIS: they do what the annotation on their prototype
 * says.
 */
#ifndef KERNEL_BASE_ANNOTATIONS_H
#define KERNEL_BASE_ANNOTATIONS_H

#if defined(__clang__)
#define LOCK_ATTRIBUTE(x) __attribute__((x))
#else
#define LOCK_ATTRIBUTE(x)
#endif

#define CAPABILITY(name)	LOCK_ATTRIBUTE(capability(name))
#define GUARDED_BY(l)		LOCK_ATTRIBUTE(guarded_by(l))
#define PT_GUARDED_BY(l)	LOCK_ATTRIBUTE(pt_guarded_by(l))
#define REQUIRES(...)		LOCK_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define REQUIRES_SHARED(...)	LOCK_ATTRIBUTE(requires_shared_capability(__VA_ARGS__))
#define EXCLUDES(...)		LOCK_ATTRIBUTE(locks_excluded(__VA_ARGS__))
#define ACQUIRES(...)		LOCK_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define ACQUIRES_SHARED(...)	LOCK_ATTRIBUTE(acquire_shared_capability(__VA_ARGS__))
#define RELEASES(...)		LOCK_ATTRIBUTE(release_capability(__VA_ARGS__))
#define RELEASES_SHARED(...)	LOCK_ATTRIBUTE(release_shared_capability(__VA_ARGS__))
#define TRY_ACQUIRES(...)	LOCK_ATTRIBUTE(try_acquire_capability(__VA_ARGS__))
#define TRY_ACQUIRES_SHARED(...) LOCK_ATTRIBUTE(try_acquire_shared_capability(__VA_ARGS__))
#define ASSERTS_HELD(...)	LOCK_ATTRIBUTE(assert_capability(__VA_ARGS__))
#define NO_LOCK_ANALYSIS	LOCK_ATTRIBUTE(no_thread_safety_analysis)

#endif
