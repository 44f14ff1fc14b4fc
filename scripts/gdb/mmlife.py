"""mmlife.py - gdb commands that know mmlife's data: mm-ps, mm-tree, mm-ledger.

Owns: reading lists, trees and counters out of a stopped guest. Nothing is called in the guest and
    nothing is changed, so it may be stopped anywhere.
Use: scripts/mmlife run --gdb in one terminal, in another
    gdb -x scripts/gdb/mmlife.py build/mmlife.elf -ex 'target remote :1234'
Idea: types and symbols come from the kernel's debug data; only how a word of a leaf is packed and
    how a pointer to a node is tagged (mm/maple_internal.h) is known here.
"""

import gdb

LEN_BITS = 28
PAGE_SHIFT = 12
KINDS = ("inner", "pages", "units", "wide")


def symbol(name):
    """The value of a global or file-local variable."""
    found = gdb.lookup_global_symbol(name) or gdb.lookup_static_symbol(name)
    if found is None:
        raise gdb.GdbError(f"no symbol {name}: is this mmlife.elf with its debug data?")
    return found.value()


def list_objects(head, type_name, field):
    """The objects of a struct list_head, by way of their member @field."""
    kind = gdb.lookup_type(type_name)
    offset = next(f.bitpos // 8 for f in kind.fields() if f.name == field)
    first, node = int(head.address), int(head["next"])
    while node not in (first, 0):
        yield gdb.Value(node - offset).cast(kind.pointer()).dereference()
        node = int(gdb.Value(node).cast(gdb.lookup_type("struct list_head").pointer())["next"])


def enum_names(prefix, type_name):
    """value -> name without its prefix."""
    return {f.enumval: f.name[len(prefix):] for f in gdb.lookup_type(type_name).fields()
            if f.name.startswith(prefix)}


def text(value):
    return value.string() if int(value) else "-"


# ---- mm-ps -------------------------------------------------------------------------------------


def flag_names(flags):
    return "+".join(name for bit, name in sorted(enum_names("MMF_", "enum mm_flag").items())
                    if flags >> bit & 1) or "-"


def rules_of(mm):
    """Names of the rule sets that @mm lives under."""
    if not int(mm["sem"]):
        return "-"
    chosen = mm["sem"].dereference()["chosen"]
    low, high = chosen.type.range()
    names = [text(chosen[i]["name"]) for i in range(low, high + 1) if int(chosen[i])]
    return "+".join(names) or "-"


def all_mms():
    return list_objects(symbol("mm_list"), "struct mm_struct", "mm_node")


class MmPs(gdb.Command):
    """mm-ps: threads, and address spaces with their references, VMAs, pages, rules and moment."""

    def __init__(self):
        super().__init__("mm-ps", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        if argument.strip():
            raise gdb.GdbError("mm-ps: no words are accepted")
        self._threads()
        self._mms()

    @staticmethod
    def _threads():
        print(f"{'thread':24} {'id':>5} {'vcpu':>4} {'pid':>5}  mm")
        for thread in list_objects(symbol("all_threads"), "struct thread", "all_node"):
            task, mm = thread["task"], thread["mm"]
            pid = int(task["pid"]) if int(task) else "-"
            print(f"{thread['base']['name'].string():24} {int(thread['base']['id']):5}"
                  f" {int(thread['vcpu']):4} {pid:>5}  {int(mm['id']) if int(mm) else '-'}")

    @staticmethod
    def _mms():
        marks = enum_names("MARK_", "enum mm_mark")
        print(f"{'mm':>5} {'users':>5} {'count':>5} {'VMAs':>6} {'anon':>7} {'file':>7} {'swap':>7}"
              "  moment, flags, rules")
        for mm in all_mms():
            rss = [int(mm["rss_stat"][i]["counter"]) for i in range(3)]
            print(f"{int(mm['id']):5} {int(mm['mm_users']['counter']):5}"
                  f" {int(mm['mm_count']['counter']):5} {int(mm['map_count']):6}"
                  f" {rss[0]:7} {rss[1]:7} {rss[2]:7}  {marks[int(mm['mark'])].lower()},"
                  f" {flag_names(int(mm['flags']))}, {rules_of(mm)}")


# ---- mm-tree -----------------------------------------------------------------------------------


def leaf_ranges(leaf, kind):
    """(first, last, entry) of each entry of a leaf of @kind."""
    for i in range(int(leaf["h"]["n"])):
        if KINDS[kind] == "wide":
            yield int(leaf["start"][i]), int(leaf["last"][i]), int(leaf["wide_slot"][i])
            continue
        word, shift = int(leaf["word"][i]), PAGE_SHIFT if KINDS[kind] == "pages" else 0
        start = word >> LEN_BITS
        stop = start + (word & ((1 << LEN_BITS) - 1))
        yield start << shift, ((stop + 1) << shift) - 1, int(leaf["slot"][i])


def walk(pointer, depth, entry, visit):
    """Call @visit for each node, @entry for each range below the tagged @pointer."""
    kind = pointer >> 2 & 3
    node = gdb.Value(pointer & ~63).cast(gdb.lookup_type("struct maple_node").pointer())
    visit(depth, KINDS[kind], node)
    if kind:
        for first, last, what in leaf_ranges(node["leaf"], kind):
            entry(depth + 1, first, last, what)
        return
    for i in range(int(node["inner"]["h"]["n"])):
        walk(int(node["inner"]["slot"][i]), depth + 1, entry, visit)


class MmTree(gdb.Command):
    """mm-tree ID: nodes and VMAs of the address space ID, as mm-ps numbers them."""

    def __init__(self):
        super().__init__("mm-tree", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        words = argument.split()
        if len(words) != 1 or not words[0].isdigit():
            raise gdb.GdbError("mm-tree: accepted is one number, an address space of mm-ps")
        found = [mm for mm in all_mms() if int(mm["id"]) == int(words[0])]
        if not found:
            raise gdb.GdbError(f"mm-tree: no address space {words[0]}: mm-ps lists them")
        root = int(found[0]["mm_mt"]["ma_root"])
        if root & 3 != 2:
            print("an empty tree" if not root else f"no node: the root is {root:#x}")
            return
        walk(root, 0, lambda *what: self._entry(found[0], *what), self._node)

    @staticmethod
    def _node(depth, kind, node):
        header = node["leaf"]["h"]
        dead = ", DEAD" if kind != "inner" and int(header["dead"]) else ""
        print(f"{'  ' * depth}{kind} {int(node):#x} n {int(header['n'])}{dead}")

    @staticmethod
    def _entry(mm, depth, first, last, what):
        line = f"{'  ' * depth}{first:#x}-{last:#x}"
        if what & 3 == 2:
            print(f"{line} marker {what:#x}")
            return
        vma = gdb.Value(what).cast(gdb.lookup_type("struct vm_area_struct").pointer())
        owner = "" if int(vma["vm_mm"]) == int(mm.address) else f" OF MM {int(vma['vm_mm']['id'])}"
        print(f"{line} vma {what:#x} flags {int(vma['vm_flags']):#x}{owner}")


# ---- mm-ledger ---------------------------------------------------------------------------------


def per_cpu(name):
    """Each vCPU's copy of a per-CPU variable, whose address is its offset in the vCPU's area."""
    variable = symbol(name)
    for cpu in range(int(symbol("nr_vcpus"))):
        base = int(symbol("vcpu_table")[cpu])
        address = gdb.Value(base + int(variable.address))
        yield address.cast(variable.type.pointer()).dereference()


class MmLedger(gdb.Command):
    """mm-ledger: living frames by kind and living objects by cache, summed over vCPUs."""

    def __init__(self):
        super().__init__("mm-ledger", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        if argument.strip():
            raise gdb.GdbError("mm-ledger: no words are accepted")
        kinds = enum_names("FK_", "enum frame_kind")
        lists = list(per_cpu("frame_list"))
        for kind, name in sorted(kinds.items()):
            if name not in ("FREE", "BUDDY", "NR"):
                self._line("frames_" + name.lower(), sum(int(fl["live"][kind]) for fl in lists))
        magazines = list(per_cpu("slab_magazines"))
        caches = symbol("slab_cache")
        low, high = caches.type.range()
        for i in range(low, high + 1):
            if int(caches[i]):
                self._line(text(caches[i]["name"]), sum(int(m["mag"][i]["live"])
                                                        for m in magazines))

    @staticmethod
    def _line(name, live):
        if live:
            print(f"{live:10}  {name}")


MmPs()
MmTree()
MmLedger()
