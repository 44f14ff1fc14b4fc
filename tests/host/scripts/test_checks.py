"""The checks of `make check` judged by bad input: each rule must fire on it, and only on it."""

import os
import shutil
import subprocess
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
SCRIPTS = os.path.join(TOP, "scripts")
# What a check is told by the environment is for a test to say, not for who runs the tests.
ENV = {name: value for name, value in os.environ.items() if name != "TIDY_PART"}

GOOD_H = """\
/*
 * good.h - a header as it should be.
 */
#ifndef MM_GOOD_H
#define MM_GOOD_H

int good(int a);

#endif
"""
GOOD_C = """\
/*
 * good.c - a source as it should be.
 */
#include "mm/good.h"

int good(int a)
{
	return a;
}
"""


class CheckTest(unittest.TestCase):
    script = ""
    env = {}

    def setUp(self):
        self.top = tempfile.mkdtemp(prefix="mmlife-check-")
        self.addCleanup(shutil.rmtree, self.top)
        self.write("mm/good.h", GOOD_H)
        self.write("mm/good.c", GOOD_C)

    def write(self, path, text):
        path = os.path.join(self.top, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8", newline="") as out:
            out.write(text)

    def check(self, *words):
        return subprocess.run([os.path.join(SCRIPTS, self.script), *(words or [self.top])],
                              cwd=self.top, capture_output=True, text=True, check=False,
                              env=dict(ENV, **self.env))

    def clean(self):
        result = self.check()
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def fires(self, *texts):
        result = self.check()
        self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
        for text in texts:
            self.assertIn(text, result.stdout)
        self.assertEqual(result.stdout.count("\n"), len(texts) + 1, result.stdout)


class Layers(CheckTest):
    script = "check-layers"

    def setUp(self):
        super().setUp()
        self.write("scripts/layers.txt", "layer 1 mm/*\nlayer 0 mm/base*\nlayer 2 mm/high*\n"
                   "layer 1 mm/lab*\ndeny mm/lab* mm/good.h\n")

    def test_good_tree(self):
        self.clean()

    def test_upward_include(self):
        self.write("mm/high.h", "")
        self.write("mm/basement.c", '#include "mm/base.h"\n#include "mm/good.h"\n')
        self.write("mm/base.h", '#  include "mm/high.h"\n')
        self.fires('mm/basement.c:2: layer 0 includes "mm/good.h" of layer 1',
                   'mm/base.h:1: layer 0 includes "mm/high.h" of layer 2')

    def test_own_layer_and_below(self):
        self.write("mm/base.h", "")
        self.write("mm/high.c", '#include "mm/good.h"\n#include "mm/base.h"\n#include <string.h>\n')
        self.clean()

    def test_denied(self):
        self.write("mm/lab.c", '#include "mm/good.h"\n')
        self.fires('mm/lab.c:1: "mm/good.h" is denied')

    def test_relative_and_missing(self):
        self.write("mm/b.c", '#include "good.h"\n#include "mm/none.h"\n#include "../mm/good.h"\n')
        self.fires('mm/b.c:1: "good.h" is not a path', 'mm/b.c:2: "mm/none.h" is not a path',
                   'mm/b.c:3: "../mm/good.h" is not a path')

    def test_angle_brackets_for_ours(self):
        self.write("mm/b.c", "#include <mm/good.h>\n")
        self.fires("mm/b.c:1: <mm/good.h> is ours")

    def test_own_header_first(self):
        self.write("mm/good.c", '#include <string.h>\n#include "mm/good.h"\n')
        self.fires('mm/good.c:1: the first include must be the own header "mm/good.h"')

    def test_unmapped_file(self):
        self.write("kernel/new.S", "")
        self.fires("kernel/new.S:1: no layer")

    def test_shim_has_the_layer_of_what_it_stands_for(self):
        self.write("tests/host/include/mm/base_x.h", '#include "mm/high.h"\n')
        self.write("mm/high.h", "")
        self.fires('tests/host/include/mm/base_x.h:1: layer 0 includes "mm/high.h"')

    def test_shim_of_a_suite_may_build_on_what_it_shadows(self):
        self.write("tests/host/x/include/mm/good.h", '#include "../../../../../mm/good.h"\n')
        self.clean()
        self.write("tests/host/x/include/mm/good.h", '#include "../../../../../mm/other.h"\n')
        self.write("mm/other.h", "")
        self.fires('"../../../../../mm/other.h" is not a path')

    def test_bad_rule_file(self):
        self.write("scripts/layers.txt", "layer x mm/*\n")
        result = self.check()
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("layers.txt:1: not a rule", result.stderr)

    def test_empty_tree_is_no_success(self):
        shutil.rmtree(os.path.join(self.top, "mm"))
        self.assertEqual(self.check().returncode, 1)


class Style(CheckTest):
    script = "check-style"

    def source(self, body, path="mm/bad.c"):
        """Write a C file whose opening is right and whose rest is @body, from line 4 on."""
        self.write(path, f"/*\n * {os.path.basename(path)} - bad.\n */\n{body}")

    def test_good_tree(self):
        self.clean()

    def test_columns(self):
        self.source("// " + "x" * 97 + "\n// " + "x" * 98 + "\n//\t" + "x" * 93 + "\n")
        self.fires("mm/bad.c:5: columns: 101", "mm/bad.c:6: columns: 101")

    def test_file_length(self):
        self.source("int a;\n" * 596)
        self.clean()
        self.source("int a;\n" * 597)
        self.fires("mm/bad.c:1: length: 600 lines")

    def test_function_length(self):
        body = "int f(void)\n{\n%s}\n"
        self.source(body % ("\tg();\n" * 59))
        self.clean()
        self.source(body % ("\tg();\n" * 60))
        self.fires("mm/bad.c:5: function: function of 60 lines")

    def test_function_length_of_macro_definitions_and_split_signatures(self):
        self.source("KTEST(a, b, KT_UNIT)\n{\n" + "\tg();\n" * 60 + "}\n\n"
                    "int f(int a,\n      int b)\n{\n" + "\tg();\n" * 60 + "}\n")
        self.fires("mm/bad.c:5: function", "mm/bad.c:70: function")

    def test_tables_are_not_functions(self):
        self.source("int a[] = {\n" + "\t1,\n" * 80 + "};\n")
        self.clean()

    def test_nesting(self):
        self.source("void f(void)\n{\n\tif (a)\n\t\twhile (b)\n\t\t\tfor (;;)\n\t\t\t\tg();\n}\n")
        self.clean()
        self.source("void f(void)\n{\n\tif (a)\n\t\tfor_each_x(b)\n\t\t\tdo {\n"
                    "\t\t\t\tswitch (c) {}\n\t\t\t} while (d);\n}\n")
        self.fires("mm/bad.c:9: nesting: control statement 4 deep")

    def test_opening(self):
        self.write("mm/bad.c", "int a;\n")
        self.write("mm/other.S", "/*\n * wrong.S - x\n */\n")
        self.write("scripts/tool", "#!/bin/sh\nset -e\n")
        self.write("scripts/tool.py", "import os\n")
        self.write("scripts/x.mk", "a:\n")
        self.fires("mm/bad.c:1: opening", "mm/other.S:2: opening", "scripts/tool:1: opening",
                   "scripts/tool.py:1: opening", "scripts/x.mk:1: opening")

    def test_guard(self):
        self.write("mm/a.h", GOOD_H.replace("good.h", "a.h"))
        self.write("mm/b.h", "/*\n * b.h - x\n */\n#pragma once\n")
        self.write("mm/c.h", GOOD_H.replace("good", "c").replace("GOOD", "C") + "#define X\n")
        self.fires("mm/a.h:1: guard", "mm/b.h:1: guard", "guard: the guard's #endif")

    def test_words(self):
        for word in ("TODO", "FIXME", "XXX", "HACK", "stub", "for now"):
            with self.subTest(word):
                self.source(f"// {word}: later\n")
                self.fires(f"mm/bad.c:4: word: '{word}'")
        self.source("int XXXX, hacking, stubborn;\n")
        self.clean()

    def test_space(self):
        self.source("int a; \n        int b;\nint c;\r\n\n\n")
        self.fires("mm/bad.c:4: space: white", "mm/bad.c:5: space: indented",
                   "mm/bad.c:6: space: white", "mm/bad.c:8: space: empty",
                   "mm/bad.c:1: space: carriage")
        self.source("int a;")
        self.fires("mm/bad.c:4: space: no newline")

    def test_paths_and_attribution(self):
        self.source("// see /home/me/notes and /tmp/x\n// Author: me\n// a/tmp/b $(B)/work/c\n")
        self.fires("mm/bad.c:4: path", "mm/bad.c:5: attribution")

    def test_python_shape(self):
        self.write("scripts/a.py", '"""a"""\n\n\ndef f():\n' + "    g()\n" * 60)
        self.write("scripts/b.py", '"""b"""\n\n\ndef f():\n    for a in b:\n        if a:\n'
                   "            while a:\n                if b:\n                    c()\n")
        self.fires("scripts/a.py:4: function: f: 60 lines", "scripts/b.py:4: nesting: f nests 4")

    def test_elif_is_not_nesting(self):
        chain = "".join(f"    elif a == {i}:\n        c()\n" for i in range(6))
        self.write("scripts/b.py", '"""b"""\n\n\ndef f(a):\n    if a:\n        c()\n' + chain)
        self.clean()

    def test_exceptions(self):
        self.source("// TODO\n")
        self.write("scripts/style-exceptions.txt", "word mm/b*.c because\n")
        self.clean()
        self.write("scripts/style-exceptions.txt", "word mm/b*.c because\nspace mm/x.c because\n")
        self.fires("exceptions.txt:2: exception: space mm/x.c excuses nothing")
        self.write("scripts/style-exceptions.txt", "word mm/b*.c\n")
        self.assertIn("wants RULE PATTERN REASON", self.check().stderr)


class Headers(CheckTest):
    script = "check-headers"

    def compile(self):
        return self.check("--", "gcc", "-I.", "-Wall", "-Werror")

    def test_good(self):
        result = self.compile()
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertIn("1 compiled alone, 0 failed", result.stdout)

    def test_not_self_contained(self):
        self.write("mm/bad.h", "u32 f(void);\n")
        result = self.compile()
        self.assertEqual(result.returncode, 1)
        self.assertIn("mm/bad.h:1: does not compile alone", result.stdout)

    def test_not_guarded(self):
        self.write("mm/bad.h", "struct a { int b; };\n")
        result = self.compile()
        self.assertEqual(result.returncode, 1)
        self.assertIn("redefinition", result.stdout)

    def test_folders(self):
        self.write("tests/host/bad.h", "u32 f(void);\n")
        words = ("--not-under", "tests/host", "--", "gcc", "-I.")
        self.assertEqual(self.check(*words).returncode, 0)
        self.assertEqual(self.check("--under", "tests", "--", "gcc", "-I.").returncode, 1)
        self.assertEqual(self.check("--under", "none", "--", "gcc", "-I.").returncode, 1)

    def test_shims_of_a_suite(self):
        self.write("tests/host/x/include/mm/good.h", "struct shim { int a; };\n")
        self.write("tests/host/x/x.h", '#include "mm/good.h"\nstatic struct shim *shim;\n')
        result = self.check("--under", "tests/host", "--", "gcc", "-I.")
        self.assertIn("include/mm/good.h:1: does not compile alone", result.stdout)
        self.write("tests/host/x/include/mm/good.h",
                   "#ifndef A\n#define A\nstruct shim { int a; };\n#endif\n")
        result = self.check("--under", "tests/host", "--", "gcc", "-I.")
        self.assertEqual(result.returncode, 0, result.stdout)

    def test_usage(self):
        self.assertEqual(self.check("gcc").returncode, 2)


@unittest.skipUnless(shutil.which("clang-tidy"), "no clang-tidy here")
class Tidy(CheckTest):
    script = "check-tidy"

    def tidy(self):
        return self.check("cache", "mm/good.c", "--", "-I.")

    def test_remembers_only_clean_files(self):
        self.assertEqual(self.tidy().returncode, 0)
        self.assertEqual(len(os.listdir(os.path.join(self.top, "cache"))), 1)
        self.write("mm/good.c", GOOD_C.replace("return a;", "int *p = 0;\n\treturn *p + a;"))
        for _ in range(2):
            result = self.tidy()
            self.assertEqual(result.returncode, 1)
            self.assertIn("NullDereference", result.stdout)
        self.write("mm/good.c", GOOD_C)
        self.assertEqual(self.tidy().returncode, 0)

    def test_header_change_is_seen(self):
        self.assertEqual(self.tidy().returncode, 0)
        self.write("mm/good.h", GOOD_H.replace("int good(int a);", "int good(int a)"))
        self.assertEqual(self.tidy().returncode, 1)


    def test_a_part(self):
        """Each file is in one part of three, and what is left out is not looked at."""
        self.write("mm/bad.c", '#include "mm/good.h"\n\nint good(int a)\n{\n\tint *p = 0;\n'
                   "\treturn *p + a;\n}\n")
        found = []
        for part in range(3):
            self.env = {"TIDY_PART": f"{part}/3"}
            found.append(self.check("cache", "mm/good.c", "mm/bad.c", "--", "-I.").returncode)
        self.assertEqual(found, [1, 0, 0])
        self.env = {"TIDY_PART": "a third"}
        self.assertEqual(self.tidy().returncode, 2)


class Deps(unittest.TestCase):
    """scripts/deps on machines that lack things: PATH decides what it can see."""

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="mmlife-deps-")
        self.addCleanup(shutil.rmtree, self.dir)

    def tool(self, name, text=""):
        path = os.path.join(self.dir, name)
        with open(path, "w", encoding="utf-8") as out:
            out.write("#!/bin/sh\n" + text)
        os.chmod(path, 0o755)

    def deps(self, *words):
        return subprocess.run(["/bin/sh", os.path.join(SCRIPTS, "deps"), *words],
                              env={"PATH": self.dir}, capture_output=True, text=True, check=False)

    def test_list_by_group(self):
        self.assertEqual(self.deps("--list", "run").stdout, "python3\nqemu-system-x86\n")
        self.tool("python3")
        self.assertEqual(self.deps("--list", "run").stdout, "qemu-system-x86\n")

    def test_nothing_missing(self):
        for name in ("python3", "qemu-system-x86_64"):
            self.tool(name)
        result = self.deps("run")
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "", ""))

    def test_no_right_to_install(self):
        self.tool("apt-get")
        self.tool("id", "echo 1000\n")
        for sudo in (None, "exit 1\n"):
            if sudo:
                self.tool("sudo", sudo)
            result = self.deps("run")
            self.assertEqual(result.returncode, 2)
            self.assertIn("sudo apt-get update && sudo apt-get install -y"
                          " --no-install-recommends python3 qemu-system-x86", result.stderr)

    def test_no_apt(self):
        result = self.deps("run")
        self.assertEqual(result.returncode, 2)
        self.assertIn("no apt-get; install by hand: python3 qemu-system-x86", result.stderr)

    def test_installs_as_root_after_an_update(self):
        log = os.path.join(self.dir, "log")
        self.tool("id", "echo 0\n")
        self.tool("env", 'shift; shift; exec apt-get "$@"\n')
        # The first install fails as on a machine with old lists; after an update it works.
        self.tool("apt-get", f"""echo "$@" >>{log}
case "$*" in
*update*) : >{self.dir}/updated ;;
*install*) [ -e {self.dir}/updated ] || exit 100
    for t in python3 qemu-system-x86_64; do echo '#!/bin/sh' >{self.dir}/$t
    /bin/chmod +x {self.dir}/$t; done ;;
esac
""")
        result = self.deps("run")
        self.assertEqual(result.returncode, 0, result.stderr)
        with open(log, encoding="utf-8") as src:
            words = src.read()
        self.assertIn("update", words)
        self.assertTrue(words.strip().endswith("python3 qemu-system-x86"), words)

    def test_install_that_does_not_help(self):
        self.tool("id", "echo 0\n")
        self.tool("env", "exit 0\n")
        self.tool("apt-get")
        result = self.deps("run")
        self.assertEqual(result.returncode, 2)
        self.assertIn("could not install: python3 qemu-system-x86", result.stderr)

    def test_unknown_group(self):
        result = self.deps("everything")
        self.assertEqual(result.returncode, 2)
        self.assertIn("'everything'; accepted: --list, build, run, host, check", result.stderr)
