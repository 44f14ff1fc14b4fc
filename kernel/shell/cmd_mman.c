/*
 * cmd_mman.c - system calls on the address space of a process, by hand.
 *
 * Owns: `spawn`, `mmap`, `munmap`, `mprotect`, `mremap`, `madvise`, `mbind`, `brk`, `touch`,
 *       `peek`.
 * Not here: what they do (mm/mman.h), looking at it (cmd_maps.c).
 * Idea: words that can be told to be wrong from the words alone are told so, by name, before
 *       anything is done; what the call itself refuses is told with its reason, and has changed
 *       nothing.
 */
#include <errno.h>
#include <string.h>

#include "kernel/core/kv.h"
#include "kernel/core/user.h"
#include "kernel/proc/task.h"
#include "kernel/shell/out.h"
#include "kernel/shell/shell.h"
#include "kernel/shell/target.h"
#include "kernel/x86/layout.h"
#include "mm/file.h"
#include "mm/mempolicy.h"
#include "mm/mm.h"
#include "mm/mman.h"

/* ---- a process to do it to ---- */

static struct wait_queue_head never = WAIT_QUEUE_INIT(never);

static int wait_for_kill(void *arg __maybe_unused)
{
	(void)wait_event_killable(&never, false);
	return 0;
}

static int cmd_spawn(int argc, char **argv)
{
	int pid;

	if (argc > 2)
		return shell_error("spawn", "\"%s\": accepted is one name", argv[2]);
	pid = process_run(argc > 1 ? argv[1] : "spawned", wait_for_kill, NULL);
	if (pid < 0)
		return shell_error("spawn", "no process: error %d", -pid);
	out("pid %d\n", pid);
	return SHELL_OK;
}
SHELL_CMD(spawn,
	  "spawn [NAME]: a process without memory of its own, until `kill`\n"
	  "  mmap, munmap, mprotect, mremap, madvise, mbind, brk, touch, peek act on it;\n"
	  "  maps, mm, pt, tree show it.",
	  cmd_spawn);

/* ---- words ---- */

struct call {
	const char *name;
	struct mm_struct *mm;
	struct kv kv;
	u64 addr, len;
};

/* PID and the words behind it; false: said why. */
static bool begin(struct call *c, int argc, char **argv)
{
	c->name = argv[0];
	c->mm = target_mm(argv[0], argv[1]);
	if (c->mm)
		kv_parse_words(&c->kv, argc - 2, argv + 2);
	return c->mm;
}

/* The end of a call; @err is told with what it means, -ENOMEM with @nomem. */
static int end(struct call *c, int err, const char *nomem)
{
	static const struct {
		int err;
		const char *what;
	} reasons[] = {
		{-EEXIST, "something is mapped there"},
		{-EPERM, "too low: nothing may be mapped there"},
		{-EFAULT, "not mapped, or not with this right"},
		{-EINTR, "interrupted"},
		{-EIO, "contents are lost"},
		{-EINVAL, "not possible"},
	};
	const char *what = err == -ENOMEM ? nomem : "failed";

	mmput(c->mm);
	if (!err)
		return SHELL_OK;
	for (unsigned i = 0; i < ARRAY_SIZE(reasons); i++) {
		if (reasons[i].err == err)
			what = reasons[i].what;
	}
	return shell_error(c->name, "%#lx: %s (error %d)", c->addr, what, -err);
}

static int bad_words(struct call *c)
{
	mmput(c->mm);
	return shell_error(c->name, "%s", c->kv.error);
}

/* addr= must be given, at a page; len= too, not 0, and both within user space. */
static void want_range(struct call *c)
{
	if (!kv_u64(&c->kv, "addr", 0, USER_MAX - 1, &c->addr))
		kv_fail(&c->kv, "addr= is missing: accepted is a user address");
	if (!kv_size(&c->kv, "len", 1, USER_MAX, &c->len))
		kv_fail(&c->kv, "len= is missing: accepted are bytes, as 12288 or 64K");
	if (c->addr & (PAGE_SIZE - 1))
		kv_fail(&c->kv, "addr=%#lx: accepted are multiples of %lu", c->addr, PAGE_SIZE);
	if (c->len > USER_MAX - c->addr)
		kv_fail(&c->kv, "addr=%#lx len=%#lx: ends beyond user space, %#lx", c->addr, c->len,
			USER_MAX);
}

/* prot=none, or letters of rwx. */
static unsigned long want_prot(struct call *c, unsigned long prot)
{
	const char *text = NULL;

	if (!kv_str(&c->kv, "prot", &text) || !text)
		return prot;
	prot = PROT_NONE;
	if (strcmp(text, "none") == 0)
		return prot;
	for (const char *p = text; *p; p++) {
		switch (*p) {
		case 'r': prot |= PROT_READ; break;
		case 'w': prot |= PROT_WRITE; break;
		case 'x': prot |= PROT_EXEC; break;
		default: kv_fail(&c->kv, "prot=%s: accepted is none, or of r, w, x", text);
		}
	}
	return prot;
}

/* ---- the calls ---- */

/* What is to be mapped instead of zeros. */
struct source {
	struct file *file; /* with a reference; NULL: none */
	u64 offset;
	bool shared;
};

static void want_source(struct call *c, struct source *from)
{
	const char *name = NULL;

	*from = (struct source){0};
	if (kv_str(&c->kv, "file", &name) && name) {
		from->file = file_open(name);
		if (!from->file)
			kv_fail(&c->kv, "file=%s: no such file (`files` lists them)", name);
	}
	kv_size(&c->kv, "offset", 0, FILE_SIZE_MAX, &from->offset);
	kv_bool(&c->kv, "shared", &from->shared);
	if ((from->offset || from->shared) && !name)
		kv_fail(&c->kv, "offset= and shared= need file=");
	if (from->offset & (PAGE_SIZE - 1))
		kv_fail(&c->kv, "offset=%#lx: accepted are multiples of %lu", from->offset,
			PAGE_SIZE);
}

static unsigned long map_source(struct call *c, const struct source *from, unsigned long prot,
				unsigned long flags)
{
	if (!from->file)
		return vm_mmap(c->mm, c->addr, c->len, prot, flags | MAP_PRIVATE | MAP_ANONYMOUS);
	return vm_mmap_file(c->mm, c->addr, c->len, prot,
			    flags | (from->shared ? MAP_SHARED : MAP_PRIVATE), from->file,
			    from->offset);
}

static int cmd_mmap(int argc, char **argv)
{
	static const char *const hows[] = {"hint", "fixed", "noreplace", NULL};
	static const unsigned long how_flags[] = {0, MAP_FIXED, MAP_FIXED_NOREPLACE};
	static struct call c;
	struct source from;
	bool noreserve = false;
	unsigned long prot, at;
	unsigned how = 0;

	c.addr = c.len = 0;
	if (!begin(&c, argc, argv))
		return SHELL_FAIL;
	kv_u64(&c.kv, "addr", 0, USER_MAX - 1, &c.addr);
	if (!kv_size(&c.kv, "len", 1, USER_MAX, &c.len))
		kv_fail(&c.kv, "len= is missing: accepted are bytes, as 12288 or 64K");
	prot = want_prot(&c, PROT_READ | PROT_WRITE);
	kv_choice(&c.kv, "how", hows, &how);
	kv_bool(&c.kv, "noreserve", &noreserve);
	if (how && (c.addr & (PAGE_SIZE - 1)))
		kv_fail(&c.kv, "addr=%#lx: accepted are multiples of %lu", c.addr, PAGE_SIZE);
	if (how && c.len > USER_MAX - c.addr)
		kv_fail(&c.kv, "addr=%#lx len=%#lx: ends beyond user space, %#lx", c.addr, c.len,
			USER_MAX);
	want_source(&c, &from);
	if (kv_done(&c.kv)) {
		if (from.file)
			fput(from.file);
		return bad_words(&c);
	}
	at = map_source(&c, &from, prot, how_flags[how] | (noreserve ? MAP_NORESERVE : 0));
	if (from.file)
		fput(from.file);
	if (!mm_is_err(at))
		out("%#lx\n", at);
	return end(&c, mm_is_err(at) ? (int)at : 0,
		   "no room, no memory, or beyond a limit (`help set`: rlimit, overcommit)");
}
SHELL_CMD(mmap,
	  "mmap PID len=BYTES [addr=A] [how=HOW] [prot=rwx] [file=NAME]: map memory; prints where\n"
	  "  how=hint: there if it is free; fixed: there, what is there goes; noreplace: there\n"
	  "  if it is free, or not at all. prot: none, or of r, w, x (rw). noreserve=on: not\n"
	  "  charged. file=: pages of a file (`help files`), from offset=BYTES on; shared=on:\n"
	  "  writes reach it.",
	  cmd_mmap);

static int cmd_munmap(int argc, char **argv)
{
	static struct call c;

	c.addr = c.len = 0;
	if (!begin(&c, argc, argv))
		return SHELL_FAIL;
	want_range(&c);
	if (kv_done(&c.kv))
		return bad_words(&c);
	return end(&c, vm_munmap(c.mm, c.addr, c.len), "no memory, or too many VMAs");
}
SHELL_CMD(munmap, "munmap PID addr=A len=BYTES: unmap whatever is there", cmd_munmap);

static int cmd_mprotect(int argc, char **argv)
{
	static struct call c;
	unsigned long prot;

	c.addr = c.len = 0;
	if (!begin(&c, argc, argv))
		return SHELL_FAIL;
	want_range(&c);
	prot = want_prot(&c, ~0ul);
	if (prot == ~0ul)
		kv_fail(&c.kv, "prot= is missing: accepted is none, or of r, w, x");
	if (kv_done(&c.kv))
		return bad_words(&c);
	return end(&c, vm_mprotect(c.mm, c.addr, c.len, prot),
		   "not all of it is mapped, or beyond a limit");
}
SHELL_CMD(mprotect, "mprotect PID addr=A len=BYTES prot=rwx: change rights", cmd_mprotect);

static int cmd_mremap(int argc, char **argv)
{
	static struct call c;
	u64 new_len = 0, to = 0;
	unsigned long flags = MREMAP_MAYMOVE, at;

	c.addr = c.len = 0;
	if (!begin(&c, argc, argv))
		return SHELL_FAIL;
	want_range(&c);
	if (!kv_size(&c.kv, "new_len", 1, USER_MAX, &new_len))
		new_len = c.len;
	if (kv_u64(&c.kv, "to", 0, USER_MAX - 1, &to))
		flags |= MREMAP_FIXED;
	if (to & (PAGE_SIZE - 1))
		kv_fail(&c.kv, "to=%#lx: accepted are multiples of %lu", to, PAGE_SIZE);
	if (kv_done(&c.kv))
		return bad_words(&c);
	at = vm_mremap(c.mm, c.addr, c.len, new_len, flags, to);
	if (!mm_is_err(at))
		out("%#lx\n", at);
	return end(&c, mm_is_err(at) ? (int)at : 0, "no room, no memory, or beyond a limit");
}
SHELL_CMD(mremap,
	  "mremap PID addr=A len=BYTES [new_len=BYTES] [to=B]: resize or move; prints where",
	  cmd_mremap);

static int cmd_madvise(int argc, char **argv)
{
	static const char *const names[] = {"dontneed",	 "dontfork",   "dofork",
					    "wipeonfork", "keeponfork", "pageout", NULL};
	static const int advices[] = {MADV_DONTNEED,   MADV_DONTFORK,	MADV_DOFORK,
				      MADV_WIPEONFORK, MADV_KEEPONFORK, MADV_PAGEOUT};
	static struct call c;
	unsigned which = 0;

	c.addr = c.len = 0;
	if (!begin(&c, argc, argv))
		return SHELL_FAIL;
	want_range(&c);
	if (!kv_choice(&c.kv, "advice", names, &which))
		kv_fail(&c.kv, "advice= is missing: accepted is dontneed, dontfork, ...");
	if (kv_done(&c.kv))
		return bad_words(&c);
	return end(&c, vm_madvise(c.mm, c.addr, c.len, advices[which]),
		   "not all of it is mapped");
}
SHELL_CMD(madvise,
	  "madvise PID addr=A len=BYTES advice=NAME: tell what comes\n"
	  "  dontneed dontfork dofork wipeonfork keeponfork pageout",
	  cmd_madvise);

static int cmd_mbind(int argc, char **argv)
{
	static struct call c;
	u64 nodes = 0;
	unsigned mode = 0;

	c.addr = c.len = 0;
	if (!begin(&c, argc, argv))
		return SHELL_FAIL;
	want_range(&c);
	if (!kv_choice(&c.kv, "mode", mpol_mode_name, &mode))
		kv_fail(&c.kv, "mode= is missing: accepted is default, prefer, bind, ...");
	kv_u64(&c.kv, "nodes", 0, NODES_ONLINE, &nodes);
	if (!mpol_is_valid(mode, nodes))
		kv_fail(&c.kv, "mode=%s nodes=%#lx: default and local have no nodes, others some",
			mpol_mode_name[mode], nodes);
	if (kv_done(&c.kv))
		return bad_words(&c);
	return end(&c, vm_mbind(c.mm, c.addr, c.len, mode, nodes), "no memory, or too many VMAs");
}
SHELL_CMD(mbind,
	  "mbind PID addr=A len=BYTES mode=NAME [nodes=MASK]: where memory is to come from\n"
	  "  default local prefer bind interleave; the machine has node 0, which is mask 1",
	  cmd_mbind);

static int cmd_brk(int argc, char **argv)
{
	static struct call c;
	unsigned long now;

	c.addr = c.len = 0;
	if (!begin(&c, argc, argv))
		return SHELL_FAIL;
	if (!kv_u64(&c.kv, "end", 0, USER_MAX - 1, &c.addr))
		kv_fail(&c.kv, "end= is missing: accepted is a user address");
	if (kv_done(&c.kv))
		return bad_words(&c);
	now = vm_brk(c.mm, c.addr);
	if (now == c.addr)
		out("%#lx\n", now);
	return end(&c, now == c.addr ? 0 : -ENOMEM,
		   "below the heap, in the way of another mapping, or beyond a limit");
}
SHELL_CMD(brk, "brk PID end=A: move the end of the heap; prints where it is", cmd_brk);

/* ---- contents ---- */

/* One word of each page, as the process. */
static int touch_range(struct call *c, u64 value)
{
	int err = 0;

	mm_use(c->mm);
	for (u64 end = c->addr + c->len; c->addr < end; c->addr += PAGE_SIZE) {
		err = put_user(value, c->addr);
		if (err)
			break;
	}
	mm_unuse(c->mm);
	return err;
}

static int cmd_touch(int argc, char **argv)
{
	static struct call c;
	u64 value = 1;

	c.addr = c.len = 0;
	if (!begin(&c, argc, argv))
		return SHELL_FAIL;
	want_range(&c);
	kv_u64(&c.kv, "value", 0, UINT64_MAX, &value);
	if (kv_done(&c.kv))
		return bad_words(&c);
	return end(&c, touch_range(&c, value), "no memory");
}
SHELL_CMD(touch, "touch PID addr=A len=BYTES [value=N]: write a word to each page", cmd_touch);

static int cmd_peek(int argc, char **argv)
{
	static struct call c;
	u64 value = 0;
	int err;

	c.addr = c.len = 0;
	if (!begin(&c, argc, argv))
		return SHELL_FAIL;
	if (!kv_u64(&c.kv, "addr", 0, USER_MAX - 8, &c.addr))
		kv_fail(&c.kv, "addr= is missing: accepted is a user address");
	if (kv_done(&c.kv))
		return bad_words(&c);
	mm_use(c.mm);
	err = get_user(&value, c.addr);
	mm_unuse(c.mm);
	if (!err)
		out("%#lx\n", (unsigned long)value);
	return end(&c, err, "no memory");
}
SHELL_CMD(peek, "peek PID addr=A: read a word", cmd_peek);
